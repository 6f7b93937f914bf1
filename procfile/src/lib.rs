//! Reads a `Procfile` as Heroku does, and says what it dropped and why.
//!
//! Heroku matches every line with `^[[:space:]]*([a-zA-Z0-9_-]+):?\s+(.*)[[:space:]]*` and silently passes over what
//! does not match, so that `web:node web.js` declares nothing and `this is my Procfile` declares a process type `this`.
//! [`parse`] accepts the same lines with the same result, but for three things: a carriage return and blanks at a
//! line's end are left off, a byte-order mark does not cost the first line, and a line with a NUL byte, which nothing
//! could run, is dropped. Whatever it drops, changes or finds suspicious becomes a [`Diagnostic`].
//!
//! ```
//! let procfile = procfile::parse(b"web: node web.js\nworker:node worker.js\n");
//! assert_eq!(procfile.get("web").unwrap().command, "node web.js");
//! let diagnostic = &procfile.diagnostics[0];
//! assert_eq!(diagnostic.line, 2);
//! assert_eq!(diagnostic.text, "`worker:node worker.js` is dropped: there is no blank after the colon");
//! assert_eq!(diagnostic.fix, "Write `worker: node worker.js`");
//! ```

mod diagnostic;
mod examine;
mod grammar;

pub use diagnostic::{Diagnostic, Kind, Level};

/// A `Procfile` that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Procfile {
    /// The process types, in the order in which they first appear.
    pub processes: Vec<Process>,
    /// What was dropped, changed or looks wrong, in the order of the lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// One process type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its name, as written: letters, digits, `_` and `-`.
    pub name: String,
    /// What starts it, for a shell; may be empty.
    pub command: String,
    /// The line that declares it, from 1; of several, the last one, which counts.
    pub line: usize,
}

impl Procfile {
    /// The process type `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }
}

/// Reads the content of a `Procfile`. Never fails: what is wrong is in [`Procfile::diagnostics`].
#[must_use]
pub fn parse(bytes: &[u8]) -> Procfile {
    let mut procfile = Procfile::default();
    let (bytes, mark) = examine::byte_order_mark(bytes);
    procfile.diagnostics.extend(mark);
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        let Some((process, diagnostics)) = examine::line(line, number) else {
            continue;
        };
        procfile.diagnostics.extend(diagnostics);
        let Some(process) = process else {
            continue;
        };
        match procfile
            .processes
            .iter_mut()
            .find(|earlier| earlier.name == process.name)
        {
            None => procfile.processes.push(process),
            Some(earlier) => {
                procfile
                    .diagnostics
                    .push(examine::duplicate(earlier, number));
                *earlier = process;
            }
        }
    }
    procfile
}

/// Whether `name` can be a process type of a Cloud Native Buildpack's launch configuration: letters, digits, `.`, `_`
/// and `-`, at least one (Buildpack API, `launch.toml`).
#[must_use]
pub fn is_cnb_process_type(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests;
