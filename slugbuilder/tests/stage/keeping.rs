//! The copy of the staged view that is kept from build to build.

use crate::support::{Source, tree};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

struct Kept {
    temporary: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        Self {
            temporary: tempfile::tempdir().unwrap(),
        }
    }

    fn copy(&self) -> PathBuf {
        self.temporary.path().join("copy")
    }

    fn index(&self) -> PathBuf {
        self.temporary.path().join("index")
    }

    fn refresh(&self, source: &Source) {
        let survey = source.survey();
        survey
            .refresh_copy(&self.copy(), &self.index(), None)
            .unwrap();
        let new = self.temporary.path().join("new");
        survey.copy_to(&new, None).unwrap();
        assert_eq!(tree(&self.copy()), tree(&new));
        fs::remove_dir_all(new).unwrap();
    }

    /// What differs once a file was made anew. Not its inode, which may be used again.
    fn made(&self, name: &str) -> (i64, i64) {
        let metadata = fs::symlink_metadata(self.copy().join(name)).unwrap();
        (metadata.ctime(), metadata.ctime_nsec())
    }
}

/// Longer than what makes a file too young to be trusted.
fn rest() {
    std::thread::sleep(std::time::Duration::from_millis(150));
}

#[test]
fn whatever_changes_the_copy_is_what_a_new_one_would_be() {
    let source = Source::new(&[
        ("as-it-is/deep/file", "same"),
        ("same-size", "1234"),
        ("removed", ""),
        ("folder/one", "1"),
        ("folder/two", "2"),
        ("gone/deep/file", ""),
        ("folder-to-file/x", ""),
        ("file-to-folder", ""),
        ("file-to-link", ""),
    ]);
    symlink("folder", source.join("link")).unwrap();
    symlink("folder", source.join("other-link")).unwrap();
    rest();
    let kept = Kept::new();
    kept.refresh(&source);
    let (same, changed) = (kept.made("as-it-is/deep/file"), kept.made("same-size"));

    let times = fs::FileTimes::new().set_modified(
        fs::metadata(source.join("same-size"))
            .unwrap()
            .modified()
            .unwrap(),
    );
    fs::write(source.join("same-size"), "4321").unwrap();
    let file = fs::File::options()
        .write(true)
        .open(source.join("same-size"))
        .unwrap();
    file.set_times(times).unwrap();
    for name in ["removed", "folder/two", "file-to-folder", "file-to-link"] {
        fs::remove_file(source.join(name)).unwrap();
    }
    for name in ["gone", "folder-to-file"] {
        fs::remove_dir_all(source.join(name)).unwrap();
    }
    source.put("folder-to-file", "now a file");
    source.put("file-to-folder/deep/x", "");
    source.put("new/deep/x", "");
    fs::create_dir(source.join("empty")).unwrap();
    symlink("same-size", source.join("file-to-link")).unwrap();
    fs::remove_file(source.join("link")).unwrap();
    symlink("as-it-is", source.join("link")).unwrap();
    fs::set_permissions(source.join("folder/one"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(source.join("folder"), fs::Permissions::from_mode(0o750)).unwrap();
    rest();
    kept.refresh(&source);
    assert_eq!(kept.made("as-it-is/deep/file"), same);
    assert_ne!(kept.made("same-size"), changed);

    let made = kept.made("same-size");
    source.put(".slugignore", "as-it-is\n");
    kept.refresh(&source);
    assert!(!kept.copy().join("as-it-is").exists());
    assert_eq!(kept.made("same-size"), made);
}

#[test]
fn a_copy_that_was_left_half_made_is_made_anew() {
    let source = Source::new(&[("one", "1"), ("two", "2")]);
    rest();
    let kept = Kept::new();
    kept.refresh(&source);
    let whole = fs::read(kept.index()).unwrap();
    for index in [None, Some(&whole[..whole.len() - 3]), Some(b"x")] {
        match index {
            None => fs::remove_file(kept.index()).unwrap(),
            Some(text) => fs::write(kept.index(), text).unwrap(),
        }
        fs::write(kept.copy().join("one"), "half").unwrap();
        fs::write(kept.copy().join("stray"), "").unwrap();
        kept.refresh(&source);
    }
}

#[test]
fn a_file_that_was_just_written_is_copied_once_more() {
    let source = Source::new(&[("old", ""), ("young", "")]);
    rest();
    source.put("young", "1");
    let kept = Kept::new();
    kept.refresh(&source);
    let made = (kept.made("old"), kept.made("young"));
    kept.refresh(&source);
    assert_eq!(kept.made("old"), made.0);
    assert_ne!(kept.made("young"), made.1);
}
