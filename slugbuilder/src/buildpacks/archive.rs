//! Archives of buildpacks, unpacked into the cache under the checksum of their content.

use super::SelectionError;
use crate::sandbox::SandboxOptions;
use crate::stop::{Stop, Stoppable};
use crate::workspace::{self, remove_tree};
use fs_err as fs;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use slugbuilder_fetch::{
    Algorithm, Checksum, Format, Limits, Links, Strip, Times, UnpackError, UnpackOptions,
};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The folder in the cache. Its number changes with what is in it.
const FOLDER: &str = "buildpacks-v1";

/// How long what nobody uses stays.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// How often a folder may vanish under our hands before it is no coincidence.
const PATIENCE: u32 = 100;

/// The folder with what is in the archive `file`.
pub(super) fn unpacked(
    file: &Path,
    cache_dir: &Path,
    stop: &Stop,
) -> Result<Unpacked, SelectionError> {
    let failed = |source| SelectionError::Unreadable {
        path: file.to_owned(),
        source,
    };
    // Before it is opened: opening a FIFO would wait for a writer.
    if !fs::metadata(file).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no file")));
    }
    let mut archive = File::open(file).map_err(failed)?;
    let format = format(&archive).map_err(failed)?;
    archive.rewind().map_err(failed)?;
    let reading = Stoppable {
        inner: &archive,
        stop,
    };
    let checksum = Checksum::of(Algorithm::Sha256, reading).map_err(|source| {
        stop.check()
            .map_or_else(SelectionError::Stopped, |()| failed(source))
    })?;
    archive.rewind().map_err(failed)?;

    let bucket = workspace::bucket(cache_dir, FOLDER)?;
    let folder = bucket.join(checksum.hex());
    forget_unused(&bucket, &folder);
    for _ in 0..PATIENCE {
        stop.check().map_err(SelectionError::Stopped)?;
        if let Some(in_use) = InUse::of(&folder).map_err(failed)? {
            // Its time says when it was last used.
            let _ = in_use.lock.set_modified(SystemTime::now());
            if folder.join("oci-layout").exists() {
                return Err(SelectionError::Oci {
                    path: file.to_owned(),
                });
            }
            return Ok(Unpacked { folder, in_use });
        }
        archive.rewind().map_err(failed)?;
        let staged = Staged::of(&archive, format, &bucket, stop).map_err(|source| {
            stop.check()
                .map_or_else(SelectionError::Stopped, |()| SelectionError::Unpack {
                    path: file.to_owned(),
                    source,
                })
        })?;
        staged.publish(&folder).map_err(failed)?;
    }
    let why = format!("`{}` vanishes again and again", folder.display());
    Err(failed(io::Error::other(why)))
}

/// What an archive was unpacked to.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) folder: PathBuf,
    pub(super) in_use: InUse,
}

/// Keeps a folder in the cache from being pruned until the last clone of this is dropped: a shared lock on the folder.
#[derive(Debug, Clone)]
pub struct InUse {
    lock: Arc<Flock<File>>,
}

impl InUse {
    /// Uses `folder`; nothing where there is none.
    fn of(folder: &Path) -> io::Result<Option<Self>> {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY)
            .open(folder);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Who removes it holds a lock for a moment only.
        let lock = loop {
            match Flock::lock(file, FlockArg::LockShared) {
                Ok(lock) => break lock,
                Err((again, Errno::EINTR)) => file = again,
                Err((_, error)) => return Err(error.into()),
            }
        };
        // It may have been taken away before it was locked.
        let is_there = match (lock.metadata(), folder.symlink_metadata()) {
            (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
            _ => false,
        };
        Ok(is_there.then(|| Self {
            lock: Arc::new(lock),
        }))
    }
}

/// An archive that is unpacked but has no name yet that anyone would look for.
struct Staged {
    folder: TempDir,
    /// Of `folder`.
    _in_use: InUse,
}

impl Staged {
    fn of(archive: &File, format: Format, bucket: &Path, stop: &Stop) -> Result<Self, UnpackError> {
        let made = || {
            for _ in 0..PATIENCE {
                let folder = tempfile::Builder::new()
                    .prefix(".new-")
                    .tempdir_in(bucket)?;
                if let Some(in_use) = InUse::of(folder.path())? {
                    return Ok((folder, in_use));
                }
            }
            Err(io::Error::other("it vanishes again and again"))
        };
        let (folder, in_use) = made().map_err(|source| UnpackError::Disk {
            action: "create a folder in",
            path: bucket.to_owned(),
            source,
        })?;
        let staged = Self {
            folder,
            _in_use: in_use,
        };
        let options = UnpackOptions {
            strip: Strip::Components(0),
            keep: &|_| true,
            links: Links::Inside,
            times: Times::Archive,
            for_owner: false,
            limits: Limits::default(),
        };
        let reading = Stoppable {
            inner: archive,
            stop,
        };
        slugbuilder_fetch::unpack(reading, format, &staged.content(), &options)?;
        // Before it has its name: whoever finds that need not look at the modes again.
        open_to_builds(&staged.content());
        Ok(staged)
    }

    fn content(&self) -> PathBuf {
        self.folder.path().join("content")
    }

    fn publish(&self, folder: &Path) -> io::Result<()> {
        let content = self.content();
        // Linux moves only folders that their owner may write to.
        let mode = content.symlink_metadata()?.permissions().mode();
        fs::set_permissions(&content, PermissionsExt::from_mode(mode | 0o700))?;
        match fs::rename(&content, folder) {
            // Another build was faster.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
                ) =>
            {
                remove_tree(&content)
            }
            other => other,
        }
    }
}

/// Lets the uid that programs run as, where that is not ours, read what was packed for its owner's eyes only. Whoever
/// could not be let in meets an error that names the file.
fn open_to_builds(folder: &Path) {
    if SandboxOptions::owner().is_none() {
        return;
    }
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let mode = metadata.permissions().mode();
        let open = mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6;
        if !metadata.is_symlink() && open != mode {
            let _ = fs::set_permissions(entry.path(), PermissionsExt::from_mode(open));
        }
    }
}

/// What the first bytes say; a plain tar says nothing at its beginning.
fn format(mut file: &File) -> io::Result<Format> {
    let mut beginning = Vec::new();
    (&mut file).take(6).read_to_end(&mut beginning)?;
    Ok(match beginning.as_slice() {
        [0x1f, 0x8b, ..] => Format::TarGz,
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Format::TarXz,
        _ => Format::Tar,
    })
}

/// Removes what was not used for long. What cannot be removed is tried again next time.
fn forget_unused(bucket: &Path, wanted: &Path) {
    let Ok(entries) = fs::read_dir(bucket) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let age = path
            .symlink_metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|used| used.elapsed().ok());
        if path != wanted && age.is_some_and(|age| age > KEPT) {
            let _ = remove_unless_used(&path, bucket);
        }
    }
}

/// Removes all of them that no build uses.
pub(crate) fn forget_all(cache_dir: &Path) -> io::Result<()> {
    let bucket = cache_dir.join(FOLDER);
    let entries = match fs::read_dir(&bucket) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        remove_unless_used(&entry?.path(), &bucket)?;
    }
    Ok(())
}

fn remove_unless_used(path: &Path, bucket: &Path) -> io::Result<()> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path);
    let trash = {
        // What cannot be opened cannot be in use, either.
        let _held = match opened.map(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock)) {
            Ok(Ok(held)) => Some(held),
            Ok(Err((_, Errno::EWOULDBLOCK))) => return Ok(()),
            Ok(Err((_, error))) => return Err(error.into()),
            Err(_) => None,
        };
        // At once, so that nobody finds one half: removing takes its time, and may be cut short.
        let trash = tempfile::Builder::new()
            .prefix(".trash-")
            .tempdir_in(bucket)?;
        match fs::rename(path, trash.path().join("content")) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            // Linux moves only folders that their owner may write to.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                drop(trash);
                return remove_tree(path);
            }
            other => other?,
        }
        trash.keep()
    };
    match remove_tree(&trash) {
        // Another process was faster.
        Err(_) if trash.symlink_metadata().is_err() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(machine: &Path, mode: u32) -> File {
        let mut builder = tar::Builder::new(File::create_new(machine.join("x.tar")).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(mode);
        builder
            .append_data(&mut header, "bin/build", &b"x"[..])
            .unwrap();
        builder.into_inner().unwrap();
        File::open(machine.join("x.tar")).unwrap()
    }

    #[test]
    fn what_is_being_unpacked_is_not_pruned() {
        let machine = tempfile::tempdir().unwrap();
        let bucket = machine.path().join(FOLDER);
        fs::create_dir(&bucket).unwrap();
        let archive = packed(machine.path(), 0o755);
        let staged = Staged::of(&archive, Format::Tar, &bucket, &Stop::default()).unwrap();
        forget_all(machine.path()).unwrap();
        staged.publish(&bucket.join("name")).unwrap();
        let used = InUse::of(&bucket.join("name")).unwrap().unwrap();
        drop(staged);
        forget_all(machine.path()).unwrap();
        assert!(bucket.join("name/bin/build").exists());
        drop(used);
        forget_all(machine.path()).unwrap();
        assert_eq!(fs::read_dir(&bucket).unwrap().count(), 0);
        assert!(InUse::of(&bucket.join("name")).unwrap().is_none());
    }

    #[test]
    fn who_is_second_takes_what_the_first_unpacked() {
        let machine = tempfile::tempdir().unwrap();
        let archive = packed(machine.path(), 0o755);
        for _ in 0..2 {
            let mut again = &archive;
            again.rewind().unwrap();
            let staged = Staged::of(again, Format::Tar, machine.path(), &Stop::default()).unwrap();
            staged.publish(&machine.path().join("name")).unwrap();
        }
        // And the archive.
        assert_eq!(fs::read_dir(machine.path()).unwrap().count(), 2);
    }

    #[test]
    #[ignore = "needs root"]
    fn what_root_unpacks_is_open_to_builds_before_it_has_its_name() {
        let machine = tempfile::tempdir().unwrap();
        let archive = packed(machine.path(), 0o700);
        let staged = Staged::of(&archive, Format::Tar, machine.path(), &Stop::default()).unwrap();
        for name in ["", "bin", "bin/build"] {
            let metadata = fs::metadata(staged.content().join(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o555, 0o555, "{name}");
        }
    }
}
