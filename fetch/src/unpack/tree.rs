//! The folder that grows while an archive is read.
//!
//! Nothing is ever written through a link: a folder counts as one only if it was made here, and files are opened so
//! that the kernel refuses to follow a link in the last part. All calls name paths relative to the open root, so that
//! names may be as long as the kernel takes.

use super::archive::printable;
use super::{Refusal, UnpackError};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{
    FchmodatFlags, Mode, SFlag, UtimensatFlags, fchmod, fchmodat, fstatat, futimens, mkdirat,
    utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{LinkatFlags, UnlinkatFlags, linkat, symlinkat, unlinkat};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Mode of folders that the archive does not name.
const DEFAULT_DIRECTORY_MODE: u32 = 0o755;

/// Most links that the kernel follows in one path.
const MAX_LINKS_FOLLOWED: usize = 40;

/// The modes and times that folders get when everything is there.
#[derive(Debug, Clone, Copy)]
struct Directory {
    mode: u32,
    modified: Option<u64>,
}

/// A path below the root: parts joined by single `/`, no `.` or `..`, never absolute; empty for the root itself.
pub(super) type Relative = Vec<u8>;

/// The growing folder.
pub(super) struct Tree {
    root: OwnedFd,
    /// What messages call it.
    shown: PathBuf,
    directories: HashMap<Relative, Directory>,
    symlinks: HashMap<Relative, Symlink>,
}

/// A symbolic link.
#[derive(Debug, Clone)]
struct Symlink {
    /// The name that the archive has for it.
    name: Vec<u8>,
    target: Vec<u8>,
}

/// What to write, for errors.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Where it goes.
    pub(super) path: &'a [u8],
    /// The name that the archive has for it.
    pub(super) name: &'a [u8],
}

impl Place<'_> {
    pub(super) fn refused(self, reason: Refusal) -> UnpackError {
        UnpackError::Refused {
            entry: printable(self.name),
            reason,
        }
    }
}

impl Tree {
    /// One in the empty folder `staging`, which will be called `shown`.
    pub(super) fn new(staging: &Path, shown: &Path) -> Result<Self, UnpackError> {
        let root = nix::fcntl::open(
            staging,
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .map_err(|errno| disk("open", shown.to_owned(), errno))?;
        let top = Directory {
            mode: DEFAULT_DIRECTORY_MODE,
            modified: None,
        };
        Ok(Self {
            root,
            shown: shown.to_owned(),
            directories: HashMap::from([(Vec::new(), top)]),
            symlinks: HashMap::new(),
        })
    }

    /// Makes a folder, or gives one that is there its mode and time.
    pub(super) fn directory(
        &mut self,
        place: Place<'_>,
        mode: u32,
        modified: Option<u64>,
    ) -> Result<(), UnpackError> {
        if !self.directories.contains_key(place.path) {
            self.parents(place)?;
            self.make_directory(place.path)
                .map_err(|errno| match errno {
                    Errno::EEXIST => place.refused(self.clash(place.path, "a folder")),
                    errno => self.disk("create", place.path, errno),
                })?;
        }
        self.directories
            .insert(place.path.to_vec(), Directory { mode, modified });
        Ok(())
    }

    /// Makes an empty file, in place of another file or link.
    pub(super) fn file(&mut self, place: Place<'_>, mode: u32) -> Result<File, UnpackError> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(mode);
        let file = self.make(place, "a file", |tree| {
            openat(&tree.root, place.path, flags, mode)
        })?;
        // Again, because the process's mask took part above.
        fchmod(&file, mode).map_err(|errno| self.disk("set the mode of", place.path, errno))?;
        Ok(File::from(file))
    }

    /// Makes a symbolic link, in place of another file or link.
    pub(super) fn symlink(
        &mut self,
        place: Place<'_>,
        target: &[u8],
        modified: Option<u64>,
    ) -> Result<(), UnpackError> {
        if target.is_empty() || target.contains(&0) {
            return Err(place.refused(Refusal::Name("a symbolic link to nothing")));
        }
        self.make(place, "a link", |tree| {
            symlinkat(target, &tree.root, place.path)
        })?;
        if let Some(modified) = modified {
            let time = time(modified);
            utimensat(
                &self.root,
                place.path,
                &time,
                &time,
                UtimensatFlags::NoFollowSymlink,
            )
            .map_err(|errno| self.disk("set the time of", place.path, errno))?;
        }
        let link = Symlink {
            name: place.name.to_vec(),
            target: target.to_vec(),
        };
        self.symlinks.insert(place.path.to_vec(), link);
        Ok(())
    }

    /// Gives the file `target` another name, in place of another file or link.
    pub(super) fn hard_link(
        &mut self,
        place: Place<'_>,
        target: &[u8],
        shown: &[u8],
    ) -> Result<(), UnpackError> {
        let refused = || place.refused(Refusal::HardLink(printable(shown)));
        // As GNU tar writes where a link has several names.
        if let Some(link) = self.symlinks.get(target).cloned() {
            return self.symlink(place, &link.target, None);
        }
        if !self.directories.contains_key(parent(target)) {
            return Err(refused());
        }
        match self.kind_at(target) {
            Some(SFlag::S_IFREG) if target == place.path => Ok(()),
            Some(SFlag::S_IFREG) => self.make(place, "a link", |tree| {
                linkat(
                    &tree.root,
                    target,
                    &tree.root,
                    place.path,
                    LinkatFlags::empty(),
                )
            }),
            _ => Err(refused()),
        }
    }

    /// Gives an open file its time.
    pub(super) fn set_time(
        &self,
        place: Place<'_>,
        file: &File,
        modified: u64,
    ) -> Result<(), UnpackError> {
        let time = time(modified);
        futimens(file, &time, &time)
            .map_err(|errno| self.disk("set the time of", place.path, errno))
    }

    /// An error of writing the file at `place`.
    pub(super) fn write_failed(&self, place: Place<'_>, source: io::Error) -> UnpackError {
        UnpackError::Disk {
            action: "write",
            path: self.full(place.path),
            source,
        }
    }

    /// Makes sure that no symbolic link leads out, also not through others.
    pub(super) fn check_links(&self) -> Result<(), UnpackError> {
        let mut out: Vec<_> = self
            .symlinks
            .iter()
            .filter(|(path, _)| self.leaves(path))
            .collect();
        out.sort_by_key(|(path, _)| path.as_slice());
        match out.first() {
            None => Ok(()),
            Some((path, Symlink { name, target })) => {
                Err(Place { path, name }.refused(Refusal::LinkOutside(printable(target))))
            }
        }
    }

    /// Gives folders their modes and times, the inner ones first: the outer may then close.
    pub(super) fn finish(self) -> Result<(), UnpackError> {
        let mut directories: Vec<_> = self.directories.iter().collect();
        directories.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        for (path, directory) in directories {
            let name = if path.is_empty() {
                b"."
            } else {
                path.as_slice()
            };
            if let Some(modified) = directory.modified {
                let time = time(modified);
                utimensat(
                    &self.root,
                    name,
                    &time,
                    &time,
                    UtimensatFlags::NoFollowSymlink,
                )
                .map_err(|errno| self.disk("set the time of", path, errno))?;
            }
            let mode = Mode::from_bits_truncate(directory.mode);
            fchmodat(&self.root, name, mode, FchmodatFlags::FollowSymlink)
                .map_err(|errno| self.disk("set the mode of", path, errno))?;
        }
        Ok(())
    }

    /// Makes something that is no folder with `call`; a file or link that is in its place goes.
    fn make<T>(
        &mut self,
        place: Place<'_>,
        what: &'static str,
        call: impl Fn(&Self) -> nix::Result<T>,
    ) -> Result<T, UnpackError> {
        if place.path.is_empty() || self.directories.contains_key(place.path) {
            return Err(place.refused(Refusal::Clash {
                there: "a folder",
                entry: what,
            }));
        }
        self.parents(place)?;
        let result = match call(self) {
            Err(Errno::EEXIST) => {
                // Removed, not overwritten: it may be a link, or have another name too.
                unlinkat(&self.root, place.path, UnlinkatFlags::NoRemoveDir)
                    .map_err(|errno| self.disk("replace", place.path, errno))?;
                self.symlinks.remove(place.path);
                call(self)
            }
            result => result,
        };
        result.map_err(|errno| self.disk("create", place.path, errno))
    }

    /// Makes the folders above `place` that are missing.
    fn parents(&mut self, place: Place<'_>) -> Result<(), UnpackError> {
        if self.directories.contains_key(parent(place.path)) {
            return Ok(());
        }
        let ends = place
            .path
            .iter()
            .enumerate()
            .filter(|&(_, &byte)| byte == b'/')
            .map(|(at, _)| at);
        for end in ends {
            let above = &place.path[..end];
            if self.directories.contains_key(above) {
                continue;
            }
            self.make_directory(above).map_err(|errno| match errno {
                Errno::EEXIST => place.refused(Refusal::Through(printable(above))),
                errno => self.disk("create", above, errno),
            })?;
            let directory = Directory {
                mode: DEFAULT_DIRECTORY_MODE,
                modified: None,
            };
            self.directories.insert(above.to_vec(), directory);
        }
        Ok(())
    }

    /// Until everything is there, each folder is open to its owner and nobody else.
    fn make_directory(&self, path: &[u8]) -> nix::Result<()> {
        mkdirat(&self.root, path, Mode::S_IRWXU)
    }

    fn clash(&self, path: &[u8], entry: &'static str) -> Refusal {
        let there = if self.kind_at(path) == Some(SFlag::S_IFLNK) {
            "a link"
        } else {
            "a file"
        };
        Refusal::Clash { there, entry }
    }

    /// What is at `path`, whose parent is a folder of ours.
    fn kind_at(&self, path: &[u8]) -> Option<SFlag> {
        let status = fstatat(&self.root, path, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
        Some(SFlag::from_bits_truncate(
            status.st_mode & SFlag::S_IFMT.bits(),
        ))
    }

    /// Whether the symbolic link at `path` leads out of the root, when links on its way are followed as the kernel does.
    fn leaves(&self, path: &[u8]) -> bool {
        let mut here: Vec<u8> = parent(path).to_vec();
        let mut followed = 0;
        let mut to_do: Vec<&[u8]> = Vec::new();
        let mut next = self.symlinks.get(path).map(|link| &link.target);
        loop {
            if let Some(target) = next.take() {
                followed += 1;
                if target.starts_with(b"/") {
                    return true;
                }
                if followed > MAX_LINKS_FOLLOWED {
                    // Nothing can be reached through it.
                    return false;
                }
                to_do.extend(target.rsplit(|&byte| byte == b'/'));
            }
            match to_do.pop() {
                None => return false,
                Some(b"" | b".") => {}
                Some(b"..") if here.is_empty() => return true,
                Some(b"..") => here.truncate(parent(&here).len()),
                Some(part) => {
                    let before = here.len();
                    if before > 0 {
                        here.push(b'/');
                    }
                    here.extend_from_slice(part);
                    next = self.symlinks.get(&here).map(|link| &link.target);
                    if next.is_some() {
                        here.truncate(before);
                    }
                }
            }
        }
    }

    fn full(&self, path: &[u8]) -> PathBuf {
        self.shown.join(std::ffi::OsStr::from_bytes(path))
    }

    fn disk(&self, action: &'static str, path: &[u8], errno: Errno) -> UnpackError {
        disk(action, self.full(path), errno)
    }
}

fn disk(action: &'static str, path: PathBuf, errno: Errno) -> UnpackError {
    UnpackError::Disk {
        action,
        path,
        source: errno.into(),
    }
}

/// The folder that `path` is in.
fn parent(path: &[u8]) -> &[u8] {
    &path[..path.iter().rposition(|&byte| byte == b'/').unwrap_or(0)]
}

fn time(seconds: u64) -> TimeSpec {
    TimeSpec::new(i64::try_from(seconds).unwrap_or(i64::MAX), 0)
}
