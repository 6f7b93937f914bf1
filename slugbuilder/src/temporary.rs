//! Temporary folders that do not outlive a killed process for long.
//!
//! Whoever uses such a folder holds a lock on it. One without a lock was left by a killed process, and the next one that
//! makes a folder for the same purpose removes it.

use crate::workspace::remove_tree;
use nix::unistd::Uid;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A temporary folder, removed when dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    // Declared first: the folder goes while it is still locked.
    folder: tempfile::TempDir,
    #[cfg_attr(not(test), expect(dead_code, reason = "it is held, not read"))]
    lock: File,
}

impl TemporaryFolder {
    /// Makes a folder in `parent` whose name starts with `prefix`, and removes those of killed processes.
    pub(crate) fn make(parent: &Path, prefix: &str) -> io::Result<Self> {
        reclaim(parent, prefix)?;
        loop {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
            // Another process may take it for one that was left before it is locked.
            match open_directory(folder.path()) {
                Ok(lock) if lock.try_lock().is_ok() && is_at(&lock, folder.path()) => {
                    return Ok(Self { folder, lock });
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Also what read-only folders hold; what is left then, `TempDir` tries again.
        let _ = remove_tree(self.folder.path());
    }
}

/// Removes folders of this user that nobody holds. What cannot be removed stays.
fn reclaim(parent: &Path, prefix: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(parent)?.flatten() {
        if !entry.file_name().as_bytes().starts_with(prefix.as_bytes()) {
            continue;
        }
        let Ok(folder) = open_directory(&entry.path()) else {
            continue;
        };
        let mine = folder
            .metadata()
            .is_ok_and(|metadata| metadata.uid() == Uid::effective().as_raw());
        if mine && folder.try_lock().is_ok() && is_at(&folder, &entry.path()) {
            let _ = remove_tree(&entry.path());
        }
    }
    Ok(())
}

fn open_directory(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(path)
}

fn is_at(folder: &File, path: &Path) -> bool {
    match (folder.metadata(), path.symlink_metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_left_goes_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let killed = TemporaryFolder::make(parent.path(), "plan-").unwrap();
        let left = killed.path().to_owned();
        std::fs::write(left.join("file"), "").unwrap();
        // As SIGKILL ends it: no destructor runs, and the kernel releases the lock.
        killed.lock.unlock().unwrap();
        std::mem::forget(killed);
        let other = parent.path().join("other-1");
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&other, parent.path().join("plan-link")).unwrap();

        let first = TemporaryFolder::make(parent.path(), "plan-").unwrap();
        assert!(!left.exists());
        let second = TemporaryFolder::make(parent.path(), "plan-").unwrap();
        assert!(first.path().exists() && second.path().exists() && other.exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn folders_made_at_once_are_kept_apart() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let folder = TemporaryFolder::make(parent.path(), "plan-").unwrap();
                        std::fs::write(folder.path().join("file"), "").unwrap();
                        std::thread::yield_now();
                        assert!(folder.path().join("file").exists());
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
