//! One app's build: what its steps share, and how they run programs.

use super::commands::{self, Invocation};
use super::development::Development;
use super::failure::{Failure, NodeBuildError, Step};
use super::plan::{Manager, NodeApp};
use crate::command::Client;
use crate::version::Version;
use fs_err as fs;
use slugbuilder_report::{Event, Origin, Reporter};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The programs of a build.
pub(crate) trait Tools {
    /// The package manager, for scripts.
    fn manager(&self) -> Client;

    /// The package manager with `arguments` that install packages for the slug's machine.
    fn installer(&self, arguments: &[&str]) -> Result<Client, NodeBuildError>;

    /// npm, whatever the package manager is.
    fn npm(&self) -> Client;
}

/// What the steps of one app's build share.
pub(crate) struct Job<'a> {
    /// The app directory.
    pub(crate) folder: &'a Path,
    /// What is decided of the app.
    pub(crate) app: &'a NodeApp,
    /// The package manager's version that is really there.
    pub(crate) version: Version,
    /// The programs.
    pub(crate) tools: &'a dyn Tools,
    /// Variables that every run has: caches, registries.
    pub(crate) variables: Vec<(String, OsString)>,
    /// Whether no socket may be opened.
    pub(crate) offline: bool,
    /// Whether the slug is for another machine, so that what is installed for it does not run here.
    pub(crate) is_cross: bool,
    /// Hears what happens.
    pub(crate) reporter: &'a dyn Reporter,
}

impl Job<'_> {
    /// The folder that the package manager installs in.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join(&self.app.root)
    }

    /// The folder of the app's own package, whose scripts run.
    pub(crate) fn package(&self) -> PathBuf {
        self.folder.join(&self.app.package)
    }

    pub(crate) fn manager(&self) -> Manager {
        self.app.manager.manager
    }

    /// Tells of a fact.
    pub(crate) fn note(&self, text: &str) {
        self.reporter.report(Event::Note(text));
    }

    /// Installs all packages, for the build.
    pub(crate) fn install(&self) -> Result<(), NodeBuildError> {
        let invocation = commands::install(self.app, self.version, self.offline);
        let client = self.tools.manager().args(&invocation.arguments);
        self.run(Step::Install, &invocation, client, &self.root())
    }

    /// Installs what the slug needs, for its machine.
    pub(crate) fn install_for_slug(&self) -> Result<(), NodeBuildError> {
        let invocation = commands::install_for_slug(self.app, self.version, self.offline);
        let arguments: Vec<&str> = invocation.arguments.iter().map(String::as_str).collect();
        let client = self.tools.installer(&arguments)?;
        self.run(Step::Install, &invocation, client, &self.root())
    }

    /// Builds what is native in packages that are part of the source.
    pub(crate) fn rebuild(&self) -> Result<(), NodeBuildError> {
        let invocation = commands::rebuild(self.manager());
        let client = match self.manager() {
            Manager::Npm | Manager::Pnpm => self.tools.manager(),
            Manager::YarnClassic | Manager::YarnBerry => self.tools.npm(),
        };
        let client = client.args(&invocation.arguments);
        self.run(Step::Rebuild, &invocation, client, &self.root())
    }

    /// Runs a script of the app's package.
    pub(crate) fn script(&self, name: &str) -> Result<(), NodeBuildError> {
        self.script_in(name, &self.package(), &self.app.package)
    }

    /// Runs a script of the package in `folder`, which is `shown` to the user.
    pub(crate) fn script_in(
        &self,
        name: &str,
        folder: &Path,
        shown: &str,
    ) -> Result<(), NodeBuildError> {
        let flags: Vec<&str> = match &self.app.settings.node_build_flags {
            Some(flags) if name == "build" => flags.split_whitespace().collect(),
            _ => Vec::new(),
        };
        let invocation = commands::script(self.manager(), name, &flags);
        let client = self.tools.manager().args(&invocation.arguments);
        let step = Step::Script {
            name: name.to_owned(),
            origin: script_origin(folder, shown, name),
        };
        self.run(step, &invocation, client, folder)
    }

    /// The packages that only development needs, as npm's record says; nothing where the manager has to be asked.
    pub(crate) fn development(&self) -> io::Result<Option<Development>> {
        match self.manager() {
            Manager::Npm => Development::find(&self.root()),
            _ => Ok(None),
        }
    }

    /// Tells that they go.
    pub(crate) fn note_removal_of(&self, development: &Development) {
        self.note(&match development.len() {
            0 => "No development dependencies to remove".to_owned(),
            1 => "Removing 1 package that only development needs".to_owned(),
            count => format!("Removing {count} packages that only development needs"),
        });
    }

    /// Removes development dependencies. The lockfile stays as it is in the source.
    pub(crate) fn prune(&self) -> Result<(), NodeBuildError> {
        if let Some(development) = self.development()? {
            self.note_removal_of(&development);
            return Ok(development.remove(&self.root())?);
        }
        for invocation in commands::prune(self.app, self.version) {
            let client = self.tools.manager().args(&invocation.arguments);
            self.run(Step::Prune, &invocation, client, &self.root())?;
        }
        Ok(())
    }

    fn run(
        &self,
        step: Step,
        invocation: &Invocation,
        client: Client,
        folder: &Path,
    ) -> Result<(), NodeBuildError> {
        let program = match step {
            Step::Rebuild if self.manager() != Manager::Pnpm => "npm",
            _ => self.manager().program(),
        };
        let command = invocation.command_line(program);
        self.note(&format!("Running `{command}`"));
        let kept = self.lockfile()?;
        let ended = client
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(
                invocation
                    .variables
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .folder(folder)
            .stream(self.reporter)
            .map_err(|error| NodeBuildError::Run {
                command: command.clone(),
                error,
            })?;
        if !ended.status.success() {
            let failure = Failure::of(step, command, self.app, &ended);
            return Err(NodeBuildError::Failed(Box::new(failure)));
        }
        if let Some((path, text)) = kept
            && !matches!(step, Step::Script { .. })
            && fs::read(&path).ok().as_ref() != Some(&text)
        {
            // Some versions of managers write it in another form, without what they are to leave out, …
            fs::write(path, text)?;
        }
        Ok(())
    }

    fn lockfile(&self) -> io::Result<Option<(PathBuf, Vec<u8>)>> {
        let Some(lockfile) = &self.app.lockfile else {
            return Ok(None);
        };
        let path = self.root().join(&lockfile.path);
        match fs::read(&path) {
            Ok(text) => Ok(Some((path, text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The line of a script in the `package.json` of `folder`: the first one that has its name as a key, after `"scripts"`.
fn script_origin(folder: &Path, shown: &str, name: &str) -> Origin {
    let file = if shown.is_empty() {
        "package.json".to_owned()
    } else {
        format!("{shown}/package.json")
    };
    let text = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let key = format!("\"{name}\"");
    let line = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !line.contains("\"scripts\""))
        .find(|(_, line)| {
            line.split_once(key.as_str())
                .is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
        });
    match line {
        Some((number, _)) => Origin::line(file, number + 1),
        None => Origin::file(file),
    }
}
