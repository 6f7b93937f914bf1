//! Skeleton of the cache.

use crate::{Checksum, Client, Download, FetchError};
use slugbuilder_report::{Explain, Fault, Reporter};
use std::io;
use std::path::{Path, PathBuf};

/// Why the cache failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Reading or writing failed.
    #[error("cannot {action} `{path}` of the cache", path = .path.display())]
    Disk {
        /// `create`, `read`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that was to be kept is not what it should be.
    #[error("`{path}` does not have the expected checksum", path = .path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: Checksum,
        /// What it is.
        actual: Checksum,
    },
}

impl Explain for CacheError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "cache-disk",
            Self::Checksum { .. } => "cache-checksum",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Disk { .. } => Fault::Io,
            Self::Checksum { .. } => Fault::Unavailable,
        }
    }
}

/// A verified file of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is. Open it soon: [`Cache::prune`] of another process may remove it.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Checksum,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it was there already.
    pub from_cache: bool,
}

/// A file that was put into the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// Where it is.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Checksum,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What [`Cache::prune`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that are left.
    pub remaining_bytes: u64,
}

/// Archives by checksum.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the cache in the folder `root`, which is created if need be.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The path of the content with this checksum, verified now.
    pub fn find(&self, _checksum: &Checksum) -> Result<Option<PathBuf>, CacheError> {
        Ok(None)
    }

    /// Copies `file` into the cache; with `expected`, only if it is that.
    pub fn insert(
        &self,
        file: &Path,
        _expected: Option<&Checksum>,
    ) -> Result<Inserted, CacheError> {
        Err(CacheError::Disk {
            action: "read",
            path: self.root.join(file),
            source: io::ErrorKind::Unsupported.into(),
        })
    }

    /// Finds `request` by its checksum, or downloads and keeps it. Without a checksum it is always downloaded.
    pub fn fetch(
        &self,
        client: &Client,
        request: &Download,
        reporter: &dyn Reporter,
    ) -> Result<Fetched, FetchError> {
        let path = self.root.join("fetched");
        let downloaded = client.download(request, &path, reporter)?;
        Ok(Fetched {
            path,
            sha256: downloaded.sha256,
            bytes: downloaded.bytes,
            from_cache: false,
        })
    }

    /// Removes the least recently used files until at most `max_bytes` are left.
    pub fn prune(&self, _max_bytes: u64) -> Result<Pruned, CacheError> {
        Ok(Pruned::default())
    }
}
