//! The work folder of an app: where it is built, and what is kept of it for the next build.
//!
//! ```text
//! <cache dir>/
//!   downloads/                 archives of runtimes, shared by all apps (see slugbuilder_fetch::Cache)
//!   apps-v1/<key>/             one app: source path, buildpacks and stack; or one folder that is archived as it is
//!     lock                     held by the build that uses the folder
//!     app.toml                 what the folder is for (see `record`)
//!     kept/app/                the app directory of the last successful build, of an overlay its upper folder, with the
//!                              layers in it; only read there (see `crate::compile`)
//!     kept/record              what that was built of, and what it became
//!     layers/                  the layers of the last successful build, where no app is kept
//!     source/, source.index    a copy of the source, where no overlay can be laid over that itself
//!     slug/                    what the archive keeps of the last slug
//!     dirty                    there while the layers are in a build's hands
//!     build/                   everything else of a running build; removed after it, and before the next one
//!   apps-v1/trash-<random>/    what was pruned, on its way out
//!   runs-v1.lock               held while a run looks for what killed ones left, and makes its own folder
//!   runs-v1/run-<random>/      one running app, see `crate::dyno`
//!     lock                     held by the run that uses the folder
//!     build/                   its copy of the app
//!   runs-v1/trash-<random>/    a run that ended, on its way out
//! ```
//!
//! Layers are *moved* between `layers/` and the app directory of a build: renaming keeps inodes and times, which is what
//! knows an unchanged file again. A build that is killed leaves `dirty` behind; the next one then starts without layers
//! and without a kept app rather than with half-written ones.

pub(crate) mod apps;
mod cache_folder;
mod error;
mod kept;
mod lock;
pub(crate) mod measure;
mod record;
mod runs;
mod trash;
mod trees;

pub use error::WorkspaceError;
pub(crate) use kept::KEPT_LAYERS;
use record::Held;
pub(crate) use record::seconds_now;
pub use record::{App, AppRecord, Kind};
pub use trees::remove_tree;

use crate::stop::Stop;
pub(crate) use cache_folder::bucket;
use fs_err as fs;
use nix::fcntl::Flock;
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use trees::move_tree;

/// A folder below the cache directory that one process has for itself.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    /// Whether the last build did not live to leave its layers.
    lost_layers: bool,
    // Released, and with it the folder, when the workspace is dropped or the process dies.
    lock: Flock<std::fs::File>,
}

impl Workspace {
    /// The work folder of the app that `identity` stands for, waiting for another build of it to end. What a killed
    /// build left is removed. `waiting` is called once if there is something to wait for.
    pub fn for_app(
        cache_dir: &Path,
        identity: &[&OsStr],
        stop: &Stop,
        waiting: &dyn Fn(),
    ) -> Result<Self, WorkspaceError> {
        let mut workspace = Self::locked(cache_dir, identity, stop, waiting)?;
        remove_tree(&workspace.build())?;
        if workspace.dirty_marker().exists() {
            workspace.forget_kept()?;
            remove_tree(&workspace.layers())?;
            fs::remove_file(workspace.dirty_marker())?;
            workspace.lost_layers = true;
        }
        make_private(&workspace.build())?;
        Ok(workspace)
    }

    /// The work folder of `folder`, which is canonical and archived as it is. Nothing is built in it; for the rest see
    /// [`Workspace::for_app`].
    pub fn for_archive(
        cache_dir: &Path,
        folder: &Path,
        stop: &Stop,
        waiting: &dyn Fn(),
    ) -> Result<Self, WorkspaceError> {
        // No source is called that: they are absolute.
        let identity = [OsStr::new("archive"), folder.as_os_str()];
        Self::locked(cache_dir, &identity, stop, waiting)
    }

    fn locked(
        cache_dir: &Path,
        identity: &[&OsStr],
        stop: &Stop,
        waiting: &dyn Fn(),
    ) -> Result<Self, WorkspaceError> {
        let bucket = bucket(cache_dir, apps::BUCKET)?;
        let folder = bucket.join(key(identity));
        let lock = lock::wait(&folder, stop, waiting)?;
        Ok(Self {
            folder,
            lost_layers: false,
            lock,
        })
    }

    /// Refuses a cache folder that is the source or lies above it, before anything is written there.
    pub fn check_cache_dir(cache_dir: &Path, source: &Path) -> Result<(), WorkspaceError> {
        cache_folder::check(cache_dir, source)
    }

    /// Refuses, as root, a cache folder in which someone else could make links.
    pub(crate) fn check_owner(cache_dir: &Path) -> Result<(), WorkspaceError> {
        cache_folder::refuse_what_others_control(cache_dir)
    }

    /// A folder for one running app. Folders of runs that were killed are removed.
    pub fn for_run(cache_dir: &Path) -> Result<Self, WorkspaceError> {
        let bucket = bucket(cache_dir, runs::BUCKET)?;
        let (folder, lock) = runs::make(cache_dir, &bucket)?;
        let workspace = Self {
            folder,
            lost_layers: false,
            lock,
        };
        trash::sweep(&bucket)?;
        make_private(&workspace.build())?;
        Ok(workspace)
    }

    /// The folder of the running build.
    #[must_use]
    pub fn build(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// The layers of the last successful build; there only after one that kept no app.
    #[must_use]
    pub fn layers(&self) -> PathBuf {
        self.folder.join("layers")
    }

    /// What the archive keeps of the last slug; the archive makes it (see [`crate::archive::ArchiveOptions::cache`]).
    #[must_use]
    pub fn slug(&self) -> PathBuf {
        self.folder.join("slug")
    }

    /// A copy of the source, where one is kept from build to build; see [`crate::stage::Survey::refresh_copy`].
    #[must_use]
    pub fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    /// The index of [`Workspace::source`].
    #[must_use]
    pub fn source_index(&self) -> PathBuf {
        self.folder.join("source.index")
    }

    /// Moves the copy of the source to `destination`, which must not exist.
    pub fn give_source(&self, destination: &Path) -> Result<(), WorkspaceError> {
        // First: without it the rest is nothing.
        remove_tree(&self.source_index())?;
        move_tree(&self.source(), destination)?;
        Ok(())
    }

    /// Removes the copy of the source.
    pub fn forget_source(&self) -> Result<(), WorkspaceError> {
        // First: without it the rest is nothing.
        remove_tree(&self.source_index())?;
        remove_tree(&self.source())?;
        Ok(())
    }

    /// Name of the folder in [`crate::cache`].
    pub(crate) fn key(&self) -> &OsStr {
        self.folder.file_name().unwrap_or_default()
    }

    fn dirty_marker(&self) -> PathBuf {
        self.folder.join("dirty")
    }

    /// Forgets the layers and the slug of the last build, but for the `store.toml` files, which a cleared cache must keep
    /// (cnb-platform-and-peers.md 2.4).
    pub fn clear(&self) -> Result<(), WorkspaceError> {
        self.release_kept()?;
        remove_tree(&self.slug())?;
        self.forget_source()?;
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

    /// Moves the layers of the last build to `destination`, which must not exist, and marks them as being in use. The rest
    /// of a kept app stays until `release_kept`: it may get them back.
    pub fn lend_layers(&self, destination: &Path) -> Result<(), WorkspaceError> {
        let layers = self.lendable_layers();
        if layers != self.kept_layers() {
            self.forget_kept()?;
        }
        // Not synchronized, which may take as long as a build: it has to outlive a killed process, and file systems keep
        // the order of making it and of moving the layers.
        fs::File::create(self.dirty_marker())?;
        if layers.exists() {
            move_tree(&layers, destination)?;
        }
        Ok(())
    }

    /// Puts the layers at `source`, which were lent, back where they were, because nothing was built.
    pub(crate) fn give_back_layers(&self, source: &Path) -> Result<(), WorkspaceError> {
        let is_kept = self.folder.join("kept").symlink_metadata().is_ok();
        let destination = if is_kept {
            self.kept_layers()
        } else {
            self.layers()
        };
        remove_tree(&destination)?;
        if source.exists() {
            move_tree(source, &destination)?;
        }
        fs::remove_file(self.dirty_marker())?;
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

    /// Writes down what the folder is for and how much it holds, for [`crate::cache`].
    pub fn record(&self, app: App) -> Result<AppRecord, WorkspaceError> {
        let source = crate::stage::bytes_of_copy(&self.source_index());
        let layers = self.kept_layers();
        let layers = if layers.exists() {
            layers
        } else {
            self.layers()
        };
        let held = Held {
            layers: &layers,
            slug: &self.slug(),
            source_bytes: source,
            kept: &self.kept_app(),
        };
        Ok(AppRecord::write(&self.folder, app, &held)?)
    }

    /// Removes the whole folder: a run leaves nothing, and neither does an app that is too large to keep.
    pub fn remove(self) -> Result<(), WorkspaceError> {
        let bucket = self.folder.parent().unwrap_or(Path::new("/"));
        // Were it killed in the middle, a folder that has lost its lock file would remain: the new name says what it is.
        let trash = trash::throw_away(&self.folder, bucket)?;
        // Whoever waits for the folder can make it anew.
        drop(self.lock);
        trash::remove(&trash)?;
        Ok(())
    }
}

/// How many digits the name of an app's folder has.
const KEY_DIGITS: usize = 32;

/// Names an app's folder: the first hexadecimal digits of a SHA-256 over its identity.
fn key(identity: &[&OsStr]) -> String {
    let mut hash = Sha256::new();
    for part in identity {
        // With the length before it no two lists look alike.
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(KEY_DIGITS);
    digits
}

/// Only ours to enter: it holds sources, config vars and what a build makes of them.
fn make_private(path: &Path) -> io::Result<()> {
    let mut vanished = 0;
    loop {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path);
        match made {
            // There was a folder, and pruning took it away before the standard library looked whether it is one.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && vanished < lock::PATIENCE
                    && !is_in_the_way(path) =>
            {
                vanished += 1;
            }
            made => return made,
        }
    }
}

/// Whether there is something at `path` that is no folder.
fn is_in_the_way(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_dir())
        || (path.is_symlink() && path.metadata().is_err())
}

#[cfg(test)]
mod tests;
