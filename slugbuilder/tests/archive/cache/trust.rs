//! A file that looks as it did is noticed to be another.

use super::app;
use crate::support::{App, cold, options, put, rest};
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Archives, makes an edit that keeps path, size and modification time of a file, and archives again.
fn check(edit: impl Fn(&Path)) {
    let app = app();
    let file = app.root().join("lib/f3.js");
    rest();
    let before = app.check_warm(&options());
    let metadata = fs::metadata(&file).unwrap();
    edit(&file);
    let after = fs::metadata(&file).unwrap();
    assert_eq!(
        (metadata.size(), metadata.mtime(), metadata.mtime_nsec()),
        (after.size(), after.mtime(), after.mtime_nsec()),
        "the edit does what this is about"
    );
    let slug = app.check_warm(&options());
    assert_ne!(slug.summary.sha256, before.summary.sha256);
    assert!(slug.summary.reused > slug.summary.size / 2);
}

/// Other bytes, as many, with the times of what was there.
fn write_like(file: &Path, place: &Path) {
    let metadata = fs::metadata(file).unwrap();
    let mut content = fs::read(file).unwrap();
    content[10] ^= 1;
    fs::write(place, content).unwrap();
    fs::set_permissions(place, metadata.permissions()).unwrap();
    let times = FileTimes::new().set_modified(metadata.modified().unwrap());
    File::options()
        .write(true)
        .open(place)
        .unwrap()
        .set_times(times)
        .unwrap();
}

#[test]
fn rewritten_with_its_times_set_back() {
    check(|file| write_like(file, file));
}

#[test]
fn replaced_by_another_with_its_times() {
    check(|file| {
        let other = file.with_file_name("other");
        write_like(file, &other);
        fs::rename(other, file).unwrap();
    });
}

#[test]
fn replaced_by_another_that_had_rested() {
    check(|file| {
        let other = file.parent().unwrap().join("../../other");
        write_like(file, &other);
        rest();
        fs::rename(other, file).unwrap();
    });
}

#[test]
fn changed_right_after_it_was_archived() {
    let app = App::new();
    let file = put(&app.root(), "web.js", "0");
    // Within a tick of the file system's clock, which is 1 to 10 ms long, most of them.
    for round in 1..=300_u32 {
        let content = [b'0' + u8::try_from(round % 10).unwrap()];
        fs::write(&file, content).unwrap();
        let slug = app.warm(&options());
        assert!(
            slug.bytes == cold(&app.root(), &options()).bytes,
            "round {round}"
        );
        if round % 10 == 0 {
            // So that now and then it is remembered by its state.
            rest();
            app.warm(&options());
        }
    }
}

#[test]
fn two_files_that_swap_names() {
    let app = app();
    rest();
    let before = app.check_warm(&options());
    let lib = app.root().join("lib");
    // Both have 30,000 bytes.
    fs::rename(lib.join("f3.js"), lib.join("tmp")).unwrap();
    fs::rename(lib.join("f4.js"), lib.join("f3.js")).unwrap();
    fs::rename(lib.join("tmp"), lib.join("f4.js")).unwrap();
    let slug = app.check_warm(&options());
    assert_ne!(slug.summary.sha256, before.summary.sha256);
}

#[test]
fn folders_that_swap_names() {
    let app = app();
    put(&app.root(), "lib/other/f.js", "1");
    put(&app.root(), "lib/third/f.js", "2");
    rest();
    let before = app.check_warm(&options());
    let lib = app.root().join("lib");
    // No file in them has another state than before, but for its name.
    fs::rename(lib.join("other"), lib.join("tmp")).unwrap();
    fs::rename(lib.join("third"), lib.join("other")).unwrap();
    fs::rename(lib.join("tmp"), lib.join("third")).unwrap();
    let slug = app.check_warm(&options());
    assert_ne!(slug.summary.sha256, before.summary.sha256);
}
