//! Finds the entries: folders are listed side by side, since the time goes into asking about each file.

use super::cache::{Names, NewNames};
use super::entries::{Entry, sorted, start_of};
use super::{ArchiveError, Layout, Part, Placement, Siblings, recipe};
use crate::stage::Tally;
use crate::stop::Stop;
use crate::tree::links::Links;
use crate::tree::{Failure, Kind, Stat, Tree, below};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Threads beyond which a disk, or the kernel's locks, have no more to give.
const MOST_THREADS: usize = 8;

/// What a walk found.
pub(super) struct Listed {
    /// The root and everything below it that the layout places, in the order of the archive.
    pub(super) entries: Vec<Entry>,
    /// All links.
    pub(super) links: Links,
    /// What the layout leaves out and wants to be counted, by its numbers.
    pub(super) left_out: BTreeMap<usize, Tally>,
    /// What is in each folder, where that was asked for.
    pub(super) names: NewNames,
}

/// A folder that is still to be listed.
struct Folder {
    path: PathBuf,
    stat: Stat,
    /// Folders are counted as they are found, so this is greater than that of the folder above.
    number: usize,
    /// The number under which all that is in it is left out, if it is.
    left_out: Option<usize>,
}

/// A walk through a tree.
pub(super) struct Walk<'a> {
    tree: &'a Tree,
    root: &'a Path,
    layout: &'a dyn Layout,
    stop: &'a Stop,
    /// What was in folders, if it is to be used and remembered.
    names: Option<&'a Names>,
    /// Since 1970, from before anything was looked at.
    looked_at: Duration,
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
    /// Threads that wait for folders.
    waiting: usize,
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
    left_out: BTreeMap<usize, Tally>,
    names: NewNames,
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
        for (number, tally) in other.left_out {
            self.left_out.entry(number).or_default().join(tally);
        }
        self.names.add(other.names);
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
        for (entry, (inside, itself)) in self.entries.iter_mut().zip(&self.folders) {
            entry.rank = itself.or(*inside).map_or(0, |folder| ranks[folder]);
        }
    }
}

impl<'a> Walk<'a> {
    /// Through `tree`, which is called `root` in errors.
    pub(super) fn new(
        tree: &'a Tree,
        root: &'a Path,
        layout: &'a dyn Layout,
        stop: &'a Stop,
    ) -> Self {
        Self {
            tree,
            root,
            layout,
            stop,
            names: None,
            looked_at: Duration::ZERO,
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
        }
    }

    /// With names that are still those of folders that have not changed. New ones are remembered; nothing was looked at
    /// before `looked_at`.
    pub(super) fn with_names(mut self, names: Option<&'a Names>, looked_at: SystemTime) -> Self {
        self.names = names;
        self.looked_at = recipe::since_1970(looked_at);
        self
    }

    /// Walks with so many threads.
    pub(super) fn collect(self, threads: NonZeroUsize) -> Result<Listed, ArchiveError> {
        let stat = (self.tree.stat_root())
            .map_err(|error| ArchiveError::of_entry(self.root, Failure::Io(error)))?;
        lock(&self.state).pending.push(Folder {
            path: PathBuf::new(),
            stat,
            number: 0,
            left_out: None,
        });
        let threads = threads.get().min(MOST_THREADS);
        let mut found = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| self.work())).collect();
            let mut found = self.work();
            for other in others {
                match other.join() {
                    Ok(more) => found.add(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            found
        });
        self.stop.check()?;
        if let Some((_, error)) = lock(&self.state).error.take() {
            return Err(error);
        }
        let root = Entry {
            path: PathBuf::new(),
            base: 0,
            start: start_of(b""),
            rank: 0,
            stat,
            part: Part::Runtime,
            is_local: false,
        };
        found.push(root, None, Some(0));
        let folders = self.numbers.into_inner();
        found.hoist_folders(folders);
        found.rank_folders(folders);
        Ok(Listed {
            entries: sorted(found.entries),
            links: found.links,
            left_out: found.left_out,
            names: found.names,
        })
    }

    fn work(&self) -> Found {
        let mut found = Found::default();
        while let Some(folder) = self.next() {
            let _busy = Busy(self);
            let result = match self.list(&folder, &mut found) {
                // What cannot be read cannot be counted, which harms nothing.
                Err(_) if folder.left_out.is_some() => Ok(Vec::new()),
                result => result,
            };
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
        let mut state = lock(&self.state);
        while state.pending.is_empty() && state.busy > 0 {
            state.waiting += 1;
            state = (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        if self.stop.check().is_err() {
            return None;
        }
        let folder = state.pending.pop()?;
        state.busy += 1;
        Some(folder)
    }

    /// Whether a folder's device is local; if it cannot be told, its times are not trusted.
    fn is_local(&self, folder: &Folder) -> bool {
        let device = folder.stat.device;
        let known = lock(&self.devices).get(&device).copied();
        known.unwrap_or_else(|| {
            let kind = self.tree.file_system(&folder.path);
            let is_local = kind.is_ok_and(recipe::is_local);
            lock(&self.devices).insert(device, is_local);
            is_local
        })
    }

    /// Lists one folder. Returns those in it.
    fn list(&self, folder: &Folder, found: &mut Found) -> Result<Vec<Folder>, ArchiveError> {
        let shown = if folder.path.as_os_str().is_empty() {
            self.root
        } else {
            &folder.path
        };
        let failed = |failure| ArchiveError::of_entry(shown, failure);
        let mut inside = Inside {
            walk: self,
            folder,
            is_local: self.is_local(folder),
            found,
            folders: Vec::new(),
        };
        let known = self.names.and_then(|names| names.of(&folder.stat));
        if let Some(names) = known
            && let Some(stats) =
                (self.tree.stat_all(&folder.path, &folder.stat, &names)).map_err(failed)?
        {
            inside.found.names.add_known(&folder.stat);
            let siblings = Siblings::of_sorted(&names);
            for (name, stat) in names.iter().zip(stats) {
                inside.add(name, stat, siblings)?;
            }
            return Ok(inside.folders);
        }
        let listed = (self.tree.list(&folder.path, &folder.stat)).map_err(failed)?;
        let names: Vec<&OsStr> = listed.iter().map(|(name, _)| name.as_os_str()).collect();
        let is_at_rest = recipe::is_at_rest(&folder.stat, self.looked_at);
        if self.names.is_some() && inside.is_local && is_at_rest {
            let names = names.iter().copied();
            inside.found.names.add_listed(&folder.stat, names);
        }
        let siblings = Siblings::of_sorted(&names);
        for (name, stat) in &listed {
            inside.add(name, *stat, siblings)?;
        }
        Ok(inside.folders)
    }
}

/// A folder that is being listed.
struct Inside<'w, 'f> {
    walk: &'w Walk<'w>,
    folder: &'f Folder,
    is_local: bool,
    found: &'f mut Found,
    /// Those in it.
    folders: Vec<Folder>,
}

impl Inside<'_, '_> {
    fn add(
        &mut self,
        name: &OsStr,
        stat: Stat,
        siblings: Siblings<'_>,
    ) -> Result<(), ArchiveError> {
        let walk = self.walk;
        walk.stop.check()?;
        let path = below(&self.folder.path, name);
        let is_folder = stat.kind == Kind::Directory;
        let placement = match self.folder.left_out {
            Some(number) => Placement::LeaveOut(number),
            None => walk.layout.place_among(&path, is_folder, siblings),
        };
        let part = match placement {
            Placement::Skip => return Ok(()),
            Placement::LeaveOut(number) => {
                self.leave_out(path, stat, number);
                return Ok(());
            }
            Placement::In(part) => part,
        };
        let mut number = None;
        match stat.kind {
            Kind::Directory => {
                let next = walk.numbers.fetch_add(1, Ordering::Relaxed);
                number = Some(next);
                self.folders.push(Folder {
                    path: path.clone(),
                    stat,
                    number: next,
                    left_out: None,
                });
            }
            Kind::File => {}
            Kind::Link => {
                let target = walk
                    .tree
                    .read_link(&path)
                    .map_err(|failure| ArchiveError::of_entry(&path, failure))?;
                self.found.links.insert(path.clone(), target);
            }
            Kind::Special(what) => return Err(ArchiveError::SpecialFile { path, what }),
        }
        let entry = Entry {
            base: path.as_os_str().len() - name.as_bytes().len(),
            start: start_of(name.as_bytes()),
            path,
            rank: 0,
            stat,
            part,
            // One file may be mounted alone; on a device that nobody has looked at it is not trusted.
            is_local: if stat.device == self.folder.stat.device {
                self.is_local
            } else {
                lock(&walk.devices).get(&stat.device) == Some(&true)
            },
        };
        self.found.push(entry, Some(self.folder.number), number);
        Ok(())
    }

    /// Counts it; what is in a folder is counted when that is listed.
    fn leave_out(&mut self, path: PathBuf, stat: Stat, number: usize) {
        self.found.left_out.entry(number).or_default().add(&stat);
        if stat.kind == Kind::Directory {
            self.folders.push(Folder {
                path,
                stat,
                // It is no entry, and neither is what is in it.
                number: 0,
                left_out: Some(number),
            });
        }
    }
}

/// Says at its end, be it a panic, that a thread has nothing more to add.
struct Busy<'a>(&'a Walk<'a>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.busy -= 1;
        // A system call for each folder otherwise.
        if state.waiting > 0 {
            self.0.changed.notify_all();
        }
    }
}

/// A lock whose holder panicked: the panic goes on where that thread is joined.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
