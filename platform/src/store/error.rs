//! Why the store could not do what was asked.

use slugbuilder_report::{Explain, Fault};
use std::path::PathBuf;

/// Why the store could not do what was asked.
///
/// The first variants are answers to whoever asked; those from [`StoreError::InUse`] on concern the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is not there, or this user may not know that it is.
    #[error("Couldn't find that {}.", resource.replace('_', " "))]
    NotFound {
        /// The resource of the API: `app`, `release`, `slug`, `formation`, `user`, `collaborator`, `pipeline` and others.
        resource: &'static str,
    },
    /// Another app has this name.
    #[error("Name is already taken")]
    NameTaken,
    /// What was asked for breaks a rule.
    #[error("{0}")]
    Invalid(
        /// The rule, for people: a full sentence.
        String,
    ),
    /// This user may see it, but not do that to it.
    #[error("{0}")]
    Forbidden(
        /// Who may, for people: a full sentence.
        String,
    ),
    /// It cannot be done now.
    #[error("{0}")]
    Conflict(
        /// What is in the way, for people: a full sentence.
        String,
    ),
    /// There are as many as there may be for now.
    #[error("{0}")]
    TooMany(
        /// Of what, for people: a full sentence.
        String,
    ),
    /// Another server runs on the folder.
    #[error("another server uses the data folder `{}`", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// A newer slugbuilder has changed the database.
    #[error("the database `{}` has the form {found}, and this slugbuilder knows those up to {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its form: the number of migrations it has had.
        found: u64,
        /// The newest form that this program knows.
        known: u64,
    },
    /// The file is a database of something else.
    #[error("`{}` is no database of slugbuilder", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is no database, or no longer a sound one.
    #[error("the database is damaged: {0}")]
    Damaged(
        /// What SQLite or a check says of it.
        String,
    ),
    /// The disk is full.
    #[error("the disk of the database is full")]
    DiskFull,
    /// The data folder, its lock or the database's file could not be made or read.
    #[error(transparent)]
    Folder(#[from] std::io::Error),
    /// A transaction could not be committed, so that nothing of it is there.
    #[error("what was asked could not be written: {0}")]
    NotWritten(
        /// Why, as SQLite says it.
        String,
    ),
    /// The server is stopping.
    #[error("the store is closed")]
    Closed,
    /// A panic while a request was carried out; nothing of it was written.
    #[error("the store failed while it carried out a request")]
    Panicked,
    /// Anything else that SQLite says.
    #[error("the database could not be used")]
    Sql(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Sql(error),
        }
    }
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not-found",
            Self::NameTaken => "name-taken",
            Self::Invalid(_) => "invalid-params",
            Self::Forbidden(_) => "forbidden",
            Self::Conflict(_) => "conflict",
            Self::TooMany(_) => "too-many",
            Self::InUse { .. } => "data-folder-in-use",
            Self::Newer { .. } => "database-too-new",
            Self::Foreign { .. } => "database-foreign",
            Self::Damaged(_) => "database-damaged",
            Self::DiskFull => "disk-full",
            Self::Folder(_) => "data-folder-unusable",
            Self::NotWritten(_) => "database-not-written",
            Self::Closed => "store-closed",
            Self::Panicked => "store-panicked",
            Self::Sql(_) => "database-unusable",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NotFound { .. }
            | Self::NameTaken
            | Self::Invalid(_)
            | Self::Forbidden(_)
            | Self::Newer { .. }
            | Self::Foreign { .. } => Fault::App,
            Self::Conflict(_) | Self::TooMany(_) | Self::InUse { .. } | Self::Closed => {
                Fault::TryLater
            }
            Self::Panicked => Fault::Bug,
            Self::Damaged(_)
            | Self::DiskFull
            | Self::Folder(_)
            | Self::NotWritten(_)
            | Self::Sql(_) => Fault::Io,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::InUse { .. } => vec![
                "Stop the other server, or give this one a data folder of its own.".into(),
            ],
            Self::Newer { .. } => vec![
                "Run the slugbuilder that last used this folder, or a newer one.".into(),
                "To go back to an older one, restore a backup that was made with it into an empty folder.".into(),
            ],
            Self::Foreign { .. } => {
                vec!["Give the server a data folder of its own, which may be empty.".into()]
            }
            Self::Damaged(_) => vec![
                "Stop the server, keep the data folder as it is, and restore the newest backup into an empty folder."
                    .into(),
                "Check the disk: SQLite does not damage its files, failing or lying disks do.".into(),
            ],
            Self::DiskFull | Self::NotWritten(_) => {
                vec!["Make room on the disk of the data folder; nothing that was answered is lost.".into()]
            }
            Self::Folder(_) => {
                vec!["Look at who may read and write the data folder, as the user that the server runs as.".into()]
            }
            Self::Panicked => vec!["This is a bug of slugbuilder: please report it with the server's log.".into()],
            _ => Vec::new(),
        }
    }
}
