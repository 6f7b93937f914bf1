//! The Procfile, as far as processes need it.

use super::DetectError;
use crate::app::App;
use procfile::Kind;
use slugbuilder_report::{Origin, Warning};

/// A line of the Procfile that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcfileEntry {
    /// The process type as written.
    pub name: String,
    /// The command as written.
    pub command: String,
    /// The line, from 1.
    pub line: usize,
    /// The file, relative to the source.
    pub file: String,
}

impl ProcfileEntry {
    /// Where it stands.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::line(self.file.as_str(), self.line)
    }
}

/// A Procfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcfileInput {
    /// The lines that count, in the order in which they are written.
    pub entries: Vec<ProcfileEntry>,
    /// What the parser has to say.
    pub warnings: Vec<Warning>,
}

const FILE: &str = "Procfile";

/// Reads the app's Procfile.
pub(super) fn read(app: &App) -> Result<Option<ProcfileInput>, DetectError> {
    let Some(bytes) = app.bytes(FILE)? else {
        return Ok(None);
    };
    let procfile = procfile::parse(&bytes);
    let entries = procfile
        .processes
        .into_iter()
        .map(|process| ProcfileEntry {
            name: process.name,
            command: process.command,
            line: process.line,
            file: app.shown(FILE),
        })
        .collect();
    let warnings = procfile
        .diagnostics
        .iter()
        // Names are kept as they are written here, so what other tools think of them is no news.
        .filter(|found| !matches!(found.kind, Kind::NotForHerokuLocal | Kind::NotForCnb))
        .map(|found| {
            Warning::new(found.kind.code(), found.to_string()).hint(format!("{}.", found.fix))
        })
        .collect();
    Ok(Some(ProcfileInput { entries, warnings }))
}
