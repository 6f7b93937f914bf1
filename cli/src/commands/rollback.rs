//! `slugbuilder rollback`

use super::platform::{Connection, Purpose, app_here, release_json};
use crate::arguments::RollbackArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_json};
use slugbuilder::api::rollback;
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &RollbackArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let app = app_here(&arguments.app)?;
    let connection = Connection::new(&arguments.app.api, Purpose::Change)?;
    let earlier = arguments.release.map(|version| version.to_string());
    let rolled_back = rollback(&connection.api, &app, earlier.as_deref(), printer)?;
    let release = connection.follow(&rolled_back.released.release, printer)?;
    printer.report(Event::Step(&format!(
        "Released v{} of {app}: slug and config vars of v{}",
        release.version, rolled_back.to.version
    )));
    printer.say("  add-ons stay as they are");
    if arguments.json {
        print_json(&release_json(&release))?;
    }
    Ok(ExitCode::SUCCESS)
}
