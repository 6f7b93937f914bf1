//! A started app.

use crate::forward::Forward;
use crate::image::{Image, Place};
use crate::process::Process;
use crate::{ContainerConfig, LogOutput};
use slugbuilder::cnb::{Build, Process as ProcessOfBuildpack};
use slugbuilder::dyno;
use slugbuilder::layout::ProcessTypes;
use slugbuilder::sandbox::{Door, Environment, Executor as _, Invocation, Program};
use slugbuilder_report::{Diagnosis, Style};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The program that images of `pack`'s start commands with.
const LAUNCHER: &str = "launcher";

/// A started app, stopped when dropped.
pub struct ContainerContext {
    /// The name of the dyno: `web.1`, `run.1` for a command.
    pub container_name: String,
    // In the order in which they end.
    forwards: BTreeMap<u16, Forward>,
    _door: Option<Arc<Door>>,
    process: Arc<Process>,
    place: Place,
    environment: Environment,
}

impl ContainerContext {
    pub(crate) fn start(image: &Image, build: &Build, config: &ContainerConfig) -> Self {
        let mut mounts: Vec<(PathBuf, PathBuf)> = Vec::new();
        for (source, target) in &config.bind_mounts {
            mounts.push(checked_mount(source, target));
        }
        let place = image
            .place(&mounts)
            .unwrap_or_else(|error| refuse("Error starting container", &error));
        let sandbox = place.sandbox();
        let environment: Environment = config
            .env
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let start = Start::of(config, build, sandbox.app_dir());
        let invocation = match &start {
            Start::Shell { dyno, command } => {
                dyno::invocation(sandbox, dyno, command, environment.clone())
            }
            Start::Program { path, arguments } => {
                let mut all = sandbox.base_environment().clone();
                all.extend(environment.clone());
                let program = program_at(path, &all);
                let invocation = Invocation::new(program, sandbox.app_dir()).environment(all);
                arguments.iter().fold(invocation, Invocation::argument)
            }
        };
        let process = Process::start(sandbox, &invocation)
            .unwrap_or_else(|error| refuse("Error starting container", &error));
        let process = Arc::new(process);
        let mut forwards = BTreeMap::new();
        let mut door = None;
        if !config.exposed_ports.is_empty() {
            let opened = sandbox
                .door()
                .unwrap_or_else(|error| refuse("Error starting container", &error));
            let opened = Arc::new(opened);
            for port in &config.exposed_ports {
                let forward = Forward::start(*port, Arc::clone(&opened), Arc::clone(&process))
                    .unwrap_or_else(|error| panic!("Error exposing port {port}: {error}"));
                forwards.insert(*port, forward);
            }
            door = Some(opened);
        }
        Self {
            container_name: start.name().to_owned(),
            forwards,
            _door: door,
            process,
            place,
            environment,
        }
    }

    /// What the app has written until now. It may not have come to what a test looks for: see
    /// [`ContainerContext::logs_wait`], or ask it over HTTP first.
    #[must_use]
    pub fn logs_now(&self) -> LogOutput {
        self.process.output()
    }

    /// What the app has written when it has ended, which a server never does by itself.
    #[must_use]
    pub fn logs_wait(&self) -> LogOutput {
        // How it ended is not asked here; that it could not be started is in `address_for_port`.
        let _ = self.process.wait();
        self.process.output()
    }

    /// Where this machine reaches a port of the app. The first connection waits for the app to listen, at most 30 seconds,
    /// so that tests need not.
    ///
    /// # Panics
    ///
    /// If the port was not exposed ([`ContainerConfig::expose_port`]), or the app has ended.
    #[must_use]
    #[track_caller]
    pub fn address_for_port(&self, port: u16) -> SocketAddr {
        let Some(forward) = self.forwards.get(&port) else {
            panic!(
                "Unknown port: Port {port} needs to be exposed first using `ContainerConfig::expose_port`"
            )
        };
        if let Some(outcome) = self.process.outcome() {
            let how = outcome.map_or_else(
                |error| format!("could not be started: {error}"),
                |outcome| outcome.to_string(),
            );
            panic!(
                "Error obtaining container port mapping:\nthe app {how}\nThis normally means that the container crashed. Container logs:\n\n{}",
                self.process.output()
            );
        }
        forward.address()
    }

    /// Runs a command where the app runs: with its files, its network and its variables, but in a process namespace of its
    /// own, so that `ps` does not show the app.
    ///
    /// # Panics
    ///
    /// If the command fails.
    #[track_caller]
    pub fn shell_exec(&self, command: impl AsRef<str>) -> LogOutput {
        let sandbox = self.place.sandbox();
        let command: OsString = command.as_ref().into();
        let invocation = dyno::invocation(
            sandbox,
            &self.container_name,
            &command,
            self.environment.clone(),
        );
        let process = Process::start(sandbox, &invocation)
            .unwrap_or_else(|error| refuse("Error performing docker exec", &error));
        succeed("Error performing docker exec", &process)
    }
}

/// Waits for the end of `process`; gives its output where that was a success, and panics otherwise.
#[track_caller]
fn succeed(what: &str, process: &Process) -> LogOutput {
    let outcome = process.wait();
    let output = process.output();
    match outcome {
        Ok(outcome) if outcome.success() => output,
        Ok(outcome) => panic!("{what}:\n\nthe command {outcome}\n\n{output}"),
        Err(error) => panic!("{what}:\n\n{error}\n\n{output}"),
    }
}

/// Runs a command in a fresh copy of the app.
#[track_caller]
pub(crate) fn run_shell_command(image: &Image, build: &Build, command: String) -> LogOutput {
    let mut config = ContainerConfig::new();
    config.entrypoint(LAUNCHER).command([command]);
    let container = ContainerContext::start(image, build, &config);
    succeed("Error running container", &container.process)
}

/// What is started.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// A command in a shell, with the launch environment.
    Shell { dyno: String, command: OsString },
    /// A program by itself.
    Program {
        path: String,
        arguments: Vec<String>,
    },
}

impl Start {
    /// What `config` means where `build` was built: the entrypoint of images that `pack` makes are the launcher and a link to
    /// it for each process type.
    fn of(config: &ContainerConfig, build: &Build, app_dir: &Path) -> Self {
        let words = || config.command.clone().unwrap_or_default();
        let Some(entrypoint) = &config.entrypoint else {
            let default = build.processes.iter().find(|process| process.default);
            let web = || {
                build
                    .processes
                    .iter()
                    .find(|process| process.r#type == "web")
            };
            let Some(process) = default.or_else(web) else {
                panic!(
                    "Error starting container:\n\nthe app has no default process; it has: {}",
                    names(build)
                )
            };
            return Self::process(process, config, app_dir);
        };
        let name = Path::new(entrypoint).file_name().unwrap_or_default();
        if let Some(process) = build
            .processes
            .iter()
            .find(|process| name == process.r#type.as_str())
        {
            return Self::process(process, config, app_dir);
        }
        if name == LAUNCHER {
            let words: Vec<OsString> = words().into_iter().map(OsString::from).collect();
            assert!(
                !words.is_empty(),
                "Error starting container:\n\n`launcher` needs a command"
            );
            return Self::Shell {
                dyno: "run.1".into(),
                command: dyno::command_of_words(&words),
            };
        }
        Self::Program {
            path: entrypoint.clone(),
            arguments: words(),
        }
    }

    fn process(process: &ProcessOfBuildpack, config: &ContainerConfig, app_dir: &Path) -> Self {
        let mut process = process.clone();
        if let Some(arguments) = &config.command {
            // Platform API 0.10: what the user gives replaces the buildpack's default arguments.
            process.args.clone_from(arguments);
        }
        let types = ProcessTypes::of(std::slice::from_ref(&process), app_dir).types;
        // Under its own name; a default process is there as `web`, too.
        let Some(found) = types.into_iter().find(|one| one.r#type == process.r#type) else {
            unreachable!("a process has a name")
        };
        Self::Shell {
            dyno: format!("{}.1", found.name),
            command: found.command.into(),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Shell { dyno, .. } => dyno,
            Self::Program { path, .. } => path,
        }
    }
}

fn names(build: &Build) -> String {
    let names: Vec<&str> = build
        .processes
        .iter()
        .map(|process| process.r#type.as_str())
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// A program as a container engine finds it: by its path, or on `PATH`.
fn program_at(path: &str, environment: &Environment) -> Program {
    if path.contains('/') {
        return Program::File(path.into());
    }
    let folders = environment
        .get(std::ffi::OsStr::new("PATH"))
        .cloned()
        .unwrap_or_default();
    // The system's folders are the same inside and outside.
    let found = std::env::split_paths(&folders)
        .map(|folder| folder.join(path))
        .find(|program| program.is_file());
    Program::File(found.unwrap_or_else(|| {
        panic!("Error starting container:\n\nthere is no process type and no program `{path}`")
    }))
}

fn checked_mount(source: &Path, target: &Path) -> (PathBuf, PathBuf) {
    let source = source
        .canonicalize()
        .unwrap_or_else(|error| panic!("Error mounting {}: {error}", source.display()));
    let is_plain = target.is_absolute()
        && target
            .components()
            .all(|part| !matches!(part, std::path::Component::ParentDir));
    assert!(
        is_plain,
        "Error mounting {}: the target {} is not absolute",
        source.display(),
        target.display()
    );
    (source, target.to_owned())
}

/// Panics with all that is known of an error.
#[track_caller]
pub(crate) fn refuse(what: &str, error: &impl slugbuilder_report::Explain) -> ! {
    panic!("{what}:\n\n{}", Diagnosis::of(error).render(Style::Plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build() -> Build {
        let process = |r#type: &str, default| ProcessOfBuildpack {
            r#type: r#type.into(),
            command: vec!["run".into(), r#type.into()],
            args: vec!["default argument".into()],
            default,
            working_directory: None,
            buildpack: "b".into(),
        };
        Build {
            processes: vec![process("server", true), process("worker", false)],
            ..Build::default()
        }
    }

    fn started(config: &ContainerConfig) -> Start {
        Start::of(config, &build(), Path::new("/app"))
    }

    fn shell(dyno: &str, command: &str) -> Start {
        Start::Shell {
            dyno: dyno.into(),
            command: command.into(),
        }
    }

    #[test]
    fn the_entrypoint_says_what_is_started() {
        assert_eq!(
            started(&ContainerConfig::new()),
            shell("server.1", "run server 'default argument'")
        );
        assert_eq!(
            started(ContainerConfig::new().entrypoint("worker").command(["a b"])),
            shell("worker.1", "run worker 'a b'")
        );
        assert_eq!(
            started(
                ContainerConfig::new()
                    .entrypoint("launcher")
                    .command(["a && b"])
            ),
            shell("run.1", "a && b")
        );
        assert_eq!(
            started(
                ContainerConfig::new()
                    .entrypoint("bash")
                    .command(["-c", "true"])
            ),
            Start::Program {
                path: "bash".into(),
                arguments: vec!["-c".into(), "true".into()]
            }
        );
    }

    #[test]
    #[should_panic(expected = "the app has no default process; it has: none")]
    fn without_processes_there_is_no_default() {
        Start::of(
            &ContainerConfig::new(),
            &Build::default(),
            Path::new("/app"),
        );
    }

    #[test]
    #[should_panic(expected = "the target a/../b is not absolute")]
    fn targets_of_mounts_are_absolute() {
        checked_mount(Path::new("/"), Path::new("a/../b"));
    }
}
