//! Lock files that cannot be read.

use super::{LOCK_FILE, LOCK_VERSION};
use crate::{Explain, Fault};

/// Why a lock file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockFileError {
    /// It is not TOML, or not of this shape.
    #[error("{LOCK_FILE}:{line}: {reason}")]
    Invalid {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer slugbuilder wrote it.
    #[error(
        "{LOCK_FILE}:{line}: its version is {version}, and this slugbuilder reads {LOCK_VERSION}"
    )]
    Version {
        /// The line, from 1.
        line: usize,
        /// The version.
        version: i64,
    },
}

impl Explain for LockFileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid-lock",
            Self::Version { .. } => "newer-lock",
        }
    }

    fn fault(&self) -> Fault {
        Fault::App
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Invalid { .. } => format!(
                "Take the committed `{LOCK_FILE}` back, or remove it and run `slugbuilder lock`."
            ),
            Self::Version { .. } => "Use the slugbuilder that wrote it, or a newer one.".into(),
        }]
    }
}
