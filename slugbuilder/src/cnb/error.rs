//! Why a build on the platform's side failed.

use super::NoGroup;
use crate::sandbox::{Outcome, SandboxError};
use slugbuilder_report::{Diagnosis, Explain, Fault};
use std::path::PathBuf;

/// The two phases that run programs of buildpacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `bin/detect`.
    Detect,
    /// `bin/build`.
    Build,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Detect => "detect",
            Self::Build => "build",
        })
    }
}

/// What can go wrong between the platform and its buildpacks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CnbError {
    /// A file could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried, as a verb: `read`, `write`, `remove`.
        action: &'static str,
        /// The file, as programs of the build see it.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not something that may be read: a link, a device, too large.
    #[error("`{}` {reason}", path.display())]
    UnusableFile {
        /// The file, as programs of the build see it.
        path: PathBuf,
        /// Why, as the end of a sentence.
        reason: String,
    },
    /// A file of a buildpack is a link to somewhere else.
    #[error("`{}` is a link that leads out of `{}`", path.display(), folder.display())]
    LinkLeavesFolder {
        /// The file.
        path: PathBuf,
        /// The buildpack's folder.
        folder: PathBuf,
    },
    /// A file of the buildpack contract is not what the contract says.
    #[error("{}{}: {reason}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    InvalidDocument {
        /// The file, as programs of the build see it.
        path: PathBuf,
        /// Line, from 1, where one is to blame.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
    /// A buildpack speaks a version of the Buildpack API that is not understood.
    #[error("{}: buildpack `{buildpack}` uses Buildpack API {api}, which is not supported", path.display())]
    UnsupportedApi {
        /// Its `buildpack.toml`.
        path: PathBuf,
        /// Its id.
        buildpack: String,
        /// The version it states.
        api: String,
    },
    /// An image extension was asked for.
    #[error("`{}` asks for image extensions, which a slug cannot have", path.display())]
    Extension {
        /// The `extension.toml` or order file.
        path: PathBuf,
    },
    /// An order names a buildpack that is not there.
    #[error("the order asks for buildpack `{wanted}`, which is not there")]
    UnknownBuildpack {
        /// Id, with version where one is asked for.
        wanted: String,
        /// The buildpacks that are there, as `id@version`.
        known: Vec<String>,
    },
    /// Composite buildpacks contain each other.
    #[error("the order of composite buildpack `{}` leads back to itself", path.first().map_or("", String::as_str))]
    CyclicOrder {
        /// The ids along the circle; the last equals the first.
        path: Vec<String>,
    },
    /// An order or a build plan has more alternatives than anyone means.
    #[error("there are more than {limit} {what} to try")]
    TooMany {
        /// What is being counted.
        what: &'static str,
        /// How many are tried.
        limit: usize,
    },
    /// No group of the order fits the app.
    #[error("no buildpack can build this app")]
    NoGroup(Box<NoGroup>),
    /// A program was ended from outside.
    #[error("{phase} of buildpack `{buildpack}` {outcome}")]
    Stopped {
        /// Which program.
        phase: Phase,
        /// The buildpack's id.
        buildpack: String,
        /// [`Outcome::TimedOut`] or [`Outcome::Interrupted`].
        outcome: Outcome,
    },
    /// `bin/build` failed.
    #[error("buildpack `{buildpack}` failed: its build {outcome}")]
    BuildFailed {
        /// The buildpack's id.
        buildpack: String,
        /// How the program ended.
        outcome: Outcome,
        /// What the buildpack itself says, where it says something.
        diagnosis: Option<Box<Diagnosis>>,
    },
    /// A buildpack emptied the app directory, and lost its own layers with it.
    #[error(
        "buildpack `{buildpack}` emptied the app directory, and removed its own layers with it"
    )]
    LayersRemoved {
        /// The buildpack's id.
        buildpack: String,
    },
    /// A buildpack wrote something that the contract forbids.
    #[error("buildpack `{buildpack}` broke the buildpack contract: `{}` {reason}", path.display())]
    InvalidOutput {
        /// The buildpack's id.
        buildpack: String,
        /// The file or layer, as programs of the build see it.
        path: PathBuf,
        /// What is wrong, as the end of a sentence.
        reason: String,
    },
    /// A variable for the buildpacks cannot be passed on.
    #[error("the variable `{name}` cannot be passed to buildpacks: {reason}")]
    InvalidVariable {
        /// Its name, in printable form.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A program could not be run at all.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl Explain for CnbError {
    /// The buildpack's own words where it left some in its report.
    fn diagnosis(&self) -> Diagnosis {
        let own_words = match self {
            Self::NoGroup(no_group) => no_group.diagnosis(),
            Self::BuildFailed { diagnosis, .. } => diagnosis.as_deref(),
            _ => None,
        };
        own_words.cloned().unwrap_or_else(|| Diagnosis::of(self))
    }

    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "cnb-file",
            Self::UnusableFile { .. } => "unusable-file",
            Self::LinkLeavesFolder { .. } => "link-leaves-buildpack",
            Self::InvalidDocument { .. } => "invalid-buildpack-file",
            Self::UnsupportedApi { .. } => "unsupported-buildpack-api",
            Self::Extension { .. } => "extension-unsupported",
            Self::UnknownBuildpack { .. } => "unknown-buildpack",
            Self::CyclicOrder { .. } => "cyclic-order",
            Self::TooMany { .. } => "too-many-alternatives",
            Self::NoGroup(_) => "no-buildpack-group",
            Self::Stopped {
                outcome: Outcome::Interrupted,
                ..
            } => "interrupted",
            Self::Stopped { .. } => "timed-out",
            Self::BuildFailed { .. } => "build-failed",
            Self::LayersRemoved { .. } => "layers-removed",
            Self::InvalidOutput { .. } => "buildpack-contract",
            Self::InvalidVariable { .. } => "invalid-variable",
            Self::Sandbox(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::File { .. } => Fault::Io,
            Self::LinkLeavesFolder { .. }
            | Self::UnknownBuildpack { .. }
            | Self::InvalidVariable { .. } => Fault::Usage,
            Self::Stopped {
                outcome: Outcome::Interrupted,
                ..
            } => Fault::TryLater,
            Self::Sandbox(error) => error.fault(),
            Self::UnusableFile { .. }
            | Self::InvalidDocument { .. }
            | Self::UnsupportedApi { .. }
            | Self::Extension { .. }
            | Self::CyclicOrder { .. }
            | Self::TooMany { .. }
            | Self::NoGroup(_)
            | Self::Stopped { .. }
            | Self::BuildFailed { .. }
            | Self::LayersRemoved { .. }
            | Self::InvalidOutput { .. } => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::NoGroup(no_group) => Some(no_group.explanation()),
            Self::Extension { .. } => Some(
                "Extensions install operating system packages into an image. The stack of a slug is Heroku's and cannot be changed.".into(),
            ),
            Self::LayersRemoved { .. } => Some(
                "The layers of a slug are in the app directory, in the folder `.slugbuilder`, since that is all that a slug has.".into(),
            ),
            Self::CyclicOrder { path } => Some(format!("The circle is {}.", path.join(" → "))),
            Self::BuildFailed { .. } => Some("Its own output is above.".into()),
            Self::Sandbox(error) => error.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnsupportedApi { .. } => {
                vec!["Use a release of the buildpack for Buildpack API 0.10, 0.11 or 0.12.".into()]
            }
            Self::Extension { .. } => vec!["Use an order without extensions.".into()],
            Self::UnknownBuildpack { known, .. } if known.is_empty() => {
                vec!["There are no buildpacks at all.".into()]
            }
            Self::UnknownBuildpack { known, .. } => vec![format!(
                "The buildpacks that are there: {}.",
                known.join(", ")
            )],
            Self::NoGroup(no_group) => no_group.hints(),
            Self::Stopped {
                outcome: Outcome::TimedOut,
                ..
            } => vec!["Allow more time with `--timeout`, if the build is not stuck.".into()],
            Self::Stopped { .. } => vec!["Run the same command again; it starts afresh.".into()],
            Self::UnusableFile { .. } => vec![
                "Report this to the authors of the buildpack, unless the app put it there.".into(),
            ],
            Self::LinkLeavesFolder { .. } => vec![
                "Put the file itself there: programs of the build see nothing but the folder.".into(),
            ],
            Self::LayersRemoved { .. } => vec![
                "Tell the buildpack to keep `.slugbuilder`, or to leave the source alone, if it has a variable for that; give it with `--env`.".into(),
            ],
            Self::InvalidOutput { .. } => {
                vec!["Report this to the authors of the buildpack.".into()]
            }
            Self::Sandbox(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}
