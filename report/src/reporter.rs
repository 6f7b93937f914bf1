//! Events of a running operation.

use crate::Warning;

/// Names one transfer of a [`Reporter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransferId(pub u64);

/// Something that happened while an operation ran.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A new step begins, for example `Building with slugbuilder 0.1.0`.
    Step(&'a str),
    /// A fact about the current step.
    Note(&'a str),
    /// A line that a program of the build wrote, without its newline; any bytes.
    Output(&'a [u8]),
    /// The same of its stderr, for a reporter that wants it apart.
    ErrorOutput(&'a [u8]),
    /// A warning.
    Warning(&'a Warning),
    /// A transfer or another countable piece of work begins.
    Started {
        /// Names it in the events that follow.
        id: TransferId,
        /// What it is, for a person.
        name: &'a str,
        /// Its size in bytes, where known.
        total: Option<u64>,
    },
    /// `position` bytes of it are done.
    Progressed {
        /// Which one.
        id: TransferId,
        /// Bytes done so far.
        position: u64,
    },
    /// It ended, well or not.
    Finished {
        /// Which one.
        id: TransferId,
    },
}

/// Whoever wants to hear of events. Calls may come from several threads.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn report(&self, event: Event<'_>);

    /// Whether lines that programs write to their stderr should come as [`Event::ErrorOutput`]. Their order among those of
    /// stdout is then not exact.
    fn wants_errors_apart(&self) -> bool {
        false
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: Event<'_>) {}
}
