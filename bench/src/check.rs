//! What our rows wrote, checked: a figure of a wrong output is worth nothing.

use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::reading::same;
use crate::runner::Runner;
use std::path::Path;

fn wrong(row: &str, reason: &str) -> BenchError {
    BenchError::WrongOutput {
        row: row.into(),
        reason: reason.into(),
    }
}

/// Makes sure that gzip reads `slug` to its end, and that the checksum that the writer gave, in the file `claimed`, is
/// the one that coreutils find.
pub(crate) fn whole(
    runner: &Runner,
    row: &str,
    slug: &Path,
    claimed: &Path,
) -> Result<(), BenchError> {
    runner
        .run(&Pipeline::new("gzip").argument("-t").argument(slug))
        .map_err(|error| match error {
            BenchError::Failed { .. } => wrong(row, "`gzip -t` does not read it"),
            error => error,
        })?;
    let found = claimed.with_extension("sha256sum");
    runner.run(&Pipeline::new("sha256sum").argument(slug).output(&found))?;
    let first = |path: &Path| -> Result<Option<String>, BenchError> {
        let text = fs_err::read_to_string(path)?;
        Ok(text.split_whitespace().next().map(str::to_owned))
    };
    if first(claimed)?.is_none() || first(claimed)? != first(&found)? {
        return Err(wrong(
            row,
            "its SHA-256 is not the one that the writer gave",
        ));
    }
    Ok(())
}

/// Makes sure that `slug` has the bytes of `reference`.
pub(crate) fn identical(row: &str, slug: &Path, reference: &Path) -> Result<(), BenchError> {
    if same(slug, reference)? {
        Ok(())
    } else {
        Err(wrong(
            row,
            "it differs from a cold archive of the same tree on two threads",
        ))
    }
}
