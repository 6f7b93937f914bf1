//! What can be wrong with a stack or with a runtime for it.

use super::{Findings, Stack};
use slugbuilder_report::{Explain, Fault};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The most problems that an explanation lists.
const SHOWN_PROBLEMS: usize = 10;

/// What can be wrong with a stack or with a runtime for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// There is no such stack.
    #[error("there is no stack `{name}`")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The built-in data of a stack cannot be read.
    #[error("the data of the stack `{name}` is broken")]
    BrokenData {
        /// The stack.
        name: String,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// A file of a runtime cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A runtime's files cannot be loaded on the stack.
    #[error("{runtime} cannot run on {stack}")]
    RuntimeUnfit {
        /// Name and version of the runtime.
        runtime: String,
        /// The stack.
        stack: String,
        /// What was found.
        findings: Box<Findings>,
        /// The stacks that it can run on.
        fitting: Vec<String>,
    },
}

impl Explain for StackError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-stack",
            Self::BrokenData { .. } => "broken-stack-data",
            Self::Unreadable { .. } => "unreadable-runtime",
            Self::RuntimeUnfit { .. } => "runtime-unfit",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unknown { .. } => Fault::Usage,
            Self::BrokenData { .. } => Fault::Bug,
            Self::Unreadable { .. } => Fault::Io,
            Self::RuntimeUnfit { .. } => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        let Self::RuntimeUnfit {
            stack, findings, ..
        } = self
        else {
            return None;
        };
        let mut text = format!("Its files ask for more than {stack} offers:");
        for finding in findings.problems.iter().take(SHOWN_PROBLEMS) {
            let _ = write!(text, "\n`{}` {}", finding.file.display(), finding.problem);
        }
        if let Some(more) = findings
            .problems
            .len()
            .checked_sub(SHOWN_PROBLEMS)
            .filter(|more| *more > 0)
        {
            let _ = write!(text, "\n… and {more} more");
        }
        Some(text)
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unknown { .. } => vec![format!(
                "The stacks are {}.",
                Stack::names().collect::<Vec<_>>().join(", ")
            )],
            Self::RuntimeUnfit { fitting, stack, .. } => {
                let other = format!(
                    "Get the runtime from a source that builds it for {stack}, or choose another version."
                );
                match fitting.last() {
                    Some(newest) => vec![
                        format!(
                            "It can run on {}: build with `--stack {newest}`.",
                            fitting.join(" and ")
                        ),
                        other,
                    ],
                    None => vec![other],
                }
            }
            Self::BrokenData { .. } | Self::Unreadable { .. } => Vec::new(),
        }
    }
}
