//! Running a slug as a dyno would (slugs-and-dynos.md 1.9).
//!
//! A fresh copy of `./app` becomes `/app` in a sandbox that shows the system of this machine and nothing of its user.
//! `bash` sources every `.profile.d/*.sh` in byte order, then `.profile`, and then `exec`s `bash -c COMMAND`. Config
//! vars are in the environment before that. On a stop every process gets SIGTERM and, after 30 seconds, SIGKILL.
//!
//! Without namespaces the app runs at the real `/app` as root in a container, and otherwise in the folder that it was
//! unpacked to, with `HOME` there; a slug that names `/app` itself fails then.

use crate::place::Place;
use crate::sandbox::{
    AppDirectory, Console, Environment, Executor, HostView, Interrupt, Invocation, Namespaced,
    Outcome, Program, SandboxError, SandboxOptions,
};
use crate::slug::{self, SlugError};
use crate::stop::Stop;
use crate::tree::Tree;
use crate::workspace::{Workspace, WorkspaceError};
use slugbuilder_fetch::Limits;
use slugbuilder_report::{Event, Explain, Fault, Reporter};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long processes have between SIGTERM and SIGKILL (slugs-and-dynos.md 1.9).
pub const GRACE: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The command of a process type.
    ProcessType(String),
    /// A one-off command, as the shell reads it.
    Command(OsString),
}

/// A run of a slug.
#[derive(Debug)]
pub struct RunOptions {
    /// The slug.
    pub slug: PathBuf,
    /// What to start.
    pub start: Start,
    /// The commands of the process types.
    pub process_types: BTreeMap<String, String>,
    /// The app's config vars; they win over what the platform sets, so that `PORT` can be one.
    pub config_vars: Environment,
    /// The port for `PORT`.
    pub port: u16,
    /// Where the copy of the app goes, see [`crate::workspace`].
    pub cache_dir: PathBuf,
    /// What the process has as stdin, stdout and stderr.
    pub console: Console,
    /// The kind of the terminal, `TERM`, for a process that gets one.
    pub terminal: Option<OsString>,
    /// Stops the run in an orderly way.
    pub stop: Interrupt,
    /// Ends it at once.
    pub force: Interrupt,
}

/// Why a slug could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The slug could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] SlugError),
    /// There is no place for the copy.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The slug has no such process type.
    #[error("the slug has no process type `{wanted}`")]
    NoSuchProcessType {
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: Vec<String>,
    },
}

impl Explain for RunError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unpack(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Sandbox(error) => error.code(),
            Self::NoSuchProcessType { .. } => "no-such-process-type",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unpack(error) => error.fault(),
            Self::Workspace(error) => error.fault(),
            Self::Sandbox(error) => error.fault(),
            Self::NoSuchProcessType { .. } => Fault::Usage,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Unpack(error) => error.explanation(),
            Self::Workspace(error) => error.explanation(),
            Self::Sandbox(error) => error.explanation(),
            Self::NoSuchProcessType { there, .. } if there.is_empty() => {
                Some("No process types are known for it.".into())
            }
            Self::NoSuchProcessType { there, .. } => Some(format!("It has: {}.", there.join(", "))),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unpack(error) => error.hints(),
            Self::Workspace(error) => error.hints(),
            Self::Sandbox(error) => error.hints(),
            Self::NoSuchProcessType { there, .. } if there.is_empty() => vec![
                "Keep `slug.json` beside the slug, or say what to run: `--process-types '{\"web\":\"node web.js\"}'`."
                    .into(),
            ],
            Self::NoSuchProcessType { .. } => {
                vec!["Run a command of your own with `slugbuilder run SLUG -- COMMAND`.".into()]
            }
        }
    }
}

/// Runs a slug to its end.
pub fn run(options: &RunOptions, reporter: &dyn Reporter) -> Result<Outcome, RunError> {
    let (dyno, command) = choose(options)?;
    let workspace = Workspace::for_run(&options.cache_dir)?;
    let outcome = run_in(options, &workspace, &dyno, &command, reporter);
    let removed = workspace.remove();
    let outcome = outcome?;
    removed?;
    Ok(outcome)
}

fn choose(options: &RunOptions) -> Result<(String, OsString), RunError> {
    match &options.start {
        Start::Command(command) => Ok((
            format!("run.{}", 1000 + std::process::id() % 9000),
            command.clone(),
        )),
        Start::ProcessType(wanted) => match options.process_types.get(wanted) {
            Some(command) => Ok((format!("{wanted}.1"), command.into())),
            None => Err(RunError::NoSuchProcessType {
                wanted: wanted.clone(),
                there: options.process_types.keys().cloned().collect(),
            }),
        },
    }
}

fn run_in(
    options: &RunOptions,
    workspace: &Workspace,
    dyno: &str,
    command: &OsStr,
    reporter: &dyn Reporter,
) -> Result<Outcome, RunError> {
    let app = workspace.build().join("app");
    let unpacked = slug::unpack(
        &options.slug,
        &app,
        Limits::default(),
        &Stop::new(&options.stop, None),
    )?;
    for warning in &unpacked.warnings {
        reporter.report(Event::Warning(warning));
    }
    let mut sandbox = SandboxOptions {
        app: AppDirectory::Directory(app.clone()),
        scratch: workspace.build(),
        home_is_app: true,
        cache: None,
        shared_cache: None,
        buildpacks: Vec::new(),
        view: HostView::for_running(),
        network: true,
        deadline: None,
        interrupt: options.stop.clone(),
    };
    own(&app)?;
    let place = match Namespaced::start(&sandbox) {
        Ok(sandbox) => Place::Sandbox(sandbox),
        Err(refused @ SandboxError::Refused { .. }) => {
            Place::open(&mut sandbox, &refused, |directory| {
                if directory == app {
                    return Ok(());
                }
                unpack_into(options, directory)?;
                Ok::<_, RunError>(own(directory)?)
            })?
        }
        // Something of ours failed, or of the slug's making: no reason to run it in the open.
        Err(failed) => return Err(failed.into()),
    };
    if let Some(warning) = place.warning() {
        reporter.report(Event::Warning(warning));
    }
    let mut environment = Environment::from([("PORT".into(), options.port.to_string().into())]);
    if let (Console::Terminal, Some(terminal)) = (options.console, &options.terminal) {
        environment.insert("TERM".into(), terminal.clone());
    }
    environment.extend(
        options
            .config_vars
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let invocation = invocation(place.executor(), dyno, command, environment);
    reporter.report(Event::Step(&format!(
        "Starting {dyno} with command `{}`",
        command.display()
    )));
    let attached = place.attach(&invocation, options.console)?;
    let outcome = attached.wait(&options.stop, &options.force, GRACE, &mut |what| {
        reporter.report(Event::Note(what));
    })?;
    Ok(outcome)
}

/// How `command` is started as the dyno `dyno` (`web.1`) where an app is in the app directory of `executor`. `environment`
/// wins over what every dyno has.
#[must_use]
pub fn invocation(
    executor: &dyn Executor,
    dyno: &str,
    command: &OsStr,
    environment: Environment,
) -> Invocation {
    let home = executor.app_dir();
    let mut all = executor.base_environment().clone();
    for (name, value) in [
        ("DYNO", OsString::from(dyno)),
        ("PS", OsString::from(dyno)),
        ("HOME", home.into()),
        ("PWD", home.into()),
    ] {
        all.insert(name.into(), value);
    }
    all.extend(environment);
    Invocation::new(Program::File("/bin/bash".into()), home)
        .argument("--norc")
        .argument("--noprofile")
        .argument("-c")
        .argument(start_script(command))
        .environment(all)
}

/// Unpacks the slug into a folder that is there already, and stays the one that it is: who made it knows it by that.
fn unpack_into(options: &RunOptions, directory: &Path) -> Result<(), RunError> {
    let failed = |source| SandboxError::SetUp {
        step: "unpacking into the app directory".into(),
        source,
    };
    let folder = tempfile::Builder::new()
        .prefix(".slugbuilder-run-")
        .tempdir_in(directory)
        .map_err(failed)?;
    let app = folder.path().join("app");
    slug::unpack(
        &options.slug,
        &app,
        Limits::default(),
        &Stop::new(&options.stop, None),
    )?;
    for entry in std::fs::read_dir(&app).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        std::fs::rename(entry.path(), directory.join(entry.file_name())).map_err(failed)?;
    }
    Ok(())
}

/// Gives the unpacked app to the uid that it runs as.
fn own(app: &Path) -> Result<(), SandboxError> {
    let Some(owner) = SandboxOptions::owner() else {
        return Ok(());
    };
    let failed = |source| SandboxError::SetUp {
        step: "giving the app to its user".into(),
        source,
    };
    let tree = Tree::open(app).map_err(failed)?;
    tree.give(owner).map_err(failed)
}

/// What the shell of a dyno does before the command. A shell of its own lists the profile scripts, inside, because their
/// order depends on the locale that config vars may set; it ends each name with a NUL byte.
const START: &str = r#"slugbuilder_scripts=()
while IFS= read -r -d '' slugbuilder_script; do
  slugbuilder_scripts+=("$slugbuilder_script")
done < <(LC_ALL=C exec /bin/bash --norc --noprofile -c '
  for script in .profile.d/*.sh; do [ ! -f "$script" ] || printf "%s\0" "$script"; done')
for slugbuilder_script in "${slugbuilder_scripts[@]}"; do . "./$slugbuilder_script"; done
unset slugbuilder_script slugbuilder_scripts
if [ -f .profile ]; then . ./.profile; fi
exec /bin/bash -c "#;

fn start_script(command: &OsStr) -> OsString {
    let mut text = START.as_bytes().to_vec();
    text.extend_from_slice(&quoted(command.as_bytes()));
    text.push(b'\n');
    OsString::from_vec(text)
}

/// `text` as one word of the shell.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in text {
        if *byte == b'\'' {
            word.extend_from_slice(b"'\\''");
        } else {
            word.push(*byte);
        }
    }
    word.push(b'\'');
    word
}

/// Several words as one command of the shell; one word alone is a script already.
#[must_use]
pub fn command_of_words(words: &[OsString]) -> OsString {
    if let [script] = words {
        return script.clone();
    }
    let words: Vec<Vec<u8>> = words.iter().map(|word| quoted(word.as_bytes())).collect();
    OsString::from_vec(words.join(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real bash makes of the start of an app in `folder`.
    fn run(folder: &Path, command: &str, locale: &str) -> String {
        let output = std::process::Command::new("/bin/bash")
            .args(["--norc", "--noprofile", "-c"])
            .arg(start_script(OsStr::new(command)))
            .current_dir(folder)
            .env("LC_ALL", locale)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn profile_scripts_come_in_byte_order_and_then_the_profile() {
        let app = tempfile::tempdir().unwrap();
        let folder = app.path().join(".profile.d");
        std::fs::create_dir(&folder).unwrap();
        for name in [
            "b.sh",
            "B.sh",
            "a'1.sh",
            "000.sh",
            "c\nd.sh",
            ".hidden.sh",
            "not-a-script",
        ] {
            let text = format!(
                "SEEN=\"$SEEN\"'|'{}\n",
                String::from_utf8(quoted(name.as_bytes())).unwrap()
            );
            std::fs::write(folder.join(name), text).unwrap();
        }
        std::fs::create_dir(folder.join("directory.sh")).unwrap();
        std::fs::write(
            app.path().join(".profile"),
            "export SEEN=\"$SEEN|profile\"\n",
        )
        .unwrap();
        for locale in ["C", "C.UTF-8", "en_US.UTF-8"] {
            let seen = run(app.path(), "echo \"$SEEN\"; echo 'x'", locale);
            assert_eq!(seen, "|000.sh|B.sh|a'1.sh|b.sh|c\nd.sh|profile\nx\n");
        }
    }

    #[test]
    fn an_app_needs_no_profile_and_keeps_its_stdin() {
        let app = tempfile::tempdir().unwrap();
        assert_eq!(
            run(app.path(), "echo ${slugbuilder_script-unset}", "C"),
            "unset\n"
        );
        std::fs::create_dir(app.path().join(".profile.d")).unwrap();
        assert_eq!(run(app.path(), "cat; echo done", "C"), "done\n");
    }

    #[test]
    fn one_word_is_a_script_and_several_are_quoted() {
        let words = |words: &[&str]| {
            command_of_words(&words.iter().map(OsString::from).collect::<Vec<_>>())
                .into_string()
                .unwrap()
        };
        assert_eq!(words(&["a && b"]), "a && b");
        assert_eq!(words(&["node", "-e", "a b"]), "'node' '-e' 'a b'");
    }
}
