//! What a test starts, and how.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Configuration of a started app. The name is that of `libcnb-test`; what is started is no container but a dyno, see
/// [`crate::TestContext::start_container`].
#[derive(Debug, Clone, Default)]
pub struct ContainerConfig {
    pub(crate) entrypoint: Option<String>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) env: HashMap<String, String>,
    pub(crate) exposed_ports: HashSet<u16>,
    pub(crate) bind_mounts: HashMap<PathBuf, PathBuf>,
}

impl ContainerConfig {
    /// The default process, without a port.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is started in place of the default process: a process type, `launcher` for a command of
    /// [`ContainerConfig::command`] in a shell with the launch environment, or a program without that environment.
    pub fn entrypoint(&mut self, entrypoint: impl Into<String>) -> &mut Self {
        self.entrypoint = Some(entrypoint.into());
        self
    }

    /// The command of `launcher`, or further arguments of the process; the buildpack's own default arguments are then left
    /// out, as a CNB launcher does.
    pub fn command<I: IntoIterator<Item = S>, S: Into<String>>(&mut self, command: I) -> &mut Self {
        self.command = Some(command.into_iter().map(S::into).collect());
        self
    }

    /// Makes a port that the app listens on reachable, at [`crate::ContainerContext::address_for_port`]. Apps listen where they
    /// are told to, so `PORT` has to be set, too: `.env("PORT", "8080").expose_port(8080)`. Every app has its own ports: those
    /// of other tests do not matter.
    pub fn expose_port(&mut self, port: u16) -> &mut Self {
        self.exposed_ports.insert(port);
        self
    }

    /// Sets a variable of the app.
    pub fn env(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Shows a file or folder of this machine in the app's system, writable as far as its permissions go: the app runs as the
    /// user of the test, or as uid [`slugbuilder::sandbox::BUILD_UID`] where that is root. A target below `/workspace` or
    /// `/layers` means the place where the app and its layers are here.
    pub fn bind_mount(
        &mut self,
        source: impl Into<PathBuf>,
        target: impl Into<PathBuf>,
    ) -> &mut Self {
        self.bind_mounts.insert(source.into(), target.into());
        self
    }

    /// [`ContainerConfig::env`] for several variables.
    pub fn envs<K: Into<String>, V: Into<String>, I: IntoIterator<Item = (K, V)>>(
        &mut self,
        envs: I,
    ) -> &mut Self {
        for (key, value) in envs {
            self.env(key, value);
        }
        self
    }
}
