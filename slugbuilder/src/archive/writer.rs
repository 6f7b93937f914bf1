//! The engine: what the last slug begins with is spliced, the rest is read and compressed side by side, and all of it is
//! hashed on the way.

use super::border::{Border, End, gzip_header};
use super::cache::{Cache, Kept, Previous};
use super::chunks::{Chunk, cut};
use super::entries::collect;
use super::output::{Output, splice};
use super::recipe::{Recipe, Recipes};
use super::summary::{Progress, largest_of, warnings};
use super::tar_stream::TarStream;
use super::workers::{Job, Made, make};
use super::{ArchiveError, ArchiveOptions, FAR_TOO_LARGE, Layout, MEGABYTE, Summary};
use crate::tree::{Failure, Tree};
use blake3::Hash;
use slugbuilder_report::{Reporter, Warning};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(super) fn write(
    root: &Path,
    layout: &dyn Layout,
    options: &ArchiveOptions,
    output: Output<'_>,
    reporter: &dyn Reporter,
) -> Result<Summary, ArchiveError> {
    let looked_at = SystemTime::now();
    let tree =
        Tree::open(root).map_err(|error| ArchiveError::of_entry(root, Failure::Io(error)))?;
    let (entries, links) = collect(&tree, root, layout, &options.stop)?;
    let tar = TarStream::new(&tree, &links, &entries, options.app_time);
    let chunks = cut(&tar);
    // Without a file there is nothing to keep a copy of.
    let folder = options.cache.as_deref().filter(|_| output.file().is_some());
    let (cache, mut trouble) = open_cache(folder, options);
    let previous = cache.as_ref().and_then(Cache::previous);
    let recipes = if cache.is_some() {
        let mut recipes = Recipes::new(&tar, looked_at);
        chunks.iter().map(|chunk| recipes.of(chunk)).collect()
    } else {
        Vec::new()
    };
    let threads = options
        .threads
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let mut assembly = Assembly {
        options,
        tar: &tar,
        chunks: &chunks,
        recipes: &recipes,
        previous: previous.as_ref(),
        output,
        progress: Progress::begin(reporter, chunks.iter().map(|chunk| chunk.length).sum()),
        border: Border::first(options.compression),
        is_same: true,
        tail: blake3::hash(b""),
        kept: Vec::new(),
        reused: 0,
    };
    assembly.begin(threads)?;
    let job = Job {
        tar: &tar,
        chunks: &chunks,
        range: assembly.kept.len()..chunks.len(),
        previous: previous.as_ref(),
        compression: options.compression,
        threads,
    };
    make(&job, |number, made| assembly.take(number, made))?;
    let Assembly {
        border,
        kept,
        reused,
        mut output,
        ..
    } = assembly;
    let end = border.clone().end();
    output.write(&end.trailer).map_err(ArchiveError::Write)?;
    output.flush().map_err(ArchiveError::Write)?;
    if let (Some(cache), Some(file)) = (&cache, output.file())
        && let Err(error) = cache.keep(previous.as_ref(), file, kept, &border)
    {
        trouble = Some(not_kept(&error));
    }
    let End {
        size,
        sha256,
        diff_id,
        uncompressed,
        ..
    } = end;
    let mut warnings = warnings(&links, size, options);
    warnings.extend(trouble);
    Ok(Summary {
        size,
        sha256,
        diff_id,
        entries: entries.len() as u64,
        uncompressed,
        reused,
        largest: largest_of(&entries),
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
        Err(error) => (None, Some(not_kept(&error))),
    }
}

fn not_kept(error: &std::io::Error) -> Warning {
    Warning::new(
        "slug-cache-not-kept",
        format!("cannot keep what makes the next slug fast: {error}"),
    )
    .hint("The slug is whole. Free space, or choose another folder with `--cache-dir`.")
}

/// An archive that is being put together, chunk by chunk.
struct Assembly<'a, 'o> {
    options: &'a ArchiveOptions,
    tar: &'a TarStream<'a>,
    chunks: &'a [Chunk],
    /// Of all chunks, where there is a cache.
    recipes: &'a [Recipe],
    previous: Option<&'a Previous>,
    output: Output<'o>,
    progress: Progress<'a>,
    /// Where the archive is.
    border: Border,
    /// Whether all chunks so far are those that the last slug begins with, which then knows all hashes.
    is_same: bool,
    /// The hash of the end of the chunk before.
    tail: Hash,
    kept: Vec<Kept>,
    /// Bytes of deflate that are from the last slug.
    reused: u64,
}

impl Assembly<'_, '_> {
    /// Writes the gzip header and all chunks at the start that are known without being read.
    fn begin(&mut self, threads: NonZeroUsize) -> Result<(), ArchiveError> {
        self.output
            .write(&gzip_header(self.options.compression))
            .map_err(ArchiveError::Write)?;
        let Some(previous) = self.previous else {
            return Ok(());
        };
        let chunks = self.chunks.iter().zip(self.recipes).enumerate();
        let as_before = chunks
            .take_while(|(position, (chunk, recipe))| {
                previous.has_at(*position, &recipe.hash, chunk.length)
            })
            .count();
        let count = previous.whole(as_before, threads.get());
        self.splice(previous, count)?;
        for record in previous.first(count) {
            self.tail = record.tail;
            self.reused += record.length;
            self.kept.push(Kept {
                record: record.clone(),
                in_pack: true,
            });
        }
        self.border.clone_from(previous.border(count));
        self.progress.advance(self.border.tar_length);
        Ok(())
    }

    /// Copies the first `count` chunks of the last slug, in as few pieces as they are in the pack.
    fn splice(&mut self, previous: &Previous, count: usize) -> Result<(), ArchiveError> {
        let Some(file) = self.output.file() else {
            return Ok(());
        };
        let runs = previous
            .first(count)
            .chunk_by(|one, next| one.place + one.length == next.place);
        for run in runs {
            self.options.stop.check()?;
            let length = run.iter().map(|record| record.length).sum();
            splice(file, previous.pack(), run[0].place, length).map_err(ArchiveError::Write)?;
        }
        Ok(())
    }

    /// Adds the next chunk.
    fn take(&mut self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        self.check_dictionary(number, made)?;
        self.output
            .write(&made.deflate)
            .map_err(ArchiveError::Write)?;
        let position = made.cached.map(|cached| cached.position);
        self.is_same &= position == Some(number);
        if !self.recipes.is_empty() {
            let recipe = self.recipes[number];
            self.kept.push(Kept {
                record: made.record(recipe, self.border.clone()),
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
    fn check_dictionary(&self, number: usize, made: &Made) -> Result<(), ArchiveError> {
        if made.dictionary == self.tail {
            return Ok(());
        }
        let (before, _) = self.chunks[number.saturating_sub(1)].sources(self.tar);
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
                largest: largest_of(self.tar.entries()),
            });
        }
        Ok(())
    }
}
