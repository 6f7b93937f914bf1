//! The file in the source, which may be anything.

use super::LockError;
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use slugbuilder_report::lock::{LOCK_FILE, LockFile, LockFileError, MAX_LOCK_BYTES};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Start of the names under which locks are written, before tempfile's letters and digits.
const TEMPORARY: &str = ".slugbuilder.lock.";

/// How many letters and digits these are.
const RANDOM: usize = 6;

/// Whether a file of this name is a lock that a killed run has left half-written.
pub(crate) fn is_left_behind(name: &OsStr) -> bool {
    let random = name.as_bytes().strip_prefix(TEMPORARY.as_bytes());
    random.is_some_and(|random| {
        random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
    })
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockChange {
    /// It was written.
    Written,
    /// It is there already, byte by byte.
    Same,
}

/// A lock with the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLock {
    /// What it holds.
    pub lock: LockFile,
    /// As it stands in the file.
    pub text: String,
}

/// The lock in `folder`, the app's; nothing where there is none.
pub fn read(folder: &Path) -> Result<Option<ReadLock>, LockError> {
    let path = folder.join(LOCK_FILE);
    let unreadable = |source| LockError::Unreadable {
        path: path.clone(),
        source,
    };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_file()) => {
            return Err(LockError::NoFile { path });
        }
        Err(source) => return Err(unreadable(source)),
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(LockError::NoFile { path });
    }
    let mut bytes = Vec::new();
    file.take(MAX_LOCK_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_LOCK_BYTES {
        return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        LockFileError::Invalid {
            line: valid.split(|byte| *byte == b'\n').count(),
            reason: "it is not UTF-8".into(),
        }
    })?;
    let lock = text.parse()?;
    Ok(Some(ReadLock { lock, text }))
}

/// Writes `lock` into `folder`: whole under another name, and then renamed. What is there stays unless it is a regular
/// file.
pub fn write(folder: &Path, lock: &LockFile) -> Result<LockChange, LockError> {
    let path = folder.join(LOCK_FILE);
    let unwritable = |source| LockError::Unwritable {
        path: path.clone(),
        source,
    };
    let mode = match fs::symlink_metadata(&path) {
        Ok(there) if !there.is_file() => return Err(LockError::NoFile { path }),
        Ok(there) => there.permissions().mode() & 0o777,
        Err(error) if error.kind() == ErrorKind::NotFound => 0o644,
        Err(source) => return Err(unwritable(source)),
    };
    let text = lock.to_string();
    if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(LockChange::Same);
    }
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(unwritable)?;
    Ok(LockChange::Written)
}
