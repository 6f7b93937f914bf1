//! Locks that do not fit.

use slugbuilder_report::lock::{LOCK_FILE, LockFileError};
use slugbuilder_report::{Explain, Fault, Warning};

/// How the app, or what can be had for it, has moved away from the lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Drift {
    /// The request does not accept what is pinned.
    #[error("{place} pins {what}, but {origin} asks for `{requested}`")]
    Version {
        /// `slugbuilder.lock:LINE`.
        place: String,
        /// `Node.js 24.1.0`.
        what: String,
        /// The request.
        requested: String,
        /// Where it stands.
        origin: String,
    },
    /// Something is not pinned.
    #[error("{LOCK_FILE} pins no {name}, which is needed ({origin})")]
    Missing {
        /// `Node.js`.
        name: String,
        /// What needs it.
        origin: String,
    },
    /// Something is pinned and not needed.
    #[error("{place} pins {what}, which the app does not need any more")]
    Unused {
        /// `slugbuilder.lock:LINE`.
        place: String,
        /// `Node.js 24.1.0`.
        what: String,
    },
    /// What can be had is not what is pinned.
    #[error("{place} does not know what came for {what}: {reason}")]
    Archive {
        /// `slugbuilder.lock:LINE`.
        place: String,
        /// `node 24.1.0`.
        what: String,
        /// Why.
        reason: String,
    },
}

impl Drift {
    fn hints(&self) -> Vec<String> {
        let again = LOCK_AGAIN.to_owned();
        match self {
            Self::Version { origin, .. } => {
                vec![again, format!("Or ask in {origin} for what is pinned.")]
            }
            _ => vec![again],
        }
    }

    /// Drift where it is no error.
    #[must_use]
    pub fn warning(&self) -> Warning {
        Warning::new(CODE, self.to_string()).hint(LOCK_AGAIN)
    }
}

/// Of errors and warnings.
const CODE: &str = "lock-outdated";

/// The hint of whatever is drift.
const LOCK_AGAIN: &str = "Run `slugbuilder lock`, look at the difference, and commit it.";

/// Why a lock ends the build.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file cannot be read.
    #[error("cannot read `{LOCK_FILE}`")]
    Unreadable {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not what a lock is.
    #[error(transparent)]
    File(#[from] LockFileError),
    /// `--locked` without a lock.
    #[error("there is no `{LOCK_FILE}`, and only what it pins may be used")]
    NoLock,
    /// `--locked`, and the lock does not fit any more.
    #[error(transparent)]
    Drift(Drift),
    /// An archive is not what is pinned.
    #[error("`{location}` is not what {place} pins")]
    Mismatch {
        /// The archive.
        location: String,
        /// `slugbuilder.lock:LINE`.
        place: String,
        /// The pinned hash.
        expected: String,
        /// That of what came.
        actual: String,
    },
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable-lock",
            Self::File(error) => error.code(),
            Self::NoLock => "no-lock",
            Self::Drift(_) => CODE,
            Self::Mismatch { .. } => "lock-mismatch",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. } => Fault::Io,
            Self::Mismatch { .. } => Fault::Unavailable,
            _ => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Mismatch {
                expected, actual, ..
            } => Some(format!(
                "pinned {expected}\n   got {actual}\nEither the archive was changed where it comes from, or the lock was edited."
            )),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unreadable { .. } => vec!["Make it a regular file that you can read.".into()],
            Self::File(error) => error.hints(),
            Self::NoLock => vec!["Run `slugbuilder lock`, and commit the file.".into()],
            Self::Drift(drift) => drift.hints(),
            Self::Mismatch { .. } => vec![
                "Find out why it changed before you use it.".into(),
                "If the change is known and right, run `slugbuilder lock --update`.".into(),
            ],
        }
    }
}
