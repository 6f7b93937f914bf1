//! What can be wrong with a source.

use crate::stop::Stopped;
use crate::tree::{Failure, Special, show};
use slugbuilder_report::{Explain, Fault};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a source cannot be staged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// There is nothing at the path that was given.
    #[error("there is no source at `{}`", show(path))]
    NotFound {
        /// As it was given.
        path: PathBuf,
    },
    /// The path that was given is no folder.
    #[error("the source `{}` is not a folder", show(path))]
    NotAFolder {
        /// As it was given.
        path: PathBuf,
    },
    /// The source itself cannot be read.
    #[error("cannot read `{}`", show(path))]
    SourceUnreadable {
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// Something in the source cannot be read.
    #[error("cannot read `{}`", show(path))]
    Unreadable {
        /// Relative to the source's root.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// Nothing enters the build.
    #[error("the source `{}` {}", show(path), if *left_out == 0 { "is empty" } else { "is empty after leaving out what is ignored" })]
    Empty {
        /// As it was given.
        path: PathBuf,
        /// How many paths are left out.
        left_out: usize,
    },
    /// The source holds what no slug can.
    #[error("the source holds {}", special_files(files, *total))]
    SpecialFile {
        /// The first few, relative to the source's root.
        files: Vec<(PathBuf, Special)>,
        /// How many there are.
        total: usize,
    },
    /// The source brings the folder that slugbuilder adds.
    #[error("the source has a `{}` of its own", super::OWN_FOLDER)]
    OwnFolder,
    /// Something changed between two looks at it.
    #[error("`{}` changed while the source was read", show(path))]
    Changed {
        /// Relative to the source's root.
        path: PathBuf,
    },
    /// It had to end before it was done.
    #[error("reading the source {0}")]
    Stopped(Stopped),
    /// The staged tree cannot be written.
    #[error("cannot write `{}`", show(path))]
    Write {
        /// The file that was being written.
        path: PathBuf,
        /// Why.
        source: Error,
    },
}

fn special_files(files: &[(PathBuf, Special)], total: usize) -> String {
    let named: Vec<String> = files
        .iter()
        .map(|(path, what)| format!("a {what} at `{}`", show(path)))
        .collect();
    let named = named.join(", ");
    match total.saturating_sub(files.len()) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl From<Stopped> for StageError {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl StageError {
    pub(super) fn of_root(path: &Path, error: Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound { path },
            ErrorKind::NotADirectory => Self::NotAFolder { path },
            _ => Self::SourceUnreadable {
                path,
                source: error,
            },
        }
    }

    pub(super) fn of_entry(path: &Path, failure: Failure) -> Self {
        let path = path.to_owned();
        match failure {
            Failure::Changed => Self::Changed { path },
            Failure::Io(source) => Self::Unreadable { path, source },
        }
    }

    pub(super) fn writing(path: impl Into<PathBuf>, error: impl Into<Error>) -> Self {
        Self::Write {
            path: path.into(),
            source: error.into(),
        }
    }
}

impl Explain for StageError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "source-not-found",
            Self::NotAFolder { .. } => "source-not-a-folder",
            Self::SourceUnreadable { .. } | Self::Unreadable { .. } => "source-unreadable",
            Self::Empty { .. } => "source-empty",
            Self::SpecialFile { .. } => "source-special-file",
            Self::OwnFolder => "source-own-folder",
            Self::Changed { .. } => "source-changed",
            Self::Stopped(stopped) => stopped.code(),
            Self::Write { .. } => "staging-failed",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NotFound { .. } | Self::NotAFolder { .. } => Fault::Usage,
            Self::Empty { .. } | Self::SpecialFile { .. } | Self::OwnFolder => Fault::App,
            Self::Changed { .. } => Fault::TryLater,
            Self::Stopped(stopped) => stopped.fault(),
            Self::SourceUnreadable { .. } | Self::Unreadable { .. } | Self::Write { .. } => {
                Fault::Io
            }
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::SpecialFile { .. } => {
                Some("A slug can hold files, folders and symbolic links only.".into())
            }
            Self::OwnFolder => Some(format!(
                "Slugbuilder puts the runtimes and dependencies of the slug into `{}`, so the app cannot bring one.",
                super::OWN_FOLDER
            )),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotFound { .. } => "Give the path of the folder that holds the app.".into(),
            Self::NotAFolder { .. } => "Give the folder that holds the app, not a file in it.".into(),
            Self::SourceUnreadable { .. } => "Make it readable for the user that builds.".into(),
            Self::Unreadable { path, source } if source.kind() == ErrorKind::PermissionDenied => format!(
                "Make it readable for the user that builds, or leave it out with a line `/{}` in `.slugignore`.",
                show(path)
            ),
            Self::Empty { left_out: 0, .. } => "Give the folder that holds the app.".into(),
            Self::Empty { .. } => {
                "Look at `.slugignore` and, in a git work tree, at `.gitignore`; `--all-files` keeps what git ignores."
                    .into()
            }
            Self::SpecialFile { .. } => {
                "Stop the program that made it and remove it, or leave it out with a line in `.slugignore`.".into()
            }
            Self::OwnFolder => format!("Remove `{}`; if this is an unpacked slug, build from its source.", super::OWN_FOLDER),
            Self::Changed { .. } => "Build again when nothing else writes to the source.".into(),
            Self::Stopped(stopped) => stopped.hint(),
            Self::Write { source, .. } if source.kind() == ErrorKind::StorageFull => {
                "Free some disk space, or choose another disk with `--cache-dir`.".into()
            }
            Self::Unreadable { .. } => "Look at the disk that the source is on.".into(),
            Self::Write { .. } => {
                "Look at the disk, or choose another one with `--cache-dir`.".into()
            }
        };
        vec![hint]
    }
}
