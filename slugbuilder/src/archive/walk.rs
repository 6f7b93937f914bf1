//! Finds the entries: folders are listed side by side, since the time goes into asking about each file.

use super::entries::{Entry, sort};
use super::{ArchiveError, Layout, Part, Placement, recipe};
use crate::stop::Stop;
use crate::tree::links::Links;
use crate::tree::{Failure, Kind, Stat, Tree, below};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Threads beyond which a disk, or the kernel's locks, have no more to give.
const MOST_THREADS: usize = 8;

/// The root and everything below it that the layout places, in the order of the archive, and all links.
pub(super) fn collect(
    tree: &Tree,
    root: &Path,
    layout: &dyn Layout,
    stop: &Stop,
    threads: NonZeroUsize,
) -> Result<(Vec<Entry>, Links), ArchiveError> {
    let stat = tree
        .stat_root()
        .map_err(|error| ArchiveError::of_entry(root, Failure::Io(error)))?;
    let walk = Walk {
        tree,
        root,
        layout,
        stop,
        devices: Mutex::new(
            tree.root_file_systems()
                .into_iter()
                .flatten()
                .map(|(device, kind)| (device, recipe::is_local(kind)))
                .collect(),
        ),
        numbers: AtomicUsize::new(1),
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    lock(&walk.state).pending.push(Folder {
        path: PathBuf::new(),
        stat,
        number: 0,
    });
    let threads = threads.get().min(MOST_THREADS);
    let mut found = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| walk.work())).collect();
        let mut found = walk.work();
        for other in others {
            match other.join() {
                Ok(more) => found.add(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    });
    stop.check()?;
    if let Some((_, error)) = lock(&walk.state).error.take() {
        return Err(error);
    }
    let root = Entry {
        path: PathBuf::new(),
        base: 0,
        rank: 0,
        stat,
        part: Part::Runtime,
        is_local: false,
    };
    found.push(root, None, Some(0));
    let folders = walk.numbers.into_inner();
    found.hoist_folders(folders);
    found.rank_folders(folders);
    sort(&mut found.entries);
    Ok((found.entries, found.links))
}

/// A folder that is still to be listed.
struct Folder {
    path: PathBuf,
    stat: Stat,
    /// Folders are counted as they are found, so this is greater than that of the folder above.
    number: usize,
}

struct Walk<'a> {
    tree: &'a Tree,
    root: &'a Path,
    layout: &'a dyn Layout,
    stop: &'a Stop,
    /// Whether those devices that were looked at are local.
    devices: Mutex<HashMap<u64, bool>>,
    /// How many folders have been found.
    numbers: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: Vec<Folder>,
    /// Folders that are being listed.
    busy: usize,
    /// The error in the folder with the least path. The walk goes on after one: which of several is told must not depend
    /// on the threads.
    error: Option<(PathBuf, ArchiveError)>,
}

impl State {
    fn add_error(&mut self, folder: PathBuf, error: ArchiveError) {
        let is_least = self.error.as_ref().is_none_or(|(least, _)| folder < *least);
        if is_least {
            self.error = Some((folder, error));
        }
    }
}

/// What one thread found.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    /// For each entry the numbers of the folder that it is in and of the folder that it is.
    folders: Vec<(Option<usize>, Option<usize>)>,
    links: Links,
}

impl Found {
    fn push(&mut self, entry: Entry, inside: Option<usize>, itself: Option<usize>) {
        self.entries.push(entry);
        self.folders.push((inside, itself));
    }

    fn add(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
        self.folders.append(&mut other.folders);
        self.links.add(other.links);
    }

    /// Moves folders into the first part that has something in them, of which there are so many.
    fn hoist_folders(&mut self, count: usize) {
        let mut parts = vec![Part::App; count];
        let mut above = vec![0; count];
        for (entry, (inside, itself)) in self.entries.iter().zip(&self.folders) {
            for folder in [inside, itself].into_iter().flatten() {
                parts[*folder] = parts[*folder].min(entry.part);
            }
            if let (Some(inside), Some(itself)) = (inside, itself) {
                above[*itself] = *inside;
            }
        }
        // From below, as a folder has a greater number than the one above it.
        for folder in (1..count).rev() {
            parts[above[folder]] = parts[above[folder]].min(parts[folder]);
        }
        for (entry, (_, itself)) in self.entries.iter_mut().zip(&self.folders) {
            if let Some(folder) = itself {
                entry.part = parts[*folder];
            }
        }
    }

    /// Sets [`Entry::rank`], where there are so many folders.
    fn rank_folders(&mut self, count: usize) {
        let mut by_path = Vec::with_capacity(count);
        for (entry, (_, itself)) in self.entries.iter().zip(&self.folders) {
            if let Some(folder) = itself {
                by_path.push((entry.path.as_os_str().as_bytes(), *folder));
            }
        }
        by_path.sort_unstable();
        let mut ranks = vec![0; count];
        for (rank, (_, folder)) in by_path.into_iter().enumerate() {
            ranks[folder] = rank;
        }
        for (entry, (inside, _)) in self.entries.iter_mut().zip(&self.folders) {
            entry.rank = inside.map_or(0, |folder| ranks[folder]);
        }
    }
}

impl Walk<'_> {
    fn work(&self) -> Found {
        let mut found = Found::default();
        while let Some(folder) = self.next() {
            let _busy = Busy(self);
            let result = self.list(&folder, &mut found);
            let mut state = lock(&self.state);
            match result {
                Ok(mut folders) => state.pending.append(&mut folders),
                Err(error) => state.add_error(folder.path, error),
            }
        }
        found
    }

    /// The next folder to list; nothing once there will be none.
    fn next(&self) -> Option<Folder> {
        let mut state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                state.pending.is_empty() && state.busy > 0
            })
            .unwrap_or_else(PoisonError::into_inner);
        if self.stop.check().is_err() {
            return None;
        }
        let folder = state.pending.pop()?;
        state.busy += 1;
        Some(folder)
    }

    /// Finds out about a folder's device, if that is a new one. If it cannot be told, its times are not trusted.
    fn look_at_device(&self, folder: &Folder) {
        let device = folder.stat.device;
        if !lock(&self.devices).contains_key(&device) {
            let kind = self.tree.file_system(&folder.path);
            let is_local = kind.is_ok_and(recipe::is_local);
            lock(&self.devices).insert(device, is_local);
        }
    }

    /// Lists one folder. Returns those in it.
    fn list(&self, folder: &Folder, found: &mut Found) -> Result<Vec<Folder>, ArchiveError> {
        let named = if folder.path.as_os_str().is_empty() {
            self.root
        } else {
            &folder.path
        };
        self.look_at_device(folder);
        let listed = self
            .tree
            .list(&folder.path, &folder.stat)
            .map_err(|failure| ArchiveError::of_entry(named, failure))?;
        let devices = lock(&self.devices).clone();
        let mut folders = Vec::new();
        for (name, stat) in listed {
            self.stop.check()?;
            let path = below(&folder.path, &name);
            let is_folder = stat.kind == Kind::Directory;
            let Placement::In(part) = self.layout.place(&path, is_folder) else {
                continue;
            };
            let mut number = None;
            match stat.kind {
                Kind::Directory => {
                    let next = self.numbers.fetch_add(1, Ordering::Relaxed);
                    number = Some(next);
                    folders.push(Folder {
                        path: path.clone(),
                        stat,
                        number: next,
                    });
                }
                Kind::File => {}
                Kind::Link => {
                    let target = self
                        .tree
                        .read_link(&path)
                        .map_err(|failure| ArchiveError::of_entry(&path, failure))?;
                    found.links.insert(path.clone(), target);
                }
                Kind::Special(what) => return Err(ArchiveError::SpecialFile { path, what }),
            }
            let entry = Entry {
                base: path.as_os_str().len() - name.as_bytes().len(),
                path,
                rank: 0,
                stat,
                part,
                // One file may be mounted alone; on a device that nobody has looked at it is not trusted.
                is_local: devices.get(&stat.device) == Some(&true),
            };
            found.push(entry, Some(folder.number), number);
        }
        Ok(folders)
    }
}

/// Says at its end, be it a panic, that a thread has nothing more to add.
struct Busy<'a>(&'a Walk<'a>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).busy -= 1;
        self.0.changed.notify_all();
    }
}

/// A lock whose holder panicked: the panic goes on where that thread is joined.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
