//! The part of docs/benchmarks.md that this command writes.

use crate::arguments::Series as Name;
use crate::bars::{self, Judged};
use crate::error::BenchError;
use crate::results::Outcome;
use clap::ValueEnum as _;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A part of the document that one run writes whole: what is compared is measured side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The slug writer's series.
    Writer,
    /// Whole builds, which take their packages from a registry: its pace is part of the figures.
    Builds,
    /// The platform's server.
    Server,
}

impl Part {
    /// Every part, in the order of the document.
    pub(crate) const ALL: [Self; 3] = [Self::Writer, Self::Builds, Self::Server];

    /// The part that has the series called `name`.
    pub(crate) fn of(name: Name) -> Self {
        match name {
            Name::Next => Self::Builds,
            Name::Platform => Self::Server,
            _ => Self::Writer,
        }
    }

    /// The part that has the series of this name.
    pub(crate) fn of_series(name: &str) -> Self {
        Name::from_str(name, false).map_or(Self::Writer, Self::of)
    }

    /// The series of it.
    pub(crate) fn series(self) -> Vec<Name> {
        let all = Name::value_variants().iter().copied();
        all.filter(|name| Self::of(*name) == self).collect()
    }

    fn begin(self) -> &'static str {
        match self {
            Self::Writer => "<!-- bench: begin. Written by the command above, not by hand. -->",
            Self::Builds => {
                "<!-- bench of builds: begin. Written by the command above, not by hand. -->"
            }
            Self::Server => {
                "<!-- bench of the server: begin. Written by the command above, not by hand. -->"
            }
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Writer => "<!-- bench: end -->",
            Self::Builds => "<!-- bench of builds: end -->",
            Self::Server => "<!-- bench of the server: end -->",
        }
    }
}

/// The document of this workspace.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md")
}

/// The tables as Markdown.
pub(crate) fn markdown(machine: &str, results: &[Outcome], judged: &[Judged]) -> String {
    let mut text = format!("{machine}\n\n### Bars\n\n");
    text.push_str(&bars::table(judged).markdown());
    for outcome in results {
        // Writing to a string does not fail.
        let _ = write!(text, "\n### {}\n\n{}\n\n", outcome.title(), outcome.about());
        text.push_str(&outcome.markdown());
    }
    text
}

/// Puts `tables` between the markers of `part` in the document, the rest of which stays as it is.
pub(crate) fn rewrite(path: &Path, part: Part, tables: &str) -> Result<(), BenchError> {
    let document = fs_err::read_to_string(path)?;
    let document = replaced(&document, part, tables).map_err(|marker| BenchError::NoMarker {
        path: path.to_owned(),
        marker,
    })?;
    fs_err::write(path, document)?;
    Ok(())
}

/// The document with other tables, or the marker that it lacks.
fn replaced(document: &str, part: Part, tables: &str) -> Result<String, &'static str> {
    let (begin, end) = (part.begin(), part.end());
    let (before, rest) = document.split_once(begin).ok_or(begin)?;
    let (_, after) = rest.split_once(end).ok_or(end)?;
    Ok(format!(
        "{before}{begin}\n\n{}\n\n{end}{after}",
        tables.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let (begin, end) = (Part::Writer.begin(), Part::Writer.end());
        let document = format!("# Title\n\n{begin}\nold\n{end}\n\nafter\n");
        let first = replaced(&document, Part::Writer, "\nnew\n").unwrap();
        assert_eq!(
            first,
            format!("# Title\n\n{begin}\n\nnew\n\n{end}\n\nafter\n")
        );
        assert_eq!(replaced(&first, Part::Writer, "new").unwrap(), first);
    }

    #[test]
    fn a_missing_marker_is_named() {
        let (begin, end) = (Part::Builds.begin(), Part::Builds.end());
        assert_eq!(replaced("text", Part::Builds, "new"), Err(begin));
        assert_eq!(replaced(begin, Part::Builds, "new"), Err(end));
    }

    #[test]
    fn the_document_has_its_markers() {
        let document = fs_err::read_to_string(path()).unwrap();
        for part in Part::ALL {
            replaced(&document, part, "tables").unwrap();
            assert!(!part.series().is_empty());
        }
    }
}
