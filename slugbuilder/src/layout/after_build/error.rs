//! Why a file of patterns cannot be followed.

use crate::stage::ReadError;
use crate::stage::slug_ignore::RefusedLine;
use crate::tree::show;
use slugbuilder_report::{Explain, Fault};
use std::path::PathBuf;

/// Why what leaves the slug after the build is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AfterBuildError {
    /// A line of the file has no usable pattern.
    #[error("`{}` line {}: `{}` cannot be followed: {}", show(file), line.line, line.text, line.why)]
    Line {
        /// Relative to the source's root.
        file: PathBuf,
        /// The line.
        line: RefusedLine,
    },
    /// The file was not read.
    #[error("`{}` {problem}", show(file))]
    Unreadable {
        /// Relative to the source's root.
        file: PathBuf,
        /// Why.
        problem: ReadError,
    },
}

impl Explain for AfterBuildError {
    fn code(&self) -> &'static str {
        match self {
            Self::Line { .. } => "slugignore-line",
            Self::Unreadable {
                problem: ReadError::Stopped(stopped),
                ..
            } => stopped.code(),
            Self::Unreadable { .. } => "slugignore-unreadable",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Line { .. } => Fault::App,
            Self::Unreadable { problem, .. } => match problem {
                ReadError::Io(_) => Fault::Io,
                ReadError::Changed => Fault::TryLater,
                ReadError::Stopped(stopped) => stopped.fault(),
                _ => Fault::App,
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Line { line, .. } => vec![line.hint.into()],
            Self::Unreadable {
                problem: ReadError::Stopped(stopped),
                ..
            } => vec![stopped.hint()],
            Self::Unreadable { .. } => {
                vec!["Make it a plain file of patterns, one a line.".into()]
            }
        }
    }
}
