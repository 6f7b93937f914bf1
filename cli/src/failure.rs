//! How a command ends when it does not end well.

use slugbuilder_report::{Diagnosis, Explain, Fault};
use std::io::ErrorKind;
use std::process::ExitCode;

/// An explained error on its way to the terminal.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Box<Diagnosis>);

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.0.fault.exit_code())
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error.diagnosis()))
    }
}

/// A mistake on the command line that clap does not know of.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("`--env {0}` has no `=`")]
    EnvWithoutValue(String),
    #[error("`{file}` line {line}: expected `NAME=value`")]
    EnvFile { file: String, line: usize },
    #[error("cannot read `{path}`")]
    Unreadable {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{0}` is not a name that an environment variable can have")]
    VariableName(String),
    #[error("`--process-types` is not a JSON object of strings")]
    ProcessTypes(#[source] serde_json::Error),
    #[error("`{name}` cannot be a process type")]
    ProcessTypeName { name: String },
    #[error("no folder for the cache is known")]
    NoCacheDir,
    #[error("there is no `Procfile` in `{0}`, and no process types were given")]
    NoProcessTypes(String),
}

impl Explain for UsageError {
    fn code(&self) -> &'static str {
        match self {
            Self::EnvWithoutValue(_) => "env-without-value",
            Self::EnvFile { .. } => "env-file",
            Self::Unreadable { .. } => "unreadable-file",
            Self::VariableName(_) => "variable-name",
            Self::ProcessTypes(_) => "process-types",
            Self::ProcessTypeName { .. } => "process-type-name",
            Self::NoCacheDir => "no-cache-dir",
            Self::NoProcessTypes(_) => "no-process-types",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { source, .. } if source.kind() != ErrorKind::NotFound => Fault::Io,
            _ => Fault::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::EnvWithoutValue(name) => format!("Write `--env {name}=value`."),
            Self::EnvFile { .. } => {
                "Each line is `NAME=value`; blank lines and lines that start with `#` are skipped."
                    .into()
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::NotFound => {
                "Give the path of a file that exists.".into()
            }
            Self::Unreadable { .. } => "Make it readable for you.".into(),
            Self::VariableName(_) => {
                "A name is not empty and holds neither `=` nor a NUL byte.".into()
            }
            Self::ProcessTypes(_) => {
                "For example: `--process-types '{\"web\": \"node web.js\"}'`.".into()
            }
            Self::ProcessTypeName { .. } => {
                "Names are 1 to 128 letters, digits, `_` and `-` (the Platform API's rule).".into()
            }
            Self::NoCacheDir => "Set `HOME`, or name a folder with `--cache-dir`.".into(),
            Self::NoProcessTypes(_) => {
                "Add a `Procfile`, or say what to run: `--process-types '{\"web\": \"bin/web\"}'`."
                    .into()
            }
        };
        vec![hint]
    }
}

/// Signals could not be taken over.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch for signals")]
pub(crate) struct SignalError(#[source] pub(crate) std::io::Error);

impl Explain for SignalError {
    fn code(&self) -> &'static str {
        "signals"
    }

    fn fault(&self) -> Fault {
        Fault::Io
    }
}

/// clap's own messages, with our exit code for mistakes; `--help` and `--version` end well.
pub(crate) fn of_arguments(error: &clap::Error) -> ExitCode {
    // Nowhere to say it if the terminal is gone.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() {
        Fault::Usage.exit_code()
    } else {
        0
    })
}
