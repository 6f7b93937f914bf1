//! What can go wrong with blobs.

use slugbuilder_report::{Explain, Fault};
use std::io::{Error, ErrorKind};
use uuid::Uuid;

/// Why a blob could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The folder of the blobs cannot be made or used.
    #[error("cannot use the folder of the blobs")]
    Folder(#[source] Error),
    /// The bytes of a blob cannot be written.
    #[error("cannot write blob `{id}`")]
    Write {
        /// Which one.
        id: Uuid,
        /// Why.
        source: Error,
    },
    /// The bytes of a blob cannot be read.
    #[error("cannot read blob `{id}`")]
    Read {
        /// Which one.
        id: Uuid,
        /// Why.
        source: Error,
    },
    /// The settings of the object store make no sense.
    #[cfg(feature = "object-store")]
    #[error("cannot use `{url}` as the store of the blobs")]
    Settings {
        /// The address that was given.
        url: String,
        /// Why.
        source: object_store::Error,
    },
    /// The object store does not tell what is in it.
    #[cfg(feature = "object-store")]
    #[error("the object store cannot list its blobs")]
    List(#[source] object_store::Error),
    /// The object store refuses, or is not there.
    #[cfg(feature = "object-store")]
    #[error("the object store cannot {what} blob `{id}`")]
    Store {
        /// `write`, `read` or `remove`.
        what: &'static str,
        /// Which blob.
        id: Uuid,
        /// Why.
        source: object_store::Error,
    },
}

impl BlobError {
    /// Whether the disk or the account's share of it is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Folder(source) | Self::Write { source, .. } | Self::Read { source, .. } => {
                matches!(
                    source.kind(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded
                )
            }
            #[cfg(feature = "object-store")]
            Self::Settings { .. } | Self::List(_) | Self::Store { .. } => false,
        }
    }
}

impl Explain for BlobError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder(_) => "blobs-folder",
            Self::Write { .. } => "blob-not-written",
            Self::Read { .. } => "blob-unreadable",
            #[cfg(feature = "object-store")]
            Self::Settings { .. } => "blobs-settings",
            #[cfg(feature = "object-store")]
            Self::List(_) | Self::Store { .. } => "blobs-store",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Folder(_) | Self::Write { .. } | Self::Read { .. } => Fault::Io,
            #[cfg(feature = "object-store")]
            Self::Settings { .. } => Fault::Usage,
            #[cfg(feature = "object-store")]
            Self::List(_) | Self::Store { .. } => Fault::TryLater,
        }
    }

    fn hints(&self) -> Vec<String> {
        if self.is_full() {
            return vec!["Free some space on the disk of the server's data folder.".into()];
        }
        match self {
            Self::Folder(_) | Self::Write { .. } | Self::Read { .. } => vec![
                "Check that the server's user owns the data folder and everything in it.".into(),
            ],
            #[cfg(feature = "object-store")]
            Self::Settings { .. } => {
                vec!["Write it as `s3://BUCKET` or `s3://BUCKET/FOLDER`.".into()]
            }
            #[cfg(feature = "object-store")]
            Self::List(_) | Self::Store { .. } => vec![
                "Check that the bucket is there and the access key may read and write in it."
                    .into(),
            ],
        }
    }
}
