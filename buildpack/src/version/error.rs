//! Version requests that cannot be met.

use super::Version;
use crate::app::AppError;
use crate::manifest::ManifestError;
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
    /// A version file without a version.
    #[error("`{file}` is there but names no version")]
    Empty {
        /// Which file.
        file: String,
    },
    /// Not in the syntax of versions.
    #[error("{origin}: `{text}` is not a {runtime} version")]
    Unreadable {
        /// For which runtime.
        runtime: Runtime,
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
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
    /// `JRuby`, `TruffleRuby`, …
    #[error("{origin}: `{text}` asks for another Ruby than MRI")]
    OtherEngine {
        /// As written.
        text: String,
        /// Where.
        origin: Origin,
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
    },
}

impl VersionError {
    /// The request that failed: its text and where it stands.
    pub(super) fn request(&self) -> (String, Origin) {
        match self {
            Self::Unreadable { text, origin, .. }
            | Self::UnknownCodename { text, origin, .. }
            | Self::OtherEngine { text, origin }
            | Self::Unknown { text, origin, .. } => (text.clone(), origin.clone()),
            Self::Empty { file } => (String::new(), Origin::file(file)),
            Self::App(_) | Self::Manifest(_) => (String::new(), Origin::file(".")),
        }
    }
}

impl Explain for VersionError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Empty { .. } | Self::Unreadable { .. } => "invalid-version",
            Self::UnknownCodename { .. } | Self::Unknown { .. } => "unknown-version",
            Self::OtherEngine { .. } => "unsupported-ruby-engine",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            Self::Manifest(error) => error.fault(),
            _ => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Unknown { snapshot, .. } => Some(format!(
                "This version of slugbuilder knows the releases up to {snapshot}."
            )),
            Self::UnknownCodename { known, .. } => {
                Some(format!("The names are {}.", known.join(", ")))
            }
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::Manifest(error) => error.hints(),
            Self::Empty { file } => vec![format!("Write a version into `{file}`, or remove it.")],
            Self::Unreadable { runtime, .. } => vec![match runtime {
                Runtime::Node => {
                    "Write a version or range such as `24.x`, `^22.4.0` or `24.1.0`.".into()
                }
                Runtime::Ruby => "Write a version such as `3.3.9` or `3.3`.".into(),
                Runtime::Go => "Write a version such as `1.26.1` or `1.26`.".into(),
            }],
            Self::UnknownCodename { .. } => {
                vec!["Write `lts/*` for the newest one, or a version such as `24`.".into()]
            }
            Self::OtherEngine { .. } => vec!["Write a version of MRI, such as `3.3.9`.".into()],
            Self::Unknown { nearest, .. } => {
                let nearest: Vec<String> = nearest
                    .iter()
                    .map(|version| format!("`{version}`"))
                    .collect();
                if nearest.is_empty() {
                    Vec::new()
                } else {
                    vec![format!(
                        "The nearest existing versions are {}.",
                        nearest.join(", ")
                    )]
                }
            }
        }
    }
}
