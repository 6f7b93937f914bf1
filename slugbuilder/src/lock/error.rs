//! Locks that cannot be read, written or kept to.

use slugbuilder_report::lock::{LOCK_FILE, LockFileError};
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;

/// The hint of whatever is drift.
pub(super) const LOCK_AGAIN: &str =
    "Run `slugbuilder lock`, look at the difference, and commit it.";

/// What can go wrong with a lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else is in its place.
    #[error("`{}` is no regular file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// It is not what a lock is.
    #[error(transparent)]
    File(#[from] LockFileError),
    /// There has to be a lock, and there is none.
    #[error("there is no `{}`", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// `--locked`, and the lock does not fit any more.
    #[error("{what}")]
    Outdated {
        /// What does not fit, with `slugbuilder.lock:LINE`.
        what: String,
    },
    /// A pin that is to move is not there.
    #[error("{LOCK_FILE} pins no `{name}`")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// What it pins.
        known: Vec<String>,
    },
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable-lock",
            Self::Unwritable { .. } => "unwritable-lock",
            Self::NoFile { .. } => "lock-is-no-file",
            Self::File(error) => error.code(),
            Self::Missing { .. } => "no-lock",
            Self::Outdated { .. } => "lock-outdated",
            Self::UnknownName { .. } => "unknown-pin",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. } | Self::Unwritable { .. } => Fault::Io,
            Self::UnknownName { .. } => Fault::Usage,
            _ => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Unreadable { .. } => "Make it readable for you.".into(),
            Self::Unwritable { .. } => {
                "Make the folder writable for you, and look at the disk.".into()
            }
            Self::NoFile { .. } => {
                "Remove what is there: a lock is neither a link nor a folder.".into()
            }
            Self::File(error) => return error.hints(),
            Self::Missing { .. } => "Run `slugbuilder lock`, and commit the file.".into(),
            Self::Outdated { .. } => LOCK_AGAIN.into(),
            Self::UnknownName { known, .. } if known.is_empty() => {
                "It pins nothing: run `slugbuilder lock` first.".into()
            }
            Self::UnknownName { known, .. } => format!("It pins {}.", known.join(", ")),
        }]
    }
}
