//! Runs every vector of `tests/vectors` in the sandbox, through all phases and into a started process.
//!
//! A harness of its own, because the test executable is also the sandbox's helper.

#![expect(
    clippy::unwrap_used,
    clippy::panic_in_result_fn,
    reason = "tests fail by panicking, and libtest-mimic wants a result"
)]

#[path = "vectors/runner/expected.rs"]
mod expected;

use expected::{Exit, Expected, Text, Vector};
use libtest_mimic::{Arguments, Failed, Trial};
use slugbuilder::cnb::{
    Build, Buildpack, CnbError, Detection, LAYERS_FOLDER, Order, Platform, Target,
};
use slugbuilder::layout::{
    EXEC_D_HELPER, EXEC_D_HELPER_PATH, PROFILE_SCRIPT_PATH, ProcessTypes, profile_script,
};
use slugbuilder::sandbox::{
    AppDirectory, Credentials, Environment, Executor, HostView, Interrupt, Invocation, Namespaced,
    Outcome, Program, SandboxOptions,
};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let argv0 = std::env::args_os().next().unwrap_or_default();
    if let Some(code) = slugbuilder::sandbox::serve_helper(&argv0) {
        return ExitCode::from(code);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut trials: Vec<Trial> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("vector.toml").exists())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            Trial::test(name, move || check(&path))
        })
        .collect();
    trials.sort_by(|one, other| one.name().cmp(other.name()));
    assert!(trials.len() > 50, "the vectors are missing");
    trials.push(Trial::test("every_rule_has_a_vector", every_rule));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Every rule of sections 2.3 to 2.7 of the reference that a buildpack can see.
fn every_rule() -> Result<(), Failed> {
    let mut rules: Vec<String> = (1..=6).map(|rule| format!("2.3.{rule}")).collect();
    rules.extend((1..=8).map(|rule| format!("2.4.{rule}")));
    rules.extend(["2.5", "2.6", "2.7", "2.8"].map(str::to_owned));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path().join("vector.toml");
        if path.exists() {
            let vector = Vector::read(&path);
            rules.retain(|rule| !vector.rules.contains(rule));
        }
    }
    assert!(rules.is_empty(), "no vector for {rules:?}");
    Ok(())
}

/// What came of the last build.
struct Built {
    exit: Exit,
    detection: Option<Detection>,
    build: Option<Build>,
    /// What each buildpack said if no group passed, by `id@version`.
    tried: BTreeMap<String, expected::Tried>,
    said: String,
}

/// The machine of one vector.
struct Machine {
    folder: tempfile::TempDir,
    sandbox: Namespaced,
    buildpacks: Vec<Buildpack>,
}

impl Machine {
    fn new(vector: &Path) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slugbuilder-vector-")
            .permissions(PermissionsExt::from_mode(0o755))
            .tempdir()
            .unwrap();
        let app = folder.path().join("app");
        std::fs::create_dir(&app).unwrap();
        if vector.join("app").exists() {
            copy(&vector.join("app"), &app);
        }
        give(&app);
        let mut sources = Vec::new();
        for entry in std::fs::read_dir(vector.join("buildpacks")).unwrap() {
            let entry = entry.unwrap();
            sources.push((entry.path(), entry.file_name()));
        }
        sources.sort();
        let host: Environment = std::env::vars_os().collect();
        let sandbox = Namespaced::start(&SandboxOptions {
            app: AppDirectory::Directory(app),
            scratch: folder.path().join("scratch"),
            home_is_app: false,
            cache: None,
            shared_cache: None,
            buildpacks: sources.clone(),
            view: HostView::of(&host, Credentials::default()),
            network: false,
            deadline: Some(Instant::now() + Duration::from_mins(2)),
            interrupt: Interrupt::new().unwrap(),
        })
        .unwrap();
        let buildpacks = sources
            .iter()
            .map(|(outside, name)| Buildpack::read(outside, sandbox.buildpack_dir(name)).unwrap())
            .collect();
        Self {
            folder,
            sandbox,
            buildpacks,
        }
    }

    fn platform(&self, user: Environment) -> Platform<'_> {
        Platform {
            executor: &self.sandbox,
            target: Target {
                os: "linux".into(),
                arch: "amd64".into(),
                distro_name: "ubuntu".into(),
                distro_version: "24.04".into(),
            },
            user_environment: user,
            platform_variables: Environment::new(),
            reporter: &slugbuilder_report::Silent,
        }
    }

    /// One build from detection on.
    fn build(&self, vector: &Path) -> Built {
        let platform = self.platform(variables(&vector.join("platform/env")));
        let mut result = Built {
            exit: Exit::Refused,
            detection: None,
            build: None,
            tried: BTreeMap::new(),
            said: String::new(),
        };
        let done = (|| {
            let order = Order::read(&vector.join("order.toml"))?;
            let detection = platform.detect(&order, &self.buildpacks)?;
            result.detection = Some(detection.clone());
            platform.restore(&detection)?;
            platform.build(&detection)
        })();
        match done {
            Ok(build) => {
                result.exit = Exit::Code(0);
                result.build = Some(build);
            }
            Err(error) => {
                result.said = slugbuilder_report::Explain::diagnosis(&error)
                    .render(slugbuilder_report::Style::Plain);
                result.exit = match error {
                    CnbError::NoGroup(no_group) => {
                        let tried = no_group.tried.iter();
                        result.tried = tried
                            .map(|tried| (tried.buildpack.clone(), expected::Tried::of(tried)))
                            .collect();
                        let erred = no_group.tried.iter().any(|tried| tried.verdict.is_error());
                        Exit::Code(if erred { 21 } else { 20 })
                    }
                    CnbError::BuildFailed { .. } => Exit::Code(51),
                    _ => Exit::Refused,
                };
            }
        }
        result
    }

    /// Writes what starts processes into the app, as `compile` does; and how they start.
    fn lay_out(&self, build: &Build) -> ProcessTypes {
        let app = self.sandbox.app_dir();
        let platform = self.platform(Environment::new());
        let types = ProcessTypes::of(&build.processes, app);
        let profile = profile_script(&build.launch_environment, &types, app);
        if let Some(content) = profile.content {
            platform
                .write_into_app(Path::new(PROFILE_SCRIPT_PATH), &content)
                .unwrap();
        }
        platform
            .write_into_app(Path::new(EXEC_D_HELPER_PATH), EXEC_D_HELPER.as_bytes())
            .unwrap();
        types
    }

    /// The environment in which a process of this type starts; nothing if it does not.
    fn launch(&self, r#type: &str, base: &Environment) -> Option<Environment> {
        self.start(r#type, "/usr/bin/env -0", base)
            .map(|content| pairs(&content))
    }

    /// What `command` prints as the dyno of a process type; nothing if it does not end well.
    fn start(&self, r#type: &str, command: &str, base: &Environment) -> Option<Vec<u8>> {
        let app = self.sandbox.app_dir();
        let mut environment = Environment::from([
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("HOME".into(), app.into()),
            ("DYNO".into(), format!("{type}.1").into()),
        ]);
        environment.extend(base.clone());
        let seen = format!(".started-{type}");
        // As a dyno does it, see `slugbuilder::dyno`.
        let script = format!(
            "if [ -e {PROFILE_SCRIPT_PATH} ]; then . {PROFILE_SCRIPT_PATH}; fi\nexec /bin/bash -c \"$0\" > /app/{seen}"
        );
        let invocation = Invocation::new(Program::File("/bin/bash".into()), app)
            .argument("-c")
            .argument(script)
            .argument(command)
            .environment(environment);
        let outcome = self.sandbox.run(&invocation, &mut |_| {}).unwrap();
        (outcome == Outcome::Exited(0))
            .then(|| std::fs::read(self.outside(Path::new(&seen))).unwrap())
    }

    /// A file, relative to the app directory.
    fn outside(&self, path: &Path) -> PathBuf {
        self.folder.path().join("app").join(path)
    }

    /// Fills the placeholders of an expected text.
    fn filled(&self, text: &Text) -> OsString {
        let (app, path) = (
            self.sandbox.app_dir().to_str().unwrap(),
            self.sandbox.base_environment()[OsStr::new("PATH")]
                .to_str()
                .unwrap(),
        );
        match text {
            Text::Hex { hex } => OsString::from_vec(hex::decode(hex).unwrap()),
            Text::Plain(text) => text
                .replace("{layers}", &format!("{app}/{LAYERS_FOLDER}"))
                .replace("{app}", app)
                .replace("{platform}", "{work}/platform")
                .replace("{work}", self.sandbox.work_dir().to_str().unwrap())
                .replace("{PATH}", path)
                .into(),
            Text::Unset(_) => panic!("that is no text"),
        }
    }

    /// The path of an expected file outside.
    fn file(&self, path: &str) -> PathBuf {
        let filled = self.filled(&Text::Plain(path.to_owned()));
        let path = PathBuf::from(filled);
        self.outside(path.strip_prefix(self.sandbox.app_dir()).unwrap_or(&path))
    }

    fn compare(&self, what: &str, expected: &BTreeMap<String, Text>, found: &Environment) {
        for (name, text) in expected {
            let found = found.get(OsStr::new(name));
            match text {
                Text::Unset(_) => assert_eq!(found, None, "{what}: {name}"),
                text => assert_eq!(found, Some(&self.filled(text)), "{what}: {name}"),
            }
        }
    }
}

fn check(path: &Path) -> Result<(), Failed> {
    let vector = Vector::read(&path.join("vector.toml"));
    let machine = Machine::new(path);
    let mut result = machine.build(path);
    for _ in 1..vector.builds {
        assert_eq!(result.exit, Exit::Code(0), "{}", result.said);
        result = machine.build(path);
    }
    let expected = &vector.expect;
    assert_eq!(result.exit, expected.exit, "{}", result.said);
    if let Some(code) = &expected.code {
        let beginning = format!("error[{code}]");
        assert!(result.said.starts_with(&beginning), "{}", result.said);
    }
    check_detection(expected, result.detection.as_ref());
    if let Some(tried) = &expected.tried {
        assert_eq!(&result.tried, tried);
    }
    check_files(expected, &machine)?;
    let Some(build) = result.build else {
        return Ok(());
    };
    if let Some(unmet) = &expected.unmet {
        assert_eq!(&build.unmet, unmet);
    }
    if let Some(processes) = &expected.processes {
        let found: Vec<_> = build.processes.iter().map(expected::Process::of).collect();
        assert_eq!(&found, processes);
    }
    if let Some(sboms) = &expected.sboms {
        let found: Vec<_> = build.sboms.iter().map(expected::Sbom::of).collect();
        assert_eq!(&found, sboms);
    }
    let types = machine.lay_out(&build);
    let base = vector.launch.base.iter();
    let base = base.map(|(name, text)| (name.into(), machine.filled(text)));
    let base: Environment = base.collect();
    for (r#type, expected) in &expected.launch {
        let found = machine.launch(r#type, &base);
        let found = found.unwrap_or_else(|| panic!("`{type}` does not start"));
        machine.compare(r#type, expected, &found);
    }
    for r#type in &expected.launch_fails {
        assert_eq!(machine.launch(r#type, &base), None, "`{type}` starts");
    }
    for (r#type, expected) in &expected.output {
        let process = types.types.iter().find(|process| process.r#type == *r#type);
        let process = process.unwrap_or_else(|| panic!("there is no process `{type}`"));
        let found = machine.start(&process.name, &process.command, &base);
        let found = found.unwrap_or_else(|| panic!("`{}` fails", process.command));
        let expected = machine.filled(expected);
        assert_eq!(OsString::from_vec(found), expected, "{type}");
    }
    Ok(())
}

fn check_detection(expected: &Expected, detection: Option<&Detection>) {
    let Some(detection) = detection else {
        assert!(expected.group.is_none() && expected.plan.is_none());
        return;
    };
    if let Some(group) = &expected.group {
        let found: Vec<String> = detection
            .group
            .iter()
            .map(|participant| participant.buildpack.descriptor.reference())
            .collect();
        assert_eq!(&found, group);
    }
    if let Some(plan) = &expected.plan {
        let found: Vec<_> = detection.plan.iter().map(expected::Entry::of).collect();
        assert_eq!(&found, plan);
    }
}

fn check_files(expected: &Expected, machine: &Machine) -> Result<(), Failed> {
    for (path, text) in &expected.files {
        let found =
            std::fs::read(machine.file(path)).map_err(|error| format!("{path}: {error}"))?;
        assert_eq!(OsString::from_vec(found), machine.filled(text), "{path}");
    }
    for (path, table) in &expected.toml {
        let text = std::fs::read_to_string(machine.file(path))?;
        assert_eq!(&toml::from_str::<toml::Table>(&text)?, table, "{path}");
    }
    for path in &expected.absent {
        assert!(
            machine.file(path).symlink_metadata().is_err(),
            "{path} is there"
        );
    }
    for (name, variables) in &expected.observed {
        let content = std::fs::read(machine.outside(&Path::new("observed").join(name)))?;
        machine.compare(name, variables, &pairs(&content));
    }
    Ok(())
}

/// What `env -0` wrote.
fn pairs(content: &[u8]) -> Environment {
    let pairs = content.split(|byte| *byte == 0);
    pairs
        .filter_map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (&pair[..equals], &pair[equals + 1..]);
            Some((
                OsStr::from_bytes(name).into(),
                OsStr::from_bytes(value).into(),
            ))
        })
        .collect()
}

/// The files of a folder as variables.
fn variables(folder: &Path) -> Environment {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Environment::new();
    };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let value = std::fs::read(entry.path()).unwrap();
            (entry.file_name(), OsString::from_vec(value))
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir(to).unwrap();
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Gives a folder to whom programs run as.
fn give(folder: &Path) {
    if let Some((uid, gid)) = SandboxOptions::owner() {
        for entry in walkdir::WalkDir::new(folder) {
            lchown(entry.unwrap().path(), Some(uid), Some(gid)).unwrap();
        }
    }
}
