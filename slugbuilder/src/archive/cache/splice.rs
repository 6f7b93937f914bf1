//! The start of the last slug as the start of the new one, copied while it is still being found out how far that is
//! right.
//!
//! Most builds change little, and what changes most comes last in a slug. So the copy begins at once; what was copied too
//! much is cut off again.

use super::Previous;
use super::copy::copy_range;
use crate::stop::Stop;
use std::fs::File;
use std::io::Result;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Chunks between two looks at whether to go on.
const RUN: usize = 16;

/// Bytes that are compared with their checksum at once.
const PIECE: usize = 1 << 18;

/// A copy that is going on.
pub(in crate::archive) struct Splicing<'a> {
    previous: &'a Previous,
    target: &'a File,
    /// Chunks at which it ends.
    limit: AtomicUsize,
}

impl<'a> Splicing<'a> {
    /// Of `previous` into `target`, chunks at the places that they have in the slug.
    pub(in crate::archive) fn new(previous: &'a Previous, target: &'a File) -> Self {
        Self {
            previous,
            target,
            limit: AtomicUsize::new(usize::MAX),
        }
    }

    /// Ends it after that many chunks, if it has not come further already.
    pub(in crate::archive) fn limit(&self, chunks: usize) {
        self.limit.store(chunks, Ordering::Relaxed);
    }

    /// Copies chunks from the start of the slug, up to the limit or to the first that the pack does not hold any more, or
    /// that cannot be copied: the disk may be too small for a slug that is not to be, and whoever goes on from there finds
    /// out if it is for the other one, too. Returns how many.
    pub(in crate::archive) fn run(&self, stop: &Stop) -> usize {
        let records = &self.previous.index.records;
        let mut buffer = vec![0; PIECE];
        let mut copied = 0;
        while copied < records.len().min(self.limit.load(Ordering::Relaxed)) {
            // Whoever waits for this looks at it next, and has the better error.
            if stop.check().is_err() {
                break;
            }
            let rest = &records[copied..records.len().min(copied + RUN)];
            let adjacent = rest
                .windows(2)
                .take_while(|pair| pair[0].place + pair[0].length == pair[1].place)
                .count();
            let run = &rest[..=adjacent];
            if !self.previous.holds(run, &mut buffer) {
                // Once more, one by one: those before the bad one count.
                let good = run
                    .iter()
                    .take_while(|record| {
                        self.previous
                            .holds(std::slice::from_ref(record), &mut buffer)
                    })
                    .count();
                let is_copied = self.copy(&run[..good]).is_ok();
                return copied + if is_copied { good } else { 0 };
            }
            if self.copy(run).is_err() {
                break;
            }
            copied += run.len();
        }
        copied
    }

    fn copy(&self, run: &[super::Record]) -> Result<()> {
        let Some(first) = run.first() else {
            return Ok(());
        };
        let length = run.iter().map(|record| record.length).sum();
        let pack = &self.previous.pack;
        copy_range(
            pack,
            first.place,
            self.target,
            first.before.slug_length,
            length,
        )
    }
}
