//! `slugbuilder deploy`

use super::compile::build;
use super::platform::{
    Connection, Purpose, app, build_stack, is_reused, origin, published_json, release_json,
    state_folder,
};
use super::publish::of_manifest;
use crate::arguments::DeployArguments;
use crate::failure::{Failure, SignalError, UsageError};
use crate::printer::{Printer, print_json};
use crate::signals::{self, Forced};
use serde_json::json;
use slugbuilder::api::types::{App, Release};
use slugbuilder::api::{Publication, Published, ReleaseOrder, publish, release};
use slugbuilder::slug::{self, Slug};
use slugbuilder_report::{Event, Reporter as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// How much of a commit's id a description has, as Heroku writes it: `Deploy 1a2b3c4d`.
const COMMIT_DIGITS: usize = 8;

pub(super) fn run(arguments: &DeployArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let name = app(&arguments.app, &arguments.build.source.source)?;
    let connection = Connection::until(&arguments.app.api, &requests.stop)?;
    // A build takes minutes: that nobody may deploy there is known before.
    let app = connection.api.app(&name, printer)?;
    let (slug, record) = if let Some(slug) = &arguments.slug {
        slug::check(slug)?;
        let record = of_manifest(slug)?;
        check_stack_of_slug(arguments, &record, &app)?;
        (slug, record)
    } else {
        let stack = stack_to_build_for(arguments, &app)?;
        let compiled = build(&arguments.build, stack, requests.stop.clone(), printer)?;
        let record = compiled.manifest.slug.clone();
        // Taking a survey of a large source apart takes time, and the process ends soon.
        std::mem::forget(compiled);
        (&arguments.build.output, record)
    };
    // The build and its processes are no more.
    connection.wait_no_longer(&requests.stop, Purpose::Change)?;
    let (published, release) = publish_and_release(
        arguments,
        &connection,
        &app,
        (slug.as_path(), &record),
        printer,
    )?;
    let seconds = started.elapsed().as_secs_f64();
    printer.report(Event::Step(&format!(
        "Released v{} of {} in {seconds:.1} s",
        release.version, app.name
    )));
    printer.say(&format!(
        "  slug  {} ({})",
        published.slug.id,
        origin(&published)
    ));
    if let Some(url) = &app.web_url {
        printer.say(&format!("  web   {url}"));
    }
    if arguments.json {
        print_json(&json!({
            "app": app.name,
            "slug": published_json(&published),
            "reused": is_reused(&published),
            "release": release_json(&release),
            "web_url": app.web_url,
            "seconds": seconds,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The stack to compile for: that of the app, unless another one is named.
fn stack_to_build_for<'a>(
    arguments: &'a DeployArguments,
    app: &'a App,
) -> Result<&'a str, UsageError> {
    let stack = arguments.build.source.stack_or(build_stack(app));
    check_stack(arguments, stack, app)?;
    Ok(stack)
}

/// With a slug, `--stack` says only that its stack is meant.
fn check_stack_of_slug(
    arguments: &DeployArguments,
    record: &Slug,
    app: &App,
) -> Result<(), UsageError> {
    let named = arguments.build.source.stack_or(&record.stack);
    if arguments.stack_is_named && named != record.stack {
        return Err(UsageError::StackOfSlug {
            named: named.to_owned(),
            stack: record.stack.clone(),
        });
    }
    check_stack(arguments, &record.stack, app)
}

/// A release moves its app to the slug's stack, which nobody should find out afterwards.
fn check_stack(arguments: &DeployArguments, stack: &str, app: &App) -> Result<(), UsageError> {
    if arguments.stack_is_named || stack == app.stack.name || stack == build_stack(app) {
        return Ok(());
    }
    Err(UsageError::StackOfApp {
        app: app.name.clone(),
        stack: stack.to_owned(),
        app_stack: build_stack(app).to_owned(),
        compiled: arguments.slug.is_some(),
    })
}

/// What comes after a slug is there; ends with its release phase.
fn publish_and_release(
    arguments: &DeployArguments,
    connection: &Connection,
    app: &App,
    (slug, record): (&Path, &Slug),
    printer: &Printer,
) -> Result<(Published, Release), Failure> {
    let state = state_folder(&arguments.build.cache, printer);
    printer.report(Event::Step(&format!("Deploying to {}", app.name)));
    let publication = Publication {
        app: &app.name,
        slug,
        record,
        force_upload: arguments.force_upload,
        state: state.as_deref(),
    };
    let published = publish(&connection.api, &publication, printer)?;
    let description = arguments
        .description
        .clone()
        .or_else(|| description(record));
    let order = ReleaseOrder {
        app: &app.name,
        slug: published.slug.id,
        description: description.as_deref(),
        state: state.as_deref(),
    };
    let released = release(&connection.api, &order, printer)?;
    let release = connection.follow(&released.release, printer)?;
    Ok((published, release))
}

/// `Deploy 1a2b3c4d`; the platform has words of its own for a slug of no commit.
fn description(record: &Slug) -> Option<String> {
    let commit = record.commit.as_deref()?;
    let short = commit.get(..COMMIT_DIGITS).unwrap_or(commit);
    Some(format!("Deploy {short}"))
}
