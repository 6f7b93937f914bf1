//! What is kept between builds, seen as a whole: how much there is, and keeping it within bounds.
//!
//! Everything in the cache folder can be removed at any time and costs nothing but the time to make it again. Pruning
//! goes by when something was last used, over apps ([`crate::workspace`]) and downloads ([`slugbuilder_fetch::Cache`])
//! alike. An app goes as a whole, and never while a build uses it.

mod after_build;
mod error;
mod prune;
#[cfg(test)]
mod tests;
mod usage;

pub(crate) use after_build::after_build;
pub use error::CacheFolderError;
pub use prune::{PruneOptions, Pruned, forget, prune};
pub use usage::{AppUsage, Tally, Usage, usage};

use std::path::{Path, PathBuf};

/// Default of the bytes that the cache may hold: what GitHub Actions keeps for a repository.
pub const MAX_SIZE: u64 = 10_000_000_000;

/// The cache of a build, and how large it may get.
#[derive(Debug, Clone)]
pub struct CacheFolder {
    /// The folder.
    pub path: PathBuf,
    /// Bytes that it may hold. After each build the least recently used goes until it does; zero keeps nothing.
    pub max_size: u64,
}

/// The folder of the archives of runtimes.
pub(crate) fn downloads(cache_dir: &Path) -> PathBuf {
    cache_dir.join("downloads")
}
