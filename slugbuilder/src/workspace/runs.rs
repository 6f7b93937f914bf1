//! The folders of running apps.

use super::trash;
use fs_err as fs;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Name of the folder of all runs.
pub(super) const BUCKET: &str = "runs-v1";

/// Start of the names of folders of runs.
const RUN: &str = "run-";

/// Makes and locks a folder in `bucket`, and throws away those of runs that were killed.
pub(super) fn make(cache_dir: &Path, bucket: &Path) -> io::Result<(PathBuf, Flock<std::fs::File>)> {
    // Nobody else makes or takes away folders meanwhile, so one without a held lock is one that was left.
    let _held = lock_runs(cache_dir)?;
    throw_away_left(bucket)?;
    let folder = tempfile::Builder::new()
        .prefix(RUN)
        .tempdir_in(bucket)?
        .keep();
    let file = fs::File::create(folder.join("lock"))?.into_parts().0;
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, error)| io::Error::from(error))?;
    Ok((folder, lock))
}

/// Removes the folders of runs that were killed.
pub(super) fn clear(cache_dir: &Path, bucket: &Path) -> io::Result<()> {
    {
        let _held = lock_runs(cache_dir)?;
        throw_away_left(bucket)?;
    }
    trash::sweep(bucket)
}

/// The folders of runs.
pub(super) fn folders(bucket: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(bucket)? {
        let entry = entry?;
        if entry.file_name().as_bytes().starts_with(RUN.as_bytes()) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn throw_away_left(bucket: &Path) -> io::Result<()> {
    for folder in folders(bucket)? {
        throw_away_if_left(&folder, bucket)?;
    }
    Ok(())
}

/// Keeps other runs from making folders and from taking them away. It is held for moments only.
fn lock_runs(cache_dir: &Path) -> io::Result<Flock<std::fs::File>> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(cache_dir.join("runs-v1.lock"))?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(lock) => return Ok(lock),
            Err((again, Errno::EINTR)) => file = again,
            Err((_, error)) => return Err(error.into()),
        }
    }
}

/// Renames the folder of a run that was killed, holding its lock meanwhile; what is in use stays.
fn throw_away_if_left(folder: &Path, bucket: &Path) -> io::Result<()> {
    let _held = match std::fs::File::open(folder.join("lock")) {
        Ok(file) => match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Some(held),
            Err(_) => return Ok(()),
        },
        // It was killed before it made the lock.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => return Ok(()),
    };
    match trash::throw_away(folder, bucket) {
        // It ended just now, and took itself away.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(|_| ()),
    }
}
