//! Installed packages put away between builds: `node_modules` folders, and what Yarn makes instead of them.
//!
//! Whole trees are renamed, which costs nothing and leaves every file as it was. What both the app and the next build
//! need is cloned: files as hard links where the file system can. The few files that package managers write again in
//! place are copied.

use fs_err as fs;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

/// The file of a store that says which trees it holds.
const INDEX: &str = "trees.json";

/// Fewer files are done before a thread for them is started.
const LEAST_FILES_OF_A_THREAD: usize = 1000;

/// How files of a clone come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Hard links; copies where there can be none.
    Links,
    /// Copies, because somebody may write into them.
    Copies,
}

/// How trees got out of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The store has them no more.
    Moved,
    /// The store still has them: the app is on another file system.
    Copied,
}

/// A folder that keeps trees of the app directory, numbered, with their paths in an index that is written last.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store at `folder`, which need not be there.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The trees that it holds, relative to the app directory; nothing where it is not there or not whole.
    pub(crate) fn paths(&self) -> io::Result<Option<Vec<PathBuf>>> {
        let text = match fs::read(self.folder.join(INDEX)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(paths) = serde_json::from_slice::<Vec<PathBuf>>(&text) else {
            return Ok(None);
        };
        // Programs of an earlier build could write here.
        let is_inside = |path: &PathBuf| {
            path.components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        let is_whole = paths
            .iter()
            .enumerate()
            .all(|(number, path)| is_inside(path) && self.tree(number).symlink_metadata().is_ok());
        Ok(is_whole.then_some(paths))
    }

    /// Whether every tree can go to its place in the app directory: nothing is there, and no link leads elsewhere.
    pub(crate) fn fits(&self, app: &Path) -> io::Result<bool> {
        let paths = self.paths()?.unwrap_or_default();
        Ok(paths.iter().all(|path| {
            let is_free = app.join(path).symlink_metadata().is_err();
            let above = path.ancestors().skip(1);
            is_free
                && above
                    .into_iter()
                    .all(|folder| !app.join(folder).is_symlink())
        }))
    }

    /// Fills it with clones of `paths`; what it held before is gone.
    pub(crate) fn fill(&self, app: &Path, paths: &[PathBuf], sharing: Sharing) -> io::Result<()> {
        self.clear()?;
        fs::create_dir_all(&self.folder)?;
        for (number, path) in paths.iter().enumerate() {
            clone(&app.join(path), &self.tree(number), sharing, &|_| false)?;
        }
        let index = serde_json::to_vec(paths)?;
        fs::write(self.folder.join(INDEX), index)
    }

    /// Empties it.
    pub(crate) fn clear(&self) -> io::Result<()> {
        remove(&self.folder)
    }

    /// Fills it with `paths` themselves, which the app directory then has no more.
    pub(crate) fn absorb(&self, app: &Path, paths: &[PathBuf]) -> io::Result<()> {
        self.clear()?;
        fs::create_dir_all(&self.folder)?;
        for (number, path) in paths.iter().enumerate() {
            relocate(&app.join(path), &self.tree(number))?;
        }
        fs::write(self.folder.join(INDEX), serde_json::to_vec(paths)?)
    }

    /// Moves those of its trees into the app directory in whose place there is nothing, and forgets the others.
    pub(crate) fn give(&self, app: &Path) -> io::Result<Vec<PathBuf>> {
        let mut given = Vec::new();
        for (number, path) in self.paths()?.unwrap_or_default().into_iter().enumerate() {
            if is_free(app, &path) {
                relocate(&self.tree(number), &app.join(&path))?;
                given.push(path);
            }
        }
        self.clear()?;
        Ok(given)
    }

    /// Puts clones of its trees into the app directory.
    pub(crate) fn clone_to(&self, app: &Path, sharing: Sharing) -> io::Result<()> {
        self.clone_without(app, sharing, &|_| false)
    }

    /// The same without folders and links that are `left_out`, which is asked by their paths in the app directory.
    pub(crate) fn clone_without(
        &self,
        app: &Path,
        sharing: Sharing,
        left_out: &dyn Fn(&Path) -> bool,
    ) -> io::Result<()> {
        for (number, path) in self.whole()?.iter().enumerate() {
            let place = make_room(app, path)?;
            clone(&self.tree(number), &place, sharing, &|below| {
                left_out(&path.join(below))
            })?;
        }
        Ok(())
    }

    /// Where it keeps the tree of `path`, if it does.
    pub(crate) fn place(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let paths = self.paths()?.unwrap_or_default();
        let number = paths.iter().position(|tree| tree == path);
        Ok(number.map(|number| self.tree(number)))
    }

    /// Moves its trees into the app directory. Until [`Store::take_back`] they are at risk.
    pub(crate) fn hand_out(&self, app: &Path) -> io::Result<Taken> {
        let mut taken = Taken::Moved;
        for (number, path) in self.whole()?.iter().enumerate() {
            let place = make_room(app, path)?;
            match std::fs::rename(self.tree(number), &place) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    clone(&self.tree(number), &place, Sharing::Copies, &|_| false)?;
                    taken = Taken::Copied;
                }
                other => other?,
            }
        }
        Ok(taken)
    }

    /// Moves trees that were handed out and not changed back; afterwards the app directory has none of them.
    pub(crate) fn take_back(&self, app: &Path) -> io::Result<()> {
        let text = fs::read(self.folder.join(INDEX))?;
        let paths: Vec<PathBuf> = serde_json::from_slice(&text)?;
        for (number, path) in paths.iter().enumerate() {
            if self.tree(number).symlink_metadata().is_ok() {
                // It was copied.
                remove(&app.join(path))?;
            } else {
                fs::rename(app.join(path), self.tree(number))?;
            }
        }
        Ok(())
    }

    /// What its trees are, to tell whether they are still the same.
    pub(crate) fn marks(&self) -> io::Result<Marks> {
        let trees: Vec<PathBuf> = (0..self.whole()?.len())
            .map(|number| PathBuf::from(number.to_string()))
            .collect();
        Marks::of(&self.folder, &trees)
    }

    /// How many bytes its files have.
    pub(crate) fn size(&self) -> io::Result<u64> {
        let mut total = 0;
        for entry in walkdir::WalkDir::new(&self.folder) {
            let entry = entry?;
            if entry.file_type().is_file() {
                total += entry.metadata()?.len();
            }
        }
        Ok(total)
    }

    fn whole(&self) -> io::Result<Vec<PathBuf>> {
        self.paths()?.ok_or_else(|| {
            let text = format!("{} is not whole", self.folder.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    fn tree(&self, number: usize) -> PathBuf {
        self.folder.join(number.to_string())
    }
}

/// What the files of trees are: other marks where one is added, removed or written to, but not where one gets another hard
/// link or the whole is renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<PathBuf, FileMark>);

/// Mode, and of what is no folder also number, size and time of the last change.
type FileMark = (u32, Option<(u64, u64, i64, i64)>);

impl Marks {
    /// Marks of the trees at `paths` of `folder`; what is not there has none.
    pub(crate) fn of(folder: &Path, paths: &[PathBuf]) -> io::Result<Self> {
        let mut marks = BTreeMap::new();
        for path in paths {
            let tree = folder.join(path);
            if tree.symlink_metadata().is_err() {
                continue;
            }
            for entry in walkdir::WalkDir::new(&tree) {
                let entry = entry?;
                let Ok(below) = entry.path().strip_prefix(folder) else {
                    continue;
                };
                let metadata = entry.metadata()?;
                let content = (!metadata.is_dir()).then(|| {
                    let (seconds, rest) = (metadata.mtime(), metadata.mtime_nsec());
                    (metadata.ino(), metadata.len(), seconds, rest)
                });
                marks.insert(below.to_owned(), (metadata.mode(), content));
            }
        }
        Ok(Self(marks))
    }

    /// The first path of those that `counts` that is not the same in `other`.
    pub(crate) fn difference<'a>(
        &'a self,
        other: &'a Self,
        counts: &dyn Fn(&Path) -> bool,
    ) -> Option<&'a Path> {
        let gone = self
            .0
            .iter()
            .filter(|(path, mark)| other.0.get(*path) != Some(mark));
        let new = other
            .0
            .iter()
            .filter(|(path, _)| !self.0.contains_key(*path));
        gone.chain(new)
            .map(|(path, _)| path.as_path())
            .find(|path| counts(path))
    }
}

/// Removes a file or a folder with all that is in it; nothing there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Moves a file or folder, by copying where the two places are on different file systems.
pub(crate) fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)?;
    }
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            clone(from, to, Sharing::Copies, &|_| false)?;
            remove(from)
        }
        other => other,
    }
}

/// Whether there is nothing at `path`, and no link above it.
fn is_free(app: &Path, path: &Path) -> bool {
    let mut above = path.ancestors().skip(1);
    app.join(path).symlink_metadata().is_err() && above.all(|folder| !app.join(folder).is_symlink())
}

fn make_room(app: &Path, path: &Path) -> io::Result<PathBuf> {
    let place = app.join(path);
    if let Some(above) = place.parent() {
        fs::create_dir_all(above)?;
    }
    Ok(place)
}

/// Makes `to` the same as `from`, without folders and links below it that are `left_out`.
fn clone(
    from: &Path,
    to: &Path,
    sharing: Sharing,
    left_out: &dyn Fn(&Path) -> bool,
) -> io::Result<()> {
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)?;
    }
    let mut folders = Vec::new();
    let mut files = Vec::new();
    let walk = walkdir::WalkDir::new(from).into_iter();
    let walk = walk.filter_entry(|entry| {
        let below = entry.path().strip_prefix(from).ok();
        entry.depth() == 0 || entry.file_type().is_file() || !below.is_some_and(left_out)
    });
    for entry in walk {
        let entry = entry?;
        let Ok(below) = entry.path().strip_prefix(from) else {
            continue;
        };
        let target = if below.as_os_str().is_empty() {
            to.to_owned()
        } else {
            to.join(below)
        };
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&target)?;
            folders.push((target, entry.metadata()?.permissions()));
        } else if kind.is_symlink() {
            fs::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            let may_be_linked = sharing == Sharing::Links && !is_rewritten(below);
            files.push((entry.into_path(), target, may_be_linked));
        }
    }
    share(&files)?;
    // Last, and from below: a folder may not be writable.
    for (folder, permissions) in folders.into_iter().rev() {
        fs::set_permissions(folder, permissions)?;
    }
    Ok(())
}

/// Makes files be at a second place, each as a link if it may be one. A tree has tens of thousands of them, for which the
/// kernel takes as long as it does for installing: every core has its part of them.
fn share(files: &[(PathBuf, PathBuf, bool)]) -> io::Result<()> {
    let share_part = |part: &[(PathBuf, PathBuf, bool)]| -> io::Result<()> {
        for (from, to, may_be_linked) in part {
            let is_linked = *may_be_linked && std::fs::hard_link(from, to).is_ok();
            if !is_linked {
                copy(from, to)?;
            }
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let length = files.len().div_ceil(threads).max(LEAST_FILES_OF_A_THREAD);
    std::thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(length)
            .map(|part| scope.spawn(move || share_part(part)))
            .collect();
        parts.into_iter().try_for_each(|part| {
            part.join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread that copies files ended early")))
        })
    })
}

/// Files that package managers write in place: their own state (`.package-lock.json`, `.yarn-integrity`, `.modules.yaml`,
/// …) right in `node_modules`, in `.pnpm`, and programs in `.bin`. What is at the top of a tree that is a file itself is
/// state too.
fn is_rewritten(below: &Path) -> bool {
    let parts: Vec<_> = below.components().map(Component::as_os_str).collect();
    match parts.as_slice() {
        [] => true,
        [name] => name.as_bytes().starts_with(b"."),
        [folder, _] => *folder == ".pnpm" || *folder == ".bin",
        [.., folder, _] => *folder == ".bin",
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let metadata = fs::metadata(from)?;
    // A copy of a file that nobody may write to can still be given its time: the owner may open it for reading.
    let file = fs::File::open(to)?;
    file.file().set_modified(metadata.modified()?)?;
    fs::set_permissions(to, std::fs::Permissions::from_mode(metadata.mode() & 0o777))
}

#[cfg(test)]
mod tests;
