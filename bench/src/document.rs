//! The part of docs/benchmarks.md that this command writes.

use crate::bars::{self, Judged};
use crate::error::BenchError;
use crate::results::Series;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- bench: begin. Written by the command above, not by hand. -->";
const END: &str = "<!-- bench: end -->";

/// The document of this workspace.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md")
}

/// The tables as Markdown.
pub(crate) fn markdown(machine: &str, results: &[Series], judged: &[Judged]) -> String {
    let mut text = format!("{machine}\n\n### Bars\n\n");
    text.push_str(&bars::table(judged, true).markdown());
    for series in results {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n### {}\n\n{}\n\n{}",
            series.title,
            series.about,
            series.table().markdown()
        );
    }
    text
}

/// Puts `tables` between the markers of `document`, the rest of which stays as it is.
pub(crate) fn rewrite(path: &Path, tables: &str) -> Result<(), BenchError> {
    let document = fs_err::read_to_string(path)?;
    let document = replaced(&document, tables).map_err(|marker| BenchError::NoMarker {
        path: path.to_owned(),
        marker,
    })?;
    fs_err::write(path, document)?;
    Ok(())
}

/// The document with other tables, or the marker that it lacks.
fn replaced(document: &str, tables: &str) -> Result<String, &'static str> {
    let (before, rest) = document.split_once(BEGIN).ok_or(BEGIN)?;
    let (_, after) = rest.split_once(END).ok_or(END)?;
    Ok(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        tables.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let document = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n");
        let first = replaced(&document, "\nnew\n").unwrap();
        assert_eq!(
            first,
            format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n")
        );
        assert_eq!(replaced(&first, "new").unwrap(), first);
    }

    #[test]
    fn a_missing_marker_is_named() {
        assert_eq!(replaced("text", "new"), Err(BEGIN));
        assert_eq!(replaced(BEGIN, "new"), Err(END));
    }

    #[test]
    fn the_document_has_its_markers() {
        let document = fs_err::read_to_string(path()).unwrap();
        replaced(&document, "tables").unwrap();
    }
}
