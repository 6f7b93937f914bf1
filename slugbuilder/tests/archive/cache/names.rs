//! What the cache says of folders is believed as long as they have not changed, and not longer.

use super::app;
use crate::support::{App, cold, options, put, rest};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What is done to a tree, and how.
type Edit = (&'static str, fn(&Path));

/// A tree that has rested and was archived.
fn archived() -> App {
    let app = app();
    rest();
    app.check_warm(&options());
    app
}

fn file(app: &App) -> PathBuf {
    app.cache().join("default/names")
}

/// Writes a file that says that the tree's root, as it is now, has these names in it.
fn claim(app: &App, names: &[u8]) {
    let whole = fs::read(file(app)).unwrap();
    let root = fs::metadata(app.root()).unwrap();
    let mut bytes = whole[..32].to_vec();
    bytes.extend_from_slice(&root.ino().to_le_bytes());
    for number in [
        root.mtime(),
        root.mtime_nsec(),
        root.ctime(),
        root.ctime_nsec(),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&u32::try_from(names.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(names);
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    fs::write(file(app), bytes).unwrap();
}

#[test]
fn names_of_unchanged_folders_are_believed() {
    let app = archived();
    let whole = cold(&app.root(), &options());
    claim(&app, b"web.js\0");
    let slug = app.warm(&options());
    // The root and the one file: who can write into the cache could write the slug as well.
    assert_eq!(slug.summary.entries, 2);
    // What is believed is not written anew, but it goes with the folder's next change.
    put(&app.root(), "new.js", "new");
    let slug = app.check_warm(&options());
    assert_eq!(slug.summary.entries, whole.summary.entries + 1);
}

#[test]
fn names_that_no_folder_has_are_not_believed() {
    let app = archived();
    fs::write(app.path("outside"), "secret").unwrap();
    for names in [
        &b"../outside\0"[..],
        b"..\0",
        b".\0",
        b"\0",
        b"lib/f1.js\0",
        b"web.js",
        b"web.js\0empty\0",
        b"web.js\0web.js\0",
        b"gone\0web.js\0",
        &[&[b'n'; 300][..], b"\0"].concat(),
        // Some file systems take no such name.
        b"\xff\0",
    ] {
        claim(&app, names);
        app.check_warm(&options());
    }
}

#[test]
fn a_byte_of_the_file() {
    let app = archived();
    let whole = fs::read(file(&app)).unwrap();
    for at in (0..whole.len()).step_by(211).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(file(&app), bytes).unwrap();
        app.check_warm(&options());
        assert!(
            fs::read(file(&app)).unwrap().len() == whole.len(),
            "byte {at}: it is written anew"
        );
    }
    for length in [0, 31, 32, 63, 64, 100, whole.len() - 1] {
        fs::write(file(&app), &whole[..length]).unwrap();
        app.check_warm(&options());
    }
}

#[test]
fn what_changes_in_a_folder_is_seen() {
    let edits: [Edit; 7] = [
        ("a file comes", |root| {
            put(root, "lib/f.js", "new");
        }),
        ("a file goes", |root| {
            fs::remove_file(root.join("lib/f3.js")).unwrap();
        }),
        ("a file is renamed", |root| {
            fs::rename(root.join("lib/f4.js"), root.join("lib/g4.js")).unwrap();
        }),
        ("a file moves", |root| {
            fs::rename(root.join("lib/f5.js"), root.join("f5.js")).unwrap();
        }),
        ("a folder comes", |root| {
            put(root, "lib/sub/f.js", "new");
        }),
        ("folders change places", |root| {
            let folder = |name: &str| root.join("node_modules").join(name);
            fs::rename(folder("m1"), folder("m")).unwrap();
            fs::rename(folder("m2"), folder("m1")).unwrap();
            fs::rename(folder("m"), folder("m2")).unwrap();
        }),
        ("a folder becomes a file", |root| {
            fs::remove_dir_all(root.join("node_modules/m3")).unwrap();
            put(root, "node_modules/m3", "a file");
        }),
    ];
    let app = archived();
    for (what, edit) in edits {
        println!("{what}");
        edit(&app.root());
        app.check_warm(&options());
        rest();
        app.check_warm(&options());
    }
}

#[test]
fn a_folder_that_changes_all_the_time_is_listed_each_time() {
    let app = archived();
    // No rest: the folder's times may be the same before and after.
    for number in 0..30 {
        put(&app.root(), format!("lib/new{number}.js"), "new");
        let slug = app.warm(&options());
        assert!(
            slug.bytes == cold(&app.root(), &options()).bytes,
            "{number}"
        );
    }
}
