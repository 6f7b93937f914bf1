//! The engine: what the last slug begins with is spliced, the rest is read and compressed side by side, and all of it is
//! hashed on the way.

use super::border::{Border, End, gzip_header};
use super::cache::{Cache, Kept, Previous, Splicing};
use super::output::Output;
use super::plan::Plan;
use super::summary::{Progress, largest_of, warnings};
use super::workers::{Job, Made, make, make_again};
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
    let plan = || -> Result<Plan<'_>, ArchiveError> {
        let names = cache.as_ref().map(Cache::names);
        let plan = Plan::new(tree, root, layout, options, threads, names.as_ref())?;
        if let (Some(cache), Some(names), Some(new)) = (&cache, &names, &plan.names) {
            cache.keep_names(new, names);
        }
        Ok(plan)
    };
    let (plan, copied) = match (&previous, output.file()) {
        (Some(previous), Some(file)) => {
            copy_meanwhile(&Splicing::new(previous, file), options, || {
                let plan = plan()?;
                let alike = plan.alike(previous);
                Ok((plan, alike))
            })?
        }
        _ => (plan()?, 0),
    };
    let mut start = (previous.as_ref(), copied);
    let (border, kept, reused) = loop {
        let (previous, copied) = start;
        let mut assembly = Assembly {
            options,
            plan: &plan,
            previous,
            known: previous.map_or(0, |previous| plan.known(previous).min(copied)),
            copied,
            output: &mut output,
            is_ahead: true,
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
        left_out: plan.left_out,
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

/// Copies from the last slug while `plan` finds out with how many of its chunks the new one may begin. Returns how many
/// were copied, too: at most that many.
fn copy_meanwhile<'a>(
    splicing: &Splicing<'_>,
    options: &ArchiveOptions,
    plan: impl FnOnce() -> Result<(Plan<'a>, usize), ArchiveError>,
) -> Result<(Plan<'a>, usize), ArchiveError> {
    std::thread::scope(|scope| {
        let copy = scope.spawn(|| splicing.run(&options.stop));
        let planned = plan();
        splicing.limit(planned.as_ref().map_or(0, |(_, limit)| *limit));
        let copied = match copy.join() {
            Ok(copied) => copied,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let (plan, limit) = planned?;
        options.stop.check()?;
        Ok((plan, limit.min(copied)))
    })
}

/// An archive that is being put together, chunk by chunk.
struct Assembly<'a, 'w, 'o> {
    options: &'a ArchiveOptions,
    plan: &'a Plan<'a>,
    previous: Option<&'a Previous>,
    /// Chunks of the last slug with which this one begins, as far as that is known without reading them. All are copied.
    known: usize,
    /// Chunks of the last slug that are in the output already, whether they belong there or not.
    copied: usize,
    output: &'w mut Output<'o>,
    /// Whether the output may hold more than what is known to belong there.
    is_ahead: bool,
    progress: Progress<'a>,
    /// Where the archive is.
    border: Border,
    /// Whether all chunks so far are those that the last slug begins with, which then knows all hashes.
    is_same: bool,
    /// Whether the last slug turned out not to be what its index says.
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
        self.go_on()?;
        let plan = self.plan;
        let job = Job {
            tar: &plan.tar(),
            chunks: &plan.chunks,
            range: self.known..plan.chunks.len(),
            previous: self.previous,
            copied: self.copied,
            compression: self.options.compression,
            with_content: !plan.recipes.is_empty(),
            threads,
        };
        make(&job, |number, made| {
            if made.is_assumed && made.dictionary != self.tail {
                let made = make_again(&job, number)?;
                self.take(number, &made)
            } else {
                self.take(number, made)
            }
        })?;
        self.write_here(&[])
    }

    /// Begins with what is known of the last slug.
    fn begin(&mut self) {
        let Some(previous) = self.previous else {
            return;
        };
        for record in previous.first(self.known) {
            self.tail = record.tail;
            self.reused += record.length;
            self.kept.push(Kept {
                record: record.clone(),
                in_pack: true,
            });
        }
        if self.known > 0 {
            self.border.clone_from(previous.border(self.known));
        }
        self.progress.advance(self.border.tar_length);
    }

    /// Adds the next chunk.
    fn take(&mut self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        self.check_dictionary(number, made)?;
        let position = made.cached.map(|cached| cached.position);
        self.is_same &= position == Some(number);
        if let Some(recipe) = self.plan.recipes.get(number) {
            self.kept.push(Kept {
                record: made.record(*recipe, self.border.clone()),
                in_pack: made.cached.is_some(),
            });
        }
        match self.previous {
            Some(previous) if self.is_same => {
                if number >= self.copied {
                    self.write_here(&made.deflate)?;
                }
                self.border.clone_from(previous.border(number + 1));
            }
            _ => self.add(number, made)?,
        }
        self.tail = made.tail;
        if made.cached.is_some() {
            self.reused += made.length;
        }
        self.progress.advance(made.tar.filled().len() as u64);
        self.go_on()
    }

    /// Writes and hashes a chunk at a place where the last slug has another one.
    fn add(&mut self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        let read;
        let deflate = if made.deflate.is_empty() {
            // Its worker took it for copied, but it is behind a place where it has moved.
            read = self.previous.and_then(|previous| {
                let record = previous.first(number + 1).last()?;
                previous.read(record)
            });
            self.is_wrong = read.is_none();
            read.as_deref().ok_or_else(|| self.changed(number))?
        } else {
            &made.deflate
        };
        self.write_here(deflate)?;
        self.border.pass(made.tar.filled(), made.crc, deflate);
        Ok(())
    }

    /// Writes where the archive is, whatever the output has after that.
    fn write_here(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        if std::mem::take(&mut self.is_ahead) {
            self.output
                .go_on_at(self.border.slug_length)
                .map_err(ArchiveError::Write)?;
        }
        self.output.write(bytes).map_err(ArchiveError::Write)
    }

    /// Workers read the end of the chunk before their batch for themselves. Had it changed since its own worker read it,
    /// the deflate would refer to text that is not there.
    fn check_dictionary(&mut self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        if made.dictionary == self.tail {
            return Ok(());
        }
        // Unless that is the last slug's: then its index, or a file's times, have lied.
        self.is_wrong = number == self.known && number > 0;
        Err(self.changed(number.saturating_sub(1)))
    }

    /// The last file of a chunk has changed, or one before it.
    fn changed(&self, number: usize) -> ArchiveError {
        let tar = self.plan.tar();
        let (entries, _) = self.plan.chunks[number].sources(&tar);
        ArchiveError::Changed {
            path: entries
                .last()
                .map_or_else(PathBuf::new, |entry| entry.path.clone()),
        }
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
