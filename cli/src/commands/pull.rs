//! `slugbuilder pull`

use super::manifest_path;
use super::platform::{Connection, Purpose, app_here, release_json, slug_json};
use crate::arguments::PullArguments;
use crate::failure::Failure;
use crate::printer::{Printer, print_json, size};
use serde_json::json;
use slugbuilder::api::{Pull, pull};
use slugbuilder_report::{Event, Reporter as _};
use std::process::ExitCode;
use std::time::Instant;

pub(super) fn run(arguments: &PullArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let app = app_here(&arguments.app)?;
    let Connection { api, .. } = Connection::new(&arguments.app.api, Purpose::Read)?;
    let release = arguments.release.map(|version| version.to_string());
    let manifest = manifest_path(&arguments.output);
    let wanted = Pull {
        app: &app,
        release: release.as_deref(),
        slug: &arguments.output,
        manifest: &manifest,
        replace: arguments.force,
    };
    let pulled = pull(&api, &wanted, printer)?;
    printer.report(Event::Step(&format!(
        "Wrote {} ({}) and {} in {:.1} s",
        arguments.output.display(),
        size(pulled.bytes),
        manifest.display(),
        started.elapsed().as_secs_f64()
    )));
    printer.say(&format!(
        "  the slug of v{} of {app}",
        pulled.release.version
    ));
    printer.say(&format!("  {}", pulled.checksum));
    if arguments.json {
        print_json(&json!({
            "file": arguments.output.to_string_lossy(),
            "manifest": manifest.to_string_lossy(),
            "checksum": pulled.checksum,
            "verified": pulled.verified,
            "slug": slug_json(&pulled.slug),
            "release": release_json(&pulled.release),
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}
