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

use slugbuilder_fetch::{Algorithm, Cache, Checksum};
use slugbuilder_report::ObtainedFile;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
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

/// Copies `files`, which builds left in the cache below `cache_dir`, into `folder`, which is made if need be.
pub fn vendor(
    folder: &Path,
    cache_dir: &Path,
    files: &[ObtainedFile],
) -> Result<Vendored, VendorError> {
    fs::create_dir_all(folder).map_err(VendorError::disk(folder))?;
    let mut index = Index::read(folder)?.unwrap_or_default();
    let cache = Cache::open(&cache_dir.join("downloads"))?;
    let mut vendored = Vendored::default();
    for file in files {
        let path = layout::path_of(file)?;
        let target = folder.join(&path);
        let checksum = Checksum::from_hex(Algorithm::Sha256, &file.sha256)
            .map_err(|_| VendorError::Report(file.key.clone()))?;
        if is_whole(&target, &checksum)? {
            vendored.kept += 1;
        } else {
            let from = cache
                .find(&checksum)?
                .ok_or_else(|| VendorError::Gone(file.key.clone()))?;
            vendored.bytes += copy(&from, &target, &checksum)?;
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

/// Looks at every file that the list of `folder` names. Returns their number.
pub fn check(folder: &Path) -> Result<usize, VendorError> {
    let index = Index::read(folder)?.ok_or_else(|| VendorError::NoFolder(folder.to_owned()))?;
    let mut damaged = Vec::new();
    for entry in &index.files {
        let checksum = Checksum::from_hex(Algorithm::Sha256, &entry.sha256)
            .map_err(|_| VendorError::Report(entry.key.clone()))?;
        if !is_whole(&folder.join(&entry.path), &checksum)? {
            damaged.push(entry.path.clone());
        }
    }
    if damaged.is_empty() {
        Ok(index.files.len())
    } else {
        Err(VendorError::Damaged(damaged))
    }
}

/// Whether the file at `path` has this checksum. What is no regular file is an error: it is not ours.
fn is_whole(path: &Path, checksum: &Checksum) -> Result<bool, VendorError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(VendorError::disk(path)(source)),
        Ok(there) if !there.is_file() => return Err(VendorError::InTheWay(path.to_owned())),
        Ok(_) => {}
    }
    File::open(path)
        .and_then(|file| Checksum::of(Algorithm::Sha256, file))
        .map(|actual| actual == *checksum)
        .map_err(VendorError::disk(path))
}

fn copy(from: &Path, target: &Path, checksum: &Checksum) -> Result<u64, VendorError> {
    let copied = (|| {
        let mut source = File::open(from)?;
        write_beside(target, |file| io::copy(&mut source, file))
    })();
    let bytes = copied.map_err(VendorError::disk(target))?;
    if is_whole(target, checksum)? {
        Ok(bytes)
    } else {
        Err(VendorError::Damaged(vec![target.to_owned()]))
    }
}

/// Writes a file that anybody may read: whole under another name, and then renamed.
fn write_beside<T>(target: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".slugbuilder-")
        .tempfile_in(folder)?;
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
    let there = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(VendorError::disk(path)(source)),
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
