//! The one interface through which programs of a build are run, wherever that is.

use crate::stop::Stop;
use slugbuilder_report::{Explain, Fault};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Environment variables, exactly as a program gets them.
pub type Environment = BTreeMap<OsString, OsString>;

/// What to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A file, as a path inside the place of execution.
    File(PathBuf),
    /// The running executable again, under this `argv[0]`: how the CLI serves as its own buildpack.
    Itself {
        /// `argv[0]`; libcnb chooses the phase by its file name.
        argv0: PathBuf,
    },
}

/// One program to run to its end.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What to execute.
    pub program: Program,
    /// Its arguments, without `argv[0]`.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Environment,
    /// Its working directory, as a path inside.
    pub directory: PathBuf,
}

impl Invocation {
    /// An invocation of `program` in `directory` without arguments or environment.
    pub fn new(program: Program, directory: impl Into<PathBuf>) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            environment: Environment::new(),
            directory: directory.into(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Replaces the environment.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this status.
    Exited(u8),
    /// By this signal.
    Signalled(i32),
    /// It ran longer than it may and was killed with everything that it had started.
    TimedOut,
    /// slugbuilder itself was asked to stop (SIGINT, SIGTERM) and killed it with everything that it had started.
    Interrupted,
}

impl Outcome {
    /// Whether it ended with status 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Signalled(signal) => write!(f, "was killed by signal {signal}"),
            Self::TimedOut => f.write_str("ran out of time"),
            Self::Interrupted => f.write_str("was interrupted"),
        }
    }
}

/// Where a program wrote something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Its stdout.
    Output,
    /// Its stderr.
    Error,
}

/// A place where programs run: a sandbox, or one of its fallbacks.
///
/// Programs see their own paths (*inside*); [`Executor::outside`] says where this process finds the same file. When
/// [`Executor::run`] returns, everything that the program had started has ended.
pub trait Executor: Sync {
    /// The app directory inside: `/app` wherever that can be had.
    fn app_dir(&self) -> &Path;

    /// Where this process finds the file that programs see at `inside` (absolute). Only for the paths that the caller
    /// set up for exchange: the app directory, the platform directory, the work directory, the buildpacks.
    fn outside(&self, inside: &Path) -> PathBuf;

    /// A directory inside that the caller may fill through [`Executor::outside`]: plans, platform files.
    fn work_dir(&self) -> &Path;

    /// The environment that every program starts from: `PATH`, `HOME`, proxies, CA files, … and nothing secret.
    fn base_environment(&self) -> &Environment;

    /// The uid and gid (outside) that files made for the programs have to belong to; nothing where they are our own.
    fn owner(&self) -> Option<(u32, u32)> {
        None
    }

    /// When work for the build that runs no program has to end; its programs are ended then, too.
    fn stop(&self) -> Stop {
        Stop::default()
    }

    /// As [`Executor::run`], with the lines of stderr apart where that can be had; else all are told as stdout's. The order
    /// of lines of the one among those of the other is not exact.
    fn run_apart(
        &self,
        invocation: &Invocation,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Outcome, SandboxError> {
        self.run(invocation, &mut |line| output(Stream::Output, line))
    }

    /// Runs a program to its end. `output` gets each line of its stdout and stderr, without newline, as it comes; a
    /// program's stdin is empty. May be called from several threads at once.
    fn run(
        &self,
        invocation: &Invocation,
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<Outcome, SandboxError>;
}

/// Why a place to run programs could not be had, or a program could not be started in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A program could not be started.
    #[error("cannot start `{}`", program.display())]
    Start {
        /// As a path inside.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The machine has no namespaces for us.
    #[error("this machine offers no sandbox: {step}")]
    Refused {
        /// What was being done.
        step: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Setting up failed, though the machine has namespaces.
    #[error("cannot set up the sandbox: {step}")]
    SetUp {
        /// What was being done.
        step: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Explain for SandboxError {
    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "cannot-start-program",
            Self::Refused { .. } => "no-sandbox",
            Self::SetUp { .. } => "sandbox-failed",
        }
    }

    fn fault(&self) -> Fault {
        use std::io::ErrorKind;
        match self {
            Self::Start { source, .. } => match source.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => {
                    Fault::App
                }
                ErrorKind::WouldBlock | ErrorKind::OutOfMemory => Fault::TryLater,
                // ENOEXEC has no kind of its own.
                _ if source.raw_os_error() == Some(libc::ENOEXEC) => Fault::App,
                _ => Fault::Io,
            },
            Self::Refused { .. } => Fault::Unavailable,
            Self::SetUp { .. } => Fault::Io,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Start { .. } => {
                "Check that the file is there, executable, and made for this machine; a script needs its `#!` program."
            }
            Self::Refused { .. } => {
                "Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`."
            }
            Self::SetUp { .. } => {
                "Look at what the system said: free space, permissions or limits (`ulimit -a`) may be in the way."
            }
        };
        vec![hint.to_owned()]
    }
}
