//! Keeping a cache small.

use super::CacheError;
use super::store::{Store, regular, remove};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What [`super::Cache::prune`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that are left.
    pub remaining_bytes: u64,
}

/// A file of a cache, as [`super::Cache::stored`] finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// When it was last used. [`super::Cache::prune`] removes files in this order.
    pub used: SystemTime,
    /// Its size.
    pub bytes: u64,
}

/// The contents, least recently used first, with their paths.
fn contents(store: &Store) -> Result<Vec<(Stored, PathBuf)>, CacheError> {
    let mut contents = Vec::new();
    for path in files_in(&store.contents())? {
        if let Some(metadata) = regular(&path)? {
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let bytes = metadata.len();
            contents.push((Stored { used, bytes }, path));
        }
    }
    contents.sort();
    Ok(contents)
}

pub(super) fn stored(store: &Store) -> Result<Vec<Stored>, CacheError> {
    Ok(contents(store)?
        .into_iter()
        .map(|(stored, _)| stored)
        .collect())
}

/// Removes the least recently used contents until the others have at most `max_bytes`, and the notes that lead nowhere.
pub(super) fn prune(store: &Store, max_bytes: u64) -> Result<Pruned, CacheError> {
    let _lock = store.lock()?;
    let contents = contents(store)?;
    let mut pruned = Pruned {
        remaining_bytes: contents.iter().map(|(stored, _)| stored.bytes).sum(),
        ..Pruned::default()
    };
    let mut left: HashSet<String> = HashSet::new();
    for (Stored { bytes, .. }, path) in contents {
        if pruned.remaining_bytes > max_bytes {
            remove(&path)?;
            pruned.remaining_bytes -= bytes;
            pruned.files += 1;
            pruned.bytes += bytes;
        } else if let Some(name) = path.file_name() {
            left.insert(name.to_string_lossy().into_owned());
        }
    }
    for note in files_in(&store.notes())? {
        let leads_somewhere =
            std::fs::read_to_string(&note).is_ok_and(|hex| left.contains(hex.trim()));
        if !leads_somewhere {
            remove(&note)?;
        }
    }
    Ok(pruned)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(CacheError::disk("read", folder)(source)),
    };
    entries
        .map(|entry| Ok(entry.map_err(CacheError::disk("read", folder))?.path()))
        .collect()
}
