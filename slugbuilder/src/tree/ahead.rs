//! Listing a whole tree ahead of whoever walks it, with several threads.
//!
//! Asking the kernel for names and metadata is nearly all that a walk takes, and the kernel answers several threads at
//! once.

use super::{Kind, Stat, Tree, below};
use crate::stop::Stop;
use std::collections::HashMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

/// More threads than this wait for each other and for the disk.
const MOST_THREADS: usize = 8;

/// A folder's entries with what the folder was when they were read.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) folder: Stat,
    /// Sorted by the names' bytes.
    pub(crate) entries: Vec<(OsString, Stat)>,
}

/// Folders that were listed and not yet asked for.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    listings: Mutex<HashMap<PathBuf, Listing>>,
    /// When the first of those was made that someone else knew of.
    known_since: OnceLock<SystemTime>,
}

impl Ahead {
    /// Whether someone lists ahead.
    pub(super) fn is_in_use(&self) -> bool {
        !lock(&self.listings).is_empty()
    }

    /// The entries of the folder at `path`, once, if it was `listed` that was read there.
    pub(super) fn take(&self, path: &Path, listed: &Stat) -> Option<Vec<(OsString, Stat)>> {
        let listing = lock(&self.listings).remove(path)?;
        listing
            .folder
            .same_object(listed)
            .then_some(listing.entries)
    }
}

/// What the threads of [`Tree::read_ahead`] have in common.
struct Shared {
    pending: Vec<(PathBuf, Stat)>,
    /// Threads that are listing a folder, and may find more.
    busy: usize,
}

impl Tree {
    /// Takes someone's word for what is in folders, `since` when it was looked at, each for the next [`Tree::list`] of it.
    /// Of an overlay this is the lower folder.
    pub(crate) fn know(
        &self,
        listings: impl IntoIterator<Item = (PathBuf, Listing)>,
        since: SystemTime,
    ) {
        let tree = self.overlaid.as_ref().map_or(self, |one| &one.lower);
        tree.ahead.known_since.get_or_init(|| since);
        lock(&tree.ahead.listings).extend(listings);
    }

    /// Since when what is listed from now on may have been looked at.
    pub(crate) fn known_since(&self) -> SystemTime {
        let tree = self.overlaid.as_ref().map_or(self, |one| &one.lower);
        let known = tree.ahead.known_since.get();
        known.copied().unwrap_or_else(SystemTime::now)
    }

    /// Lists the root and every folder below it that `enters` says yes to, each for the next [`Tree::list`] of it.
    ///
    /// What cannot be listed, or has no time left to be, is left to that one. Where there is one processor only there is
    /// nothing to gain, and nothing happens.
    pub(crate) fn read_ahead(&self, enters: impl Fn(&Path) -> bool + Sync, stop: &Stop) {
        let threads = std::thread::available_parallelism()
            .map_or(1, NonZeroUsize::get)
            .min(MOST_THREADS);
        let Ok(root) = self.stat_root() else { return };
        if threads == 1 {
            return;
        }
        let shared = Mutex::new(Shared {
            pending: vec![(PathBuf::new(), root)],
            busy: 0,
        });
        let changed = Condvar::new();
        let work = || {
            let listed = self.list_pending(&enters, stop, &shared, &changed);
            lock(&self.ahead.listings).extend(listed);
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Without another thread it takes longer, no more.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
    }

    fn list_pending(
        &self,
        enters: &impl Fn(&Path) -> bool,
        stop: &Stop,
        shared: &Mutex<Shared>,
        changed: &Condvar,
    ) -> Vec<(PathBuf, Listing)> {
        let mut done = Vec::new();
        let mut state = lock(shared);
        loop {
            let Some((path, folder)) = state.pending.pop() else {
                if state.busy == 0 {
                    changed.notify_all();
                    return done;
                }
                state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.busy += 1;
            drop(state);
            let entries = match stop.check() {
                Ok(()) => self.list_now(&path, &folder).ok(),
                Err(_) => None,
            };
            let folders: Vec<(PathBuf, Stat)> = entries
                .iter()
                .flatten()
                .filter(|(_, stat)| stat.kind == Kind::Directory)
                .map(|(name, stat)| (below(&path, name), *stat))
                .filter(|(path, _)| enters(path))
                .collect();
            if let Some(entries) = entries {
                done.push((path, Listing { folder, entries }));
            }
            state = lock(shared);
            state.busy -= 1;
            if !folders.is_empty() {
                changed.notify_all();
            }
            state.pending.extend(folders);
        }
    }
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_was_read_ahead_is_what_is_there() {
        let temporary = tempfile::tempdir().unwrap();
        for folder in 0..50 {
            let folder = temporary.path().join(format!("{}/{folder}", folder % 7));
            fs::create_dir_all(&folder).unwrap();
            for file in 0..20 {
                fs::write(folder.join(file.to_string()), "").unwrap();
            }
        }
        let now = Tree::open(temporary.path()).unwrap();
        let ahead = Tree::open(temporary.path()).unwrap();
        ahead.read_ahead(|path| path != Path::new("3"), &Stop::default());
        let mut pending = vec![(PathBuf::new(), now.stat_root().unwrap())];
        let mut folders = 0;
        while let Some((folder, stat)) = pending.pop() {
            let entries = ahead.list(&folder, &stat).unwrap();
            assert_eq!(entries, now.list(&folder, &stat).unwrap());
            let below_it = entries
                .into_iter()
                .filter(|(_, stat)| stat.kind == Kind::Directory);
            pending.extend(below_it.map(|(name, stat)| (below(&folder, &name), stat)));
            folders += 1;
        }
        assert_eq!(folders, 1 + 7 + 50);
    }

    #[test]
    fn a_folder_is_known_once_and_only_while_it_is_the_same() {
        let temporary = tempfile::tempdir().unwrap();
        let tree = Tree::open(temporary.path()).unwrap();
        let folder = tree.stat_root().unwrap();
        let known = || Listing {
            folder,
            entries: vec![("known".into(), folder)],
        };
        let root = Path::new("");
        let names = |stat: &Stat| -> Vec<OsString> {
            let entries = tree.list(root, stat).unwrap();
            entries.into_iter().map(|(name, _)| name).collect()
        };
        tree.know([(root.to_owned(), known())], SystemTime::now());
        assert_eq!(names(&folder), ["known"]);
        assert!(names(&folder).is_empty());

        tree.know([(root.to_owned(), known())], SystemTime::now());
        fs::create_dir(temporary.path().join("other")).unwrap();
        let other = tree.list_now(root, &folder).unwrap()[0].1;
        assert!(matches!(
            tree.list(root, &other),
            Err(crate::tree::Failure::Changed)
        ));
    }
}
