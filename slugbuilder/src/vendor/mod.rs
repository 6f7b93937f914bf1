//! A folder with every archive that builds need, so that a machine without a network can build. `docs/lock.md` describes
//! what lies where in it.
//!
//! Files are copied beside their places and renamed, the list of them last: an interrupted run leaves a folder that is
//! right in what it says, and the next one goes on. Nothing is ever removed.

mod error;
mod index;
mod layout;

pub use error::VendorError;
pub use index::{INDEX, Index, IndexEntry};

use nix::fcntl::{Flock, FlockArg};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use slugbuilder_fetch::{Algorithm, Cache, Checksum};
use slugbuilder_report::ObtainedFile;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What became of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendored {
    /// Those that were copied, by their paths in the folder.
    pub added: Vec<PathBuf>,
    /// How many were there.
    pub kept: usize,
    /// Bytes that were copied.
    pub bytes: u64,
}

/// Start of the names of files that are being written.
const NEW: &str = ".slugbuilder-";

/// The name of the file that is locked while a run fills the folder. It stays there.
const LOCK: &str = ".slugbuilder-lock";

/// A folder that this run alone fills: two at once would each write a list without the other's files.
#[derive(Debug)]
pub struct MirrorFolder {
    folder: PathBuf,
    _lock: Flock<File>,
}

impl MirrorFolder {
    /// Makes the folder if need be, and fails where it cannot be written or its list cannot be used: nobody should wait
    /// for downloads to learn of that. Calls `waiting` once if another run fills it, and waits for the end of that.
    pub fn open(folder: &Path, waiting: &dyn Fn()) -> Result<Self, VendorError> {
        fs::create_dir_all(folder).map_err(VendorError::disk(folder))?;
        let path = folder.join(LOCK);
        let failed = |errno: nix::errno::Errno| VendorError::disk(&path)(errno.into());
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o666)
            .custom_flags(O_NOFOLLOW | O_NONBLOCK)
            .open(&path)
            .map_err(VendorError::disk(&path))?;
        let lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((file, nix::errno::Errno::EWOULDBLOCK)) => {
                waiting();
                Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno))?
            }
            Err((_, errno)) => return Err(failed(errno)),
        };
        // That there is a lock says nothing of whether there can be more files.
        tempfile::Builder::new()
            .prefix(NEW)
            .tempfile_in(folder)
            .map_err(VendorError::disk(folder))?;
        Index::read(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// Copies `files`, which builds left in the cache below `cache_dir`, into the folder.
    pub fn add(&self, cache_dir: &Path, files: &[ObtainedFile]) -> Result<Vendored, VendorError> {
        let folder = self.folder.as_path();
        let mut index = Index::read(folder)?.unwrap_or_default();
        let cache = Cache::open(&cache_dir.join("downloads"))?;
        let mut vendored = Vendored::default();
        for file in files {
            let path = layout::path_of(file)?;
            let target = folder.join(&path);
            let checksum = Checksum::from_hex(Algorithm::Sha256, &file.sha256)
                .map_err(|_| VendorError::Report(file.key.clone()))?;
            if is_whole(folder, &path, &checksum)? {
                vendored.kept += 1;
            } else {
                let from = cache
                    .find(&checksum)?
                    .ok_or_else(|| VendorError::Gone(file.key.clone()))?;
                vendored.bytes += copy(&from, &target)?;
                if !is_whole(folder, &path, &checksum)? {
                    return Err(VendorError::Damaged(vec![target]));
                }
                vendored.added.push(path.clone());
            }
            if let Some((name, line)) = layout::sums_of(file, &path) {
                add_line(&folder.join(name), &line)?;
            }
            index.put(IndexEntry::of(file, &path));
            // After every file, so that what was copied counts however this ends.
            index.write(folder)?;
        }
        Ok(vendored)
    }
}

/// Looks at every file that the list of `folder` names. Returns their number.
pub fn check(folder: &Path) -> Result<usize, VendorError> {
    let index = Index::read(folder)?.ok_or_else(|| VendorError::NoFolder(folder.to_owned()))?;
    let mut damaged = Vec::new();
    for entry in &index.files {
        let checksum = Checksum::from_hex(Algorithm::Sha256, &entry.sha256)
            .map_err(|_| VendorError::Report(entry.key.clone()))?;
        if !is_whole(folder, &entry.path, &checksum)? {
            damaged.push(entry.path.clone());
        }
    }
    if damaged.is_empty() {
        Ok(index.files.len())
    } else {
        Err(VendorError::Damaged(damaged))
    }
}

/// Whether the file at `path` in `folder` has this checksum. What is no regular file is an error: it is not ours. So is a
/// folder on the way that is a link: what is below lies elsewhere.
fn is_whole(folder: &Path, path: &Path, checksum: &Checksum) -> Result<bool, VendorError> {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    // The last one is the folder itself, which the user named.
    above.pop();
    for part in above.into_iter().rev() {
        let part = folder.join(part);
        match fs::symlink_metadata(&part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(VendorError::disk(&part)(source)),
            Ok(there) if !there.is_dir() => return Err(VendorError::NoRealFolder(part)),
            Ok(_) => {}
        }
    }
    let path = folder.join(path);
    if !is_file(&path)? {
        return Ok(false);
    }
    File::open(&path)
        .and_then(|file| Checksum::of(Algorithm::Sha256, file))
        .map(|actual| actual == *checksum)
        .map_err(VendorError::disk(&path))
}

/// Whether there is a regular file. Anything else there is an error.
fn is_file(path: &Path) -> Result<bool, VendorError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(VendorError::disk(path)(source)),
        Ok(there) if !there.is_file() => Err(VendorError::InTheWay(path.to_owned())),
        Ok(_) => Ok(true),
    }
}

fn copy(from: &Path, target: &Path) -> Result<u64, VendorError> {
    let copied = (|| {
        let mut source = File::open(from)?;
        write_beside(target, |file| io::copy(&mut source, file))
    })();
    copied.map_err(VendorError::disk(target))
}

/// Writes a file that anybody may read: whole under another name, and then renamed.
fn write_beside<T>(target: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(folder)?;
    let written = write(file.as_file_mut())?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(written)
}

/// Has the list of checksums at `path` hold `line`, and no other one for its file.
fn add_line(path: &Path, line: &str) -> Result<(), VendorError> {
    let name = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    let there = if is_file(path)? {
        fs::read_to_string(path).map_err(VendorError::disk(path))?
    } else {
        String::new()
    };
    let mut lines: Vec<&str> = there
        .lines()
        .filter(|other| name(other) != name(line))
        .collect();
    lines.push(line);
    lines.sort_by_key(|line| name(line));
    let text = lines.join("\n") + "\n";
    if text == there {
        return Ok(());
    }
    write_beside(path, |file| file.write_all(text.as_bytes())).map_err(VendorError::disk(path))
}

#[cfg(test)]
mod tests;
