//! `slugbuilder apps`

use super::platform::{Connection, Purpose, text};
use crate::arguments::AppsArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_data, print_json};
use jiff::Timestamp;
use std::process::ExitCode;

pub(super) fn run(arguments: &AppsArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let Connection { api, .. } = Connection::new(&arguments.api, Purpose::Read)?;
    let apps = api.apps(printer)?;
    if arguments.json {
        print_json(&apps)?;
    } else if apps.is_empty() {
        printer.say(&format!("There are no apps at {}", api.url()));
    } else {
        print_data(&text::apps(&apps, Timestamp::now()).join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
