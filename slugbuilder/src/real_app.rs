//! The real `/app`, made for one build or run where no namespace can be had: root in a container.

use crate::workspace::remove_tree;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};

/// `/app` while it is ours; removed when dropped.
#[derive(Debug)]
pub(crate) struct RealApp {
    path: PathBuf,
    // What it says outlives a process that is killed, so that the next one knows whose the leftovers are.
    register: Flock<File>,
}

impl RealApp {
    /// Takes `path` (`/app`) for one build, owned by `owner`. [`io::ErrorKind::AlreadyExists`] where something of
    /// others is there, [`io::ErrorKind::WouldBlock`] where another slugbuilder uses it.
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
        if left == MADE {
            remove_tree(path)?;
            write_register(&mut register, "")?;
        }
        DirBuilder::new().mode(0o755).create(path)?;
        write_register(&mut register, MADE)?;
        let taken = Self {
            path: path.to_owned(),
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
}

const MADE: &str = "made by slugbuilder";

fn write_register(register: &mut File, text: &str) -> io::Result<()> {
    register.set_len(0)?;
    register.rewind()?;
    register.write_all(text.as_bytes())?;
    register.sync_all()
}

impl Drop for RealApp {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next build: the register still says that it is ours.
        if remove_tree(&self.path).is_ok() {
            let _ = write_register(&mut self.register, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_removed_when_done_and_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let (app, register) = (folder.path().join("app"), folder.path().join("register"));
        let taken = RealApp::take(&app, &register, None).unwrap();
        std::fs::write(app.join("file"), "").unwrap();
        let busy = RealApp::take(&app, &register, None).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::WouldBlock);
        drop(taken);
        assert!(!app.exists());

        let killed = RealApp::take(&app, &register, None).unwrap();
        std::fs::write(app.join("file"), "").unwrap();
        // A kill runs no destructor; only the lock goes.
        let RealApp { register: lock, .. } = &killed;
        let copy = std::fs::read_to_string(&register).unwrap();
        assert_eq!(copy, MADE);
        let _ = lock;
        drop(killed);
        std::fs::create_dir(&app).unwrap();
        std::fs::write(app.join("left"), "").unwrap();
        std::fs::write(&register, MADE).unwrap();
        let taken = RealApp::take(&app, &register, None).unwrap();
        assert!(!app.join("left").exists());
        drop(taken);
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
}
