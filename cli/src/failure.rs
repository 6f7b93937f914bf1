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
    #[error("`{file}` is no JSON object of names and texts")]
    EnvJson {
        file: String,
        #[source]
        source: serde_json::Error,
    },
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
    #[error("no app is named")]
    NoApp,
    #[error("`{name}` is not the name of a platform")]
    ApiName { name: String },
    #[error("`{app}` is on the stack `{app_stack}`, and this would move it to `{stack}`")]
    StackOfApp {
        app: String,
        stack: String,
        app_stack: String,
        compiled: bool,
    },
    #[error("the slug is for the stack `{stack}`, not for `{named}`")]
    StackOfSlug { named: String, stack: String },
    #[error("`{name}` is to be shown while others are to be changed")]
    ShowAndChange { name: String },
    #[error("`{name}` is to be set and taken away")]
    SetAndUnset { name: String },
    #[error("the app `{app}` has no config var `{name}`")]
    NoConfigVar { app: String, name: String },
    #[error("the value of `{0}` is not UTF-8")]
    ConfigVarText(String),
    #[error("nothing says which process types `{slug}` has: there is no `{manifest}`")]
    NoManifest { slug: String, manifest: String },
    #[error("no folder for the data of the server is known")]
    NoDataDir,
    #[error("`{path}` is no data folder of a server")]
    NotDataDir { path: String },
    #[error("the two passwords differ")]
    PasswordsDiffer,
}

impl Explain for UsageError {
    fn code(&self) -> &'static str {
        match self {
            Self::EnvWithoutValue { .. } => "env-without-value",
            Self::EnvFile { .. } | Self::EnvJson { .. } => "env-file",
            Self::Unreadable { .. } => "unreadable-file",
            Self::VariableName(_) => "variable-name",
            Self::VariableValue(_) => "variable-value",
            Self::ProcessTypes(_) => "process-types",
            Self::ProcessTypeName { .. } => "process-type-name",
            Self::MirrorFolder { .. } => "no-mirror",
            Self::NoCacheDir => "no-cache-dir",
            Self::NoApp => "no-app",
            Self::ApiName { .. } => "api-name",
            Self::StackOfApp { .. } => "stack-of-app",
            Self::StackOfSlug { .. } => "stack-of-slug",
            Self::ShowAndChange { .. } => "show-and-change",
            Self::SetAndUnset { .. } => "set-and-unset",
            Self::NoConfigVar { .. } => "no-config-var",
            Self::ConfigVarText(_) => "config-var-text",
            Self::NoManifest { .. } => "no-manifest",
            Self::NoDataDir => "no-data-dir",
            Self::NotDataDir { .. } => "not-data-dir",
            Self::PasswordsDiffer => "passwords-differ",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { source, .. } if source.kind() != ErrorKind::NotFound => Fault::Io,
            Self::NoConfigVar { .. } => Fault::App,
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
            Self::EnvJson { .. } => {
                "Write `{\"NAME\": \"value\"}`, as `heroku config --json` prints it.".into()
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
            Self::VariableValue(_) | Self::ConfigVarText(_) => {
                "Write it as text, for example in Base64.".into()
            }
            Self::ProcessTypes(_) => {
                "For example: `--process-types '{\"web\": \"node web.js\"}'`.".into()
            }
            Self::ProcessTypeName { .. } => {
                "Names are 1 to 128 letters, digits, `_` and `-` (the Platform API's rule).".into()
            }
            Self::MirrorFolder { .. } => {
                "Name a folder that `slugbuilder vendor` filled, or its `https://` address.".into()
            }
            Self::NotDataDir { .. } => {
                "Name the folder that `slugbuilder serve` was started with, with `--data`.".into()
            }
            Self::PasswordsDiffer => "Type the same password twice.".into(),
            Self::NoDataDir => "Set `HOME`, or name a folder with `--data`.".into(),
            Self::NoCacheDir => "Set `HOME`, or name a folder with `--cache-dir`.".into(),
            Self::NoApp => {
                "Name one with `--app` or `HEROKU_APP`, or add the git remote `heroku`; `slugbuilder apps` lists them."
                    .into()
            }
            Self::ApiName { name } => {
                format!(
                    "Write the whole address: `https://{name}`, or `http://{name}` if it is on this machine."
                )
            }
            Self::StackOfApp {
                stack,
                app_stack,
                compiled,
                ..
            } => {
                let meant = format!("If that is meant, say so: `--stack {stack}`.");
                let other = if *compiled {
                    format!("Otherwise compile it for `{app_stack}`.")
                } else {
                    format!("Otherwise unset `STACK`: it is compiled for `{app_stack}` then.")
                };
                return vec![meant, other];
            }
            Self::StackOfSlug { named, .. } => {
                format!("Compile it for `{named}`, or leave `--stack` out.")
            }
            Self::ShowAndChange { name } => {
                format!("Write `{name}=value` to set it, or ask for it alone.")
            }
            Self::SetAndUnset { name } => {
                format!("Give either `{name}=value` or `--unset {name}`.")
            }
            Self::NoConfigVar { .. } => "`slugbuilder config` lists those that there are.".into(),
            Self::NoManifest { .. } => {
                "Give them: `--process-types '{\"web\": \"node web.js\"}'`. `compile` and `archive` write the file."
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

    fn hints(&self) -> Vec<String> {
        vec!["Raise the limits of open files and processes; `ulimit -a` shows them.".into()]
    }
}

/// Somebody asked to stop while a platform was waited for.
#[derive(Debug, thiserror::Error)]
#[error("waiting for `{url}` was interrupted")]
pub(crate) struct WaitingInterrupted {
    pub(crate) url: String,
    /// Whether it was asked to change something.
    pub(crate) changes: bool,
}

impl Explain for WaitingInterrupted {
    fn code(&self) -> &'static str {
        "interrupted"
    }

    fn fault(&self) -> Fault {
        Fault::TryLater
    }

    fn explanation(&self) -> Option<String> {
        self.changes
            .then(|| "What was asked for last may have been done all the same.".into())
    }

    fn hints(&self) -> Vec<String> {
        vec![if self.changes {
            "Look with `slugbuilder releases`, and run the same command again.".into()
        } else {
            "Run the same command again; nothing was changed.".into()
        }]
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
