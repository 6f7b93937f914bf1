//! `slugbuilder plan`

mod detected;

use super::compile::{app_root, left_out};
use crate::arguments::PlanArguments;
use crate::environment;
use crate::failure::{Failure, SignalError};
use crate::printer::{Printer, count, one_line, print_data, size};
use crate::signals::{self, Forced};
use serde_json::json;
use slugbuilder::cnb::Detection;
use slugbuilder::plan::{Plan, PlanOptions, plan};
use slugbuilder::stack::Stack;
use slugbuilder_report::Decision;
use std::process::ExitCode;

/// Version of the JSON that `plan --json` prints; fields are only added within one version.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn run(arguments: &PlanArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let host = environment::host();
    let requests = signals::watch(Forced::AtOnce).map_err(SignalError)?;
    let (plan, detection) = if arguments.buildpacks.any() {
        let (plan, detection) = detected::plan(arguments, host, requests.stop, printer)?;
        (plan, Some(detection))
    } else {
        let plan = plan(&PlanOptions {
            source: arguments.source.source.clone(),
            root: app_root(&arguments.source)?,
            stack: Stack::named(&arguments.source.stack)?,
            buildpack: slugbuilder_buildpack::BUILDPACK_TOML,
            all_files: arguments.source.all_files,
            config_vars: environment::config_vars(&arguments.variables, &host)?,
            interrupt: requests.stop,
        })?;
        (plan, None)
    };
    for warning in &plan.report.warnings {
        printer.warning(warning);
    }
    if arguments.json {
        let mut value = json!({
            "version": SCHEMA_VERSION,
            "stack": arguments.source.stack,
            "staged": { "files": plan.survey.staged.files, "bytes": plan.survey.staged.bytes },
            "languages": plan.report.languages,
            "decisions": plan.report.decisions,
            "warnings": plan.report.warnings,
        });
        if let (Some(detection), Some(value)) = (&detection, value.as_object_mut()) {
            value.append(&mut detected::json(detection));
        }
        print_data(&format!("{value:#}"))?;
    } else {
        print_data(&text(&plan, detection.as_ref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(plan: &Plan, detection: Option<&Detection>) -> String {
    let mut lines = vec![format!(
        "staged: {} ({})",
        count(plan.survey.staged.files, "file"),
        size(plan.survey.staged.bytes)
    )];
    lines.extend(left_out(&plan.survey));
    lines.extend(detection.map(detected::lines).unwrap_or_default());
    for decision in &plan.report.decisions {
        lines.push(String::new());
        lines.extend(decision_lines(decision));
    }
    let lines: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
    lines.join("\n")
}

fn decision_lines(decision: &Decision) -> Vec<String> {
    let answer = decision
        .winning()
        .map_or("nothing", |candidate| candidate.value.as_str());
    let mut lines = vec![
        format!("{}: {answer}", decision.subject),
        format!("  rule: {}", decision.rule),
    ];
    for (index, candidate) in decision.candidates.iter().enumerate() {
        let mark = if decision.winner == Some(index) {
            '*'
        } else {
            '-'
        };
        lines.push(format!(
            "  {mark} {} ({}) {}",
            candidate.value, candidate.origin, candidate.verdict
        ));
    }
    lines
}
