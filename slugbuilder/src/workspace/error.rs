//! What of a work folder could not be had.

use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;

/// What of a work folder could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// Reading or writing the cache folder failed; the source names the path.
    #[error("cannot use the cache folder")]
    Io(#[from] io::Error),
    /// The cache folder is the source or lies above it: the build would fill its own source.
    #[error("the source `{}` lies in the cache folder `{}`", source_folder.display(), cache_dir.display())]
    HoldsSource {
        /// The cache folder.
        cache_dir: PathBuf,
        /// The app's source.
        source_folder: PathBuf,
    },
    /// Root was given a cache folder that another user could fill with links to the system's files.
    #[error("the cache folder `{}` is not root's alone", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// slugbuilder was asked to stop while it waited for another build of the same app.
    #[error("interrupted while waiting for another build of the same app")]
    Interrupted,
    /// The time limit passed meanwhile.
    #[error("ran out of time while waiting for another build of the same app")]
    TimedOut,
}

impl Explain for WorkspaceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "cache-folder",
            Self::HoldsSource { .. } => "cache-folder-holds-source",
            Self::Foreign { .. } => "cache-folder-foreign",
            Self::Interrupted => "interrupted",
            Self::TimedOut => "timed-out",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Io(_) => Fault::Io,
            Self::HoldsSource { .. } | Self::Foreign { .. } => Fault::Usage,
            Self::Interrupted | Self::TimedOut => Fault::TryLater,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Foreign { .. } => Some(
                "Another user owns it or can write to it, and could make root write elsewhere."
                    .into(),
            ),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::Io(_) => {
                "Choose another folder with `--cache-dir`, or free space in this one.".into()
            }
            Self::HoldsSource { .. } => {
                "Choose a folder elsewhere, or one inside the source, with `--cache-dir`.".into()
            }
            Self::Foreign { path } => format!(
                "Choose another folder with `--cache-dir`, or make it root's: `chown root:root {0} && chmod go-w {0}`.",
                path.display()
            ),
            Self::Interrupted | Self::TimedOut => {
                "Try again when the other build has ended; with a `--cache-dir` of its own it need not wait.".into()
            }
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    #[test]
    fn every_error_says_what_to_do() {
        let render = |error: WorkspaceError| Diagnosis::of(&error).render(Style::Plain);
        let cache_dir = PathBuf::from("../cache");
        insta::assert_snapshot!(
            render(WorkspaceError::HoldsSource {
                cache_dir: ".".into(),
                source_folder: "app".into(),
            }),
            @"
        error[cache-folder-holds-source]: the source `app` lies in the cache folder `.`

          hint: Choose a folder elsewhere, or one inside the source, with `--cache-dir`.
        "
        );
        insta::assert_snapshot!(render(WorkspaceError::Foreign { path: cache_dir }), @"
        error[cache-folder-foreign]: the cache folder `../cache` is not root's alone

          Another user owns it or can write to it, and could make root write elsewhere.

          hint: Choose another folder with `--cache-dir`, or make it root's: `chown root:root ../cache && chmod go-w ../cache`.
        ");
        insta::assert_snapshot!(render(WorkspaceError::Interrupted), @"
        error[interrupted]: interrupted while waiting for another build of the same app

          hint: Try again when the other build has ended; with a `--cache-dir` of its own it need not wait.
        ");
        insta::assert_snapshot!(render(WorkspaceError::TimedOut), @"
        error[timed-out]: ran out of time while waiting for another build of the same app

          hint: Try again when the other build has ended; with a `--cache-dir` of its own it need not wait.
        ");
        insta::assert_snapshot!(render(io::Error::other("no luck").into()), @"
        error[cache-folder]: cannot use the cache folder
          caused by: no luck

          hint: Choose another folder with `--cache-dir`, or free space in this one.
        ");
    }
}
