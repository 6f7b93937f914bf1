//! Taking folders away: first by a new name, at once, and then piece by piece. Whoever is killed in between leaves nothing
//! that could be taken for a work folder, and the next one ends what was begun.

use super::trees::remove_tree;
use fs_err as fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Start of the names of folders that nobody uses any more.
const TRASH: &str = "trash-";

/// Renames `path` to what says that nobody uses it any more, in `bucket`, which is on the same file system.
pub(super) fn throw_away(path: &Path, bucket: &Path) -> io::Result<PathBuf> {
    let made = tempfile::Builder::new().prefix(TRASH).tempdir_in(bucket);
    let trash = made
        .map_err(|error| {
            // Not with the name that was made up for it.
            let why = io::Error::from(error.kind());
            let text = format!("cannot take {} away: {why}", path.display());
            io::Error::new(error.kind(), text)
        })?
        .keep();
    // It takes the place of the empty folder.
    match fs::rename(path, &trash) {
        Ok(()) => Ok(trash),
        Err(error) => {
            let _ = std::fs::remove_dir(&trash);
            Err(error)
        }
    }
}

/// Removes what was thrown away.
pub(super) fn remove(trash: &Path) -> io::Result<()> {
    match remove_tree(trash) {
        // Another process was faster.
        Err(_) if trash.symlink_metadata().is_err() => Ok(()),
        other => other,
    }
}

/// What was thrown away in `bucket` and is still there.
pub(super) fn left(bucket: &Path) -> io::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(bucket)? {
        let entry = entry?;
        if entry.file_name().as_bytes().starts_with(TRASH.as_bytes()) {
            left.push(entry.path());
        }
    }
    Ok(left)
}

/// Removes what killed processes left of it. What cannot be removed is left to the next one.
pub(super) fn sweep(bucket: &Path) -> io::Result<()> {
    for trash in left(bucket)? {
        let _ = remove(&trash);
    }
    Ok(())
}
