//! What files held when they were looked at, so that a later look can tell whether they still hold it.
//!
//! A file whose device, inode, size and times are those of last time is the same one: nobody can set the time of the last
//! change. Where they are not, as after a fresh checkout, its content decides. Of a folder the name and the permission
//! bits count, of a link its target.
//!
//! As bytes, numbers little-endian:
//!
//! ```text
//! for each entry, parents first: kind: u8, mode: u32, size, device, inode: u64, modified, changed: two times i64 each,
//!   BLAKE3 of the content: 32 bytes, length of path: u32, path, length of target: u32, target
//! ```

mod bytes;
mod difference;

use crate::stop::{Stop, Stopped};
use crate::tree::{Failure, Kind, Stat, Tree, below, unchanged};
use blake3::{Hash, Hasher};
use std::collections::HashMap;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that changed less than this before it was looked at may change again without showing it: file systems count
/// time in ticks.
const TICK: Duration = Duration::from_millis(100);

/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

/// Fewer files than this are read by one thread.
const WORTH_A_THREAD: usize = 64;

/// Files, folders and links, with what they were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    path: PathBuf,
    stat: Stat,
    /// Where a link leads.
    target: PathBuf,
    /// Whether the metadata would show if the file was changed once more.
    shows_changes: bool,
    /// Of a file's content, once it was read.
    digest: Option<Hash>,
}

/// Why the content of a file could not be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    /// It is not what was listed.
    #[error("`{}` changed meanwhile", crate::tree::show(path))]
    Changed { path: PathBuf },
    /// Reading failed.
    #[error("`{}` cannot be read: {error}", crate::tree::show(path))]
    Io {
        path: PathBuf,
        error: std::io::Error,
    },
    /// The work has to end.
    #[error("the work {0}")]
    Stopped(Stopped),
}

impl ContentError {
    pub(crate) fn of(path: &Path, failure: Failure) -> Self {
        let path = path.to_owned();
        match failure {
            Failure::Changed => Self::Changed { path },
            Failure::Io(error) => Self::Io { path, error },
        }
    }
}

impl Contents {
    /// Adds what was listed, or about to be, after `since`. Links come with their targets.
    pub(crate) fn add(&mut self, path: PathBuf, stat: Stat, target: PathBuf, since: SystemTime) {
        let shows_changes = !is_young(stat.changed, since);
        self.entries.push(Entry {
            path,
            stat,
            target,
            shows_changes,
            digest: None,
        });
    }

    /// Everything below the root of `tree`.
    pub(crate) fn of_tree(tree: &Tree, stop: &Stop) -> Result<Self, ContentError> {
        let since = SystemTime::now();
        let mut contents = Self::default();
        let root = tree.stat_root().map_err(|error| ContentError::Io {
            path: PathBuf::new(),
            error,
        })?;
        let mut pending = vec![(PathBuf::new(), root)];
        while let Some((folder, stat)) = pending.pop() {
            stop.check().map_err(ContentError::Stopped)?;
            let entries = tree.list(&folder, &stat);
            for (name, stat) in entries.map_err(|failure| ContentError::of(&folder, failure))? {
                let path = below(&folder, &name);
                if stat.kind == Kind::Directory {
                    pending.push((path.clone(), stat));
                }
                contents.add_listed(tree, path, stat, since)?;
            }
        }
        Ok(contents)
    }

    /// These files of `tree`, as far as they are there.
    pub(crate) fn of_files(tree: &Tree, paths: &[PathBuf]) -> Result<Self, ContentError> {
        let since = SystemTime::now();
        let mut contents = Self::default();
        for path in paths {
            match tree.stat(path) {
                Ok(stat) => contents.add_listed(tree, path.clone(), stat, since)?,
                Err(Failure::Changed) => {}
                Err(failure) => return Err(ContentError::of(path, failure)),
            }
        }
        Ok(contents)
    }

    fn add_listed(
        &mut self,
        tree: &Tree,
        path: PathBuf,
        stat: Stat,
        since: SystemTime,
    ) -> Result<(), ContentError> {
        let target = match stat.kind {
            Kind::Link => tree
                .read_link(&path)
                .map_err(|failure| ContentError::of(&path, failure))?,
            _ => PathBuf::new(),
        };
        self.add(path, stat, target, since);
        Ok(())
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Knows again what `last` knew of files that have not changed since.
    pub(crate) fn recognize(&mut self, last: &Self) {
        let mut by_path: Option<HashMap<&Path, &Entry>> = None;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.digest.is_some() || entry.stat.kind != Kind::File {
                continue;
            }
            let at_same_place = last.entries.get(index).filter(|at| at.path == entry.path);
            let known = at_same_place.or_else(|| {
                let by_path = by_path.get_or_insert_with(|| {
                    let entries = last.entries.iter();
                    entries.map(|one| (one.path.as_path(), one)).collect()
                });
                by_path.get(entry.path.as_path()).copied()
            });
            if let Some(known) = known.filter(|known| known.is_still(&entry.stat)) {
                entry.digest = known.digest;
            }
        }
    }

    /// Reads what is not known yet, from `tree`.
    pub(crate) fn read(&mut self, tree: &Tree, stop: &Stop) -> Result<(), ContentError> {
        let unknown = |entry: &&mut Entry| entry.stat.kind == Kind::File && entry.digest.is_none();
        let mut unknown: Vec<&mut Entry> = self.entries.iter_mut().filter(unknown).collect();
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = unknown.len().div_ceil(threads).max(WORTH_A_THREAD);
        std::thread::scope(|scope| {
            let shares = unknown.chunks_mut(share).map(|share| {
                scope.spawn(move || {
                    share
                        .iter_mut()
                        .try_for_each(|entry| entry.read(tree, stop))
                })
            });
            let shares: Vec<_> = shares.collect();
            shares.into_iter().try_for_each(|share| {
                share.join().unwrap_or_else(|panic| {
                    // A bug of ours, as it would be in this thread.
                    std::panic::resume_unwind(panic)
                })
            })
        })
    }

    /// Fails if something is not any more what was listed.
    pub(crate) fn check_unchanged(&self, tree: &Tree) -> Result<(), ContentError> {
        for entry in &self.entries {
            let now = tree.stat(&entry.path);
            let now = now.map_err(|failure| ContentError::of(&entry.path, failure))?;
            // A folder's time tells of names that came and went.
            if !now.is_as_before(&entry.stat) {
                return Err(ContentError::Changed {
                    path: entry.path.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether everything that `last` knew would be known again without reading it.
    pub(crate) fn is_known_by(&self, last: &Self) -> bool {
        self.entries.len() == last.entries.len()
            && self.entries.iter().zip(&last.entries).all(|(now, last)| {
                now.stat.kind != Kind::File || !now.shows_changes || last.is_still(&now.stat)
            })
    }
}

impl Entry {
    /// Whether the file is still the one that was looked at, as far as its metadata tells.
    fn is_still(&self, now: &Stat) -> bool {
        let of = |stat: &Stat| (stat.kind, stat.device, stat.inode, stat.size);
        self.shows_changes
            && of(&self.stat) == of(now)
            && (self.stat.modified, self.stat.changed) == (now.modified, now.changed)
    }

    fn read(&mut self, tree: &Tree, stop: &Stop) -> Result<(), ContentError> {
        let failed = |failure| ContentError::of(&self.path, failure);
        let mut file = tree.open_file(&self.path, &self.stat).map_err(failed)?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; PIECE];
        loop {
            stop.check().map_err(ContentError::Stopped)?;
            let read = file.read(&mut buffer);
            match read.map_err(|error| failed(Failure::Io(error)))? {
                0 => break,
                length => hasher.update(buffer.get(..length).unwrap_or_default()),
            };
        }
        unchanged(&file, &self.stat).map_err(failed)?;
        self.digest = Some(hasher.finalize());
        Ok(())
    }
}

fn is_young((seconds, nanoseconds): (i64, i64), since: SystemTime) -> bool {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    let changed = u64::try_from(seconds).map_or(Duration::ZERO, |seconds| {
        Duration::new(seconds, u32::try_from(nanoseconds).unwrap_or(0))
    });
    changed + TICK >= since
}

#[cfg(test)]
mod tests;
