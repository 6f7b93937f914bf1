//! The real `/app`, made for one build or run where no namespace can be had: root in a container.
//!
//! A process that is killed leaves the folder behind, and the next one removes it. A register beside it says which folder
//! that is: by its file system, inode and time of birth, because a path says nothing about who made what is there now.
//! A process that is killed in the instant between making the folder and registering it leaves an empty folder, which
//! the next one takes for someone else's.

use crate::workspace::remove_tree;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// `/app` while it is ours; removed when dropped.
#[derive(Debug)]
pub(crate) struct RealApp {
    path: PathBuf,
    made: Identity,
    owner: Option<(u32, u32)>,
    // What it says outlives a process that is killed, so that the next one knows whose the leftovers are.
    register: Flock<File>,
}

impl RealApp {
    /// Takes `path` (`/app`, absolute and without links) for one build, owned by `owner`.
    /// [`io::ErrorKind::AlreadyExists`] where something of others is there, [`io::ErrorKind::WouldBlock`] where another
    /// slugbuilder uses it.
    pub(crate) fn take(
        path: &Path,
        register: &Path,
        owner: Option<(u32, u32)>,
    ) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(register)?;
        let mut register =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error)?;
        let mut left = String::new();
        register.rewind()?;
        register.read_to_string(&mut left)?;
        // Without a time of birth the inode may have been given to another folder since.
        if Identity::at(path).is_some_and(|there| there.born.is_some() && there.line() == left) {
            remove_unless_mounted(path)?;
        }
        DirBuilder::new().mode(0o755).create(path)?;
        let made = Identity::at(path).ok_or(io::ErrorKind::NotFound)?;
        write_register(&mut register, &made.line())?;
        let taken = Self {
            path: path.to_owned(),
            made,
            owner,
            register,
        };
        if let Some((uid, gid)) = owner {
            chown(path, Some(uid), Some(gid))?;
        }
        Ok(taken)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what is there now is this build's or run's: the folder that was made, or one that a slug was unpacked to
    /// in its stead, which belongs to the user of builds and runs alone.
    fn is_there(&self) -> bool {
        let given = || {
            let metadata = self.path.symlink_metadata().ok()?;
            Some(metadata.is_dir() && Some((metadata.uid(), metadata.gid())) == self.owner)
        };
        Identity::at(&self.path).is_some_and(|there| there == self.made) || given() == Some(true)
    }
}

impl Drop for RealApp {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next build: the register still says that it is ours.
        if self.is_there() && remove_unless_mounted(&self.path).is_ok() {
            let _ = write_register(&mut self.register, "");
        }
    }
}

/// Which folder it is, whatever its path says.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    /// Nanoseconds since 1970, where the file system knows.
    born: Option<u128>,
}

impl Identity {
    /// The folder at `path`; nothing where there is none or a link.
    fn at(path: &Path) -> Option<Self> {
        let metadata = path.symlink_metadata().ok()?;
        metadata.is_dir().then(|| Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            born: born(&metadata),
        })
    }

    /// As it is registered.
    fn line(&self) -> String {
        let born = self.born.map_or_else(
            || "unknown".to_owned(),
            |nanoseconds| nanoseconds.to_string(),
        );
        format!("{}:{} born {born}\n", self.device, self.inode)
    }
}

fn born(metadata: &Metadata) -> Option<u128> {
    let created = metadata.created().ok()?;
    Some(created.duration_since(UNIX_EPOCH).ok()?.as_nanos())
}

fn write_register(register: &mut File, text: &str) -> io::Result<()> {
    register.set_len(0)?;
    register.rewind()?;
    register.write_all(text.as_bytes())?;
    register.sync_all()
}

/// Removes a folder that we made, but never what somebody has mounted there since.
fn remove_unless_mounted(path: &Path) -> io::Result<()> {
    let mounts = std::fs::read("/proc/self/mountinfo")?;
    if mounts_below(&mounts, path) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    remove_tree(path)
}

/// Whether something is mounted at `path` or below it, by the lines of `proc_pid_mountinfo(5)`.
fn mounts_below(mountinfo: &[u8], path: &Path) -> bool {
    mountinfo.split(|&byte| byte == b'\n').any(|line| {
        let mounted = line.split(|&byte| byte == b' ').nth(4);
        mounted
            .and_then(|mounted| mounted.strip_prefix(path.as_os_str().as_bytes()))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As SIGKILL ends it: no destructor runs, and the kernel releases the lock.
    fn kill(taken: RealApp) {
        File::unlock(&taken.register).unwrap();
        std::mem::forget(taken);
    }

    #[test]
    fn it_is_removed_when_done() {
        let folder = tempfile::tempdir().unwrap();
        let (app, register) = (folder.path().join("app"), folder.path().join("register"));
        let taken = RealApp::take(&app, &register, None).unwrap();
        std::fs::write(app.join("file"), "").unwrap();
        let busy = RealApp::take(&app, &register, None).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::WouldBlock);
        drop(taken);
        assert!(!app.exists());
    }

    #[test]
    fn what_a_kill_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (app, register) = (folder.path().join("app"), folder.path().join("register"));
        let killed = RealApp::take(&app, &register, None).unwrap();
        std::fs::write(app.join("left"), "").unwrap();
        kill(killed);
        assert!(app.join("left").exists());
        let taken = RealApp::take(&app, &register, None).unwrap();
        assert!(!app.join("left").exists());
        drop(taken);
        assert!(!app.exists());
    }

    #[test]
    fn what_others_made_after_a_kill_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (app, register) = (folder.path().join("app"), folder.path().join("register"));
        kill(RealApp::take(&app, &register, None).unwrap());
        // The file system may give the same inode again.
        std::fs::remove_dir(&app).unwrap();
        std::fs::create_dir(&app).unwrap();
        std::fs::write(app.join("theirs"), "").unwrap();
        let error = RealApp::take(&app, &register, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(app.join("theirs").exists());
    }

    #[test]
    fn what_others_put_into_its_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (app, register) = (folder.path().join("app"), folder.path().join("register"));
        let taken = RealApp::take(&app, &register, None).unwrap();
        std::fs::rename(&app, folder.path().join("moved")).unwrap();
        std::fs::create_dir(&app).unwrap();
        std::fs::write(app.join("theirs"), "").unwrap();
        drop(taken);
        assert!(app.join("theirs").exists());
    }

    #[test]
    fn what_others_have_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (app, register) = (folder.path().join("app"), folder.path().join("register"));
        std::fs::create_dir(&app).unwrap();
        std::fs::write(app.join("theirs"), "").unwrap();
        let error = RealApp::take(&app, &register, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(app.join("theirs").exists());
    }

    #[test]
    fn mounts_are_seen() {
        let mountinfo = b"29 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            31 29 8:1 /data /app/data rw - ext4 /dev/sda1 rw\n\
            32 29 8:1 /x /apple rw - ext4 /dev/sda1 rw\n";
        for (path, mounted) in [
            ("/app", true),
            ("/app/data", true),
            ("/apple", true),
            ("/app/data/more", false),
            ("/appl", false),
        ] {
            assert_eq!(mounts_below(mountinfo, Path::new(path)), mounted, "{path}");
        }
        let error = remove_unless_mounted(Path::new("/proc")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
