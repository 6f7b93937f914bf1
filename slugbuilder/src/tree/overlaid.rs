//! What an overlay shows, read from its two folders.
//!
//! Walking an overlay that was just mounted takes four times as long as walking what is below it: the kernel makes an
//! object of its own for every file that someone looks at, and takes all of them down again at the end. Here unchanged
//! folders are listed, and unchanged files read, where they are; only what is in the upper folder is looked at twice. It
//! also makes an unchanged file the same file (device, inode and times) in every build, which the overlay's own numbers
//! are not on every kernel and file system.
//!
//! The rules are those of the kernel for two folders without `redirect_dir` and `metacopy`, as the sandbox mounts them
//! (Documentation/filesystems/overlayfs.rst, "Directories" and "whiteouts and opaque directories"): the upper folder's
//! entry hides the lower one's of the same name; where both are folders their entries are merged, unless the upper one
//! is marked as opaque; a character device 0/0 in the upper folder hides a name and shows nothing.

use super::{Failure, Kind, Special, Stat, Tree, below};
use crate::sandbox::marked_opaque;
use nix::fcntl::AtFlags;
use nix::sys::stat::{SFlag, fstatat};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lower folder of an overlay, and what is known of the upper one.
#[derive(Debug)]
pub(super) struct Overlaid {
    pub(super) lower: Box<Tree>,
    /// What is taken as not being in the lower folder: names by their folder.
    hidden: HashMap<PathBuf, HashSet<OsString>>,
    /// Where the entries of the upper folder come from that were listed; everything else that was listed is in the lower
    /// one only.
    seen: Mutex<HashMap<PathBuf, Source>>,
}

/// Where an entry comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Lower,
    Upper,
    /// A folder of both, with what it is in the lower one.
    Both(Stat),
}

impl Overlaid {
    /// Above `lower`, with both roots merged. What is at `hidden` in the lower one is not there for anybody.
    pub(super) fn new<'a>(
        lower: Tree,
        hidden: impl Iterator<Item = &'a Path>,
    ) -> std::io::Result<Self> {
        let root = Source::Both(lower.stat_root()?);
        let mut by_folder: HashMap<PathBuf, HashSet<OsString>> = HashMap::new();
        for path in hidden {
            if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
                let names = by_folder.entry(folder.to_owned()).or_default();
                names.insert(name.to_owned());
            }
        }
        Ok(Self {
            lower: Box::new(lower),
            hidden: by_folder,
            seen: Mutex::new(HashMap::from([(PathBuf::new(), root)])),
        })
    }

    /// Whether the entry at `path`, which was listed, is in the lower folder only.
    pub(super) fn is_lower(&self, path: &Path) -> bool {
        matches!(self.source(path), Source::Lower)
    }

    fn source(&self, path: &Path) -> Source {
        self.seen().get(path).copied().unwrap_or(Source::Lower)
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<PathBuf, Source>> {
        // Nothing panics while it holds the lock.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries of the lower folder at `path` that are not hidden.
    fn list_lower(&self, path: &Path, listed: &Stat) -> Result<Vec<(OsString, Stat)>, Failure> {
        let mut entries = self.lower.list(path, listed)?;
        if let Some(hidden) = self.hidden.get(path) {
            entries.retain(|(name, _)| !hidden.contains(name));
        }
        Ok(entries)
    }

    /// The entries of the folder at `path`, `upper` being the tree that this is below.
    pub(super) fn list(
        &self,
        upper: &Tree,
        path: &Path,
        listed: &Stat,
    ) -> Result<Vec<(OsString, Stat)>, Failure> {
        let merged = match self.source(path) {
            Source::Lower => return self.list_lower(path, listed),
            Source::Upper => None,
            Source::Both(lower) => Some(lower),
        };
        let mut entries: HashMap<OsString, Stat> = HashMap::new();
        if let Some(stat) = merged {
            entries.extend(self.list_lower(path, &stat)?);
        }
        let mut found = Vec::new();
        for (name, stat) in upper.list_own(path, listed)? {
            let below_it = entries.remove(&name);
            let path = below(path, &name);
            if stat.kind == Kind::Special(Special::Device) && is_whiteout(upper, &path)? {
                continue;
            }
            let source = match below_it {
                Some(lower)
                    if (lower.kind, stat.kind) == (Kind::Directory, Kind::Directory)
                        && !is_opaque(upper, &path)? =>
                {
                    Source::Both(lower)
                }
                _ => Source::Upper,
            };
            found.push((path, source));
            entries.insert(name, stat);
        }
        self.seen().extend(found);
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }
}

fn is_whiteout(upper: &Tree, path: &Path) -> Result<bool, Failure> {
    let stat = upper
        .at(path, |directory, rest| {
            fstatat(directory, rest, AtFlags::AT_SYMLINK_NOFOLLOW)
        })
        .map_err(Failure::of_listed)?;
    let character = stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFCHR.bits();
    Ok(character && stat.st_rdev == 0)
}

fn is_opaque(upper: &Tree, path: &Path) -> Result<bool, Failure> {
    let folder = upper.open_directory(path).map_err(Failure::of_listed)?;
    marked_opaque(&folder).map_err(Failure::Io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::make_whiteout;
    use std::fs;
    use std::io::Read as _;

    fn write(folder: &Path, files: &[&str]) {
        for name in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, folder.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
    }

    /// Every path of a tree with what it is, in the order of a walk.
    fn walk(tree: &Tree) -> Vec<(PathBuf, Stat)> {
        let mut found = Vec::new();
        let mut pending = vec![(PathBuf::new(), tree.stat_root().unwrap())];
        while let Some((folder, stat)) = pending.pop() {
            for (name, stat) in tree.list(&folder, &stat).unwrap() {
                let path = below(&folder, &name);
                if stat.kind == Kind::Directory {
                    pending.push((path.clone(), stat));
                }
                found.push((path, stat));
            }
        }
        found
    }

    fn content(tree: &Tree, path: &Path, stat: &Stat) -> String {
        let mut text = String::new();
        let mut file = tree.open_file(path, stat).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn the_upper_folder_hides_and_adds() {
        let temporary = tempfile::tempdir().unwrap();
        let (lower, upper) = (
            temporary.path().join("lower"),
            temporary.path().join("upper"),
        );
        write(
            &lower,
            &["a/b/kept", "a/changed", "a/hidden", "file", "gone/x"],
        );
        write(&lower, &["was-a-folder/x", "was-a-file"]);
        write(&upper, &["a/changed", "a/new/x", "was-a-folder"]);
        write(&upper, &["was-a-file/x"]);
        std::os::unix::fs::symlink("a", upper.join("link")).unwrap();
        for hidden in ["a/hidden", "gone"] {
            make_whiteout(&upper.join(hidden)).unwrap();
        }
        let tree = Tree::overlaid(&lower, &upper, std::iter::empty()).unwrap();
        let mut found: Vec<String> = walk(&tree)
            .into_iter()
            .map(|(path, stat)| {
                let what = match stat.kind {
                    Kind::File => content(&tree, &path, &stat),
                    Kind::Link => format!("-> {}", tree.read_link(&path).unwrap().display()),
                    _ => "/".to_owned(),
                };
                format!("{} {what}", path.display())
            })
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "a /",
                "a/b /",
                "a/b/kept lower",
                "a/changed upper",
                "a/new /",
                "a/new/x upper",
                "file lower",
                "link -> a",
                "was-a-file /",
                "was-a-file/x upper",
                "was-a-folder upper",
            ]
        );
    }

    #[test]
    fn what_is_hidden_is_in_no_folder_but_the_upper_one() {
        let temporary = tempfile::tempdir().unwrap();
        let (lower, upper) = (
            temporary.path().join("lower"),
            temporary.path().join("upper"),
        );
        write(&lower, &["a/kept", "a/log", "both/of-lower", "secret"]);
        write(&upper, &["both/of-upper"]);
        let hidden = ["a/log", "both", "secret", "none/x"].map(Path::new);
        let tree = Tree::overlaid(&lower, &upper, hidden.into_iter()).unwrap();
        let paths = walk(&tree).into_iter().map(|(path, _)| path);
        let mut paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
        paths.sort();
        assert_eq!(paths, ["a", "a/kept", "both", "both/of-upper"]);
    }

    #[test]
    fn unchanged_files_are_the_same_ones_in_every_build() {
        let temporary = tempfile::tempdir().unwrap();
        let lower = temporary.path().join("lower");
        write(&lower, &["folder/one", "folder/two"]);
        let walks = ["first", "second"].map(|name| {
            let upper = temporary.path().join(name);
            write(&upper, &["folder/built"]);
            walk(&Tree::overlaid(&lower, &upper, std::iter::empty()).unwrap())
        });
        let of = |walk: &[(PathBuf, Stat)], name: &str| {
            let found = walk.iter().find(|(path, _)| path == Path::new(name));
            found.unwrap().1
        };
        for name in ["folder/one", "folder/two"] {
            assert_eq!(of(&walks[0], name), of(&walks[1], name));
        }
        assert_ne!(of(&walks[0], "folder/built"), of(&walks[1], "folder/built"));
    }
}
