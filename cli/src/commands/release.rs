//! `slugbuilder release`

use super::platform::{Connection, Purpose, app_here, release_json, state_folder};
use crate::arguments::ReleaseArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_json};
use slugbuilder::api::{ReleaseOrder, release};
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &ReleaseArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let app = app_here(&arguments.app)?;
    let connection = Connection::new(&arguments.app.api, Purpose::Change)?;
    let state = state_folder(&arguments.cache, printer);
    let order = ReleaseOrder {
        app: &app,
        slug: arguments.slug,
        description: arguments.description.as_deref(),
        state: state.as_deref(),
    };
    let released = release(&connection.api, &order, printer)?;
    let release = connection.follow(&released.release, printer)?;
    printer.report(Event::Step(&format!(
        "Released v{} of {app}",
        release.version
    )));
    if arguments.json {
        print_json(&release_json(&release))?;
    }
    Ok(ExitCode::SUCCESS)
}
