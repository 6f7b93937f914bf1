//! A plan for scripts: `plan --json`. docs/plan.md describes it, and docs/plan.schema.json is its JSON Schema.

use super::detected;
use serde::Serialize;
use slugbuilder::cnb::Detection;
use slugbuilder::plan::Plan;
use slugbuilder::stage::Reason;
use slugbuilder_report::{Decision, Language, Warning};
use std::collections::BTreeMap;

/// Version of the document; fields are only added within one version.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    stack: &'a str,
    staged: Files,
    left_out: BTreeMap<&'static str, u64>,
    languages: &'a [Language],
    decisions: &'a [Decision],
    warnings: &'a [Warning],
    #[serde(flatten)]
    detection: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Files {
    files: u64,
}

/// The plan as JSON text.
pub(super) fn plan(
    plan: &Plan,
    stack: &str,
    detection: Option<&Detection>,
) -> Result<String, serde_json::Error> {
    let left_out = plan.survey.counts.iter();
    serde_json::to_string_pretty(&Document {
        version: VERSION,
        stack,
        staged: Files {
            files: plan.survey.staged.files,
        },
        left_out: left_out
            .filter(|(_, tally)| tally.files > 0)
            .map(|(reason, tally)| (name(*reason), tally.files))
            .collect(),
        languages: &plan.report.languages,
        decisions: &plan.report.decisions,
        warnings: &plan.report.warnings,
        detection: detection.map(detected::json).unwrap_or_default(),
    })
}

fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Git => "git",
        Reason::Output => "output",
        Reason::FinderMetadata => "finder_metadata",
        Reason::SlugIgnore => "slugignore",
        Reason::GitIgnored => "git_ignored",
    }
}
