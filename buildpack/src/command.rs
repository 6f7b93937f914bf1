//! Running the user's own clients: npm, go, apt, and the runtime that was just installed.

mod stream;

pub use stream::{Streamed, Transcript};

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

/// How much of a failing client's output an error shows.
const SHOWN_LINES: usize = 12;

/// A client program with its arguments, ready to run.
#[derive(Debug)]
pub struct Client {
    program: String,
    command: Command,
}

impl Client {
    /// `program` of this process's PATH with this process's environment, for maintenance commands.
    #[must_use]
    pub fn inherited(program: &str) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self {
            program: program.to_owned(),
            command,
        }
    }

    /// `program`, a path or a name that is found in the PATH of `environment`, with exactly that environment.
    #[must_use]
    pub fn new(program: impl AsRef<Path>, environment: &Environment) -> Self {
        let program = program.as_ref();
        let found = match program.to_str() {
            Some(name) if !name.contains('/') => environment.find(name),
            _ => None,
        };
        let mut command = Command::new(found.as_deref().unwrap_or(program));
        command
            .stdin(Stdio::null())
            .env_clear()
            .envs(environment.iter());
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        Self {
            program: name.into_owned(),
            command,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets several variables.
    #[must_use]
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.command.envs(variables);
        self
    }

    /// Sets the working folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it and returns what it wrote to its standard output.
    pub fn output(mut self) -> Result<Vec<u8>, CommandError> {
        let output = self.command.output().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => CommandError::Missing(self.program.clone()),
            _ => CommandError::Start {
                program: self.program.clone(),
                error,
            },
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        // npm's --json mode writes its error to the standard output.
        let written = if output.stderr.is_empty() {
            &output.stdout
        } else {
            &output.stderr
        };
        Err(CommandError::Failed {
            program: self.program,
            status: output.status.to_string(),
            output: last_lines(written),
        })
    }
}

fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

/// The variables that programs of the build run with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// An environment of these variables.
    pub fn new<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_os_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The program of that name in PATH.
    #[must_use]
    pub fn find(&self, program: &str) -> Option<std::path::PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        std::env::split_paths(self.get("PATH")?)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(program))
            .find(|path| {
                path.metadata()
                    .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
            })
    }
}

/// A client that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It is not on this machine.
    #[error("`{0}` is not installed")]
    Missing(String),
    /// It could not be started.
    #[error("cannot start `{program}`")]
    Start {
        /// Which one.
        program: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{program}` failed ({status}):\n{output}")]
    Failed {
        /// Which one.
        program: String,
        /// How it ended.
        status: String,
        /// The last lines of what it wrote.
        output: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Environment {
        Environment::new([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("SEEN", "yes")])
    }

    #[test]
    fn a_client_sees_only_its_environment() {
        let output = Client::new("env", &path()).output().unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "PATH=/usr/local/bin:/usr/bin:/bin\nSEEN=yes\n"
        );
    }

    #[test]
    fn failures_keep_the_last_lines() {
        let script = "for i in $(seq 40); do echo line $i >&2; done; exit 3";
        let error = Client::new("sh", &path())
            .args(["-c", script])
            .output()
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("`sh` failed (exit status: 3):\nline 29\n"),
            "{text}"
        );
        assert!(text.ends_with("line 40"), "{text}");
    }

    #[test]
    fn a_missing_client_is_named() {
        let error = Client::new("no-such-client", &path()).output().unwrap_err();
        assert_eq!(error.to_string(), "`no-such-client` is not installed");
    }
}
