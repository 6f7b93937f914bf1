//! Why something about builds cannot be done.

use crate::blobs::BlobError;
use crate::http::ApiError;
use crate::store::StoreError;
use slugbuilder_report::{Diagnosis, Explain, Fault};
use std::io;

/// Why something about builds cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildsError {
    /// The server builds nothing.
    #[error(
        "This server builds nothing: its operator started it so. Please build elsewhere, and release the slug."
    )]
    NoBuilder,
    /// What is asked for breaks a rule.
    #[error("{0}")]
    Invalid(
        /// The rule, for people: a full sentence.
        String,
    ),
    /// The ledger says no, or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of sources cannot be used.
    #[error(transparent)]
    Sources(#[from] BlobError),
    /// The folder of builds cannot be used.
    #[error("the folder of the builds could not be used")]
    Folder(#[source] io::Error),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

impl Explain for BuildsError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoBuilder => "builds-off",
            Self::Invalid(_) => "invalid-params",
            Self::Store(error) => error.code(),
            Self::Sources(error) => error.code(),
            Self::Folder(_) => "builds-folder-unusable",
            Self::Stopping => "server-stopping",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoBuilder | Self::Invalid(_) => Fault::App,
            Self::Store(error) => error.fault(),
            Self::Sources(error) => error.fault(),
            Self::Folder(_) => Fault::Io,
            Self::Stopping => Fault::TryLater,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Store(error) => error.hints(),
            Self::Sources(error) => error.hints(),
            Self::Folder(_) => vec![
                "See that the disk of the data folder has room, and that the server may write to its folder `builds`.".into(),
            ],
            _ => Vec::new(),
        }
    }
}

impl From<BuildsError> for ApiError {
    fn from(error: BuildsError) -> Self {
        match error {
            BuildsError::NoBuilder | BuildsError::Invalid(_) => {
                Self::invalid_params(error.to_string())
            }
            BuildsError::Store(error) => error.into(),
            BuildsError::Stopping => Self::unavailable(error.to_string()),
            BuildsError::Sources(_) | BuildsError::Folder(_) => {
                Self::internal(Diagnosis::of(&error).one_line())
            }
        }
    }
}
