//! Version requests that cannot be met.

use super::Version;
use crate::app::AppError;
use crate::catalogue::Catalogue;
use crate::manifest::ManifestError;
use crate::node::NodeError;
use crate::runtime::Runtime;
use slugbuilder_report::{Explain, Fault, Origin};

/// A version request that cannot be read or met.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// A file cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// A manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A version file, or a line of one, without a version.
    #[error("{origin} is there but names no version")]
    Empty {
        /// Where.
        origin: Origin,
    },
    /// A version file with more lines than one.
    #[error("{origin} names the version `{}`, and {other} `{}`", texts[0], texts[1])]
    Several {
        /// Both, as written.
        texts: Box<[String; 2]>,
        /// Where the first one stands.
        origin: Origin,
        /// Where the second one stands.
        other: Origin,
    },
    /// Which folder is the workspace's root cannot be decided.
    #[error(transparent)]
    Workspace(Box<NodeError>),
    /// Not in the syntax of versions.
    #[error("{origin}: `{text}` is not a {runtime} version")]
    Unreadable {
        /// For which runtime.
        runtime: Runtime,
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
        /// What is wrong with it, where that is known.
        problem: Option<String>,
        /// Versions that may have been meant.
        nearest: Vec<Version>,
    },
    /// `lts/NAME` with an unknown name.
    #[error("{origin}: `{text}` names no long-term support line of Node.js")]
    UnknownCodename {
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
        /// The names that there are.
        known: Vec<String>,
    },
    /// `volta.extends` that cannot be followed.
    #[error("{origin}: the file `{text}` that `volta.extends` names {problem}")]
    Extends {
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
        /// What is wrong with it, as the end of a sentence.
        problem: &'static str,
    },
    /// `JRuby`, `TruffleRuby`, io.js, …
    #[error("{origin}: `{text}` asks for {}", other(*.runtime))]
    OtherEngine {
        /// For which runtime.
        runtime: Runtime,
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
    },
    /// `system`.
    #[error("{origin}: `{text}` asks for the {runtime} of the machine")]
    OfTheMachine {
        /// For which runtime.
        runtime: Runtime,
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
    },
    /// Readable, but it excludes every version.
    #[error("{origin}: no version of {runtime} can ever match `{text}`")]
    Impossible {
        /// For which runtime.
        runtime: Runtime,
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
        /// Versions that may have been meant.
        nearest: Vec<Version>,
    },
    /// Readable, but there is no such version.
    #[error("{origin}: no version of {runtime} matches `{text}`")]
    Unknown {
        /// For which runtime.
        runtime: Runtime,
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
        /// Versions that may have been meant.
        nearest: Vec<Version>,
        /// The day of the catalogue.
        snapshot: String,
        /// Whether a pre-release is asked for.
        is_pre_release: bool,
    },
}

/// What other engines there are of `runtime`.
fn other(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Node => "io.js, which became Node.js 4",
        Runtime::Ruby => "another Ruby than MRI",
        Runtime::Go => "another Go than the Go project's",
    }
}

/// An example of a version, for hints.
fn example(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Node => "`24.x`, `^22.4.0` or `24.1.0`",
        Runtime::Ruby => "`3.3.9` or `3.3`",
        Runtime::Go => "`1.26.1` or `1.26`",
    }
}

impl VersionError {
    /// The request that failed: its text and where it stands.
    pub(super) fn request(&self) -> (String, Origin) {
        match self {
            Self::Unreadable { text, origin, .. }
            | Self::UnknownCodename { text, origin, .. }
            | Self::Extends { text, origin, .. }
            | Self::OtherEngine { text, origin, .. }
            | Self::OfTheMachine { text, origin, .. }
            | Self::Impossible { text, origin, .. }
            | Self::Unknown { text, origin, .. } => (text.clone(), origin.clone()),
            Self::Several { texts, origin, .. } => (texts.join(", "), origin.clone()),
            Self::Empty { origin } => (String::new(), origin.clone()),
            Self::App(_) | Self::Manifest(_) | Self::Workspace(_) => {
                (String::new(), Origin::file("."))
            }
        }
    }

    /// The same with the versions that may have been meant by a text that cannot be read.
    pub(super) fn with_nearest(mut self, catalogue: &Catalogue) -> Self {
        if let Self::Unreadable { text, nearest, .. } = &mut self {
            *nearest = super::resolve::nearest(text, catalogue);
        }
        self
    }
}

impl Explain for VersionError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Empty { .. }
            | Self::Several { .. }
            | Self::Unreadable { .. }
            | Self::Extends { .. }
            | Self::OfTheMachine { .. } => "invalid-version",
            Self::UnknownCodename { .. } | Self::Unknown { .. } => "unknown-version",
            Self::Impossible { .. } => "impossible-version",
            Self::OtherEngine { runtime, .. } => match runtime {
                Runtime::Ruby => "unsupported-ruby-engine",
                _ => "unsupported-engine",
            },
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            Self::Manifest(error) => error.fault(),
            Self::Workspace(error) => error.fault(),
            _ => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Workspace(error) => error.explanation(),
            Self::Unknown {
                is_pre_release: true,
                ..
            } => Some("Pre-releases are not built with.".into()),
            Self::Unknown { snapshot, .. } => Some(format!(
                "This version of slugbuilder knows the releases up to {snapshot}."
            )),
            Self::UnknownCodename { known, .. } => {
                Some(format!("The names are {}.", known.join(", ")))
            }
            Self::Unreadable {
                problem: Some(problem),
                ..
            } => Some(format!("{problem}.")),
            Self::Impossible { .. } => Some(
                "Its parts exclude each other: a blank between two means that both have to be met."
                    .into(),
            ),
            Self::OfTheMachine { runtime, .. } => Some(format!(
                "A slug brings its own {runtime}, so that it is the same wherever it is built."
            )),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::Manifest(error) => error.hints(),
            Self::Workspace(error) => error.hints(),
            Self::Several { .. } => vec!["Keep the line that is meant.".into()],
            Self::Empty { origin } => {
                vec![format!("Write a version into {origin}, or remove it.")]
            }
            Self::Unreadable {
                runtime, nearest, ..
            } => {
                let kind = match runtime {
                    Runtime::Node => "a version or range",
                    _ => "a version",
                };
                let mut hints = vec![format!("Write {kind} such as {}.", example(*runtime))];
                hints.extend(existing(nearest));
                hints
            }
            Self::UnknownCodename { .. } => {
                vec!["Write `lts/*` for the newest one, or a version such as `24`.".into()]
            }
            Self::Extends { .. } => {
                vec![
                    "Name a package.json of the source, relative to the file that names it.".into(),
                ]
            }
            Self::OtherEngine { runtime, .. } | Self::OfTheMachine { runtime, .. } => {
                vec![format!("Write a version such as {}.", example(*runtime))]
            }
            Self::Impossible { nearest, .. } => {
                let mut hints = vec!["Write `||` between parts of which one is enough.".to_owned()];
                hints.extend(existing(nearest));
                hints
            }
            Self::Unknown { nearest, .. } => existing(nearest).into_iter().collect(),
        }
    }
}

fn existing(nearest: &[Version]) -> Option<String> {
    let names: Vec<String> = nearest
        .iter()
        .map(|version| format!("`{version}`"))
        .collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("The nearest existing version is {one}.")),
        more => Some(format!(
            "The nearest existing versions are {}.",
            more.join(", ")
        )),
    }
}
