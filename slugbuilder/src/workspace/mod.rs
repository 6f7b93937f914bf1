//! The work folder of an app: where it is built, and what is kept of it for the next build.
//!
//! ```text
//! <cache dir>/
//!   downloads/                 archives of runtimes, shared by all apps (see slugbuilder_fetch::Cache)
//!   apps-v1/<key>/             one app: source path, buildpacks and stack
//!     lock                     held by the build that uses the folder
//!     layers/                  the layers of the last successful build
//!     dirty                    there while the layers are in a build's hands
//!     build/                   everything else of a running build; removed after it, and before the next one
//!   runs-v1.lock               held while a run looks for what killed ones left, and makes its own folder
//!   runs-v1/run-<random>/      one running app, see `crate::dyno`
//!     lock                     held by the run that uses the folder
//!     build/                   its copy of the app
//!   runs-v1/trash-<random>/    a run that ended, on its way out
//! ```
//!
//! Layers are *moved* between `layers/` and the app directory of a build: renaming keeps inodes and times, which is what
//! knows an unchanged file again. A build that is killed leaves `dirty` behind; the next one then starts without layers
//! rather than with half-written ones.

mod cache_folder;
mod error;
mod trees;

pub use error::WorkspaceError;
pub use trees::remove_tree;

use crate::sandbox::Interrupt;
use cache_folder::bucket;
use fs_err as fs;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use trees::move_tree;

/// A folder below the cache directory that one process has for itself.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    // Released, and with it the folder, when the workspace is dropped or the process dies.
    _lock: Flock<std::fs::File>,
}

impl Workspace {
    /// The work folder of the app that `identity` stands for, waiting for another build of it to end. What a killed
    /// build left is removed. `waiting` is called once if there is something to wait for.
    pub fn for_app(
        cache_dir: &Path,
        identity: &[&OsStr],
        interrupt: &Interrupt,
        waiting: &dyn Fn(),
    ) -> Result<Self, WorkspaceError> {
        let bucket = bucket(cache_dir, "apps-v1")?;
        let folder = bucket.join(key(identity));
        make_private(&folder)?;
        let file = fs::File::create(folder.join("lock"))?.into_parts().0;
        let lock = lock(file, interrupt, waiting)?;
        let workspace = Self {
            folder,
            _lock: lock,
        };
        remove_tree(&workspace.build())?;
        if workspace.dirty_marker().exists() {
            remove_tree(&workspace.layers())?;
            fs::remove_file(workspace.dirty_marker())?;
        }
        make_private(&workspace.build())?;
        Ok(workspace)
    }

    /// Refuses a cache folder that is the source or lies above it, before anything is written there.
    pub fn check_cache_dir(cache_dir: &Path, source: &Path) -> Result<(), WorkspaceError> {
        cache_folder::check(cache_dir, source)
    }

    /// A folder for one running app. Folders of runs that were killed are removed.
    pub fn for_run(cache_dir: &Path) -> Result<Self, WorkspaceError> {
        let bucket = bucket(cache_dir, "runs-v1")?;
        let workspace = {
            // Nobody else makes or takes away folders meanwhile, so one without a held lock is one that was left.
            let _held = lock_runs(cache_dir)?;
            for entry in fs::read_dir(&bucket)? {
                let entry = entry?;
                if entry.file_name().as_bytes().starts_with(RUN.as_bytes()) {
                    throw_away_if_left(&entry.path())?;
                }
            }
            let folder = tempfile::Builder::new()
                .prefix(RUN)
                .tempdir_in(&bucket)?
                .keep();
            let file = fs::File::create(folder.join("lock"))?.into_parts().0;
            let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
                .map_err(|(_, error)| io::Error::from(error))?;
            Self {
                folder,
                _lock: lock,
            }
        };
        for entry in fs::read_dir(&bucket)? {
            let entry = entry?;
            if entry.file_name().as_bytes().starts_with(TRASH.as_bytes()) {
                // Another run may be removing it, too; what stays is left to the next one.
                let _ = remove_tree(&entry.path());
            }
        }
        make_private(&workspace.build())?;
        Ok(workspace)
    }

    /// The folder of the running build.
    #[must_use]
    pub fn build(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// The layers of the last successful build; there only after one.
    #[must_use]
    pub fn layers(&self) -> PathBuf {
        self.folder.join("layers")
    }

    fn dirty_marker(&self) -> PathBuf {
        self.folder.join("dirty")
    }

    /// Forgets the layers of the last build, but for the `store.toml` files, which a cleared cache must keep
    /// (cnb-platform-and-peers.md 2.4).
    pub fn clear_layers(&self) -> Result<(), WorkspaceError> {
        let layers = self.layers();
        if !layers.exists() {
            return Ok(());
        }
        for buildpack in fs::read_dir(&layers)? {
            let buildpack = buildpack?.path();
            if !buildpack.symlink_metadata()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&buildpack)? {
                let path = entry?.path();
                if path.file_name() != Some(OsStr::new("store.toml")) {
                    remove_tree(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Moves the layers of the last build to `destination`, which must not exist, and marks them as being in use.
    pub fn lend_layers(&self, destination: &Path) -> Result<(), WorkspaceError> {
        fs::File::create(self.dirty_marker())?.sync_all()?;
        if self.layers().exists() {
            move_tree(&self.layers(), destination)?;
        }
        Ok(())
    }

    /// Takes the layers at `source` back after a successful build.
    pub fn return_layers(&self, source: &Path) -> Result<(), WorkspaceError> {
        remove_tree(&self.layers())?;
        if source.exists() {
            move_tree(source, &self.layers())?;
        }
        fs::remove_file(self.dirty_marker())?;
        Ok(())
    }

    /// Removes everything of the running build.
    pub fn clean_up(&self) -> Result<(), WorkspaceError> {
        remove_tree(&self.build())?;
        Ok(())
    }

    /// Removes the whole folder: a run leaves nothing.
    pub fn remove(self) -> Result<(), WorkspaceError> {
        // Were it killed in the middle, a folder that has lost its lock file would remain: the new name says what it is.
        let trash = throw_away(&self.folder)?;
        match remove_tree(&trash) {
            // Another run was faster.
            Err(_) if trash.symlink_metadata().is_err() => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Start of the names of folders of runs.
const RUN: &str = "run-";

/// Start of the names of folders that nobody uses any more.
const TRASH: &str = "trash-";

/// Keeps other runs from making folders and from taking them away. It is held for moments only.
fn lock_runs(cache_dir: &Path) -> io::Result<Flock<std::fs::File>> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(cache_dir.join("runs-v1.lock"))?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(lock) => return Ok(lock),
            Err((again, Errno::EINTR)) => file = again,
            Err((_, error)) => return Err(error.into()),
        }
    }
}

/// Renames the folder of a run that was killed, holding its lock meanwhile; what is in use stays.
fn throw_away_if_left(folder: &Path) -> io::Result<()> {
    let _held = match std::fs::File::open(folder.join("lock")) {
        Ok(file) => match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Some(held),
            Err(_) => return Ok(()),
        },
        // It was killed before it made the lock.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => return Ok(()),
    };
    match throw_away(folder) {
        // It ended just now, and took itself away.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Renames a folder to what says that nobody uses it any more.
fn throw_away(folder: &Path) -> io::Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default().as_bytes();
    let name = [TRASH.as_bytes(), name].concat();
    let trash = folder.with_file_name(OsStr::from_bytes(&name));
    fs::rename(folder, &trash)?;
    Ok(trash)
}

/// Names an app's folder: the first 32 hexadecimal digits of a SHA-256 over its identity.
fn key(identity: &[&OsStr]) -> String {
    let mut hash = Sha256::new();
    for part in identity {
        // With the length before it no two lists look alike.
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(32);
    digits
}

/// Only ours to enter: it holds sources, config vars and what a build makes of them.
fn make_private(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

fn lock(
    file: std::fs::File,
    interrupt: &Interrupt,
    waiting: &dyn Fn(),
) -> Result<Flock<std::fs::File>, WorkspaceError> {
    let mut file = file;
    let mut told = false;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((again, Errno::EWOULDBLOCK)) => file = again,
            Err((_, error)) => return Err(io::Error::from(error).into()),
        }
        if interrupt.raised() {
            return Err(WorkspaceError::Interrupted);
        }
        if !told {
            waiting();
            told = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(cache: &Path) -> Workspace {
        Workspace::for_app(
            cache,
            &[OsStr::new("app")],
            &Interrupt::new().unwrap(),
            &|| {},
        )
        .unwrap()
    }

    fn lend_and_write(workspace: &Workspace, text: &str) -> PathBuf {
        let lent = workspace.build().join("app/.slugbuilder/layers");
        workspace.lend_layers(&lent).unwrap();
        fs::create_dir_all(lent.join("bp")).unwrap();
        fs::write(lent.join("bp/file"), text).unwrap();
        lent
    }

    #[test]
    fn layers_come_back_after_success() {
        let cache = tempfile::tempdir().unwrap();
        let workspace = open(cache.path());
        let lent = lend_and_write(&workspace, "1");
        workspace.return_layers(&lent).unwrap();
        workspace.clean_up().unwrap();
        drop(workspace);
        let workspace = open(cache.path());
        let lent = workspace.build().join("elsewhere");
        workspace.lend_layers(&lent).unwrap();
        assert_eq!(fs::read_to_string(lent.join("bp/file")).unwrap(), "1");
    }

    #[test]
    fn layers_of_a_build_that_did_not_end_are_dropped() {
        let cache = tempfile::tempdir().unwrap();
        let workspace = open(cache.path());
        let lent = lend_and_write(&workspace, "1");
        workspace.return_layers(&lent).unwrap();
        lend_and_write(&workspace, "half");
        drop(workspace);
        let workspace = open(cache.path());
        assert!(!workspace.layers().exists());
        assert_eq!(fs::read_dir(workspace.build()).unwrap().count(), 0);
    }

    #[test]
    fn clearing_keeps_the_stores() {
        let cache = tempfile::tempdir().unwrap();
        let workspace = open(cache.path());
        let lent = lend_and_write(&workspace, "1");
        fs::write(lent.join("bp/store.toml"), "x = 1").unwrap();
        workspace.return_layers(&lent).unwrap();
        workspace.clear_layers().unwrap();
        let kept: Vec<_> = fs::read_dir(workspace.layers().join("bp"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(kept, ["store.toml"]);
    }

    #[test]
    fn a_second_build_waits_for_the_first() {
        let cache = tempfile::tempdir().unwrap();
        let first = open(cache.path());
        let interrupt = Interrupt::new().unwrap();
        let raise = || interrupt.raise();
        let second = Workspace::for_app(cache.path(), &[OsStr::new("app")], &interrupt, &raise);
        assert!(matches!(second, Err(WorkspaceError::Interrupted)));
        drop(first);
        open(cache.path());
    }

    #[test]
    fn runs_that_were_left_are_removed() {
        let cache = tempfile::tempdir().unwrap();
        let runs = cache.path().join("runs-v1");
        let running = Workspace::for_run(cache.path()).unwrap();
        let left = runs.join("run-left");
        fs::create_dir_all(left.join("build")).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        // Killed before it had a lock, and killed while it was removed.
        fs::create_dir(runs.join("run-early")).unwrap();
        fs::create_dir_all(runs.join("trash-run-late/build")).unwrap();
        let other = Workspace::for_run(cache.path()).unwrap();
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 2);
        assert!(running.build().exists());
        other.remove().unwrap();
        running.remove().unwrap();
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
    }

    #[test]
    fn runs_that_start_and_end_at_once_leave_each_other_alone() {
        let cache = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let workspace = Workspace::for_run(cache.path()).unwrap();
                        fs::write(workspace.build().join("file"), "").unwrap();
                        std::thread::yield_now();
                        assert!(workspace.build().join("file").exists());
                        workspace.remove().unwrap();
                    }
                });
            }
        });
        let runs = cache.path().join("runs-v1");
        Workspace::for_run(cache.path()).unwrap().remove().unwrap();
        assert_eq!(fs::read_dir(runs).unwrap().count(), 0);
    }
}
