//! One folder's content, reached through its file descriptor.
//!
//! Paths below a folder may be longer than `PATH_MAX` (4,096 bytes with everything before them), and the tree may change
//! while it is read. So nothing here uses absolute paths: long paths are walked in pieces, symbolic links are never
//! followed, and whatever was listed can be opened again only if it is still the same file.

mod ahead;
pub(crate) mod links;
mod overlaid;

pub(crate) use ahead::Listing;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statfs::{FsType, fstatfs};
use nix::unistd::{Gid, Uid, fchown, fchownat};
use rustix::fs::{FileType, RawDir};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Longest path that is handed to the kernel at once; below `PATH_MAX` (4,096 with the final NUL).
const PIECE: usize = 4000;

/// Bytes for the names of a folder; with more, the kernel is asked again.
const NAMES: usize = 1 << 14;

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Link,
    Special(Special),
}

/// What can be in no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Special {
    /// A Unix socket.
    Socket,
    /// A named pipe.
    Fifo,
    /// A character or block device.
    Device,
}

impl std::fmt::Display for Special {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Socket => "socket",
            Self::Fifo => "FIFO",
            Self::Device => "device",
        })
    }
}

/// What is known of an entry without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// Bytes of a file, length of a link's target.
    pub(crate) size: u64,
    /// Seconds and nanoseconds.
    pub(crate) modified: (i64, i64),
    /// When content or metadata last changed, which nobody can set; seconds and nanoseconds.
    pub(crate) changed: (i64, i64),
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Stat {
    fn new(stat: &FileStat) -> Self {
        let kind = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => Kind::Directory,
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFLNK => Kind::Link,
            SFlag::S_IFSOCK => Kind::Special(Special::Socket),
            SFlag::S_IFIFO => Kind::Special(Special::Fifo),
            _ => Kind::Special(Special::Device),
        };
        Self {
            kind,
            mode: stat.st_mode & 0o7777,
            owner: (stat.st_uid, stat.st_gid),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }

    /// What is taken for an entry of which only its kind and the folder that it is in are known: one that its owner and
    /// everybody else may read.
    fn of_kind(kind: Kind, folder: &Self) -> Self {
        Self {
            kind,
            mode: 0o444,
            size: 0,
            inode: 0,
            ..*folder
        }
    }

    /// Whether both are on the same file system.
    pub(crate) fn same_device(&self, other: &Self) -> bool {
        self.device == other.device
    }

    /// Whether the permission bits let its owner read a file, or use a folder in any way. Links have none.
    pub(crate) fn owner_may_use(&self) -> bool {
        match self.kind {
            Kind::Directory => self.mode & 0o700 == 0o700,
            Kind::File => self.mode & 0o400 != 0,
            Kind::Link | Kind::Special(_) => true,
        }
    }

    /// Whether it is the same file object, whatever happened to its content.
    fn same_object(&self, other: &Self) -> bool {
        (self.kind, self.device, self.inode) == (other.kind, other.device, other.inode)
    }

    /// Whether nothing that a build sees has changed, as far as metadata tells.
    pub(crate) fn is_as_before(&self, before: &Self) -> bool {
        self.same_content(before) && (self.mode, self.changed) == (before.mode, before.changed)
    }

    /// Whether it is the same file with, as far as its metadata tells, the same content. The change time is left out: a
    /// new hard link elsewhere (package stores make them all the time) moves it without touching the content.
    fn same_content(&self, other: &Self) -> bool {
        self.same_object(other) && (self.size, self.modified) == (other.size, other.modified)
    }
}

/// Why an entry could not be read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The entry is not the one that was listed.
    Changed,
    Io(std::io::Error),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

impl Failure {
    /// Reads "is not there", "is a link now" and "is no directory now" as what they mean for an entry that was listed.
    pub(crate) fn of_listed(errno: Errno) -> Self {
        match errno {
            Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR => Self::Changed,
            other => other.into(),
        }
    }
}

/// A folder and everything below it.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    ahead: ahead::Ahead,
    /// Whether listings tell of most files only what they are.
    kinds_only: bool,
    /// What is below the root, where it is the upper folder of an overlay.
    overlaid: Option<overlaid::Overlaid>,
}

/// The directory that a piecewise walk arrived at.
enum Reached<'a> {
    Root(BorrowedFd<'a>),
    Below(OwnedFd),
}

impl AsFd for Reached<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(fd) => *fd,
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

impl Tree {
    /// Opens the folder at `path`, which may be a symbolic link to it.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open(path, flags, Mode::empty())?;
        Ok(Self {
            root,
            ahead: ahead::Ahead::default(),
            kinds_only: false,
            overlaid: None,
        })
    }

    /// The same, listing only what entries are, which folders tell with the names: the kernel is then not asked about each.
    /// A readable one of no bytes stands for each, except for those called `.gitignore`, `.slugignore` and the like. Folders
    /// that are exchanged meanwhile are not noticed.
    pub(crate) fn kinds_only(mut self) -> Self {
        self.kinds_only = true;
        self
    }

    /// Whether listings tell of most entries only what they are.
    pub(crate) fn tells_kinds_only(&self) -> bool {
        self.kinds_only
    }

    /// What an overlay with these two folders shows, with what is at `hidden` in the lower one as good as gone. Only
    /// listing and opening are for such a tree.
    pub(crate) fn overlaid<'a>(
        lower: &Path,
        upper: &Path,
        hidden: impl Iterator<Item = &'a Path>,
    ) -> std::io::Result<Self> {
        let mut tree = Self::open(upper)?;
        tree.overlaid = Some(overlaid::Overlaid::new(Self::open(lower)?, hidden)?);
        Ok(tree)
    }

    /// The tree that the entry at `path` is read from.
    pub(crate) fn layer(&self, path: &Path) -> &Self {
        match &self.overlaid {
            Some(overlaid) if overlaid.is_lower(path) => &overlaid.lower,
            _ => self,
        }
    }

    /// Whether this is an overlay whose lower folder alone has the entry at `path`, which was listed.
    pub(crate) fn is_lower(&self, path: &Path) -> bool {
        let overlaid = self.overlaid.as_ref();
        overlaid.is_some_and(|overlaid| overlaid.is_lower(path))
    }

    /// What the folder itself is.
    pub(crate) fn stat_root(&self) -> std::io::Result<Stat> {
        Ok(Stat::new(&fstat(&self.root)?))
    }

    /// What is at `path`, links not followed; [`Failure::Changed`] where there is nothing.
    pub(crate) fn stat(&self, path: &Path) -> Result<Stat, Failure> {
        let stat = self.at(path, |directory, rest| {
            fstatat(directory, rest, AtFlags::AT_SYMLINK_NOFOLLOW)
        });
        Ok(Stat::new(&stat.map_err(Failure::of_listed)?))
    }

    /// Walks as far down `path` as needed for the rest to be short enough for one system call.
    fn reach<'p>(&self, path: &'p Path) -> nix::Result<(Reached<'_>, &'p Path)> {
        let mut reached = Reached::Root(self.root.as_fd());
        let mut rest = path.as_os_str().as_bytes();
        while rest.len() > PIECE {
            let cut = rest[..PIECE]
                .iter()
                .rposition(|&byte| byte == b'/')
                .ok_or(Errno::ENAMETOOLONG)?;
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            reached = Reached::Below(openat(
                &reached,
                OsStr::from_bytes(&rest[..cut]),
                flags,
                Mode::empty(),
            )?);
            rest = &rest[cut + 1..];
        }
        let rest: &[u8] = if rest.is_empty() { b"." } else { rest };
        Ok((reached, Path::new(OsStr::from_bytes(rest))))
    }

    /// Calls `operation` with a directory and a path below it that together mean `path`.
    pub(crate) fn at<T>(
        &self,
        path: &Path,
        operation: impl FnOnce(BorrowedFd<'_>, &Path) -> nix::Result<T>,
    ) -> nix::Result<T> {
        let (reached, rest) = self.reach(path)?;
        operation(reached.as_fd(), rest)
    }

    fn open_at(&self, path: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
        self.at(path, |directory, rest| {
            openat(
                directory,
                rest,
                flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
                Mode::empty(),
            )
        })
    }

    /// Opens the directory at `path` itself.
    pub(crate) fn open_directory(&self, path: &Path) -> nix::Result<OwnedFd> {
        self.open_at(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)
    }

    /// The type of the file system that the directory at `path` is on.
    pub(crate) fn file_system(&self, path: &Path) -> nix::Result<FsType> {
        let directory = self.layer(path).open_directory(path)?;
        Ok(fstatfs(directory)?.filesystem_type())
    }

    /// The devices that the root is on, of an overlay both, with the types of their file systems.
    pub(crate) fn root_file_systems(&self) -> nix::Result<Vec<(u64, FsType)>> {
        let lower = self.overlaid.as_ref().map(|overlaid| &*overlaid.lower);
        let roots = [Some(self), lower].into_iter().flatten();
        roots
            .map(|tree| {
                let device = Stat::new(&fstat(&tree.root)?).device;
                Ok((device, fstatfs(&tree.root)?.filesystem_type()))
            })
            .collect()
    }

    /// The entries of the directory at `path`, sorted by their names' bytes. `listed` is what its own entry said.
    pub(crate) fn list(
        &self,
        path: &Path,
        listed: &Stat,
    ) -> Result<Vec<(OsString, Stat)>, Failure> {
        match &self.overlaid {
            Some(overlaid) => overlaid.list(self, path, listed),
            None => self.list_own(path, listed),
        }
    }

    /// Whether [`Tree::list`] reads each directory when it is asked, and nothing but that.
    pub(crate) fn lists_plainly(&self) -> bool {
        self.overlaid.is_none() && !self.ahead.is_in_use()
    }

    /// What the entries with these names in the directory at `path` are; `listed` is what its own entry said. Nothing if
    /// one of them is not there. For trees that [list plainly](Tree::lists_plainly).
    pub(crate) fn stat_all(
        &self,
        path: &Path,
        listed: &Stat,
        names: &[&OsStr],
    ) -> Result<Option<Vec<Stat>>, Failure> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        let directory = self.open_at(path, flags).map_err(Failure::of_listed)?;
        if !Stat::new(&fstat(&directory)?).same_object(listed) {
            return Err(Failure::Changed);
        }
        let mut stats = Vec::with_capacity(names.len());
        for name in names {
            match fstatat(&directory, *name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(stat) => stats.push(Stat::new(&stat)),
                // Whatever it is, the directory's own names tell it better.
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(stats))
    }

    /// The entries of the directory itself, whatever is below it.
    fn list_own(&self, path: &Path, listed: &Stat) -> Result<Vec<(OsString, Stat)>, Failure> {
        match self.ahead.take(path, listed) {
            Some(entries) => Ok(entries),
            None => self.list_now(path, listed),
        }
    }

    fn list_now(&self, path: &Path, listed: &Stat) -> Result<Vec<(OsString, Stat)>, Failure> {
        let directory = self.open_directory(path).map_err(Failure::of_listed)?;
        // What a listing of kinds says of a folder is not enough to know it again by.
        if !self.kinds_only && !Stat::new(&fstat(&directory)?).same_object(listed) {
            return Err(Failure::Changed);
        }
        // `readdir` would ask three things more about each folder.
        let mut buffer = [MaybeUninit::uninit(); NAMES];
        let mut listing = RawDir::new(&directory, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = listing.next() {
            let entry = entry.map_err(|error| Failure::Io(error.into()))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let kind = match entry.file_type() {
                    // What is read has to be known exactly.
                    _ if !self.kinds_only || name.ends_with(b"ignore") => None,
                    FileType::RegularFile => Some(Kind::File),
                    FileType::Symlink => Some(Kind::Link),
                    FileType::Directory => Some(Kind::Directory),
                    _ => None,
                };
                names.push((OsString::from_vec(name.to_vec()), kind));
            }
        }
        names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        names
            .into_iter()
            .map(|(name, kind)| {
                if let Some(kind) = kind {
                    return Ok((name, Stat::of_kind(kind, listed)));
                }
                let stat = fstatat(&directory, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
                Ok((name, Stat::new(&stat.map_err(Failure::of_listed)?)))
            })
            .collect()
    }

    /// Opens the file at `path`, which has to be the one of which `listed` tells.
    pub(crate) fn open_file(&self, path: &Path, listed: &Stat) -> Result<File, Failure> {
        let file = self.open_any(path)?;
        self::unchanged(&file, listed)?;
        Ok(file)
    }

    /// Opens what is at `path` now: only [`unchanged`] after the last read tells whether that was what was listed.
    pub(crate) fn open_any(&self, path: &Path) -> Result<File, Failure> {
        // O_NONBLOCK: if the file has become a FIFO since, opening it must not wait for a writer.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let file = self.layer(path).open_at(path, flags);
        file.map(File::from).map_err(Failure::of_listed)
    }

    /// Gives everything, the folder itself too, to `owner` (user and group id); links are given, not followed.
    pub(crate) fn give(&self, owner: (u32, u32)) -> std::io::Result<()> {
        let (user, group) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        let mut folders = vec![(PathBuf::new(), Stat::new(&fstat(&self.root)?))];
        while let Some((folder, stat)) = folders.pop() {
            let entries = self.list(&folder, &stat).map_err(|failure| match failure {
                Failure::Io(error) => error,
                Failure::Changed => std::io::Error::other("it changed meanwhile"),
            })?;
            for (name, stat) in entries {
                let path = folder.join(name);
                self.at(&path, |directory, rest| {
                    fchownat(
                        directory,
                        rest,
                        Some(user),
                        Some(group),
                        AtFlags::AT_SYMLINK_NOFOLLOW,
                    )
                })?;
                if stat.kind == Kind::Directory {
                    folders.push((path, stat));
                }
            }
        }
        fchown(&self.root, Some(user), Some(group))?;
        Ok(())
    }

    /// Where the link at `path` points.
    pub(crate) fn read_link(&self, path: &Path) -> Result<PathBuf, Failure> {
        self.layer(path)
            .at(path, |directory, rest| readlinkat(directory, rest))
            .map(PathBuf::from)
            .map_err(|errno| match errno {
                Errno::EINVAL => Failure::Changed,
                other => Failure::of_listed(other),
            })
    }
}

/// Fails if the open `file` is not, or no longer, what `listed` tells.
pub(crate) fn unchanged(file: impl AsFd, listed: &Stat) -> Result<(), Failure> {
    if Stat::new(&fstat(file)?).same_content(listed) {
        Ok(())
    } else {
        Err(Failure::Changed)
    }
}

/// `directory` joined with `name`; faster than [`Path::join`], which looks for absolute names that cannot be here.
pub(crate) fn below(directory: &Path, name: &OsStr) -> PathBuf {
    let directory = directory.as_os_str().as_bytes();
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    if !directory.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name.as_bytes());
    PathBuf::from(OsString::from_vec(path))
}

/// A path for a message: what is no printable UTF-8 is escaped, so that two different names never look the same.
pub(crate) fn show(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '\\' {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The first few of many names for one line of a message, in backticks: `a`, `b` and 3 more.
pub(crate) fn enumerate<'a>(paths: impl IntoIterator<Item = &'a Path>, total: usize) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = paths
        .into_iter()
        .take(SHOWN)
        .map(|path| format!("`{}`", show(path)))
        .collect();
    match total.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_so_that_none_looks_like_another() {
        let show = |bytes: &[u8]| super::show(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(show("näme".as_bytes()), "näme");
        assert_eq!(show(b"a\nb"), "a\\nb");
        assert_eq!(show(b"a\\nb"), "a\\\\nb");
        assert_eq!(show(b"\xff"), "\\xff");
    }

    #[test]
    fn many_names_are_counted() {
        let names: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert_eq!(enumerate(names[..2].iter().map(Path::new), 2), "`0`, `1`");
        assert_eq!(
            enumerate(names.iter().map(Path::new), 9),
            "`0`, `1`, `2`, `3`, `4` and 4 more"
        );
    }

    #[test]
    fn a_directory_that_became_a_link_is_not_entered() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path();
        std::fs::create_dir(path.join("a")).unwrap();
        std::fs::create_dir(path.join("b")).unwrap();
        let tree = Tree::open(path).unwrap();
        let listed = tree
            .list(Path::new(""), &tree.stat_root().unwrap())
            .unwrap();
        std::fs::remove_dir(path.join("a")).unwrap();
        std::os::unix::fs::symlink("b", path.join("a")).unwrap();
        assert!(matches!(
            tree.list(Path::new("a"), &listed[0].1),
            Err(Failure::Changed)
        ));
        std::fs::remove_file(path.join("a")).unwrap();
        std::fs::rename(path.join("b"), path.join("a")).unwrap();
        assert!(matches!(
            tree.list(Path::new("a"), &listed[0].1),
            Err(Failure::Changed)
        ));
        tree.list(Path::new("a"), &listed[1].1).unwrap();
    }
}
