//! Programs that a test runs: how they are started, and how they ended.

use crate::context::Context;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A program about to run.
pub(crate) struct Invocation<'a> {
    context: &'a Context,
    command: Command,
    input: Vec<u8>,
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(context: &'a Context, command: Command) -> Self {
        Self {
            context,
            command,
            input: Vec::new(),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// The settings of this machine's npm, go and apt that say where their registries are.
    pub(crate) fn env_of_clients(mut self) -> Self {
        let wanted = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["npm_config_", "goproxy", "gonosumdb", "gosumdb", "goflags"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || name.ends_with("_proxy")
                || name.ends_with("_ca_certs")
                || name.starts_with("ssl_cert_")
        };
        for (name, value) in std::env::vars_os() {
            if name.to_str().is_some_and(wanted) {
                self.command.env(name, value);
            }
        }
        self
    }

    pub(crate) fn arguments<S: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(self.context.path(directory));
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Starts it and leaves it running.
    pub(crate) fn start(mut self) -> Started {
        let log = tempfile::NamedTempFile::new().unwrap();
        let file = || log.as_file().try_clone().unwrap();
        let child = self
            .command
            .stdin(Stdio::null())
            .stdout(file())
            .stderr(file())
            .spawn()
            .unwrap();
        Started { child, log }
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Ran {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        Ran::of(self.context, &child.wait_with_output().unwrap())
    }

    pub(crate) fn succeeds(self) -> Ran {
        let ran = self.run();
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs it; it has to end with `status`. Gives what it says on stderr.
    pub(crate) fn fails(self, status: i32) -> String {
        let ran = self.run();
        assert_eq!(ran.status, status, "{}{}", ran.stdout, ran.stderr);
        ran.stderr
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// As a shell gives it: 128 + N after signal N.
    pub(crate) status: i32,
    /// As it was written.
    pub(crate) stdout: String,
    /// Normalized.
    pub(crate) stderr: String,
}

impl Ran {
    fn of(context: &Context, output: &Output) -> Self {
        let status = output.status;
        Self {
            status: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: context.normalized(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// What it wrote on stdout, as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// A program that runs beside the test.
pub(crate) struct Started {
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Started {
    pub(crate) fn id(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(self.id(), signal).unwrap();
    }

    /// What it has written up to now.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log.path()).unwrap()).into_owned()
    }

    /// Waits until its output holds `text`.
    pub(crate) fn says(&self, text: &str) {
        eventually(text, || self.output().contains(text).then_some(()));
    }

    /// Waits for its end and gives its status as a shell does.
    pub(crate) fn status(&mut self) -> i32 {
        let status = self.child.wait().unwrap();
        status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that fails leaves nothing running; one that does not has waited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` gives something; `what` is waited for.
pub(crate) fn eventually<T>(what: &str, condition: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
