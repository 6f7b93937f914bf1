//! Planning with buildpacks of other people: their detection runs in the sandbox, and nothing is built.

use crate::arguments::{MirrorArguments, PlanArguments};
use crate::commands::compile::app_root;
use crate::environment;
use crate::failure::Failure;
use crate::printer::Printer;
use serde_json::{Map, Value, json};
use slugbuilder::archive::Compression;
use slugbuilder::buildpacks::select;
use slugbuilder::cache::MAX_SIZE;
use slugbuilder::cnb::Detection;
use slugbuilder::compile::{CompileOptions, Reuse, detect};
use slugbuilder::plan::Plan;
use slugbuilder::sandbox::{Credentials, Environment, Interrupt};
use slugbuilder::stack::Stack;
use slugbuilder::stop::Stop;
use slugbuilder_report::PhaseReport;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long detection may take, and unpacking before it.
const TIME_LIMIT: Duration = Duration::from_mins(5);

pub(super) fn plan(
    arguments: &PlanArguments,
    host: Environment,
    interrupt: Interrupt,
    printer: &Printer,
) -> Result<(Plan, Detection), Failure> {
    let cache_dir = environment::cache_dir(&arguments.cache)?;
    let deadline = Instant::now() + TIME_LIMIT;
    let selection = select(
        &arguments.buildpacks.request(),
        &cache_dir,
        &Stop::new(&interrupt, Some(deadline)),
    )?;
    let detected = detect(
        &CompileOptions {
            source: arguments.source.source.clone(),
            root: app_root(&arguments.source)?,
            // Nothing is written.
            output: PathBuf::new(),
            manifest: PathBuf::new(),
            stack: Stack::named(arguments.source.stack())?,
            buildpacks: selection.sources,
            order: Some(selection.order),
            cache_dir,
            cache_max_size: MAX_SIZE,
            reuse: Reuse::default(),
            all_files: arguments.source.all_files,
            keep_package_files: false,
            untrusted: false,
            config_vars: environment::config_vars(&arguments.variables, &host)?,
            secrets: BTreeSet::new(),
            platform_variables: environment::platform_variables(
                &host,
                &MirrorArguments::default(),
            )?,
            host_environment: host,
            credentials: Credentials::default(),
            locking: arguments.lock.locking(),
            network: true,
            deadline,
            interrupt,
            source_date_epoch: None,
            compression: Compression::default(),
            max_size: 0,
            warn_size: 0,
        },
        printer,
    )?;
    let mut report = PhaseReport {
        warnings: [
            detected.survey.warnings.as_slice(),
            &detected.detection.warnings,
        ]
        .concat(),
        ..PhaseReport::default()
    };
    for participant in &detected.detection.group {
        let said = participant.report.clone();
        report.languages.extend(said.languages);
        report.decisions.extend(said.decisions);
        report.warnings.extend(said.warnings);
    }
    let plan = Plan {
        survey: detected.survey,
        report,
    };
    Ok((plan, detected.detection))
}

/// What detection found, as lines.
pub(super) fn lines(detection: &Detection) -> Vec<String> {
    let mut lines = vec!["buildpacks:".to_owned()];
    for participant in &detection.group {
        lines.push(format!(
            "  {}",
            participant.buildpack.descriptor.reference()
        ));
    }
    for (buildpack, problems) in &detection.dropped {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.push(format!("  left out: {buildpack}, {}", problems.join(", ")));
    }
    if !detection.plan.is_empty() {
        lines.push("build plan:".to_owned());
    }
    for entry in &detection.plan {
        lines.push(format!(
            "  {} from {}",
            entry.name,
            entry.providers.join(", ")
        ));
    }
    lines
}

/// The same as JSON.
pub(super) fn json(detection: &Detection) -> Map<String, Value> {
    let group: Vec<Value> = detection
        .group
        .iter()
        .map(|participant| {
            let descriptor = &participant.buildpack.descriptor;
            json!({ "id": descriptor.id, "version": descriptor.version })
        })
        .collect();
    let plan: Vec<Value> = detection
        .plan
        .iter()
        .map(|entry| {
            let requires: Vec<&_> = entry.requires.iter().map(|one| &one.metadata).collect();
            json!({ "name": entry.name, "providers": entry.providers, "requires": requires })
        })
        .collect();
    let dropped: Vec<Value> = detection
        .dropped
        .iter()
        .map(|(buildpack, problems)| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            json!({ "buildpack": buildpack, "problems": problems })
        })
        .collect();
    Map::from_iter([
        ("buildpacks".to_owned(), Value::from(group)),
        ("plan".to_owned(), Value::from(plan)),
        ("dropped".to_owned(), Value::from(dropped)),
    ])
}
