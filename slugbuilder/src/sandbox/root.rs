//! The root file system while it is being built, when `/` is still that of the host.
//!
//! Parts of it are the app's, whose symbolic links may say anything. They are followed as programs will follow them later,
//! from the root of the sandbox (`openat2(2)`, `RESOLVE_IN_ROOT`; Linux 5.6), so that nothing is made or mounted outside.

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, symlinkat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// How often a path is looked up that others rename meanwhile.
const ATTEMPTS: u32 = 16;

/// An open root. Paths of its methods are those that programs will see, absolute.
pub(super) struct Root(OwnedFd);

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, path, flags, Mode::empty())?))
    }

    /// The folder at `path`, made with its parents where it is not there. A link that leads nowhere is an error.
    pub(super) fn folder(&self, path: &OsStr) -> io::Result<OwnedFd> {
        let mut folder = self.find(Path::new("."), OFlags::DIRECTORY)?;
        let mut reached = PathBuf::new();
        for name in inside(path)?.components() {
            reached.push(name);
            folder = match self.find(&reached, OFlags::DIRECTORY) {
                Err(Errno::NOENT) => {
                    mkdirat(&folder, name.as_os_str(), Mode::from_raw_mode(0o755))?;
                    self.find(&reached, OFlags::DIRECTORY)?
                }
                found => found?,
            };
        }
        Ok(folder)
    }

    /// The file at `path`, made empty where it is not there.
    pub(super) fn file(&self, path: &OsStr) -> io::Result<OwnedFd> {
        match self.find(inside(path)?, OFlags::empty()) {
            Err(Errno::NOENT) => Ok(self.make_file(path, OFlags::EXCL)?.into()),
            found => Ok(found?),
        }
    }

    /// Writes a file of the root itself.
    pub(super) fn write(&self, path: &OsStr, contents: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.make_file(path, OFlags::TRUNC)?, contents)
    }

    /// Makes a symbolic link of the root itself.
    pub(super) fn link(&self, path: &OsStr, target: &OsStr) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(symlinkat(target, parent, name)?)
    }

    fn make_file(&self, path: &OsStr, how: OFlags) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        let flags = how | OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Mode::from_raw_mode(0o644))?;
        Ok(file.into())
    }

    /// The folder that `path` is in, and its name there.
    fn parent(&self, path: &OsStr) -> io::Result<(OwnedFd, OsString)> {
        let path = Path::new(path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        Ok((self.folder(parent.as_os_str())?, name.to_owned()))
    }

    fn find(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match openat2(&self.0, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) if attempts < ATTEMPTS => {}
                found => return found,
            }
        }
    }
}

/// A name for an open file, for system calls that take nothing but names. A mount at it covers the file, which this then
/// still names.
pub(super) fn name_of(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn inside(path: &OsStr) -> io::Result<&Path> {
    Path::new(path)
        .strip_prefix("/")
        .map_err(|_| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn rooted() -> (tempfile::TempDir, PathBuf, Root) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("root");
        fs::create_dir_all(folder.join("app/there")).unwrap();
        fs::create_dir(place.path().join("outside")).unwrap();
        let root = Root::open(&folder).unwrap();
        (place, folder, root)
    }

    #[test]
    fn folders_and_files_are_made_with_their_parents() {
        let (_place, folder, root) = rooted();
        root.folder(OsStr::new("/a/b")).unwrap();
        root.folder(OsStr::new("/a/b")).unwrap();
        root.file(OsStr::new("/c/d")).unwrap();
        root.write(OsStr::new("/c/e"), b"one").unwrap();
        root.write(OsStr::new("/c/e"), b"two").unwrap();
        root.link(OsStr::new("/f/link"), OsStr::new("../c"))
            .unwrap();
        root.folder(OsStr::new("/f/link/g")).unwrap();
        assert!(folder.join("a/b").is_dir() && folder.join("c/g").is_dir());
        assert_eq!(fs::read(folder.join("c/d")).unwrap(), b"");
        assert_eq!(fs::read(folder.join("c/e")).unwrap(), b"two");
        root.folder(OsStr::new("relative")).unwrap_err();
    }

    #[test]
    fn links_lead_nowhere_outside() {
        let (place, folder, root) = rooted();
        let outside = place.path().join("outside");
        symlink(&outside, folder.join("app/absolute")).unwrap();
        symlink("../../outside", folder.join("app/relative")).unwrap();
        symlink("/proc/self/root", folder.join("app/magic")).unwrap();
        symlink(outside.join("file"), folder.join("app/dangling")).unwrap();
        symlink("/app/there", folder.join("app/within")).unwrap();
        for path in ["/app/absolute", "/app/relative", "/app/magic"] {
            root.folder(OsStr::new(path)).unwrap_err();
            let below = format!("{path}/new");
            root.folder(OsStr::new(&below)).unwrap_err();
            root.file(OsStr::new(&below)).unwrap_err();
            root.write(OsStr::new(&below), b"").unwrap_err();
        }
        root.file(OsStr::new("/app/dangling")).unwrap_err();
        root.write(OsStr::new("/app/dangling"), b"").unwrap_err();
        root.folder(OsStr::new("/../../outside/new")).unwrap();
        root.folder(OsStr::new("/app/within/new")).unwrap();
        assert!(folder.join("app/there/new").is_dir());
        assert!(folder.join("outside/new").is_dir());
        assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
    }
}
