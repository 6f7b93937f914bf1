//! Files that appear whole or not at all.
//!
//! A file is written under a temporary name beside its final one and renamed when it is whole, so that nobody ever sees
//! half of it and an earlier file of that name stays until then. The writer holds a lock on the temporary file. A run
//! that is killed leaves it behind without the lock, and the next run that writes the same file removes it.
//!
//! The file is not synced to the disk before it is renamed: this protects from killed runs, not from power failures.

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::unistd::AccessFlags;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions, TryLockError};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// End of the name under which a file is kept that grew too large for its purpose.
const OVERSIZE: &str = ".oversize";

/// End of the names of temporary files.
const TEMPORARY: &str = ".tmp";

/// Bytes of the final name that a temporary name repeats, so that long names do not become too long.
const REPEATED: usize = 200;

fn temporary_prefix(name: &OsStr) -> OsString {
    let name = name.as_bytes();
    OsString::from_vec([b".", &name[..name.len().min(REPEATED)], b"."].concat())
}

fn is_temporary(output: &OsStr, name: &OsStr) -> bool {
    let prefix = temporary_prefix(output);
    let middle = name.as_bytes().strip_prefix(prefix.as_bytes());
    let random = middle.and_then(|middle| middle.strip_suffix(TEMPORARY.as_bytes()));
    random.is_some_and(|random| !random.is_empty() && random.iter().all(u8::is_ascii_alphanumeric))
}

fn oversize_name(name: &OsStr) -> OsString {
    let mut name = name.to_owned();
    name.push(OVERSIZE);
    name
}

/// Whether an entry called `name` is the output called `output` or one of the files that writing it can leave beside it.
pub(crate) fn belongs_to(output: &OsStr, name: &OsStr) -> bool {
    name == output || name == oversize_name(output) || is_temporary(output, name)
}

/// Letters and digits of a temporary name that are random.
const RANDOM: usize = 6;

/// Ends of the names of files that are written here, by default.
const WRITTEN: [&[u8]; 2] = [b".tgz", b".json"];

/// Whether a name is that of a temporary file, or of a slug that grew too large, whatever the output was called: what
/// killed and refused runs have left.
pub(crate) fn is_left_behind(name: &OsStr) -> bool {
    let name = name.as_bytes();
    if name.ends_with(b".tgz.oversize") {
        return true;
    }
    let middle = name
        .strip_prefix(b".")
        .and_then(|name| name.strip_suffix(TEMPORARY.as_bytes()));
    let Some((output, [b'.', random @ ..])) =
        middle.and_then(|middle| middle.split_at_checked(middle.len().checked_sub(RANDOM + 1)?))
    else {
        return false;
    };
    random.iter().all(u8::is_ascii_alphanumeric)
        && WRITTEN
            .iter()
            .any(|end| output.len() > end.len() && output.ends_with(end))
}

/// A file that is being written and will replace another.
#[derive(Debug)]
pub(crate) struct Replacement {
    temporary: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Replacement {
    /// Begins to write the file at `path`, and removes what killed runs have left of it. What is at `path` already must be
    /// a file: a rename would replace a device such as `/dev/null` for the whole machine.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        let name = path
            .file_name()
            .ok_or_else(|| Error::from(ErrorKind::IsADirectory))?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        refuse_what_is_no_file(&path)?;
        reclaim(directory, name);
        let prefix = temporary_prefix(name);
        loop {
            let temporary = tempfile::Builder::new()
                .prefix(&prefix)
                .suffix(TEMPORARY)
                // As for any new file: the umask takes from these.
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(directory)?;
            temporary.as_file().lock()?;
            // Another run may have taken it for a stale one before it was locked.
            if temporary.as_file().metadata()?.nlink() > 0 {
                return Ok(Self { temporary, path });
            }
        }
    }

    /// Whether [`Replacement::begin`] can be expected to work, found out without writing anything: a build of minutes
    /// should not end with the news that its output has no place.
    pub(crate) fn check(path: &Path) -> Result<()> {
        let path = std::path::absolute(path)?;
        refuse_what_is_no_file(&path)?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        nix::unistd::access(directory, AccessFlags::W_OK | AccessFlags::X_OK).map_err(Error::from)
    }

    /// Whether [`Replacement::finish`] can be expected to work.
    pub(crate) fn check_place(&self) -> Result<()> {
        Self::check(&self.path)
    }

    /// The file that is being written.
    pub(crate) fn as_file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Puts the file into its place.
    pub(crate) fn finish(self) -> Result<()> {
        put_in_place(self.temporary, &self.path)
    }

    /// Keeps the file beside its place, which stays as it was. Returns where.
    pub(crate) fn keep_as_oversize(self) -> Result<PathBuf> {
        let name = oversize_name(self.path.file_name().unwrap_or_default());
        let path = self.path.with_file_name(name);
        self.temporary.persist(&path).map_err(|error| error.error)?;
        Ok(path)
    }
}

/// Gives a file that is whole its final name.
pub(super) fn put_in_place(temporary: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    let name = temporary.path().to_owned();
    // ext4 writes a file out before it lets it replace another (its `auto_da_alloc`), which can take longer than all
    // the rest of a rebuild. To change places with the other one is just as atomic.
    if exchange(&name, path).is_err() {
        // There is nothing at `path` yet, or the file system cannot: then the usual way tells what is wrong, too.
        temporary.persist(path).map_err(|error| error.error)?;
        return Ok(());
    }
    match temporary.close() {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            // What was there is no file, or may not go: it stays in its place.
            exchange(&name, path)?;
            std::fs::remove_file(&name)?;
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Lets two files change places (renameat2(2)).
fn exchange(one: &Path, other: &Path) -> nix::Result<()> {
    let flags = RenameFlags::RENAME_EXCHANGE;
    renameat2(AT_FDCWD, one, AT_FDCWD, other, flags)
}

fn refuse_what_is_no_file(path: &Path) -> Result<()> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => Err(Error::other("it is no regular file")),
        _ => Ok(()),
    }
}

impl Write for Replacement {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        self.temporary.write(buffer)
    }

    fn flush(&mut self) -> Result<()> {
        self.temporary.flush()
    }
}

/// Removes temporary files for `name` that nobody writes any more. What cannot be removed stays, which harms nobody.
fn reclaim(directory: &Path, name: &OsStr) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || !is_temporary(name, &entry.file_name()) {
            continue;
        }
        if let Ok(file) = File::open(entry.path()) {
            match file.try_lock() {
                Ok(()) => drop(std::fs::remove_file(entry.path())),
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_earlier_file_stays_until_the_new_one_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("slug.tgz");
        std::fs::write(&path, "old").unwrap();
        let mut replacement = Replacement::begin(&path).unwrap();
        replacement.write_all(b"half").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        drop(replacement);
        assert_eq!(names(directory.path()), ["slug.tgz"]);
        let mut replacement = Replacement::begin(&path).unwrap();
        replacement.write_all(b"new").unwrap();
        replacement.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["slug.tgz"]);
    }

    #[test]
    fn only_what_nobody_writes_is_reclaimed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("slug.tgz");
        std::fs::write(
            directory.path().join(".slug.tgz.Ab3.tmp"),
            "of a killed run",
        )
        .unwrap();
        std::fs::write(
            directory.path().join(".slug.json.Ab3.tmp"),
            "of another file",
        )
        .unwrap();
        let one = Replacement::begin(&path).unwrap();
        let other = Replacement::begin(&path).unwrap();
        assert_eq!(
            names(directory.path()).len(),
            3,
            "two being written, one of another file"
        );
        one.finish().unwrap();
        other.finish().unwrap();
        assert_eq!(names(directory.path()), [".slug.json.Ab3.tmp", "slug.tgz"]);
    }

    #[test]
    fn devices_and_folders_are_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        for path in [Path::new("/dev/null"), directory.path()] {
            Replacement::begin(path).unwrap_err();
            Replacement::check(path).unwrap_err();
        }
    }

    #[test]
    fn a_folder_that_came_to_be_meanwhile_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("slug.tgz");
        let replacement = Replacement::begin(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("file"), "").unwrap();
        replacement.finish().unwrap_err();
        assert!(path.join("file").is_file());
        assert_eq!(names(directory.path()), ["slug.tgz"]);
    }

    #[test]
    fn a_place_is_checked_without_writing() {
        let directory = tempfile::tempdir().unwrap();
        Replacement::check(&directory.path().join("slug.tgz")).unwrap();
        let error = Replacement::check(&directory.path().join("absent/slug.tgz")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }

    #[test]
    fn a_name_as_long_as_can_be_works() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x".repeat(255));
        Replacement::begin(&path).unwrap().finish().unwrap();
        assert!(path.is_file());
    }
}
