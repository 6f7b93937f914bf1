//! Who uses an app's folder: whoever holds the lock on the file `lock` in it.
//!
//! Pruning takes whole folders away, lock file and all, and holds the lock while it does. A lock is therefore worth
//! something only if its file is still where it was opened.

use super::{WorkspaceError, make_private};
use crate::stop::{Stop, Stopped};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

/// How often a folder may vanish under our hands before it is no coincidence.
pub(super) const PATIENCE: u32 = 1000;

/// What came of trying to lock a folder.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is ours until this is dropped.
    Held(Flock<File>),
    /// Somebody else uses it.
    InUse,
    /// It was taken away.
    Gone,
}

/// Locks `folder`, which is made where it is not there. `waiting` is called once if there is something to wait for.
pub(super) fn wait(
    folder: &Path,
    stop: &Stop,
    waiting: &dyn Fn(),
) -> Result<Flock<File>, WorkspaceError> {
    let (mut waited, mut vanished) = (0_u32, 0);
    loop {
        make_private(folder)?;
        match attempt(folder)? {
            Attempt::Held(lock) => return Ok(lock),
            Attempt::Gone if vanished == PATIENCE => {
                let text = format!("{} vanishes again and again", folder.display());
                return Err(io::Error::other(text).into());
            }
            Attempt::Gone => vanished += 1,
            Attempt::InUse => {
                // Pruning locks it for a moment, which is not worth a word.
                if waited == 1 {
                    waiting();
                }
                waited = waited.saturating_add(1);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        stop.check().map_err(|stopped| match stopped {
            Stopped::Interrupted => WorkspaceError::Interrupted,
            Stopped::TimedOut => WorkspaceError::TimedOut,
        })?;
    }
}

/// Tries to lock `folder` without waiting.
pub(super) fn attempt(folder: &Path) -> io::Result<Attempt> {
    let path = folder.join("lock");
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Attempt::Gone),
        Err(error) => {
            let text = format!("cannot open {}: {error}", path.display());
            return Err(io::Error::new(error.kind(), text));
        }
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) if is_at(&lock, &path) => Ok(Attempt::Held(lock)),
        Ok(_) => Ok(Attempt::Gone),
        Err((_, Errno::EWOULDBLOCK)) => Ok(Attempt::InUse),
        Err((_, error)) => Err(error.into()),
    }
}

/// Whether somebody uses `folder`. Writes nothing.
pub(super) fn in_use(folder: &Path) -> bool {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(folder.join("lock"))
        .is_ok_and(|file| {
            matches!(
                Flock::lock(file, FlockArg::LockSharedNonblock),
                Err((_, Errno::EWOULDBLOCK))
            )
        })
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}
