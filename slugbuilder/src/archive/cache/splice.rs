//! The start of the last slug as the start of the new one, copied while it is still being found out how far that is
//! right.
//!
//! Most builds change little, and what changes most comes last in a slug. So the copy begins at once; what was copied too
//! much is cut off again.

use super::copy::Copying;
use super::previous::Previous;
use super::record::Record;
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

    /// Copies chunks from the start of the slug, up to the limit. Returns how many are whole there.
    ///
    /// It ends early at a chunk that the pack does not hold any more, and where copying fails: that may have been too much
    /// anyway, and if the disk is really full, writing what is needed says so.
    pub(in crate::archive) fn run(&self, stop: &Stop) -> usize {
        let records = &self.previous.index.records;
        let mut buffer = vec![0; PIECE];
        let mut copied = 0;
        let mut copying = Copying::into(self.target);
        copying.expect_length(self.previous.index.end.slug_length);
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
            let good = if self.previous.holds(run, &mut buffer) {
                run.len()
            } else {
                // Once more, one by one: those before the bad one count.
                run.iter()
                    .take_while(|record| {
                        let record = std::slice::from_ref(*record);
                        self.previous.holds(record, &mut buffer)
                    })
                    .count()
            };
            if self.copy(&run[..good], &mut copying).is_err() {
                break;
            }
            copied += good;
            if good < run.len() {
                break;
            }
        }
        copied
    }

    fn copy(&self, run: &[Record], copying: &mut Copying<'_>) -> Result<()> {
        let Some(first) = run.first() else {
            return Ok(());
        };
        let length = run.iter().map(|record| record.length).sum();
        let pack = &self.previous.pack;
        copying.range(pack, first.place, first.before.slug_length, length)
    }
}
