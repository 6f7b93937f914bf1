//! Telling a reporter how a transfer goes.

use slugbuilder_report::{Event, Reporter, TransferId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The least time between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// Numbers the transfers of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Reports one transfer: begins with the first answer that brings a body and ends when it is dropped.
pub(super) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    name: &'a str,
    started: Option<TransferId>,
    last: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter, name: &'a str) -> Self {
        Self {
            reporter,
            name,
            started: None,
            last: Instant::now(),
        }
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
