//! `slugbuilder promote`

use super::platform::{Connection, Purpose, release_json};
use crate::arguments::PromoteArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_json};
use serde_json::{Value, json};
use slugbuilder::api::{Promotion, promote};
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;

pub(super) fn run(arguments: &PromoteArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let connection = Connection::new(&arguments.api, Purpose::Change)?;
    let to: Vec<&str> = arguments.to.iter().map(String::as_str).collect();
    let release = arguments.release.map(|version| version.to_string());
    let promotion = Promotion {
        from: &arguments.from,
        release: release.as_deref(),
        to: &to,
        description: arguments.description.as_deref(),
    };
    let promoted = promote(&connection.api, &promotion, printer)?;
    let from = &promoted.source.app.name;
    let version = promoted.source.version;
    let mut results: Vec<Value> = Vec::new();
    let mut code = ExitCode::SUCCESS;
    // One app that fails does not keep the others from being told of.
    for (app, released) in promoted.targets {
        let followed = released
            .map_err(Failure::from)
            .and_then(|released| connection.follow(&released.release, printer));
        match followed {
            Ok(release) => {
                printer.report(Event::Step(&format!(
                    "Released v{} of {}: the slug of v{version} of {from}",
                    release.version, app.name
                )));
                results.push(json!({ "app": app.name, "release": release_json(&release) }));
            }
            Err(failure) => {
                printer.failure(&failure);
                results.push(json!({ "app": app.name, "error": failure.0 }));
                code = failure.exit_code();
            }
        }
    }
    if arguments.json {
        print_json(&results)?;
    }
    Ok(code)
}
