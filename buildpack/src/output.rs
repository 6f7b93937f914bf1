//! What the buildpack prints: short lines that read well in a build log.

use slugbuilder_report::{Event, Reporter, Style};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// Writes events as lines; transfers are left to whoever runs the buildpack.
pub struct Lines<O, E> {
    output: Mutex<O>,
    errors: Mutex<E>,
}

impl<O: Write + Send, E: Write + Send> Lines<O, E> {
    /// Steps and notes go to `output`, warnings and errors to `errors`.
    #[must_use]
    pub fn new(output: O, errors: E) -> Self {
        Self {
            output: Mutex::new(output),
            errors: Mutex::new(errors),
        }
    }
}

impl<O: Write + Send, E: Write + Send> Reporter for Lines<O, E> {
    fn report(&self, event: Event<'_>) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that went away must not end the build.
        let _ = match event {
            Event::Step(text) => writeln!(output, "{text}"),
            Event::Note(text) => writeln!(output, "  {}", text.replace('\n', "\n    ")),
            Event::Output(line) => write_line(&mut *output, b"    ", line),
            Event::ErrorOutput(line) => write_line(&mut *errors, b"", line),
            Event::Warning(warning) => errors.write_all(warning.render(Style::Plain).as_bytes()),
            _ => Ok(()),
        };
    }
}

/// At once, for whoever watches; a line of a program may hold any bytes.
fn write_line(output: &mut impl Write, indent: &[u8], line: &[u8]) -> std::io::Result<()> {
    output.write_all(&[indent, line, b"\n"].concat())?;
    output.flush()
}
