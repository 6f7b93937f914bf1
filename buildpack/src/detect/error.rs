//! Apps that cannot be built, found before anything is downloaded.

use crate::app::AppError;
use crate::manifest::ManifestError;
use crate::node::NodeError;
use crate::version::VersionError;
use slugbuilder_report::{Explain, Fault};

/// Why an app cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// A file cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// A manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A version request cannot be met.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// How a Node.js app is built cannot be decided.
    #[error(transparent)]
    Node(Box<NodeError>),
    /// Nothing that this buildpack builds.
    #[error("found no Node.js, Ruby or Go app")]
    NoLanguage {
        /// The names at the app's root, in printable form.
        present: Vec<String>,
        /// Whether there are more.
        more: usize,
    },
    /// Two languages could serve the web and no Procfile chooses.
    #[error("both {} could be the web process", join_and(.choices.iter().map(|(file, _)| file)))]
    AmbiguousWeb {
        /// Each file with the command that it would have.
        choices: Vec<(String, String)>,
    },
    /// Gems that are not vendored.
    #[error("`Gemfile` line {line} needs the gem `{gem}`, and there is no `vendor/bundle`")]
    RubyDependencies {
        /// The first gem.
        gem: String,
        /// Its line.
        line: usize,
    },
    /// A Go app without a program.
    #[error("no Go file has a `func main` in `package main`")]
    NoGoProgram {
        /// The files of `package main`, or go.mod.
        looked_at: Vec<String>,
    },
    /// Two programs would have the same name.
    #[error("`{first}` and `{second}` would both be built to `bin/{name}`")]
    ProgramTwice {
        /// The name.
        name: String,
        /// What is built to it first.
        first: String,
        /// What is built to it too.
        second: String,
    },
}

fn join_and<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" and ")
}

impl From<NodeError> for DetectError {
    fn from(error: NodeError) -> Self {
        Self::Node(Box::new(error))
    }
}

impl Explain for DetectError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Version(error) => error.code(),
            Self::Node(error) => error.code(),
            Self::NoLanguage { .. } => "no-language",
            Self::AmbiguousWeb { .. } => "ambiguous-web-process",
            Self::RubyDependencies { .. } => "ruby-dependencies-not-supported-yet",
            Self::NoGoProgram { .. } => "no-go-program",
            Self::ProgramTwice { .. } => "go-program-twice",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            Self::Manifest(error) => error.fault(),
            Self::Version(error) => error.fault(),
            Self::Node(error) => error.fault(),
            _ => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Version(error) => error.explanation(),
            Self::Node(error) => error.explanation(),
            Self::NoLanguage { present, more } => Some(format!(
                "Looked at the root of the app for:\n{}\nFound there: {}.",
                super::looked_for(),
                match (present.is_empty(), *more) {
                    (true, _) => "nothing".to_owned(),
                    (false, 0) => present.join(", "),
                    (false, more) => format!("{} and {more} more", present.join(", ")),
                }
            )),
            Self::AmbiguousWeb { .. } => Some(
                "They are written in different languages, and there is no Procfile that chooses."
                    .into(),
            ),
            Self::RubyDependencies { .. } => {
                Some("This version of slugbuilder does not install packages yet.".into())
            }
            Self::NoGoProgram { looked_at } => Some(format!("Looked at {}.", looked_at.join(", "))),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::Manifest(error) => error.hints(),
            Self::Version(error) => error.hints(),
            Self::Node(error) => error.hints(),
            Self::NoLanguage { .. } => vec![
                "Name the file that answers HTTP requests `web.js`, `web.rb` or `web.go`, or write a Procfile such as `web: node src/server.js`.".into(),
            ],
            Self::AmbiguousWeb { choices } => {
                let lines: Vec<String> = choices.iter().map(|(_, command)| format!("web: {command}")).collect();
                vec![format!("Write a file `Procfile` with one of these lines:\n{}", lines.join("\n"))]
            }
            Self::RubyDependencies { .. } => vec!["Run `bundle install` with `BUNDLE_PATH=vendor/bundle` and let `vendor/bundle` be part of the source.".into()],
            Self::NoGoProgram { .. } => vec!["Add a `func main` to a file of `package main` at the root, or below `cmd/NAME` in a module.".into()],
            Self::ProgramTwice { first, .. } => vec![format!("Rename `{first}`.")],
        }
    }
}

impl DetectError {
    /// The error of an app without a known language, with what lies at its root.
    pub(super) fn no_language(app: &crate::app::App) -> Self {
        const SHOWN: usize = 20;
        let names: Vec<_> = app
            .names()
            .iter()
            // The platform's, not the app's.
            .filter(|name| name.to_str() != Some(".slugbuilder"))
            .collect();
        let present = names
            .iter()
            .take(SHOWN)
            .map(|name| {
                let text = name.to_string_lossy();
                if app.is_folder(&text) {
                    format!("{text}/")
                } else {
                    text.into_owned()
                }
            })
            .collect();
        Self::NoLanguage {
            present,
            more: names.len().saturating_sub(SHOWN),
        }
    }

    /// Whether another buildpack may well know what to do: detection then fails instead of stopping.
    #[must_use]
    pub fn is_no_match(&self) -> bool {
        matches!(self, Self::NoLanguage { .. })
    }
}
