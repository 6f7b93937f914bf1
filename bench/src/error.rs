//! What can go wrong while measuring.

use slugbuilder_report::{Explain, Fault};
use std::path::PathBuf;

/// A benchmark that gives no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A program that rows need is not installed.
    #[error("`{program}` is not installed")]
    MissingTool {
        program: String,
        /// Debian's package.
        package: &'static str,
        /// Whether only rows of others need it.
        peer: bool,
    },
    /// A program failed. Its own words are on stderr, above.
    #[error("`{command}` failed: {reason}")]
    Failed { command: String, reason: String },
    /// A row wrote something else than it should have.
    #[error("the output of `{row}` is wrong: {reason}")]
    WrongOutput { row: String, reason: String },
    /// A tree is not what the bars are about.
    #[error("the tree `{tree}` is too small: {files} files, {megabytes} MB")]
    SmallTree {
        tree: &'static str,
        files: u64,
        megabytes: u64,
    },
    /// Another run is using the same folder.
    #[error("another benchmark is using {}", .0.display())]
    InUse(PathBuf),
    /// Some series of a part of the document, and not all.
    #[error(
        "`--write-docs` writes a part of the document whole, and `--only` leaves out some of its series"
    )]
    PartOfTheDocument,
    /// The document has no place for the tables.
    #[error("{} has no `{marker}` line", path.display())]
    NoMarker { path: PathBuf, marker: &'static str },
    /// The figures are there, but below what is claimed.
    #[error("{0} of the bars are not met")]
    BarsNotMet(usize),
    /// SIGINT, SIGTERM or SIGHUP.
    #[error("interrupted")]
    Interrupted,
    /// Reading or writing.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Walking a tree.
    #[error(transparent)]
    Walk(#[from] walkdir::Error),
    /// A measurement or a marker that cannot be read.
    #[error("cannot read {what}")]
    Json {
        what: String,
        source: serde_json::Error,
    },
    /// Our own ledger.
    #[error(transparent)]
    Store(#[from] slugbuilder_platform::store::StoreError),
    /// Another part of our own server.
    #[error(transparent)]
    Server(#[from] slugbuilder_platform::ServerError),
    /// A look into the ledger's database.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// Our own writer.
    #[error(transparent)]
    Archive(#[from] slugbuilder::archive::ArchiveError),
    /// Our own reader.
    #[error(transparent)]
    Slug(#[from] slugbuilder::slug::SlugError),
}

impl Explain for BenchError {
    fn code(&self) -> &'static str {
        match self {
            Self::MissingTool { .. } => "missing-tool",
            Self::Failed { .. } => "program-failed",
            Self::WrongOutput { .. } => "wrong-output",
            Self::SmallTree { .. } => "small-tree",
            Self::InUse(_) => "in-use",
            Self::PartOfTheDocument => "part-of-the-document",
            Self::NoMarker { .. } => "no-marker",
            Self::BarsNotMet(_) => "bars-not-met",
            Self::Interrupted => "interrupted",
            Self::Io(_) | Self::Walk(_) => "input-output",
            Self::Json { .. } => "unreadable-json",
            Self::Database(_) => "unreadable-database",
            Self::Store(error) => error.code(),
            Self::Server(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::Slug(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::MissingTool { .. } => Fault::Unavailable,
            Self::Failed { .. }
            | Self::WrongOutput { .. }
            | Self::SmallTree { .. }
            | Self::NoMarker { .. }
            | Self::Json { .. }
            | Self::Database(_)
            | Self::BarsNotMet(_) => Fault::App,
            Self::PartOfTheDocument => Fault::Usage,
            Self::InUse(_) | Self::Interrupted => Fault::TryLater,
            Self::Io(_) | Self::Walk(_) => Fault::Io,
            Self::Store(error) => error.fault(),
            Self::Server(error) => error.fault(),
            Self::Archive(error) => error.fault(),
            Self::Slug(error) => error.fault(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::MissingTool {
                program,
                package,
                peer,
            } => {
                let mut hints = vec![format!("Install it: `apt-get install {package}`.")];
                if *peer {
                    hints.push(format!(
                        "`--skip-missing-peers` measures without `{program}`, and says so."
                    ));
                }
                hints
            }
            Self::WrongOutput { .. } => vec![
                "No figure of a row that is wrong is worth anything: mend what gave it.".into(),
            ],
            Self::InUse(_) => vec!["Wait for it, or choose another folder with `--work`.".into()],
            Self::PartOfTheDocument => {
                vec!["Leave `--only` out, or say `--only next` or `--only platform`.".into()]
            }
            Self::NoMarker { marker, .. } => {
                vec![format!("Put `{marker}` back on a line of its own.")]
            }
            Self::BarsNotMet(_) => vec![
                "The list above names them. On a busy machine, measure again when it is quiet."
                    .into(),
            ],
            Self::Store(error) => error.hints(),
            Self::Server(error) => error.hints(),
            Self::Archive(error) => error.hints(),
            Self::Slug(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}
