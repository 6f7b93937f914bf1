//! What can be wrong with a `package.json`.

use crate::app::AppError;
use crate::node::json::Kind;
use slugbuilder_report::{Explain, Fault};

/// A `package.json` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackageJsonError {
    /// The file itself cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// Not JSON.
    #[error("`{path}` line {line}: not JSON")]
    Syntax {
        /// Which file.
        path: String,
        /// The line.
        line: usize,
        /// What the parser says.
        #[source]
        error: serde_json::Error,
    },
    /// JSON, but not an object.
    #[error("`{path}` line {line}: {found} is no package")]
    NotAnObject {
        /// Which file.
        path: String,
        /// The line.
        line: usize,
        /// What it is.
        found: Kind,
    },
    /// A field of another type than it is documented to have.
    #[error("`{path}` line {line}: `{field}` is {found}")]
    WrongType {
        /// Which file.
        path: String,
        /// The line.
        line: usize,
        /// The field as a dotted path: `engines.node`.
        field: String,
        /// What it is.
        found: Kind,
        /// What it has to be, with an example: `a string such as "24.x"`.
        expected: &'static str,
    },
    /// A field of the right type that cannot be read.
    #[error("`{path}` line {line}: `{field}` {problem}")]
    Unreadable {
        /// Which file.
        path: String,
        /// The line.
        line: usize,
        /// The field as a dotted path.
        field: String,
        /// What is wrong, as the end of the sentence.
        problem: String,
        /// What to write.
        expected: &'static str,
    },
}

impl Explain for PackageJsonError {
    fn code(&self) -> &'static str {
        match self {
            Self::App(error) => error.code(),
            _ => "invalid-package-json",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::App(error) => error.fault(),
            _ => Fault::App,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::App(error) => error.hints(),
            Self::Syntax { .. } => {
                vec!["`npm pkg get name` in that folder shows whether npm can read it.".into()]
            }
            Self::NotAnObject { .. } => vec!["Write `{}` at least.".into()],
            Self::WrongType { expected, .. } | Self::Unreadable { expected, .. } => {
                vec![format!("Write {expected}.")]
            }
        }
    }
}
