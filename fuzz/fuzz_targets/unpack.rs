//! Hostile slugs: nothing is written outside of the folder that they are unpacked to.

#![no_main]

use arbitrary::Unstructured;
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use slugbuilder::slug::unpack;
use slugbuilder::stop::Stop;
use slugbuilder_fetch::Limits;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// What hostile names are made of.
const NAMES: [&[u8]; 16] = [
    b"./app/",
    b"app/",
    b"/",
    b"..",
    b"../",
    b"a",
    b"a/b",
    b"link",
    b"link/",
    b"canary",
    b"./",
    b"//",
    b"\0",
    b"\xff",
    b"/app/",
    b"etc/passwd",
];

fn name(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let mut name = if u.ratio(3, 4)? {
        b"./app/".to_vec()
    } else {
        Vec::new()
    };
    for _ in 0..u.int_in_range(0..=4)? {
        name.extend_from_slice(u.choose(&NAMES)?);
    }
    Ok(name)
}

/// A tar of headers that are right in form, and what they say is not.
fn archive(u: &mut Unstructured<'_>, target: &Path) -> arbitrary::Result<Vec<u8>> {
    const KINDS: &[u8] = b"00000222111555LKxgS347\0\x20";
    let mut tar = Vec::new();
    for _ in 0..u.int_in_range(1..=12)? {
        let mut header = tar::Header::new_gnu();
        let kind = *u.choose(KINDS)?;
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(u.int_in_range(0..=0o7777)?);
        header.set_mtime(if u.ratio(1, 8)? { u.arbitrary()? } else { 1 });
        let put = |field: &mut [u8], text: &[u8]| {
            let length = field.len().min(text.len());
            field[..length].copy_from_slice(&text[..length]);
        };
        put(&mut header.as_old_mut().name, &name(u)?);
        let link = if u.ratio(1, 4)? {
            target.as_os_str().as_bytes().to_vec()
        } else {
            name(u)?
        };
        put(&mut header.as_old_mut().linkname, &link);
        let content = match kind {
            b'L' | b'K' => [name(u)?, b"\0".to_vec()].concat(),
            b'x' | b'g' => {
                let record = [b" path=".to_vec(), name(u)?, b"\n".to_vec()].concat();
                let length = record.len() + 2;
                [length.to_string().into_bytes(), record].concat()
            }
            _ => vec![b'x'; u.int_in_range(0..=600)?],
        };
        // Now and then one that is not what follows.
        header.set_size(if u.ratio(1, 10)? {
            u.arbitrary()?
        } else {
            content.len() as u64
        });
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(&content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    if u.ratio(3, 4)? {
        tar.resize(tar.len() + 1024, 0);
    }
    if u.ratio(1, 4)? {
        let at = u.int_in_range(0..=tar.len() - 1)?;
        tar[at] ^= u.int_in_range(1..=255)?;
    }
    Ok(tar)
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn run(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("canary"), "alive").unwrap();
    let bytes = match u.int_in_range(0..=5)? {
        // Anything at all, and anything at all in a gzip member.
        0 => [&[0x1f, 0x8b], u.bytes(u.len())?].concat(),
        1 => gzip(u.bytes(u.len())?),
        _ => gzip(&archive(u, &outside)?),
    };
    let slug = folder.path().join("slug.tgz");
    fs::write(&slug, bytes).unwrap();
    let limits = Limits {
        entries: 100,
        bytes: 1 << 20,
        ratio: 250,
    };
    let destination = folder.path().join("target");
    let unpacked = unpack(&slug, &destination, limits, &Stop::default());
    assert_eq!(fs::read(outside.join("canary")).unwrap(), b"alive");
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        1,
        "something was written outside"
    );
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    let expected: &[&str] = if unpacked.is_ok() {
        &["outside", "slug.tgz", "target"]
    } else {
        &["outside", "slug.tgz"]
    };
    assert_eq!(names, expected);
    // Folders without rights would outlive the test where it is no root that runs it.
    if unpacked.is_ok() {
        open_folders(&destination);
    }
    Ok(())
}

fn open_folders(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            open_folders(&entry.path());
        }
    }
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes for a decision end it early.
    let _ = run(&mut Unstructured::new(data));
});
