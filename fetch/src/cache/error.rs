//! What can go wrong with the cache.

use crate::Checksum;
use slugbuilder_report::{Explain, Fault};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the cache failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Reading or writing failed.
    #[error("cannot {action} `{path}` of the cache", path = .path.display())]
    Disk {
        /// `create`, `read`, `write`, `lock` or `remove`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that was to be kept is not what it should be.
    #[error("`{path}` does not have the expected checksum", path = .path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: Box<Checksum>,
        /// What it is.
        actual: Box<Checksum>,
    },
}

impl CacheError {
    /// For `map_err`: a [`CacheError::Disk`].
    pub(super) fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl Explain for CacheError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "cache-disk",
            Self::Checksum { .. } => "cache-checksum",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Disk { .. } => Fault::Io,
            Self::Checksum { .. } => Fault::Unavailable,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Disk { .. } => None,
            Self::Checksum {
                expected, actual, ..
            } => Some(format!("expected {expected}\n     got {actual}")),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Disk { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Make room on that disk.",
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    "Make the cache writable for this user, or choose another folder for it."
                }
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    "Something else is where the cache keeps its files: remove it, or choose another folder."
                }
                _ => return Vec::new(),
            },
            Self::Checksum { .. } => "Get the file anew.",
        };
        vec![hint.to_owned()]
    }
}
