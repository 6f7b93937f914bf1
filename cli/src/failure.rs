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
    #[error("`{option} {name}` has no `=`")]
    EnvWithoutValue { option: &'static str, name: String },
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
    #[error("the value of `{0}` holds a NUL byte")]
    VariableValue(String),
    #[error("`{name}` cannot be a process type")]
    ProcessTypeName { name: String },
    #[error("`{path}` is no mirror folder")]
    MirrorFolder {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("no folder for the cache is known")]
    NoCacheDir,
    #[error("no folder for the data of the server is known")]
    NoDataDir,
}

impl Explain for UsageError {
    fn code(&self) -> &'static str {
        match self {
            Self::EnvWithoutValue { .. } => "env-without-value",
            Self::EnvFile { .. } => "env-file",
            Self::Unreadable { .. } => "unreadable-file",
            Self::VariableName(_) => "variable-name",
            Self::VariableValue(_) => "variable-value",
            Self::ProcessTypes(_) => "process-types",
            Self::ProcessTypeName { .. } => "process-type-name",
            Self::MirrorFolder { .. } => "no-mirror",
            Self::NoCacheDir => "no-cache-dir",
            Self::NoDataDir => "no-data-dir",
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
            Self::EnvWithoutValue { option, name } => {
                format!("Write `{option} {name}=value`, or set `{name}` in this shell.")
            }
            Self::EnvFile { .. } => {
                "Each line is `NAME=value`; blank lines and lines that start with `#` are skipped."
                    .into()
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::NotFound => {
                "Give the path of a file that exists.".into()
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                "Make it readable for you.".into()
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::IsADirectory => {
                "Give the path of a file, not of a folder.".into()
            }
            Self::Unreadable { .. } => "Give the path of another file, or look at the disk.".into(),
            Self::VariableName(_) => {
                "A name is not empty and holds no `=`, no `/` and no NUL byte.".into()
            }
            Self::VariableValue(_) => "Write it as text, for example in Base64.".into(),
            Self::ProcessTypes(_) => {
                "For example: `--process-types '{\"web\": \"node web.js\"}'`.".into()
            }
            Self::ProcessTypeName { .. } => {
                "Names are 1 to 128 letters, digits, `_` and `-` (the Platform API's rule).".into()
            }
            Self::MirrorFolder { .. } => {
                "Name a folder that `slugbuilder vendor` filled, or its `https://` address.".into()
            }
            Self::NoDataDir => "Set `HOME`, or name a folder with `--data`.".into(),
            Self::NoCacheDir => "Set `HOME`, or name a folder with `--cache-dir`.".into(),
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

    fn hints(&self) -> Vec<String> {
        vec!["Raise the limits of open files and processes; `ulimit -a` shows them.".into()]
    }
}

/// Data for scripts could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to the standard output")]
pub(crate) struct OutputError(#[source] pub(crate) std::io::Error);

impl Explain for OutputError {
    fn code(&self) -> &'static str {
        "output-not-written"
    }

    fn fault(&self) -> Fault {
        Fault::Io
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self.0.kind() {
            ErrorKind::StorageFull => "Free some disk space, or send the output elsewhere.",
            _ => "Send the output elsewhere.",
        };
        vec![hint.into()]
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
