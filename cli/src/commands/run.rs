//! `slugbuilder run`

use super::{manifest_path, process_types};
use crate::arguments::RunArguments;
use crate::environment;
use crate::failure::{Failure, SignalError};
use crate::printer::Printer;
use crate::signals::{self, Forced};
use slugbuilder::dyno::{self, RunOptions, Start};
use slugbuilder::sandbox::{Console, Outcome};
use slugbuilder::slug::{self, Manifest, ProcessType};
use slugbuilder_report::Warning;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::ExitCode;

pub(super) fn run(arguments: &RunArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let host = environment::host();
    // Before anything that is derived from it: what a slug that is not there holds is not the question.
    slug::check(&arguments.slug)?;
    let types = match &arguments.process_types {
        Some(json) => process_types(json)?,
        None => of_manifest(arguments, printer)?,
    };
    let start = if arguments.command.is_empty() {
        Start::ProcessType(arguments.process_type.clone())
    } else {
        Start::Command(dyno::command_of_words(&arguments.command))
    };
    let console = match start {
        Start::ProcessType(_) => Console::Formation,
        Start::Command(_) if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => {
            Console::Terminal
        }
        Start::Command(_) => Console::Streams,
    };
    let requests = signals::watch(Forced::Soon).map_err(SignalError)?;
    let options = RunOptions {
        slug: arguments.slug.clone(),
        start,
        process_types: types
            .into_iter()
            .map(|(name, command)| (name.into(), command))
            .collect(),
        config_vars: environment::config_vars(&arguments.variables, &host)?,
        port: arguments.port,
        cache_dir: environment::cache_dir(&arguments.cache)?,
        console,
        terminal: host.get(std::ffi::OsStr::new("TERM")).cloned(),
        stop: requests.stop,
        force: requests.force,
    };
    let outcome = dyno::run(&options, printer)?;
    printer.say(&format!("Process {outcome}"));
    Ok(ExitCode::from(match outcome {
        Outcome::Exited(status) => status,
        Outcome::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        // SIGKILL ended it, at the end of its time or of our patience.
        Outcome::TimedOut | Outcome::Interrupted => 137,
    }))
}

/// The process types of the slug.json beside the slug. There is none beside a slug that was made by hand.
fn of_manifest(
    arguments: &RunArguments,
    printer: &Printer,
) -> Result<BTreeMap<ProcessType, String>, Failure> {
    let path = manifest_path(&arguments.slug);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let manifest = Manifest::read(&path)?;
    let length = std::fs::metadata(&arguments.slug).map(|metadata| metadata.len());
    if length.is_ok_and(|length| length != manifest.build.size) {
        printer.warning(
            &Warning::new(
                "other-slug",
                format!("`{}` describes another slug than this one", path.display()),
            )
            .hint("Compile again, or give the process types with `--process-types`."),
        );
    }
    Ok(manifest.slug.process_types)
}
