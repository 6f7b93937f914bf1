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
//!   runs-v1/<random>/          one running app, see `crate::run`
//! ```
//!
//! Layers are *moved* between `layers/` and the app directory of a build: renaming keeps inodes and times, which is what
//! knows an unchanged file again. A build that is killed leaves `dirty` behind; the next one then starts without layers
//! rather than with half-written ones.

use fs_err as fs;
use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};
use slugbuilder_report::{Explain, Fault};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sandbox::Interrupt;

/// What of a work folder could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// Reading or writing the cache folder failed; the source names the path.
    #[error("cannot use the cache folder")]
    Io(#[from] io::Error),
    /// slugbuilder was asked to stop while it waited for another build of the same app.
    #[error("interrupted while waiting for another build of the same app")]
    Interrupted,
}

impl Explain for WorkspaceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "cache-folder",
            Self::Interrupted => "interrupted",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Io(_) => Fault::Io,
            Self::Interrupted => Fault::TryLater,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io(_) => {
                vec!["Choose another folder with `--cache-dir`, or free space in this one.".into()]
            }
            Self::Interrupted => Vec::new(),
        }
    }
}

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

    /// A folder for one running app. Folders of runs that were killed are removed.
    pub fn for_run(cache_dir: &Path) -> Result<Self, WorkspaceError> {
        let bucket = bucket(cache_dir, "runs-v1")?;
        for entry in fs::read_dir(&bucket)? {
            let path = entry?.path();
            let Ok(file) = std::fs::File::open(path.join("lock")) else {
                continue;
            };
            if Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok() {
                remove_tree(&path)?;
            }
        }
        loop {
            let folder = tempfile::Builder::new()
                .prefix("run-")
                .tempdir_in(&bucket)?
                .keep();
            let file = fs::File::create(folder.join("lock"))?.into_parts().0;
            // Between the two lines another process may have taken the folder for one that was left.
            let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else {
                continue;
            };
            if folder.join("lock").exists() {
                make_private(&folder.join("build"))?;
                return Ok(Self {
                    folder,
                    _lock: lock,
                });
            }
        }
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
        remove_tree(&self.folder)?;
        Ok(())
    }
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

fn bucket(cache_dir: &Path, name: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(cache_dir)?;
    for (name, contents) in [
        // https://bford.info/cachedir/
        (
            "CACHEDIR.TAG",
            "Signature: 8a477f597d28d172789f06886806bc55\n",
        ),
        (".gitignore", "*\n"),
    ] {
        let path = cache_dir.join(name);
        if !path.exists() {
            fs::write(path, contents)?;
        }
    }
    let bucket = cache_dir.join(name);
    fs::create_dir_all(&bucket)?;
    // Absolute, because helpers with another working directory get it.
    fs::canonicalize(bucket)
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
            Err((again, nix::errno::Errno::EWOULDBLOCK)) => file = again,
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

/// Moves a directory, by copying where source and destination are on different file systems.
fn move_tree(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_tree(from, to)?;
            remove_tree(from)
        }
        other => other.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot move {}: {error}", from.display()),
            )
        }),
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let Ok(relative) = entry.path().strip_prefix(from) else {
            continue;
        };
        let target = to.join(relative);
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            fs::create_dir_all(&target)?;
            fs::set_permissions(
                &target,
                std::fs::Permissions::from_mode(0o700 | metadata.mode()),
            )?;
        } else if metadata.is_symlink() {
            fs::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else if metadata.is_file() {
            fs::copy(entry.path(), &target)?;
        }
        std::os::unix::fs::lchown(&target, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    Ok(())
}

/// Removes a file or a whole directory, also one whose directories were made read-only, as Go's module cache is.
/// Nothing there is fine; links are removed, never followed.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.is_dir() {
        return fs::remove_file(path);
    }
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_directories(path);
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot remove {}: {error}", path.display()),
            )
        }),
    }
}

fn open_directories(path: &Path) {
    // A directory that cannot be opened is left for `remove_dir_all` to name.
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700));
    let Ok(entries) = std::fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_directories(&entry.path());
        }
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
        let running = Workspace::for_run(cache.path()).unwrap();
        let left = cache.path().join("runs-v1/run-left");
        fs::create_dir_all(left.join("build")).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        let other = Workspace::for_run(cache.path()).unwrap();
        assert!(!left.exists());
        assert!(running.build().exists());
        other.remove().unwrap();
        running.remove().unwrap();
        assert_eq!(
            fs::read_dir(cache.path().join("runs-v1")).unwrap().count(),
            0
        );
    }

    #[test]
    fn read_only_directories_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::write(tree.join("a/b/file"), "").unwrap();
        for path in ["a/b", "a"] {
            fs::set_permissions(tree.join(path), std::fs::Permissions::from_mode(0o000)).unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        remove_tree(&tree).unwrap();
    }
}
