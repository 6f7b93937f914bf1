//! `slugbuilder publish`

use super::platform::{
    Connection, Purpose, app_here, build_stack, is_reused, origin, published_json, state_folder,
};
use super::{manifest_path, process_types};
use crate::arguments::PublishArguments;
use crate::failure::{Failure, UsageError};
use crate::printer::{Printer, print_data, print_json};
use serde_json::json;
use slugbuilder::api::{Api, Publication, publish};
use slugbuilder::slug::{self, Checksum, Manifest, Slug};
use slugbuilder_report::{Event, Reporter as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

pub(super) fn run(arguments: &PublishArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let app = app_here(&arguments.app)?;
    // Before anything that is derived from it: what a slug that is not there holds is not the question.
    slug::check(&arguments.slug)?;
    let Connection { api, .. } = Connection::new(&arguments.app.api, Purpose::Change)?;
    let record = record(arguments, &api, &app, printer)?;
    let state = state_folder(&arguments.cache, printer);
    let publication = Publication {
        app: &app,
        slug: &arguments.slug,
        record: &record,
        force_upload: arguments.force_upload,
        state: state.as_deref(),
    };
    let published = publish(&api, &publication, printer)?;
    printer.report(Event::Step(&format!(
        "Published {} to {app} in {:.1} s: {}",
        arguments.slug.display(),
        started.elapsed().as_secs_f64(),
        origin(&published)
    )));
    if arguments.json {
        print_json(&json!({
            "slug": published_json(&published),
            "reused": is_reused(&published),
        }))?;
    } else {
        print_data(&published.slug.id.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the API is told of the slug: what slug.json says, but for what the arguments say.
fn record(
    arguments: &PublishArguments,
    api: &Api,
    app: &str,
    printer: &Printer,
) -> Result<Slug, Failure> {
    let mut record = match &arguments.process_types {
        None => of_manifest(&arguments.slug)?,
        Some(json) => Slug {
            process_types: process_types(json)?,
            stack: match &arguments.stack {
                Some(stack) => stack.clone(),
                None => build_stack(&api.app(app, printer)?).to_owned(),
            },
            checksum: Checksum::of_file(&arguments.slug)?,
            commit: None,
            commit_description: None,
            buildpack_provided_description: None,
        },
    };
    if let Some(stack) = &arguments.stack {
        record.stack.clone_from(stack);
    }
    Ok(record)
}

/// What the slug.json beside a slug says of it.
pub(super) fn of_manifest(slug: &Path) -> Result<Slug, Failure> {
    let manifest = manifest_path(slug);
    if !manifest.exists() {
        return Err(UsageError::NoManifest {
            slug: slug.display().to_string(),
            manifest: manifest.display().to_string(),
        }
        .into());
    }
    Ok(Manifest::read(&manifest)?.slug)
}
