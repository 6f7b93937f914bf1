//! Why a backup could not be made or restored.

use crate::blobs::BlobError;
use crate::store::StoreError;
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;
use uuid::Uuid;

/// Why a backup could not be made or restored. Nothing has been left under the final name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The data folder has no ledger.
    #[error("`{}` is no data folder of a server: it has no ledger", folder.display())]
    NoLedger {
        /// The folder.
        folder: PathBuf,
    },
    /// The ledger cannot be read, or is not one to make a backup of.
    #[error("the ledger cannot be used")]
    Ledger(#[source] StoreError),
    /// A blob that the ledger names is not there.
    #[error("the blob of the slug `{id}` is missing")]
    BlobMissing {
        /// The slug.
        id: Uuid,
    },
    /// A blob is not what the ledger says of it.
    #[error("the blob of the slug `{id}` has other bytes than those that were uploaded")]
    BlobDiffers {
        /// The slug.
        id: Uuid,
    },
    /// A blob could not be read or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// There is something under the name already.
    #[error("`{}` is already there", path.display())]
    Exists {
        /// The backup to be written, or the folder to be restored.
        path: PathBuf,
    },
    /// The file is no backup, or part of it is missing or changed.
    #[error("`{}` is no whole backup: {reason}", path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The program was stopped, or failed, in the midst of it.
    #[error("the work was interrupted")]
    Interrupted,
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl Explain for BackupError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoLedger { .. } => "no-ledger",
            Self::Ledger(error) => error.code(),
            Self::BlobMissing { .. } => "blob-missing",
            Self::BlobDiffers { .. } => "blob-differs",
            Self::Blob(error) => error.code(),
            Self::Exists { .. } => "already-there",
            Self::NotWhole { .. } => "backup-not-whole",
            Self::Io(_) => "backup-io",
            Self::Interrupted => "interrupted",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoLedger { .. } | Self::Exists { .. } | Self::NotWhole { .. } => Fault::App,
            Self::Ledger(error) => error.fault(),
            Self::Blob(error) => error.fault(),
            Self::BlobMissing { .. } | Self::BlobDiffers { .. } | Self::Io(_) => Fault::Io,
            Self::Interrupted => Fault::TryLater,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoLedger { .. } => {
                vec!["Name the folder that the server was given as its data folder.".into()]
            }
            Self::Ledger(error) => error.hints(),
            Self::Blob(error) => error.hints(),
            Self::BlobMissing { id } | Self::BlobDiffers { id } => vec![
                format!("Put the file back from an earlier backup, where it is `blobs/{id}`."),
                "Delete the apps that run this slug, if they are not needed any longer.".into(),
            ],
            Self::Exists { .. } => vec![
                "Give it another name. A backup is restored into an empty folder only, and replaces no other."
                    .into(),
            ],
            Self::NotWhole { .. } => vec![
                "Take another backup, or fetch this one again if it was copied from elsewhere."
                    .into(),
            ],
            Self::Io(_) | Self::Interrupted => Vec::new(),
        }
    }
}
