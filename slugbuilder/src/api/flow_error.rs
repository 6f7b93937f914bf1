//! Why a flow of several calls failed.

use super::{ApiError, Refusal};
use crate::slug::{Checksum, SlugError};
use crate::stop::Stopped;
use crate::tree::show;
use slugbuilder_fetch::FetchError;
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;
use uuid::Uuid;

/// Why publishing, releasing or another flow failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// A call failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The slug or its manifest cannot be used.
    #[error(transparent)]
    Slug(#[from] SlugError),
    /// The slug's file is not the one that its manifest speaks of.
    #[error("`{}` is not the slug that its manifest speaks of", show(path))]
    Changed {
        /// The slug.
        path: PathBuf,
        /// What the manifest says.
        expected: Checksum,
        /// What the file has.
        actual: Checksum,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", show(path))]
    Disk {
        /// `read`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody knows whether the release was made.
    #[error("nobody knows whether `{app}` has got the release")]
    Uncertain {
        /// The app.
        app: String,
        /// The version before.
        before: u64,
        /// What became of the call that was to make it.
        source: Box<ApiError>,
        /// Why the releases could not be looked at, where that is so; else it was not among them.
        looked: Option<Box<ApiError>>,
    },
    /// The platform released something else.
    #[error("v{version} of `{app}` does not have the slug `{expected}` that was to be released")]
    OtherSlug {
        /// The app.
        app: String,
        /// The release.
        version: u64,
        /// The slug that was asked for.
        expected: Uuid,
        /// The one that it has.
        actual: Uuid,
    },
    /// The platform does not release this slug. Nothing was released, and what was written down of its upload is forgotten:
    /// the next call uploads it anew.
    #[error(transparent)]
    Unreleasable(ApiError),
    /// An app has no release with a slug.
    #[error("{}", match version {
        Some(version) => format!("v{version} of `{app}` has no slug"),
        None => format!("`{app}` has no release with a slug"),
    })]
    NoSlug {
        /// The app.
        app: String,
        /// The release; nothing where none has one.
        version: Option<u64>,
    },
    /// A slug is for another stack than the app's.
    #[error("the slug of `{from}` is for `{slug_stack}`, and `{to}` runs on `{app_stack}`")]
    OtherStack {
        /// The app whose slug it is.
        from: String,
        /// The app that it was to go to.
        to: String,
        /// The slug's stack.
        slug_stack: String,
        /// The app's stack.
        app_stack: String,
    },
    /// An app was to be promoted to itself, or twice.
    #[error("`{app}` {problem}")]
    Target {
        /// The app.
        app: String,
        /// What is wrong with it as a target.
        problem: &'static str,
    },
    /// The release to go back to is the one that runs.
    #[error("`{app}` runs v{version} already")]
    AlreadyCurrent {
        /// The app.
        app: String,
        /// The release.
        version: u64,
    },
    /// A release cannot be gone back to.
    #[error("`{app}` cannot go back to v{version}")]
    NotEligible {
        /// The app.
        app: String,
        /// The release.
        version: u64,
    },
    /// There is no release to go back to.
    #[error("`{app}` has no earlier release to go back to")]
    NothingEarlier {
        /// The app.
        app: String,
        /// How many of the newest releases were looked at.
        looked_at: usize,
    },
    /// A release phase failed.
    #[error("the release phase of v{version} of `{app}` failed")]
    ReleaseFailed {
        /// The app.
        app: String,
        /// The release.
        version: u64,
    },
    /// The slug of a release is gone.
    #[error("v{version} of `{app}` has expired")]
    Expired {
        /// The app.
        app: String,
        /// The release.
        version: u64,
    },
    /// A release was made, and the platform does not tell any more how its release phase goes.
    #[error("v{version} of `{app}` was made, and nobody tells how its release phase ends")]
    OutOfSight {
        /// The app.
        app: String,
        /// The release.
        version: u64,
        /// What became of the last question.
        source: Box<ApiError>,
    },
    /// It was not waited for the end of a release phase.
    #[error("following v{version} of `{app}` {stopped}")]
    NotFollowed {
        /// The app.
        app: String,
        /// The release.
        version: u64,
        /// Why.
        stopped: Stopped,
    },
    /// A slug cannot be downloaded.
    #[error("cannot download the slug of v{version} of `{app}`")]
    Download {
        /// The app.
        app: String,
        /// The release.
        version: u64,
        /// Why.
        source: FetchError,
    },
    /// A slug that is downloaded, or its manifest, cannot go where it should.
    #[error("`{}` {problem}", show(path))]
    Destination {
        /// The place.
        path: PathBuf,
        /// What is wrong with it.
        problem: Destination,
    },
    /// A download had to end.
    #[error("downloading the slug {0}")]
    NotDownloaded(Stopped),
    /// A work that takes long had to end.
    #[error("reading the slug {0}")]
    Stopped(Stopped),
}

/// Why a slug or manifest is not written to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Destination {
    /// The folder is not there.
    #[error("cannot be written: there is no such folder")]
    NoFolder,
    /// A folder or device is there.
    #[error("is there and no file")]
    NoFile,
    /// Another slug is there.
    #[error("is there, and another slug")]
    OtherSlug,
    /// Something else than the slug's manifest is there.
    #[error("is there, and not the manifest of this slug")]
    OtherManifest,
}

impl FlowError {
    /// What the API said, where it said something.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Api(error) | Self::Unreleasable(error) => error.refusal(),
            Self::Uncertain { source, .. } | Self::OutOfSight { source, .. } => source.refusal(),
            _ => None,
        }
    }
}

impl Explain for FlowError {
    fn code(&self) -> &'static str {
        match self {
            Self::Api(error) | Self::Unreleasable(error) => error.code(),
            Self::Slug(error) => error.code(),
            Self::Changed { .. } => "slug-changed",
            Self::Disk { .. } => "slug-io",
            Self::Uncertain { .. } => "release-uncertain",
            Self::OtherSlug { .. } => "release-other-slug",
            Self::NoSlug { .. } => "release-without-slug",
            Self::OtherStack { .. } => "promote-other-stack",
            Self::Target { .. } => "promote-target",
            Self::AlreadyCurrent { .. } => "rollback-already-current",
            Self::NotEligible { .. } => "rollback-not-eligible",
            Self::NothingEarlier { .. } => "rollback-nothing-earlier",
            Self::ReleaseFailed { .. } => "release-failed",
            Self::Expired { .. } => "release-expired",
            Self::OutOfSight { .. } => "release-out-of-sight",
            Self::NotFollowed { .. } => "release-not-followed",
            Self::Download { source, .. } => source.code(),
            Self::Destination { .. } => "pull-destination",
            Self::NotDownloaded(stopped) | Self::Stopped(stopped) => stopped.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Api(error) | Self::Unreleasable(error) => error.fault(),
            Self::Slug(error) => error.fault(),
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::NotFound => Fault::Usage,
            Self::Disk { .. } => Fault::Io,
            Self::OutOfSight { .. }
            | Self::Uncertain { .. }
            | Self::NotFollowed { .. }
            | Self::NotDownloaded(_)
            | Self::Stopped(_) => Fault::TryLater,
            Self::OtherSlug { .. } => Fault::Unavailable,
            Self::Target { .. } | Self::Destination { .. } => Fault::Usage,
            Self::Download { source, .. } => source.fault(),
            Self::Changed { .. }
            | Self::NoSlug { .. }
            | Self::OtherStack { .. }
            | Self::AlreadyCurrent { .. }
            | Self::NotEligible { .. }
            | Self::NothingEarlier { .. }
            | Self::Expired { .. }
            | Self::ReleaseFailed { .. } => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Api(error) | Self::Unreleasable(error) => error.explanation(),
            Self::Slug(error) => error.explanation(),
            Self::Download { source, .. } => source.explanation(),
            Self::Changed {
                expected, actual, ..
            } => Some(format!("expected {expected}\n     got {actual}")),
            Self::Uncertain {
                before,
                source,
                looked,
                ..
            } => {
                let call = source.explanation().unwrap_or_default();
                let look = match looked {
                    Some(error) => format!(
                        "The app's releases could not be looked at either: {}.",
                        error.diagnosis().one_line()
                    ),
                    None => format!(
                        "No release of yours with this slug is newer than v{before} so far."
                    ),
                };
                let text =
                    format!("{call} {look} It was not asked for again: that could make it twice.");
                Some(text.trim().to_owned())
            }
            Self::OtherSlug { actual, .. } => Some(format!("It has the slug `{actual}`.")),
            Self::NothingEarlier { looked_at, .. } => Some(format!(
                "Of its newest {looked_at} releases, none that is older than the one that runs can be gone back to."
            )),
            Self::NotEligible { .. } => Some(
                "The platform says so of a release without a slug, or whose slug is gone.".into(),
            ),
            Self::ReleaseFailed { .. } => Some("The app still runs what it ran before.".into()),
            Self::NotDownloaded(_) => Some("Nothing of it is kept.".into()),
            Self::NotFollowed { .. } => Some("The release goes on without you.".into()),
            Self::OutOfSight { source, .. } => {
                let text = source.explanation().unwrap_or_default();
                Some(
                    format!("{text} The release goes on without you.")
                        .trim()
                        .to_owned(),
                )
            }
            Self::Expired { .. } => Some("The platform no longer has its slug.".into()),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Api(error) => error.hints(),
            Self::Unreleasable(error) => {
                let mut hints = error.hints();
                // One that is not found has no bytes to lose.
                if error.refusal().is_some_and(|refusal| refusal.status != 404) {
                    hints.push("If the platform has lost the slug's bytes, publish it anew with `--force-upload`; nothing was released.".into());
                }
                hints
            }
            Self::Slug(error) => error.hints(),
            Self::Changed { .. } => {
                vec![
                    "Compile again, or give the slug and the manifest that belong together.".into(),
                ]
            }
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                vec!["Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.".into()]
            }
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                vec!["Free some disk space, or choose another place.".into()]
            }
            Self::Uncertain { app, .. } => vec![format!(
                "Look with `slugbuilder releases --app {app}`; if it is not there, run the same command again: nothing has to be uploaded."
            )],
            Self::OtherSlug { app, .. } => {
                vec![format!(
                    "Look at it with `slugbuilder releases --app {app}`."
                )]
            }
            Self::NoSlug { app, .. } => {
                vec![format!(
                    "Look for one that has with `slugbuilder releases --app {app}`."
                )]
            }
            Self::OtherStack { slug_stack, .. } => vec![
                "Compile for the stack of that app, and deploy that.".into(),
                format!("Or set that app to `{slug_stack}` first."),
            ],
            Self::Target { .. } => vec!["Name each app to promote to once.".into()],
            Self::NothingEarlier { app, .. } => vec![format!(
                "If an older one is in `slugbuilder releases --app {app}`, name it."
            )],
            Self::AlreadyCurrent { app, .. } | Self::NotEligible { app, .. } => vec![format!(
                "Choose another of `slugbuilder releases --app {app}`."
            )],
            Self::ReleaseFailed { .. } => {
                vec!["The output above says why: correct it, and deploy again.".into()]
            }
            Self::Expired { app, .. } => vec![format!(
                "Deploy again; `slugbuilder releases --app {app}` tells what runs."
            )],
            Self::NotFollowed { app, .. } | Self::OutOfSight { app, .. } => vec![format!(
                "`slugbuilder releases --app {app}` tells how it ended."
            )],
            Self::Download { app, source, .. } => match source.last() {
                FetchError::Denied { .. } => vec![
                    "Check the clock of this machine: such an address holds for an hour or less.".into(),
                    "A proxy on the way may have refused it: see `HTTPS_PROXY` and `NO_PROXY`.".into(),
                ],
                FetchError::NotFound { .. } | FetchError::TooLarge { .. } => vec![
                    format!("The platform's blob store is not what its record says: take another of `slugbuilder releases --app {app}`."),
                ],
                FetchError::Checksum { .. } => vec![
                    "Try once more: a proxy on the way may have answered with a page of its own.".into(),
                    "If it happens again, the platform's copy is damaged: publish the slug anew with `--force-upload`.".into(),
                ],
                _ => source.hints(),
            },
            Self::Destination { problem, .. } => vec![match problem {
                Destination::NoFolder => "Make the folder first, or name another place with `--output`.",
                Destination::NoFile => "Name a file with `--output`.",
                Destination::OtherSlug | Destination::OtherManifest => {
                    "Name another file with `--output`, or replace it with `--force`."
                }
            }.into()],
            Self::NotDownloaded(stopped) | Self::Stopped(stopped) => vec![stopped.hint()],
            Self::Disk { .. } => Vec::new(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Api(error) | Self::Unreleasable(error) => error.retryable(),
            Self::Slug(error) => error.retryable(),
            Self::Download { source, .. } => source.retryable(),
            // Whoever repeats it without a look makes it twice.
            Self::Uncertain { .. } | Self::OutOfSight { .. } => false,
            _ => self.fault() == Fault::TryLater,
        }
    }
}
