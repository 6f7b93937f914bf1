//! `slugbuilder releases`

use super::platform::{Connection, Purpose, app_here, release_json, text};
use crate::arguments::ReleasesArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_data, print_json};
use jiff::Timestamp;
use slugbuilder::api::Newest;
use std::process::ExitCode;

pub(super) fn run(arguments: &ReleasesArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let app = app_here(&arguments.app)?;
    let Connection { api, .. } = Connection::new(&arguments.app.api, Purpose::Read)?;
    let releases = api.releases(&app, Newest::Only(arguments.limit), printer)?;
    if arguments.json {
        print_json(&releases.iter().map(release_json).collect::<Vec<_>>())?;
    } else if releases.is_empty() {
        printer.say(&format!("{app} has no releases"));
    } else {
        print_data(&text::releases(&releases, Timestamp::now()).join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
