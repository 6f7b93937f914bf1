//! A reporter that hears no secrets.

use super::Secrets;
use crate::sandbox::LONGEST_LINE;
use slugbuilder_report::{Event, Reporter};
use std::sync::{Mutex, PoisonError};

/// Passes events on with stars for secrets.
///
/// Lines come whole, except those that are so long that they come in pieces. A secret may then lie across a border of two; so the end
/// of a piece that may be the start of one is held back until the next line, or until something else happens.
pub(crate) struct Redacting<'a> {
    secrets: &'a Secrets,
    inner: &'a dyn Reporter,
    held: Mutex<[Vec<u8>; 2]>,
}

/// The streams of [`Event::Output`] and [`Event::ErrorOutput`].
#[derive(Clone, Copy)]
enum Stream {
    Output = 0,
    Errors = 1,
}

impl<'a> Redacting<'a> {
    pub(crate) fn new(secrets: &'a Secrets, inner: &'a dyn Reporter) -> Self {
        Self {
            secrets,
            inner,
            held: Mutex::default(),
        }
    }

    fn line(&self, stream: Stream, line: &[u8]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = &mut held[stream as usize];
        // A piece without the carriage return at its end may be one byte shorter.
        let is_piece = line.len() >= LONGEST_LINE;
        if held.is_empty() && !is_piece {
            return self.pass_on(stream, line);
        }
        let mut text = std::mem::take(held);
        text.extend_from_slice(line);
        if is_piece {
            *held = text.split_off(self.secrets.unfinished(&text));
        }
        self.pass_on(stream, &text);
    }

    fn pass_on(&self, stream: Stream, line: &[u8]) {
        let line = self.secrets.redact(line);
        self.inner.report(match stream {
            Stream::Output => Event::Output(&line),
            Stream::Errors => Event::ErrorOutput(&line),
        });
    }

    /// Passes on what was held back: no line follows it.
    fn end_lines(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in [Stream::Output, Stream::Errors] {
            let line = std::mem::take(&mut held[stream as usize]);
            if !line.is_empty() {
                self.pass_on(stream, &line);
            }
        }
    }
}

impl Reporter for Redacting<'_> {
    fn report(&self, event: Event<'_>) {
        if self.secrets.are_none() {
            return self.inner.report(event);
        }
        let text = |text| self.secrets.redact_text(text);
        match event {
            Event::Output(line) => self.line(Stream::Output, line),
            Event::ErrorOutput(line) => self.line(Stream::Errors, line),
            // While a program writes, others may be transferring.
            Event::Started { id, name, total } => self.inner.report(Event::Started {
                id,
                name: &text(name),
                total,
            }),
            Event::Progressed { .. } | Event::Finished { .. } => self.inner.report(event),
            Event::Step(step) => {
                self.end_lines();
                self.inner.report(Event::Step(&text(step)));
            }
            Event::Note(note) => {
                self.end_lines();
                self.inner.report(Event::Note(&text(note)));
            }
            Event::Warning(warning) => {
                self.end_lines();
                let warning = self.secrets.redact_warning(warning);
                self.inner.report(Event::Warning(&warning));
            }
            // An event of a later version of this workspace would have to be looked at here.
            _ => {}
        }
    }

    fn wants_errors_apart(&self) -> bool {
        self.inner.wants_errors_apart()
    }
}

impl Drop for Redacting<'_> {
    fn drop(&mut self) {
        self.end_lines();
    }
}
