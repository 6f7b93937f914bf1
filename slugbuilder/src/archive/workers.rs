//! Chunks read, hashed and compressed side by side.
//!
//! Workers take batches of neighbouring chunks, so that the dictionary of all but the first is at hand. What they make
//! is handed over in order; whoever is ahead of the slowest waits, so that little is held at a time.

use super::border::Border;
use super::cache::{Previous, Record};
use super::chunks::{Chunk, tail};
use super::compressor::Compressor;
use super::recipe::Recipe;
use super::tar_stream::{Buffer, TarStream};
use super::{ArchiveError, Compression};
use blake3::Hash;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};

/// Chunks that workers have in their batches at once, all of them together: a share each, but at most [`LARGEST_BATCH`].
const IN_BATCHES: usize = 8;

/// Chunks that one worker takes at once. The first of each has its dictionary read twice, so one alone costs more.
const LARGEST_BATCH: usize = 4;

/// Chunks up to which there are no batches: after a small change two neighbours are all that is compressed.
const FEW: usize = 100;

/// Batches that may be ahead of the one that is handed over next, besides one for each worker.
const AHEAD: usize = 2;

/// What is to be made.
pub(super) struct Job<'a> {
    pub(super) tar: &'a TarStream<'a>,
    pub(super) chunks: &'a [Chunk],
    /// Which of them.
    pub(super) range: Range<usize>,
    pub(super) previous: Option<&'a Previous>,
    /// How many of the last slug's chunks are in the output already, whether they belong there or not.
    pub(super) copied: usize,
    pub(super) compression: Compression,
    /// Whether [`Made::content`] will be asked for.
    pub(super) with_content: bool,
    pub(super) threads: NonZeroUsize,
}

/// A chunk that was read and compressed.
pub(super) struct Made {
    pub(super) tar: Buffer,
    /// CRC-32 of the tar.
    pub(super) crc: u32,
    /// Empty where it is in the output already.
    pub(super) deflate: Vec<u8>,
    /// Bytes of deflate.
    pub(super) length: u64,
    /// CRC-32 of the deflate.
    pub(super) check: u32,
    /// All zeros if nobody asks for it.
    pub(super) content: Hash,
    pub(super) tail: Hash,
    pub(super) dictionary: Hash,
    /// Whether the dictionary was not read: it is right if the chunk before ends as it did in the last slug.
    pub(super) is_assumed: bool,
    /// Where its deflate is from, if the last slug had it.
    pub(super) cached: Option<Cached>,
}

/// Where a chunk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cached {
    /// Its number in the last slug.
    pub(super) position: usize,
    /// Of its first byte in the pack.
    pub(super) place: u64,
}

/// Makes the chunks and hands them to `take` in order, with their numbers; its errors, and the first of the workers' in
/// the order of the chunks, end everything.
pub(super) fn make(
    job: &Job<'_>,
    mut take: impl FnMut(usize, &Made) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let threads = job.threads.get();
    let batch = if job.range.len() <= FEW {
        1
    } else {
        (IN_BATCHES / threads).clamp(1, LARGEST_BATCH)
    };
    let batches: Vec<Range<usize>> = job
        .range
        .clone()
        .step_by(batch)
        .map(|start| start..(start + batch).min(job.range.end))
        .collect();
    let threads = threads.min(batches.len());
    let turnstile = Turnstile::new(batches.len(), threads + AHEAD);
    let pool = Pool::default();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        // Also when this function ends early: nobody may wait for a turn then.
        let _closed_at_the_end = Closing(&turnstile);
        for _ in 0..threads {
            let (sender, batches, turnstile, pool) = (sender.clone(), &batches, &turnstile, &pool);
            scope.spawn(move || {
                // One that panics must not leave the others waiting for its batch.
                let _closed_at_the_end = Closing(turnstile);
                let mut worker = Worker::new(job, pool);
                while let Some(turn) = turnstile.enter() {
                    if sender
                        .send((turn, worker.batch(batches[turn].clone())))
                        .is_err()
                    {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        while next < batches.len() {
            // All workers are gone only if one has panicked: at its end the scope does, too.
            let Ok((turn, batch)) = receiver.recv() else {
                break;
            };
            waiting.insert(turn, batch);
            while let Some((made, error)) = waiting.remove(&next) {
                for (number, made) in batches[next].clone().zip(made) {
                    take(number, &made)?;
                    pool.give_back(made.tar);
                }
                if let Some(error) = error {
                    return Err(error);
                }
                next += 1;
                turnstile.release();
            }
        }
        Ok(())
    })
}

/// What a worker makes of a batch: its chunks up to an error.
type Batch = (Vec<Made>, Option<ArchiveError>);

/// Makes one chunk whose dictionary was assumed wrongly.
pub(super) fn make_again(job: &Job<'_>, number: usize) -> Result<Made, ArchiveError> {
    Worker::new(job, &Pool::default()).chunk(number, None, false)
}

struct Worker<'a> {
    job: &'a Job<'a>,
    pool: &'a Pool,
    compressor: Compressor,
    /// The end of the chunk before the batch.
    dictionary: Buffer,
}

/// A chunk that the last slug had.
struct Found<'a> {
    position: usize,
    record: &'a Record,
    /// Empty where it is in the output already.
    deflate: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(job: &'a Job<'a>, pool: &'a Pool) -> Self {
        Self {
            job,
            pool,
            compressor: Compressor::new(job.compression),
            dictionary: Buffer::default(),
        }
    }

    fn batch(&mut self, chunks: Range<usize>) -> Batch {
        let mut made: Vec<Made> = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            match self.chunk(chunk, made.last(), true) {
                Ok(one) => made.push(one),
                Err(error) => return (made, Some(error)),
            }
        }
        (made, None)
    }

    /// Makes a chunk after that one of the same batch. The end of a chunk of another batch is read once more, unless it
    /// `may_assume` that it is what it was.
    fn chunk(
        &mut self,
        number: usize,
        before: Option<&Made>,
        may_assume: bool,
    ) -> Result<Made, ArchiveError> {
        let mut tar = self.pool.take();
        self.job.chunks[number].read_all(self.job.tar, &mut tar)?;
        let text = tar.filled();
        let content = if self.job.with_content {
            blake3::hash(text)
        } else {
            Hash::from_bytes([0; 32])
        };
        let unmoved = self
            .job
            .previous
            .and_then(|previous| previous.unmoved(content, number));
        let tail_hash = unmoved.map_or_else(|| blake3::hash(tail(text)), |record| record.tail);
        let assumed = unmoved
            .filter(|_| before.is_none() && may_assume)
            .and_then(|record| self.found(number, number, record));
        let is_assumed = assumed.is_some();
        let (dictionary, found) = if let Some(found) = assumed {
            (found.record.dictionary, Some(found))
        } else {
            let dictionary = match before {
                Some(made) => made.tail,
                None => self.read_dictionary(number)?,
            };
            let found = self.job.previous.and_then(|previous| {
                let (position, record) = previous.find(content, dictionary, number)?;
                self.found(number, position, record)
            });
            (dictionary, found)
        };
        let (crc, deflate, length, check, cached) = if let Some(found) = found {
            let record = found.record;
            let cached = Some(Cached {
                position: found.position,
                place: record.place,
            });
            (
                record.crc,
                found.deflate,
                record.length,
                record.check,
                cached,
            )
        } else {
            let dictionary_text =
                before.map_or(self.dictionary.filled(), |made| tail(made.tar.filled()));
            let deflate = self
                .compressor
                .compress(dictionary_text, text)
                .map_err(ArchiveError::Write)?;
            let check = crc32fast::hash(&deflate);
            let length = deflate.len() as u64;
            (crc32fast::hash(text), deflate, length, check, None)
        };
        Ok(Made {
            crc,
            tar,
            deflate,
            length,
            check,
            content,
            tail: tail_hash,
            dictionary,
            is_assumed,
            cached,
        })
    }

    /// The deflate of a chunk that was at `position` in the last slug; nothing if the pack does not hold it any more.
    fn found<'r>(&self, number: usize, position: usize, record: &'r Record) -> Option<Found<'r>> {
        let deflate = if position == number && number < self.job.copied {
            Vec::new()
        } else {
            self.job.previous?.read(record)?
        };
        Some(Found {
            position,
            record,
            deflate,
        })
    }

    /// Reads the end of the chunk before. Returns its hash.
    fn read_dictionary(&mut self, number: usize) -> Result<Hash, ArchiveError> {
        self.dictionary.clear();
        if let Some(before) = number.checked_sub(1) {
            self.job.chunks[before].read_tail(self.job.tar, &mut self.dictionary)?;
        }
        Ok(blake3::hash(self.dictionary.filled()))
    }
}

impl Made {
    /// What is remembered of it. Its place counts only if it was cached.
    pub(super) fn record(&self, recipe: Recipe, before: Border) -> Record {
        Record {
            recipe: recipe.lasts.then_some(recipe.hash),
            content: self.content,
            tail: self.tail,
            dictionary: self.dictionary,
            crc: self.crc,
            length: self.length,
            check: self.check,
            place: self.cached.map_or(0, |cached| cached.place),
            before,
        }
    }
}

/// Buffers that are used again: new memory costs more than reading into it.
#[derive(Default)]
struct Pool(Mutex<Vec<Buffer>>);

impl Pool {
    fn take(&self) -> Buffer {
        lock(&self.0).pop().unwrap_or_default()
    }

    fn give_back(&self, buffer: Buffer) {
        lock(&self.0).push(buffer);
    }
}

/// Lets workers take turns, of which only so many may be open.
struct Turnstile {
    state: Mutex<Turns>,
    changed: Condvar,
    turns: usize,
    open: usize,
}

#[derive(Default)]
struct Turns {
    entered: usize,
    released: usize,
    closed: bool,
}

impl Turnstile {
    fn new(turns: usize, open: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            turns,
            open,
        }
    }

    /// The next turn, once it is open; nothing when there are no more.
    fn enter(&self) -> Option<usize> {
        let mut state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                !state.closed
                    && state.entered < self.turns
                    && state.entered >= state.released + self.open
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed || state.entered >= self.turns {
            return None;
        }
        state.entered += 1;
        Some(state.entered - 1)
    }

    /// Opens one more.
    fn release(&self) {
        lock(&self.state).released += 1;
        self.changed.notify_one();
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

/// Closes a turnstile when it goes.
struct Closing<'a>(&'a Turnstile);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A lock whose holder panicked: what it guards here is whole at all times.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
