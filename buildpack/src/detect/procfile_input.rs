//! The Procfile, as far as processes need it.

use super::DetectError;
use crate::app::App;
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
}

impl ProcfileEntry {
    /// Where it stands.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::line(FILE, self.line)
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
    let Some(text) = app.text(FILE)? else {
        return Ok(None);
    };
    let mut input = ProcfileInput::default();
    for (index, line) in text.lines().enumerate() {
        if let Some((name, command)) = line.split_once(": ") {
            input.entries.push(ProcfileEntry {
                name: name.into(),
                command: command.trim().into(),
                line: index + 1,
            });
        }
    }
    Ok(Some(input))
}
