//! The files of builds.
//!
//! ```text
//! <data>/builds/
//!   incoming/              sources that callers fill
//!   of/<build>/            one build
//!     output               what it printed; it stays
//!     source/              its source, until it begins
//!     archive              the same, as it is fetched
//!     config-vars.json     the app's config vars, while it runs
//!   apps/<app>/            one app
//!     source/              the source of the build that runs: always the same path, which the cache goes by
//!     source-of            the build whose source that is
//!     buildpack-*.tgz      buildpacks of others, each always at the same path, which the cache goes by, too
//!     slug.tgz, slug.json  what a build made, until it is released
//!   cache/                 what builds keep for the next ones
//! ```

use crate::private;
use fs_err as fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use uuid::Uuid;

/// The folder of a data folder.
const BUILDS: &str = "builds";

#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Makes those that are not there, for their user alone, and removes what callers of a killed server filled.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let folders = Self {
            // As caches know the sources in it.
            root: fs::canonicalize(data)?.join(BUILDS),
        };
        remove(&folders.incoming())?;
        for folder in ["incoming", "of", "apps"] {
            private::folder(&folders.root.join(folder))?;
        }
        Ok(folders)
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// The builds that have a folder.
    pub(super) fn builds(&self) -> io::Result<Vec<Uuid>> {
        identifiers(&self.root.join("of"))
    }

    /// The apps that have a folder.
    pub(super) fn apps(&self) -> io::Result<Vec<Uuid>> {
        identifiers(&self.root.join("apps"))
    }

    /// Where programs of builds work, and nobody else.
    pub(super) fn work(&self) -> [PathBuf; 2] {
        [self.root.join("apps"), self.root.join("cache")]
    }

    /// An empty folder that callers fill.
    pub(super) fn new_incoming(&self) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix("source-")
            .tempdir_in(self.incoming())
    }

    pub(super) fn of_build(&self, build: Uuid) -> PathBuf {
        self.root.join("of").join(build.to_string())
    }

    pub(super) fn output(&self, build: Uuid) -> PathBuf {
        self.of_build(build).join("output")
    }

    pub(super) fn of_app(&self, app: Uuid) -> PathBuf {
        self.root.join("apps").join(app.to_string())
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// The folder of a new build.
    pub(super) fn make_build(&self, build: Uuid) -> io::Result<PathBuf> {
        let folder = self.of_build(build);
        private::folder(&folder)?;
        Ok(folder)
    }

    /// Removes everything of a build but its output.
    pub(super) fn tidy_build(&self, build: Uuid) -> io::Result<()> {
        for entry in fs::read_dir(self.of_build(build))? {
            let entry = entry?;
            if entry.file_name() != "output" {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes what an app has of its last build, but what the next ones use.
    pub(super) fn tidy_app(&self, app: Uuid) -> io::Result<()> {
        // The marker comes first: it must not stand for a source that is gone in part.
        for name in ["source-of", "source", "slug.tgz", "slug.json"] {
            remove(&self.of_app(app).join(name))?;
        }
        Ok(())
    }
}

/// The entries of a folder that are called by an identifier.
fn identifiers(folder: &Path) -> io::Result<Vec<Uuid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        found.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| Uuid::try_parse(name).ok()),
        );
    }
    Ok(found)
}

/// Removes a file or folder, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => slugbuilder::workspace::remove_tree(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match gone {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        gone => gone,
    }
}
