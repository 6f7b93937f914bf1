//! What goes wrong with git and repositories.

use crate::store::StoreError;
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;

/// Why git cannot be used, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The program cannot be run.
    #[error("cannot run `git {what}`")]
    Start {
        /// The git command.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A command failed.
    #[error("`git {what}` failed: {message}")]
    Failed {
        /// The git command.
        what: String,
        /// What it said.
        message: String,
    },
    /// The program is older than what is needed.
    #[error("`{}` is git {found}, and {needed} or newer is needed", program.display())]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// The hook, through which every push has to go, does not run.
    #[error("the hook `{}` does not run: {message}", path.display())]
    Hook {
        /// The hook.
        path: PathBuf,
        /// What happened instead.
        message: String,
    },
    /// A repository, or what belongs to one, cannot be read or written.
    #[error("cannot {what}")]
    Io {
        /// What was to be done.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What git answered makes no sense.
    #[error("what `git {what}` answered cannot be understood: {problem}")]
    Answer {
        /// The git command.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl Explain for GitError {
    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "git-not-run",
            Self::Failed { .. } => "git-failed",
            Self::TooOld { .. } => "git-too-old",
            Self::Hook { .. } => "git-hook",
            Self::Io { .. } => "git-repository",
            Self::Answer { .. } => "git-answer",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Start { .. } | Self::TooOld { .. } => Fault::Unavailable,
            Self::Failed { .. } | Self::Hook { .. } | Self::Io { .. } => Fault::Io,
            Self::Answer { .. } => Fault::Bug,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::TooOld { .. } => vec!["Install a newer git, and start the server again.".into()],
            Self::Hook { .. } => vec![
                "The data folder has to be on a file system whose programs may be run (not mounted `noexec`), and `/bin/sh` \
                 has to be there."
                    .into(),
            ],
            Self::Io { .. } => {
                vec!["Check that the server's user owns the data folder, and that the disk has room.".into()]
            }
            _ => Vec::new(),
        }
    }
}

/// Why the repositories cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Their folder cannot.
    #[error("the folder of repositories could not be used")]
    Folder(#[from] io::Error),
    /// Git cannot remove one.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The ledger cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder(_) => "repositories",
            Self::Git(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Folder(_) => Fault::Io,
            Self::Git(error) => error.fault(),
            Self::Store(error) => error.fault(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Folder(_) => {
                vec!["Check that the server's user owns the data folder, and that the disk has room.".into()]
            }
            Self::Git(error) => error.hints(),
            Self::Store(error) => error.hints(),
        }
    }
}

/// Why the server takes no pushes, as pushers are told.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitUnusable {
    /// There is no git.
    #[error(
        "git is not installed on the server, so that nothing can be pushed to it or fetched from it"
    )]
    Missing,
    /// It does not do what is needed; the server said so when it started.
    #[error(
        "git does not work on the server, so that nothing can be pushed to it or fetched from it; its operator can read why in its output"
    )]
    Error(#[source] GitError),
}
