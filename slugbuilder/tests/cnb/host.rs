//! Mock buildpacks, written in shell and run on the host.

use slugbuilder::cnb::{Build, Buildpack, CnbError, Detection, Order, Platform, Restored, Target};
use slugbuilder::sandbox::{Environment, Executor, Invocation, Outcome, Program, SandboxError};
use slugbuilder_report::{Event, Reporter};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// Runs programs on the host, in a temporary folder; inside and outside are the same.
pub(crate) struct Host {
    root: tempfile::TempDir,
    app: PathBuf,
    work: PathBuf,
    base: Environment,
    /// The outcome of every program instead of its own.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) user: Environment,
    pub(crate) platform_variables: Environment,
    buildpacks: Vec<Buildpack>,
    output: Output,
}

#[derive(Default)]
struct Output(Mutex<Vec<String>>);

impl Reporter for Output {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Step(text) => format!("# {text}"),
            Event::Output(line) => String::from_utf8_lossy(line).into_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Executor for Host {
    fn app_dir(&self) -> &Path {
        &self.app
    }

    fn outside(&self, inside: &Path) -> PathBuf {
        inside.to_owned()
    }

    fn work_dir(&self) -> &Path {
        &self.work
    }

    fn base_environment(&self) -> &Environment {
        &self.base
    }

    fn run(
        &self,
        invocation: &Invocation,
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<Outcome, SandboxError> {
        let mut command = match &invocation.program {
            Program::File(path) if !path.starts_with(self.root.path()) => Command::new(path),
            Program::File(path) => {
                // Not executed itself: a process that another test starts at this moment may still hold the script
                // open for writing, and then it cannot be (`ETXTBSY`).
                let mut command = Command::new("/bin/sh");
                command.arg(path);
                command
            }
            Program::Itself { argv0 } => {
                // Stands for the executable: a script that is told its name.
                let mut command = Command::new("/bin/sh");
                command
                    .arg0(argv0)
                    .arg("-c")
                    .arg("printf '%s\\n' \"$0\"; exit 100")
                    .arg(argv0);
                command
            }
        };
        let mut child = command
            .args(&invocation.arguments)
            .env_clear()
            .envs(&invocation.environment)
            .current_dir(&invocation.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| SandboxError::Start {
                program: "program".into(),
                source,
            })?;
        for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
            output(&line.unwrap());
        }
        let status = child.wait().unwrap();
        let ended = match status.code() {
            Some(code) => Outcome::Exited(u8::try_from(code).unwrap()),
            None => Outcome::Signalled(status.signal().unwrap()),
        };
        Ok(self.outcome.unwrap_or(ended))
    }
}

impl Host {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        // A temporary folder may itself be reached by a link.
        let path = root.path().canonicalize().unwrap();
        let (app, work) = (path.join("app"), path.join("exchange"));
        std::fs::create_dir(&app).unwrap();
        std::fs::create_dir(&work).unwrap();
        Self {
            root,
            app,
            work,
            base: environment(&[("PATH", "/usr/bin:/bin"), ("HOME", "/home/build")]),
            outcome: None,
            user: Environment::new(),
            platform_variables: Environment::new(),
            buildpacks: Vec::new(),
            output: Output::default(),
        }
    }

    /// Adds a buildpack: further lines of its `[buildpack]` table and below, and the scripts of its programs.
    pub(crate) fn buildpack_with(
        mut self,
        id: &str,
        api: &str,
        toml: &str,
        detect: &str,
        build: &str,
    ) -> Self {
        let folder = self
            .root
            .path()
            .canonicalize()
            .unwrap()
            .join("buildpacks")
            .join(id);
        std::fs::create_dir_all(folder.join("bin")).unwrap();
        let text = format!("api = '{api}'\n[buildpack]\nid = '{id}'\nversion = '1'\n{toml}");
        std::fs::write(folder.join("buildpack.toml"), text).unwrap();
        for (name, script) in [("detect", detect), ("build", build)] {
            let path = folder.join("bin").join(name);
            std::fs::write(&path, format!("#!/bin/sh\nset -eu\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        self.buildpacks
            .push(Buildpack::read(&folder, &folder).unwrap());
        self
    }

    pub(crate) fn buildpack(self, id: &str, detect: &str, build: &str) -> Self {
        self.buildpack_with(id, "0.10", "", detect, build)
    }

    /// A buildpack that always passes.
    pub(crate) fn builds(self, id: &str, build: &str) -> Self {
        self.buildpack(id, "exit 0", build)
    }

    /// Adds a buildpack that stands for others.
    pub(crate) fn composite(mut self, id: &str, order: &str) -> Self {
        let text = format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n{order}");
        self.buildpacks
            .push(Buildpack::embedded(&text, "/nowhere").unwrap());
        self
    }

    pub(crate) fn embedded(mut self, id: &str) -> Self {
        let text = format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n");
        self.buildpacks
            .push(Buildpack::embedded(&text, "/slugbuilder/buildpack").unwrap());
        self
    }

    fn with_platform<T>(&self, act: impl FnOnce(&Platform<'_>) -> T) -> T {
        act(&Platform {
            executor: self,
            target: Target {
                os: "linux".into(),
                arch: "amd64".into(),
                distro_name: "ubuntu".into(),
                distro_version: "24.04".into(),
            },
            user_environment: self.user.clone(),
            platform_variables: self.platform_variables.clone(),
            reporter: &self.output,
        })
    }

    /// Detects with an order given as TOML: the inner part of its only group's array, `?` after an id for optional.
    pub(crate) fn detect(&self, group: &str) -> Result<Detection, CnbError> {
        let elements: Vec<String> = group
            .split_whitespace()
            .map(|element| {
                let id = element.trim_end_matches('?');
                format!("{{id='{id}',optional={}}}", element.ends_with('?'))
            })
            .collect();
        self.detect_order(&format!("[[order]]\ngroup=[{}]\n", elements.join(",")))
    }

    pub(crate) fn detect_order(&self, toml: &str) -> Result<Detection, CnbError> {
        let order = Order::parse(Path::new("order.toml"), toml.as_bytes())?;
        self.with_platform(|platform| platform.detect(&order, &self.buildpacks))
    }

    pub(crate) fn restore(&self, detection: &Detection) -> Result<Restored, CnbError> {
        self.with_platform(|platform| platform.restore(detection))
    }

    /// Detects with all buildpacks in one group, restores and builds.
    pub(crate) fn build(&self) -> Result<Build, CnbError> {
        let order = Order::of(&self.buildpacks);
        self.with_platform(|platform| {
            let detection = platform.detect(&order, &self.buildpacks)?;
            platform.restore(&detection)?;
            platform.build(&detection)
        })
    }

    /// The path of a file in the app.
    pub(crate) fn app(&self, path: &str) -> PathBuf {
        self.app.join(path)
    }

    /// The content of a file in the app, the temporary folder's own path replaced by `/`.
    pub(crate) fn read(&self, path: &str) -> String {
        let text = std::fs::read_to_string(self.app(path)).unwrap();
        self.shown(&text)
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.app(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// All paths below a folder of the app, in order.
    pub(crate) fn tree(&self, path: &str) -> Vec<String> {
        let folder = self.app(path);
        let mut paths: Vec<String> = walkdir::WalkDir::new(&folder)
            .min_depth(1)
            .into_iter()
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .strip_prefix(&folder)
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        paths.sort();
        paths
    }

    pub(crate) fn shown(&self, text: &str) -> String {
        text.replace(
            self.root.path().canonicalize().unwrap().to_str().unwrap(),
            "",
        )
    }

    pub(crate) fn output(&self) -> Vec<String> {
        self.output.0.lock().unwrap().clone()
    }

    /// An error as the user reads it.
    pub(crate) fn rendered(&self, error: &CnbError) -> String {
        self.shown(
            &slugbuilder_report::Explain::diagnosis(error).render(slugbuilder_report::Style::Plain),
        )
    }
}

pub(crate) fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

pub(crate) fn ids(detection: &Detection) -> Vec<&str> {
    detection
        .group
        .iter()
        .map(|participant| participant.buildpack.descriptor.id.as_str())
        .collect()
}
