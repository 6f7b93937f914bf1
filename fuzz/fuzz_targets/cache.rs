//! A damaged cache costs nothing but time.

#![no_main]

#[path = "../../slugbuilder/tests/archive/model.rs"]
#[allow(dead_code, reason = "shared with tests that use all of it")]
mod model;
#[path = "../shared.rs"]
#[allow(dead_code, reason = "shared with other targets")]
mod shared;

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use model::{Model, Node, Parts, content};
use slugbuilder::archive::{ArchiveOptions, Compression, write, write_file};
use slugbuilder_report::Silent;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Bytes of the digest at the end of an index, and of the file of names.
const DIGEST: usize = 32;

/// A tree of a few chunks, and what its archive leaves in the cache.
struct App {
    folder: tempfile::TempDir,
    slug: Vec<u8>,
    pack: PathBuf,
}

fn options() -> ArchiveOptions {
    ArchiveOptions {
        compression: Compression::Fast,
        ..ArchiveOptions::default()
    }
}

fn app() -> &'static App {
    static APP: OnceLock<App> = OnceLock::new();
    APP.get_or_init(|| {
        let folder = shared::folder();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let mut model = Model::default();
        for (path, size) in [
            ("layers/runtime/node", 300_000),
            ("node_modules/a.js", 200_000),
            ("web.js", 1000),
        ] {
            let content = content(1, 1, size);
            model.put(
                Path::new(path),
                Node::File {
                    mode: 0o644,
                    content,
                },
            );
        }
        model.write(&Model::default(), &root);
        let mut slug = Vec::new();
        write(&root, &Parts, &options(), &mut slug, &Silent).unwrap();
        // So that the cache knows the files by their state.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let options = ArchiveOptions {
            cache: Some(folder.path().join("whole")),
            ..options()
        };
        write_file(
            &root,
            &Parts,
            &options,
            &folder.path().join("slug.tgz"),
            &Silent,
        )
        .unwrap();
        let pack = fs::read_dir(folder.path().join("whole/fast"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("pack-"))
            })
            .unwrap();
        App { folder, slug, pack }
    })
}

/// Writes over, cuts and extends.
fn damage(bytes: &mut Vec<u8>, u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    for _ in 0..u.int_in_range(1..=4)? {
        let at = u.int_in_range(0..=bytes.len())?;
        match u.int_in_range(0..=7)? {
            0 => bytes.truncate(at),
            1 => bytes.extend(u.arbitrary::<[u8; 16]>()?),
            2 | 3 => {
                // The numbers at which arithmetic goes wrong.
                let number =
                    *u.choose(&[0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 32, 1 << 40])?;
                overwrite(bytes, at, &number.to_le_bytes());
            }
            4 => overwrite(bytes, at, &u.arbitrary::<u64>()?.to_le_bytes()),
            _ => overwrite(bytes, at, &[u.arbitrary()?]),
        }
    }
    Ok(())
}

fn damage_under_its_digest(bytes: &mut Vec<u8>, u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    bytes.truncate(bytes.len() - DIGEST);
    damage(bytes, u)?;
    let digest = blake3::hash(bytes);
    bytes.extend_from_slice(digest.as_bytes());
    Ok(())
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *new;
    }
}

fn run(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let app = app();
    let mut index = fs::read(app.pack.with_file_name("index")).unwrap();
    let mut pack = fs::read(&app.pack).unwrap();
    let mut names = fs::read(app.pack.with_file_name("names")).unwrap();
    let kind = u.int_in_range(0..=5)?;
    match kind {
        0 => damage(&mut index, u)?,
        1 => damage(&mut pack, u)?,
        2 => index = u.bytes(u.len())?.to_vec(),
        3 => damage(&mut names, u)?,
        // Files that someone made who knows the format.
        4 => damage_under_its_digest(&mut index, u)?,
        _ => damage_under_its_digest(&mut names, u)?,
    }
    let folder = shared::folder();
    let cache = folder.path().join("fast");
    fs::create_dir(&cache).unwrap();
    fs::write(cache.join("index"), index).unwrap();
    fs::write(cache.join("names"), names).unwrap();
    fs::write(cache.join(app.pack.file_name().unwrap()), pack).unwrap();
    let options = ArchiveOptions {
        cache: Some(folder.path().to_owned()),
        ..options()
    };
    let (root, slug) = (
        app.folder.path().join("root"),
        folder.path().join("slug.tgz"),
    );
    let written = write_file(&root, &Parts, &options, &slug, &Silent);
    if kind < 4 {
        written.unwrap();
        assert!(fs::read(&slug).unwrap() == app.slug, "another slug");
    } else {
        // Who knows the format can lie about what the slug holds, which must break nothing all the same.
        written.unwrap();
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes for a decision end it early.
    let _ = run(&mut Unstructured::new(data));
});
