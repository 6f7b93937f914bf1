use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A folder whose files show when they change.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("lib")).unwrap();
    fs::write(root.join("lib/a.js"), "a").unwrap();
    fs::write(root.join("web.js"), "web").unwrap();
    symlink("lib", root.join("link")).unwrap();
    std::thread::sleep(TICK * 2);
    folder
}

fn look(root: &Path) -> (Tree, Contents) {
    let tree = Tree::open(root).unwrap();
    let contents = Contents::of_tree(&tree, &Stop::default()).unwrap();
    (tree, contents)
}

/// What is remembered of a folder, through its bytes.
fn remembered(root: &Path) -> Contents {
    let (tree, mut contents) = look(root);
    contents.read(&tree, &Stop::default()).unwrap();
    Contents::from_bytes(&contents.to_bytes()).unwrap()
}

fn difference(root: &Path, last: &Contents) -> Option<String> {
    let (tree, mut now) = look(root);
    now.recognize(last);
    let difference = now.difference(last, &tree, &Stop::default()).unwrap();
    difference.map(|difference| difference.to_string())
}

#[test]
fn what_has_not_changed_is_known_without_reading_it() {
    let folder = folder();
    let last = remembered(folder.path());
    let (_, mut now) = look(folder.path());
    now.recognize(&last);
    let files = |entry: &&Entry| entry.stat.kind == Kind::File;
    assert!(
        now.entries
            .iter()
            .filter(files)
            .all(|one| one.digest.is_some())
    );
    assert!(now.is_known_by(&last));
    assert_eq!(difference(folder.path(), &last), None);
}

#[test]
fn a_copy_with_the_same_content_is_the_same() {
    let (one, other) = (folder(), folder());
    let last = remembered(one.path());
    assert_eq!(difference(other.path(), &last), None);
    let (_, now) = look(other.path());
    assert!(!now.is_known_by(&last));
}

#[test]
fn every_change_is_named() {
    type Edit = fn(&Path);
    let edits: [(Edit, &str); 8] = [
        (
            |root| fs::write(root.join("web.js"), "bew").unwrap(),
            "`web.js` changed",
        ),
        (
            |root| fs::write(root.join("lib/a.js"), "longer").unwrap(),
            "`lib/a.js` changed",
        ),
        (
            |root| fs::write(root.join("new.js"), "").unwrap(),
            "`new.js` is new",
        ),
        (
            |root| fs::create_dir(root.join("zzz")).unwrap(),
            "`zzz` is new",
        ),
        (
            |root| fs::remove_file(root.join("web.js")).unwrap(),
            "`web.js` is gone",
        ),
        (
            |root| {
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(root.join("web.js"), mode).unwrap();
            },
            "the permissions of `web.js` changed",
        ),
        (
            |root| {
                fs::remove_file(root.join("link")).unwrap();
                symlink("web.js", root.join("link")).unwrap();
            },
            "the link `link` leads elsewhere",
        ),
        (
            |root| {
                fs::remove_file(root.join("web.js")).unwrap();
                fs::create_dir(root.join("web.js")).unwrap();
            },
            "`web.js` is another kind of file",
        ),
    ];
    for (edit, expected) in edits {
        let folder = folder();
        let last = remembered(folder.path());
        edit(folder.path());
        assert_eq!(difference(folder.path(), &last).as_deref(), Some(expected));
    }
}

#[test]
fn a_young_file_is_read_again() {
    let folder = folder();
    let path = folder.path().join("web.js");
    fs::write(&path, "one").unwrap();
    let last = remembered(folder.path());
    // As within one tick: nothing of the metadata tells.
    let (tree, mut now) = look(folder.path());
    now.recognize(&last);
    let entry = now
        .entries
        .iter()
        .find(|one| one.path == Path::new("web.js"));
    assert_eq!(entry.unwrap().digest, None);
    assert_eq!(
        now.difference(&last, &tree, &Stop::default()).unwrap(),
        None
    );
}

#[test]
fn what_changes_after_it_was_listed_is_noticed() {
    let folder = folder();
    let (tree, contents) = look(folder.path());
    contents.check_unchanged(&tree).unwrap();
    fs::write(folder.path().join("lib/new"), "").unwrap();
    let error = contents.check_unchanged(&tree).unwrap_err();
    assert_eq!(error.to_string(), "`lib` changed meanwhile");
}

#[test]
fn damaged_bytes_are_no_contents() {
    let folder = folder();
    let bytes = remembered(folder.path()).to_bytes();
    for length in 1..bytes.len() {
        if let Some(less) = Contents::from_bytes(&bytes[..length]) {
            assert!(less.entries.len() < 4);
        }
    }
    assert!(Contents::from_bytes(b"x").is_none());
    let mut other = bytes.clone();
    // The length of the first path.
    other[101..105].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Contents::from_bytes(&other).is_none());
}
