//! The bytes of a slug with many chunks, guarded, whoever and whatever writes them.

use crate::model::content;
use crate::support::{App, again, check_same, cold, options, put, unpacked, warm};
use sha2::{Digest as _, Sha256};
use slugbuilder::archive::{ArchiveOptions, Compression, Summary};
use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

const COMPRESSIONS: [Compression; 3] = [Compression::Fast, Compression::Default, Compression::Best];

/// A tree of many chunks, with files in pieces, in which every byte and every mode is given.
fn fill(root: &Path) {
    put(root, "layers/runtime/bin/node", content(1, 1, 900_000));
    put(root, "layers/runtime/lib/noise", content(2, 2, 524_288));
    put(root, "node_modules/zeros", content(0, 0, 400_001));
    for number in 0..100_u16 {
        let size = 500 + usize::from(number) * 397 % 20_000;
        put(
            root,
            format!("node_modules/m{number}/index.js"),
            content(number % 30, 1, size),
        );
        put(root, format!("lib/f{number}.js"), content(number, 1, size));
    }
    put(root, "web.js", "require('http')");
}

fn with(compression: Compression, threads: usize) -> ArchiveOptions {
    ArchiveOptions {
        compression,
        threads: NonZeroUsize::new(threads),
        ..options()
    }
}

/// Size and SHA-256 of each slug, and below it of its tar. If this changes, `FORMAT_VERSION` has to: everyone's slugs do.
/// What is to be here then is printed by the test that fails.
#[test]
fn the_bytes_of_each_compression() {
    let app = App::new();
    fill(&app.root());
    let mut found = String::new();
    for compression in COMPRESSIONS {
        let slug = cold(&app.root(), &with(compression, 1));
        let Summary {
            size,
            sha256,
            diff_id,
            uncompressed,
            ..
        } = slug.summary;
        assert_eq!(sha256[..], Sha256::digest(&slug.bytes)[..]);
        assert_eq!(diff_id[..], Sha256::digest(unpacked(&slug.bytes))[..]);
        writeln!(
            found,
            "{compression:?}\n  {size} {}\n  {uncompressed} {}",
            hex::encode(sha256),
            hex::encode(diff_id)
        )
        .unwrap();
    }
    insta::assert_snapshot!(found, @r"
    Fast
      1819634 66d1caef8c2b22d6f9d39c6d009a0c185415040c3f9d1b4fbdc2946eaaadd6a5
      4106240 9257ea1356e7ea59b266fe00d18a7eb5ac0ab45dde630e75ed094b41b50a30a4
    Default
      1410888 f618a9e8539abca05a2ffd12ffd66e17f2b303db24a5e3907ecb1666db84d2c6
      4106240 9257ea1356e7ea59b266fe00d18a7eb5ac0ab45dde630e75ed094b41b50a30a4
    Best
      1359850 887d9fd76b3e57ca5b9c99b533c51db13ab33663a7f77c2caac5bed0efbd83b7
      4106240 9257ea1356e7ea59b266fe00d18a7eb5ac0ab45dde630e75ed094b41b50a30a4
    ");
}

#[test]
fn any_number_of_threads() {
    let app = App::new();
    fill(&app.root());
    for compression in COMPRESSIONS {
        let expected = cold(&app.root(), &with(compression, 1));
        for threads in [1, 2, 8] {
            let cache = app.path(&format!("cache-of-{threads}"));
            // Cold, by as many threads, and warm.
            for _ in 0..2 {
                let options = with(compression, threads);
                let slug = warm(&app.root(), &cache, &app.path("slug.tgz"), &options);
                check_same(&slug, &expected);
            }
        }
    }
}

#[test]
fn memory_as_well_as_disk() {
    let app = App::new();
    fill(&app.root());
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let root = memory.path().join("root");
    fs::create_dir(&root).unwrap();
    fill(&root);
    let expected = cold(&app.root(), &options());
    check_same(&cold(&root, &options()), &expected);
    // From the one to the other, which the kernel may not copy between.
    for cache in [memory.path().join("cache"), app.cache()] {
        for _ in 0..2 {
            for slug in [memory.path().join("slug.tgz"), app.path("slug.tgz")] {
                check_same(&warm(&root, &cache, &slug, &options()), &expected);
                check_same(&warm(&app.root(), &cache, &slug, &options()), &expected);
            }
        }
    }
}

#[test]
#[ignore = "needs user namespaces with overlayfs"]
fn an_overlay() {
    const ROLE: &str = "SLUGBUILDER_TEST_OVERLAY";
    if let Some(folder) = std::env::var_os(ROLE) {
        return in_an_overlay(Path::new(&folder));
    }
    let app = App::new();
    fill(&app.root());
    for folder in ["lower", "disk", "merged", "cache"] {
        fs::create_dir(app.path(folder)).unwrap();
    }
    fill(&app.path("lower"));
    fs::write(app.path("lower/web.js"), "from below").unwrap();
    let test = again("same_bytes::an_overlay");
    // Each mount gets a new device number: the second look has another one.
    let script = r#"
        cd "$0" && mount -t tmpfs disk disk && mkdir disk/upper disk/work || exit
        for round in cold warm; do
            mount -t overlay -o lowerdir=lower,upperdir=disk/upper,workdir=disk/work,userxattr overlay merged || exit
            "$@" || exit
            umount merged || exit
        done
    "#;
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", script])
        .arg(app.path(""))
        .arg(test.get_program())
        .args(test.get_args())
        .env(ROLE, app.path(""))
        .status()
        .unwrap();
    assert!(status.success());
    assert!(app.path("warm").exists());
}

/// In a folder of which `merged` is an overlay over `lower`, to be made what `root` is.
fn in_an_overlay(folder: &Path) {
    let merged = folder.join("merged");
    let is_first = !folder.join("cold").exists();
    fs::write(folder.join(if is_first { "cold" } else { "warm" }), "").unwrap();
    if is_first {
        put(&merged, "web.js", "require('http')");
        crate::support::rest();
    }
    let expected = cold(&folder.join("root"), &options());
    check_same(&cold(&merged, &options()), &expected);
    let slug = warm(
        &merged,
        &folder.join("cache"),
        &folder.join("slug.tgz"),
        &options(),
    );
    check_same(&slug, &expected);
    assert_eq!(
        slug.made() <= 20,
        !is_first,
        "{} bytes are new",
        slug.made()
    );
}
