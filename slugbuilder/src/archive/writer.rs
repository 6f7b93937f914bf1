//! The engine: what the last slug begins with is spliced, the rest is read and compressed side by side, and all of it is
//! hashed on the way.

use super::border::{Border, End, gzip_header};
use super::cache::{Cache, Kept, Previous, Splicing};
use super::output::Output;
use super::plan::Plan;
use super::summary::{Progress, largest_of, warnings};
use super::workers::{Job, Made, make};
use super::{ArchiveError, ArchiveOptions, FAR_TOO_LARGE, Layout, MEGABYTE, Summary};
use crate::tree::Tree;
use crate::tree::show;
use blake3::Hash;
use slugbuilder_report::{Reporter, Warning};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Threads beyond which one alone, that hashes what they made in order, could not keep up.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(16).expect("it is not zero");

pub(super) fn write(
    tree: &Tree,
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    mut output: Output<'_>,
    reporter: &dyn Reporter,
) -> Result<Summary, ArchiveError> {
    let threads = options.threads.unwrap_or_else(|| {
        let available = std::thread::available_parallelism();
        available.map_or(NonZeroUsize::MIN, |available| available.min(MOST_THREADS))
    });
    // Without a file there is nothing to keep a copy of.
    let folder = options.cache.as_deref().filter(|_| output.file().is_some());
    let (cache, mut trouble) = open_cache(folder, options);
    let previous = cache.as_ref().and_then(Cache::previous);
    output
        .write(&gzip_header(options.compression))
        .map_err(ArchiveError::Write)?;
    let plan = || Plan::new(tree, root, layout, options, threads, cache.is_some());
    let (plan, spliced) = match (&previous, output.file()) {
        (Some(previous), Some(file)) => {
            splice_meanwhile(&Splicing::new(previous, file), options, || {
                let plan = plan()?;
                let known = plan.known(previous);
                Ok((plan, known))
            })?
        }
        _ => (plan()?, 0),
    };
    let mut start = (previous.as_ref(), spliced);
    let (border, kept, reused) = loop {
        let mut assembly = Assembly {
            options,
            plan: &plan,
            previous: start.0,
            spliced: start.1,
            output: &mut output,
            progress: Progress::begin(reporter, plan.length()),
            border: Border::first(options.compression),
            is_same: true,
            is_wrong: false,
            tail: blake3::hash(b""),
            kept: Vec::new(),
            reused: 0,
        };
        let written = assembly.write(threads);
        match written {
            // The last slug is not what its index says. This one is written without it.
            Err(_) if assembly.is_wrong => start = (None, 0),
            Err(error) => return Err(error),
            Ok(()) => break (assembly.border, assembly.kept, assembly.reused),
        }
    };
    let end = border.clone().end();
    output.write(&end.trailer).map_err(ArchiveError::Write)?;
    output.flush().map_err(ArchiveError::Write)?;
    // One that is too large is not built again and again, and would take its room in the cache uncounted.
    if let (Some(cache), Some(file)) = (&cache, output.file())
        && end.size <= options.max_size
        && let Err(error) = cache.keep(previous.as_ref(), file, kept, &border)
    {
        trouble = Some(not_kept(options, &error));
    }
    let End {
        size,
        sha256,
        diff_id,
        uncompressed,
        ..
    } = end;
    let mut warnings = warnings(&plan.links, size, options);
    warnings.extend(trouble);
    let is_large = size > options.warn_size.min(options.max_size);
    Ok(Summary {
        size,
        sha256,
        diff_id,
        entries: plan.entries.len() as u64,
        uncompressed,
        reused,
        largest: if is_large {
            largest_of(&plan.entries)
        } else {
            Vec::new()
        },
        warnings,
    })
}

/// The cache, where there is to be one and it can be had; else perhaps a warning that tells why not.
fn open_cache(folder: Option<&Path>, options: &ArchiveOptions) -> (Option<Cache>, Option<Warning>) {
    let Some(folder) = folder else {
        return (None, None);
    };
    match Cache::open(folder, options.compression) {
        // In use by another archive of the same app: this one does without.
        Ok(cache) => (cache, None),
        Err(error) => (None, Some(not_kept(options, &error))),
    }
}

fn not_kept(options: &ArchiveOptions, error: &std::io::Error) -> Warning {
    let folder = options.cache.as_deref().map_or_else(String::new, show);
    let warning = Warning::new(
        "slug-cache-not-kept",
        format!("cannot keep in `{folder}` what makes the next slug fast: {error}"),
    );
    warning.hint(if error.kind() == std::io::ErrorKind::StorageFull {
        "The slug is whole. Free some disk space, or choose another place with `--cache-dir`."
    } else {
        "The slug is whole. Remove that folder, or choose another place with `--cache-dir`."
    })
}

/// Copies from the last slug while `plan` finds out with how many of its chunks the new one begins. Returns that too, as
/// far as they were there to be copied.
fn splice_meanwhile<'a>(
    splicing: &Splicing<'_>,
    options: &ArchiveOptions,
    plan: impl FnOnce() -> Result<(Plan<'a>, usize), ArchiveError>,
) -> Result<(Plan<'a>, usize), ArchiveError> {
    std::thread::scope(|scope| {
        let copy = scope.spawn(|| splicing.run(&options.stop));
        let planned = plan();
        splicing.limit(planned.as_ref().map_or(0, |(_, known)| *known));
        let copied = match copy.join() {
            Ok(copied) => copied,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let (plan, known) = planned?;
        options.stop.check()?;
        Ok((plan, known.min(copied)))
    })
}

/// An archive that is being put together, chunk by chunk.
struct Assembly<'a, 'w, 'o> {
    options: &'a ArchiveOptions,
    plan: &'a Plan<'a>,
    previous: Option<&'a Previous>,
    /// Chunks of the last slug that are in the output already.
    spliced: usize,
    output: &'w mut Output<'o>,
    progress: Progress<'a>,
    /// Where the archive is.
    border: Border,
    /// Whether all chunks so far are those that the last slug begins with, which then knows all hashes.
    is_same: bool,
    /// Whether what was spliced turned out not to be what the tree holds.
    is_wrong: bool,
    /// The hash of the end of the chunk before.
    tail: Hash,
    /// What the cache is to keep, where there is one.
    kept: Vec<Kept>,
    /// Bytes of deflate that are from the last slug.
    reused: u64,
}

impl Assembly<'_, '_, '_> {
    fn write(&mut self, threads: NonZeroUsize) -> Result<(), ArchiveError> {
        self.begin();
        self.output
            .go_on_at(self.border.slug_length)
            .map_err(ArchiveError::Write)?;
        self.go_on()?;
        let plan = self.plan;
        let job = Job {
            tar: &plan.tar(),
            chunks: &plan.chunks,
            range: self.spliced..plan.chunks.len(),
            previous: self.previous,
            compression: self.options.compression,
            threads,
        };
        make(&job, |number, made| self.take(number, made))
    }

    /// Begins with what was spliced.
    fn begin(&mut self) {
        let Some(previous) = self.previous else {
            return;
        };
        for record in previous.first(self.spliced) {
            self.tail = record.tail;
            self.reused += record.length;
            self.kept.push(Kept {
                record: record.clone(),
                in_pack: true,
            });
        }
        if self.spliced > 0 {
            self.border.clone_from(previous.border(self.spliced));
        }
        self.progress.advance(self.border.tar_length);
    }

    /// Adds the next chunk.
    fn take(&mut self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        self.check_dictionary(number, made)?;
        self.output
            .write(&made.deflate)
            .map_err(ArchiveError::Write)?;
        let position = made.cached.map(|cached| cached.position);
        self.is_same &= position == Some(number);
        if let Some(recipe) = self.plan.recipes.get(number) {
            self.kept.push(Kept {
                record: made.record(*recipe, self.border.clone()),
                in_pack: made.cached.is_some(),
            });
        }
        match self.previous.filter(|_| self.is_same) {
            Some(previous) => self.border.clone_from(previous.border(number + 1)),
            None => self.border.pass(made.tar.filled(), made.crc, &made.deflate),
        }
        self.tail = made.tail;
        if made.cached.is_some() {
            self.reused += made.deflate.len() as u64;
        }
        self.progress.advance(made.tar.filled().len() as u64);
        self.go_on()
    }

    /// Workers read the end of the chunk before their batch for themselves. Had it changed since its own worker read it,
    /// the deflate would refer to text that is not there.
    fn check_dictionary(&mut self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        if made.dictionary == self.tail {
            return Ok(());
        }
        // Unless that is the last slug's: then its index, or a file's times, have lied.
        self.is_wrong = number == self.spliced && number > 0 && self.previous.is_some();
        let tar = self.plan.tar();
        let (before, _) = self.plan.chunks[number.saturating_sub(1)].sources(&tar);
        Err(ArchiveError::Changed {
            path: before
                .last()
                .map_or_else(PathBuf::new, |entry| entry.path.clone()),
        })
    }

    /// Fails if the writing has to stop, or if there is no point in going on.
    fn go_on(&self) -> Result<(), ArchiveError> {
        self.options.stop.check()?;
        let max_size = self.options.max_size;
        let written = self.border.slug_length;
        if written > max_size.saturating_mul(FAR_TOO_LARGE).max(MEGABYTE) {
            return Err(ArchiveError::FarTooLarge {
                written,
                max_size,
                largest: largest_of(&self.plan.entries),
            });
        }
        Ok(())
    }
}
