//! Telling a reporter how a transfer goes.

use slugbuilder_report::{Event, Reporter, TransferId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The least time between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// Numbers the transfers of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Reports one transfer: begins with the first answer that brings a body and ends when it is dropped. Knows, too, whether it
/// is still wanted.
pub(super) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    name: &'a str,
    started: Option<TransferId>,
    last: Instant,
    cancelled: Option<&'a dyn Fn() -> bool>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter, name: &'a str) -> Self {
        Self {
            reporter,
            name,
            started: None,
            last: Instant::now(),
            cancelled: None,
        }
    }

    /// The same, of a transfer that ends once `cancelled` says so.
    pub(super) fn cancelled_by(self, cancelled: Option<&'a dyn Fn() -> bool>) -> Self {
        Self { cancelled, ..self }
    }

    /// Whether someone may cancel the transfer: then nothing waits for long without asking.
    pub(super) fn can_be_cancelled(&self) -> bool {
        self.cancelled.is_some()
    }

    /// Whether the transfer is not wanted any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_some_and(|cancelled| cancelled())
    }

    /// A body of `total` bytes begins, or goes on after an interruption.
    pub(super) fn start(&mut self, total: Option<u64>) {
        if self.started.is_none() {
            let id = TransferId(NEXT.fetch_add(1, Ordering::Relaxed));
            self.started = Some(id);
            self.reporter.report(Event::Started {
                id,
                name: self.name,
                total,
            });
        }
    }

    /// `position` bytes are there.
    pub(super) fn advance(&mut self, position: u64) {
        if let Some(id) = self.started
            && self.last.elapsed() >= INTERVAL
        {
            self.last = Instant::now();
            self.reporter.report(Event::Progressed { id, position });
        }
    }

    /// Everything is there.
    pub(super) fn complete(&mut self, position: u64) {
        if let Some(id) = self.started {
            self.reporter.report(Event::Progressed { id, position });
        }
    }

    /// Tells of something else.
    pub(super) fn note(&self, text: &str) {
        self.reporter.report(Event::Note(text));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.started {
            self.reporter.report(Event::Finished { id });
        }
    }
}
