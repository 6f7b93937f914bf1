//! A plan for scripts: `plan --json`. docs/plan.md describes it, and docs/plan.schema.json is its JSON Schema.

use super::detected;
use serde::Serialize;
use slugbuilder::cnb::Detection;
use slugbuilder::plan::Plan;
use slugbuilder::stage::Reason;
use slugbuilder_report::{Decision, Language, Warning};
use std::borrow::Cow;
use std::path::Path;

/// Version of the document; fields are only added within one version.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    stack: &'a str,
    staged: Files<'a>,
    left_out: Vec<Outside<'a>>,
    languages: &'a [Language],
    decisions: &'a [Decision],
    warnings: &'a [Warning],
    #[serde(flatten)]
    detection: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Files<'a> {
    files: u64,
    not_walked: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Outside<'a> {
    path: Cow<'a, str>,
    reason: &'static str,
}

/// A name that is not UTF-8 is shown as far as it can be.
fn text(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

/// The plan as JSON text.
pub(super) fn plan(
    plan: &Plan,
    stack: &str,
    detection: Option<&Detection>,
) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&Document {
        version: VERSION,
        stack,
        staged: Files {
            files: plan.survey.staged.files,
            not_walked: plan
                .survey
                .not_walked
                .iter()
                .map(|path| text(path))
                .collect(),
        },
        left_out: plan
            .survey
            .left_out
            .iter()
            .map(|left_out| Outside {
                path: text(&left_out.path),
                reason: name(left_out.reason),
            })
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
