//! Steps of the build that failed, with their cause found in the manager's own words.

mod cause;

pub use cause::Cause;

use super::package_json::PackageJsonError;
use super::plan::{Manager, NodeApp};
use crate::command::{CommandError, Streamed, Transcript};
use crate::error::BuildpackError;
use slugbuilder_report::{Explain, Fault, Origin};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;

/// How many lines of the manager's own words an error shows. All of them were shown as they came.
const SHOWN_LINES: usize = 12;

/// A step of the build that runs a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Packages are installed.
    Install,
    /// Native addons of packages that are part of the source are built.
    Rebuild,
    /// A script of `package.json` runs.
    Script {
        /// Its name.
        name: String,
        /// Where it stands.
        origin: Origin,
    },
    /// Development dependencies are removed.
    Prune,
}

/// A program of the build that ended with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it was run for.
    pub step: Step,
    /// Its command line.
    pub command: String,
    /// How it ended: `exit code 1`, `signal 9`.
    pub ending: String,
    /// Why, as far as that can be told.
    pub cause: Cause,
    /// The end of what it wrote that says so.
    pub words: Vec<String>,
    /// The package manager.
    pub manager: Manager,
    /// The app's lockfile, relative to the source.
    pub lockfile: Option<String>,
    /// The folder that the package manager runs in, relative to the source.
    pub root: String,
}

/// What ends the build of a Node.js app.
#[derive(Debug, thiserror::Error)]
pub enum NodeBuildError {
    /// A program ended with an error.
    #[error("{}", .0.headline())]
    Failed(Box<Failure>),
    /// A program could not be run.
    #[error("cannot run `{command}`")]
    Run {
        /// Its command line.
        command: String,
        /// Why.
        #[source]
        error: CommandError,
    },
    /// The package manager cannot install for the slug's machine on this one.
    #[error(transparent)]
    Tools(Box<BuildpackError>),
    /// Reading or writing failed.
    #[error("cannot write the installed packages")]
    Disk(#[source] std::io::Error),
    /// A file of the app cannot be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// `package.json` of the app says what cannot be understood: a script of the build may have written it.
    #[error(transparent)]
    Manifest(Box<PackageJsonError>),
}

impl From<std::io::Error> for NodeBuildError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<PackageJsonError> for NodeBuildError {
    fn from(error: PackageJsonError) -> Self {
        Self::Manifest(Box::new(error))
    }
}

impl Failure {
    /// The failure of `app`'s `step`.
    pub(crate) fn of(step: Step, command: String, app: &NodeApp, ended: &Streamed) -> Self {
        let lines: Vec<&str> = ended.transcript.lines().collect();
        Self {
            cause: Cause::find(&step, ended.status, &lines),
            step,
            command,
            ending: ending(ended.status),
            words: words(&ended.transcript),
            manager: app.manager.manager,
            lockfile: app.lockfile.as_ref().map(|lockfile| {
                if app.root.is_empty() {
                    lockfile.path.clone()
                } else {
                    format!("{}/{}", app.root, lockfile.path)
                }
            }),
            root: app.root.clone(),
        }
    }

    fn headline(&self) -> String {
        let what = match &self.step {
            Step::Install | Step::Rebuild | Step::Prune => format!("`{}` failed", self.command),
            Step::Script { name, origin } => format!("the script `{name}` ({origin}) failed"),
        };
        match self.cause.headline(self) {
            Some(why) => format!("{what}: {why}"),
            None => format!("{what} with {}", self.ending),
        }
    }

    /// The manager's command that brings lockfile and `package.json` together.
    fn update_command(&self) -> &'static str {
        match self.manager {
            Manager::Npm => "npm install",
            Manager::YarnClassic | Manager::YarnBerry => "yarn install",
            Manager::Pnpm => "pnpm install",
        }
    }
}

impl Explain for NodeBuildError {
    fn code(&self) -> &'static str {
        match self {
            Self::Failed(failure) => match (&failure.cause, &failure.step) {
                (Cause::Unknown, Step::Install | Step::Rebuild) => "install-failed",
                (Cause::Unknown, Step::Script { .. }) => "script-failed",
                (Cause::Unknown, Step::Prune) => "prune-failed",
                (cause, _) => cause.code(),
            },
            Self::Run { .. } => "package-manager-missing",
            Self::Tools(error) => error.code(),
            Self::Disk(_) => "packages-disk",
            Self::Unreadable(..) => "app-unreadable",
            Self::Manifest(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Failed(failure) => failure.cause.fault(),
            Self::Tools(error) => error.fault(),
            Self::Manifest(error) => error.fault(),
            Self::Run { .. } => Fault::Unavailable,
            Self::Disk(_) | Self::Unreadable(..) => Fault::Io,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Failed(failure) if !failure.words.is_empty() => Some(failure.words.join("\n")),
            Self::Tools(error) => error.explanation(),
            Self::Manifest(error) => error.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Failed(failure) => failure.cause.hints(failure),
            Self::Tools(error) => error.hints(),
            Self::Manifest(error) => error.hints(),
            Self::Run { .. } | Self::Disk(_) | Self::Unreadable(..) => Vec::new(),
        }
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// The lines that say what is wrong: those that the package manager marks as errors, else the last ones.
fn words(transcript: &Transcript) -> Vec<String> {
    let marked: Vec<String> = transcript.lines().filter_map(error_line).collect();
    let told: Vec<String> = if marked.is_empty() {
        transcript
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("at "))
            .map(ToOwned::to_owned)
            .collect()
    } else {
        // What npm says first is what is wrong, what follows is help.
        return marked.into_iter().take(SHOWN_LINES).collect();
    };
    told[told.len().saturating_sub(SHOWN_LINES)..].to_vec()
}

/// A line that a package manager marks as an error, without that mark and without what helps nobody here: where npm's
/// log is, how `npm ci` is called.
fn error_line(line: &str) -> Option<String> {
    const PASSED_BY: [&str; 11] = [
        "A complete log of this run",
        "For a full report see",
        "Clean install a project",
        "Usage:",
        "npm ci",
        "Options:",
        "[-",
        "aliases:",
        "Run \"npm help",
        "/",
        "at ",
    ];
    let rest = ["npm error", "npm ERR!", "error ", "\u{27a4} YN"]
        .iter()
        .find_map(|mark| line.strip_prefix(mark).map(|rest| (*mark, rest)));
    if let Some((mark, rest)) = rest {
        if mark.ends_with("YN") {
            // `YN0000` is what Yarn reports of its progress.
            let rest = rest.trim_end();
            return (!rest.starts_with("0000")).then(|| format!("YN{rest}"));
        }
        let told = rest.trim();
        let is_help = told.is_empty() || PASSED_BY.iter().any(|start| told.starts_with(start));
        return (!is_help).then(|| rest.trim_end().trim_start_matches(' ').to_owned());
    }
    (line.contains("ERR_PNPM_") || line.contains("ELIFECYCLE")).then(|| line.trim().to_owned())
}

#[cfg(test)]
mod tests;
