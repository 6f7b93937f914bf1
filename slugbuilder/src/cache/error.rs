//! Why the cache folder could not be looked into or pruned.

use crate::workspace::WorkspaceError;
use slugbuilder_fetch::CacheError;
use slugbuilder_report::{Explain, Fault};
use std::io;

/// Why the cache folder could not be looked into or pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheFolderError {
    /// The folder itself, or those of apps.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The downloads.
    #[error(transparent)]
    Downloads(#[from] CacheError),
}

impl From<io::Error> for CacheFolderError {
    fn from(error: io::Error) -> Self {
        Self::Workspace(error.into())
    }
}

impl CacheFolderError {
    fn cause(&self) -> &dyn Explain {
        match self {
            Self::Workspace(error) => error,
            Self::Downloads(error) => error,
        }
    }
}

impl Explain for CacheFolderError {
    fn code(&self) -> &'static str {
        self.cause().code()
    }

    fn fault(&self) -> Fault {
        self.cause().fault()
    }

    fn explanation(&self) -> Option<String> {
        self.cause().explanation()
    }

    fn hints(&self) -> Vec<String> {
        match self {
            // Another folder is no answer to a question about this one.
            Self::Workspace(WorkspaceError::Io(_)) => {
                vec![
                    "Look at who may read and write the folder, as the user whose builds use it."
                        .into(),
                ]
            }
            _ => self.cause().hints(),
        }
    }

    fn retryable(&self) -> bool {
        self.cause().retryable()
    }
}
