//! `slugbuilder lock`

use super::compile::app_root;
use super::resolving::{Subject, options};
use crate::arguments::LockArguments;
use crate::failure::{Failure, SignalError};
use crate::printer::Printer;
use crate::signals::{self, Forced};
use slugbuilder::app_root::AppRoot;
use slugbuilder::compile::{CompileError, CompileOptions, Resolution, resolve};
use slugbuilder::lock::{LockChange, Locking, differences, write};
use slugbuilder_report::lock::LOCK_FILE;
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &LockArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let subject = Subject {
        source: &arguments.source.source,
        root: app_root(&arguments.source)?,
        stack: arguments.source.stack(),
        all_files: arguments.source.all_files,
    };
    let locking = Locking {
        locked: arguments.check,
        update: arguments.update(),
    };
    let options = options(&subject, &arguments.resolving, locking, &requests.stop)?;
    if arguments.check {
        check(&options, printer)?;
    } else {
        write_first(&options, printer)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the lock of the source that `options` are to build.
pub(super) fn write_first(options: &CompileOptions, printer: &Printer) -> Result<(), Failure> {
    let resolution = resolved(options, printer)?;
    // As the user names it.
    let app = options.root.as_ref().map_or("", AppRoot::as_str);
    let path = options.source.join(app).join(LOCK_FILE);
    let change = write(&resolution.folder, &resolution.lock).map_err(CompileError::from)?;
    printer.report(Event::Step(&match change {
        LockChange::Written => format!("Wrote {}", path.display()),
        LockChange::Same => format!("{} is as it was", path.display()),
    }));
    for line in differences(resolution.earlier.as_ref(), &resolution.lock) {
        printer.say(&format!("  {line}"));
    }
    Ok(())
}

/// Finds out whether a build could go by the lock.
fn check(options: &CompileOptions, printer: &Printer) -> Result<(), Failure> {
    resolved(options, printer)?;
    let app = options.root.as_ref().map_or("", AppRoot::as_str);
    let path = options.source.join(app).join(LOCK_FILE);
    printer.report(Event::Step(&format!("{} fits", path.display())));
    Ok(())
}

fn resolved(options: &CompileOptions, printer: &Printer) -> Result<Resolution, Failure> {
    printer.report(Event::Step(&format!(
        "Resolving {} for {}",
        options.source.display(),
        options.stack.name
    )));
    Ok(resolve(options, printer)?)
}
