//! What a buildpack of ours says through the file that `SLUGBUILDER_REPORT` names.

use super::documents::DOCUMENT_LIMIT;
use super::files::Files;
use slugbuilder_report::{PhaseReport, Warning};
use std::path::Path;

/// The variable that names the file.
pub(super) const REPORT_VARIABLE: &str = "SLUGBUILDER_REPORT";

/// Reads a report. No report is normal: other buildpacks know nothing of it. One that cannot be read is only a warning,
/// since nothing that matters depends on it.
pub(super) fn read_report(
    files: Files<'_>,
    path: &Path,
    buildpack: &str,
    warnings: &mut Vec<Warning>,
) -> PhaseReport {
    let content = match files.read(path, DOCUMENT_LIMIT) {
        Ok(None) => return PhaseReport::default(),
        Ok(Some(content)) if content.is_empty() => return PhaseReport::default(),
        Ok(Some(content)) => content,
        Err(error) => {
            warnings.push(unreadable(buildpack, &error));
            return PhaseReport::default();
        }
    };
    serde_json::from_slice(&content).unwrap_or_else(|error| {
        warnings.push(unreadable(buildpack, &error));
        PhaseReport::default()
    })
}

fn unreadable(buildpack: &str, error: &dyn std::fmt::Display) -> Warning {
    Warning::new(
        "unreadable-report",
        format!("the report of buildpack `{buildpack}` cannot be read: {error}"),
    )
    .hint(
        "Its decisions and warnings are missing from the result; the build itself is not affected.",
    )
}
