//! What can go wrong while a slug is written.

use super::Summary;
use super::folders::{Folder, bytes};
use crate::stop::Stopped;
use crate::tree::{Failure, Special, show};
use slugbuilder_report::{Explain, Fault};
use std::fmt::Write as _;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// Why there is no slug.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Something in the tree cannot be read.
    #[error("cannot read `{}`", show(path))]
    Unreadable {
        /// The folder that was to be archived, or a path relative to it.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// The tree holds what no slug can.
    #[error("cannot archive the {what} `{}`", show(path))]
    SpecialFile {
        /// Relative to the folder that was to be archived.
        path: PathBuf,
        /// What it is.
        what: Special,
    },
    /// Something changed between two looks at it.
    #[error("`{}` changed while it was archived", show(path))]
    Changed {
        /// Relative to the folder that was to be archived.
        path: PathBuf,
    },
    /// The writer that was given fails.
    #[error("cannot write the slug")]
    Write(#[source] Error),
    /// The slug's file cannot be written.
    #[error("cannot write `{}`", show(path))]
    Output {
        /// Its final name.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// It had to end before it was done.
    #[error("writing the slug {0}")]
    Stopped(Stopped),
    /// The slug would be so large that it was not written to its end.
    #[error("the slug would have more than {}, and {} are allowed", bytes(*written), bytes(*max_size))]
    FarTooLarge {
        /// Bytes that were written before it was given up.
        written: u64,
        /// Bytes that are allowed.
        max_size: u64,
        /// The folders that are worth a look, largest first.
        largest: Vec<Folder>,
    },
    /// The slug is whole but too large.
    #[error("the slug has {}, more than the {} that are allowed", bytes(summary.size), bytes(*max_size))]
    TooLarge {
        /// What was written.
        summary: Box<Summary>,
        /// Bytes that are allowed.
        max_size: u64,
        /// Where the slug is kept.
        kept: Option<PathBuf>,
    },
}

impl From<Stopped> for ArchiveError {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl ArchiveError {
    pub(crate) fn of_entry(path: &Path, failure: Failure) -> Self {
        let path = path.to_owned();
        match failure {
            Failure::Changed => Self::Changed { path },
            Failure::Io(source) => Self::Unreadable { path, source },
        }
    }

    /// Names the output.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Write(source) => Self::Output {
                path: path.to_owned(),
                source,
            },
            other => other,
        }
    }
}

fn explain_size(largest: &[Folder]) -> Option<String> {
    (!largest.is_empty())
        .then(|| format!("The largest folders, before compression:{}", table(largest)))
}

fn table(folders: &[Folder]) -> String {
    folders.iter().fold(String::new(), |mut text, folder| {
        let _ = write!(
            text,
            "\n{:>10}  {}",
            bytes(folder.bytes),
            show(&folder.path)
        );
        text
    })
}

impl Explain for ArchiveError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "archive-unreadable",
            Self::SpecialFile { .. } => "archive-special-file",
            Self::Changed { .. } => "archive-changed",
            Self::Write(_) | Self::Output { .. } => "archive-not-written",
            Self::Stopped(stopped) => stopped.code(),
            Self::TooLarge { .. } | Self::FarTooLarge { .. } => "slug-too-large",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. } | Self::Write(_) | Self::Output { .. } => Fault::Io,
            Self::SpecialFile { .. } | Self::TooLarge { .. } | Self::FarTooLarge { .. } => {
                Fault::App
            }
            Self::Stopped(stopped) => stopped.fault(),
            Self::Changed { .. } => Fault::TryLater,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::SpecialFile { .. } => {
                Some("A slug can hold files, folders and symbolic links only.".into())
            }
            Self::TooLarge { summary, .. } => explain_size(&summary.largest),
            Self::FarTooLarge { largest, .. } => explain_size(largest),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::SpecialFile { .. } => vec!["Stop the program that made it and remove it.".into()],
            Self::Changed { .. } => {
                vec!["Try again when nothing else writes to the folder.".into()]
            }
            Self::Write(source) | Self::Output { source, .. }
                if source.kind() == ErrorKind::StorageFull =>
            {
                vec!["Free some disk space, or choose another place with `--output`.".into()]
            }
            Self::Output { source, .. } if source.kind() == ErrorKind::IsADirectory => {
                vec!["Give the name of a file with `--output`.".into()]
            }
            Self::Output { source, .. } if source.kind() == ErrorKind::NotFound => {
                vec!["Make the folder first, or choose another place with `--output`.".into()]
            }
            Self::Output { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                vec!["Choose a place that you can write to with `--output`.".into()]
            }
            Self::TooLarge { kept, .. } => {
                let kept = kept
                    .as_ref()
                    .map(|path| format!("Look into it: it is kept as `{}`.", show(path)));
                let mut hints =
                    vec!["Leave out what running does not need with `.slugignore`.".into()];
                hints.extend(kept);
                hints.push(
                    "If your platform takes larger slugs, raise the limit with `--max-size`."
                        .into(),
                );
                hints
            }
            Self::FarTooLarge { .. } => {
                vec!["Leave out what running does not need with `.slugignore`.".into()]
            }
            Self::Stopped(stopped) => vec![stopped.hint()],
            Self::Unreadable { .. } => {
                vec!["Make it readable for you, or leave it out with `.slugignore`.".into()]
            }
            Self::Write(_) => vec!["Look at what the slug is written to.".into()],
            Self::Output { .. } => {
                vec!["Choose another place with `--output`.".into()]
            }
        }
    }
}
