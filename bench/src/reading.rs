//! Files and trees, looked at without holding them in memory: the benchmark's own memory counts as that of what it
//! starts (see `supervise`).

use crate::error::BenchError;
use serde::{Deserialize, Serialize};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use walkdir::WalkDir;

const BUFFER: usize = 1 << 16;

/// What a tree holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// Files and links.
    pub(crate) files: u64,
    /// Bytes of the files.
    pub(crate) bytes: u64,
}

/// Counts what is below `folder`.
pub(crate) fn contents(folder: &Path) -> Result<Contents, BenchError> {
    let mut contents = Contents::default();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if !entry.file_type().is_dir() {
            contents.files += 1;
            if entry.file_type().is_file() {
                contents.bytes += entry.metadata()?.len();
            }
        }
    }
    Ok(contents)
}

/// Whether two files hold the same bytes.
pub(crate) fn same(one: &Path, other: &Path) -> Result<bool, BenchError> {
    let open = |path: &Path| -> Result<_, BenchError> {
        Ok(BufReader::with_capacity(BUFFER, fs_err::File::open(path)?))
    };
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn files_are_compared_to_their_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let long = vec![7; 3 * BUFFER + 1];
        fs::write(path("a"), &long).unwrap();
        fs::write(path("b"), &long).unwrap();
        fs::write(path("shorter"), &long[1..]).unwrap();
        let mut other = long;
        *other.last_mut().unwrap() = 8;
        fs::write(path("other"), other).unwrap();
        assert!(same(&path("a"), &path("b")).unwrap());
        assert!(!same(&path("a"), &path("shorter")).unwrap());
        assert!(!same(&path("shorter"), &path("a")).unwrap());
        assert!(!same(&path("a"), &path("other")).unwrap());
    }

    #[test]
    fn trees_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), "123").unwrap();
        std::os::unix::fs::symlink("b", folder.path().join("a/link")).unwrap();
        let expected = Contents { files: 2, bytes: 3 };
        assert_eq!(contents(folder.path()).unwrap(), expected);
    }
}
