//! How much there is.

use super::{CacheFolderError, downloads};
use crate::workspace::apps::{self, AppFolder};
use crate::workspace::{AppRecord, KEPT_LAYERS, measure};
use slugbuilder_fetch::{Cache, Stored};
use std::path::{Path, PathBuf};

/// What is in a cache folder.
#[derive(Debug)]
pub struct Usage {
    /// The folder.
    pub folder: PathBuf,
    /// The apps, most recently used first.
    pub apps: Vec<AppUsage>,
    /// Archives of runtimes, shared by all apps.
    pub downloads: Tally,
    /// Apps that run, or whose run was killed.
    pub runs: Tally,
}

/// How much of something there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Sum of the files' sizes.
    pub bytes: u64,
}

impl Tally {
    pub(super) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What is kept of an app.
#[derive(Debug, Clone)]
pub struct AppUsage {
    /// Its folder in the cache.
    pub folder: PathBuf,
    /// What the last build of it wrote down; nothing before the first one has succeeded.
    pub record: Option<AppRecord>,
    /// Bytes of the layers of the last build.
    pub layers_bytes: u64,
    /// Bytes of what the archive keeps of the last slug.
    pub slug_bytes: u64,
    /// Bytes of the built app, without its layers, where it is kept.
    pub kept_bytes: u64,
    /// Bytes of everything else: of a running build, or of one that was killed.
    pub other_bytes: u64,
    /// Whether a build uses it now.
    pub in_use: bool,
}

impl AppUsage {
    /// All that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers_bytes
            .saturating_add(self.slug_bytes)
            .saturating_add(self.kept_bytes)
            .saturating_add(self.other_bytes)
    }

    /// The end of the last build, in seconds since 1970.
    #[must_use]
    pub fn last_used(&self) -> Option<u64> {
        self.record.as_ref().map(|record| record.last_used)
    }

    /// Looks through all that there is.
    pub(super) fn measured(folder: &AppFolder) -> Self {
        let bytes_of = |name: &str| measure::bytes(&folder.path().join(name));
        let kept_layers = bytes_of(KEPT_LAYERS);
        let layers_bytes = bytes_of("layers").saturating_add(kept_layers);
        let kept_bytes = bytes_of("kept").saturating_sub(kept_layers);
        let slug_bytes = bytes_of("slug");
        // The few bytes of a record and a lock are none that anybody looks for.
        let other_bytes = bytes_of("build");
        Self {
            folder: folder.path().to_owned(),
            record: folder.record(),
            layers_bytes,
            slug_bytes,
            kept_bytes,
            other_bytes,
            in_use: folder.in_use(),
        }
    }

    /// Takes the record's word.
    pub(super) fn recorded(folder: &AppFolder) -> Self {
        let record = folder.record();
        // A build that failed has dropped them since. They may still be in one that was killed, or runs.
        let of = |name, bytes| {
            if folder.has(name) || folder.has("build") {
                bytes
            } else {
                0
            }
        };
        let layers = if folder.has("layers") {
            "layers"
        } else {
            KEPT_LAYERS
        };
        let [layers_bytes, slug_bytes, kept_bytes] = record.as_ref().map_or([0; 3], |record| {
            [
                of(layers, record.layers_bytes),
                of("slug", record.slug_bytes),
                of("kept", record.kept_bytes),
            ]
        });
        Self {
            folder: folder.path().to_owned(),
            record,
            layers_bytes,
            slug_bytes,
            kept_bytes,
            other_bytes: 0,
            in_use: false,
        }
    }
}

impl Usage {
    /// All that is in the folder, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let apps = self.apps.iter().map(AppUsage::bytes);
        apps.chain([self.downloads.bytes, self.runs.bytes])
            .fold(0, u64::saturating_add)
    }
}

/// Measures what is in `cache_dir`. Writes nothing; a folder that is not there holds nothing.
pub fn usage(cache_dir: &Path) -> Result<Usage, CacheFolderError> {
    let folders = apps::all(cache_dir)?;
    let mut apps: Vec<AppUsage> = folders.iter().map(AppUsage::measured).collect();
    apps.sort_by_key(|app| std::cmp::Reverse(app.last_used()));
    let mut runs = Tally::default();
    for (folder, _) in apps::runs(cache_dir)? {
        runs.add(measure::bytes(&folder));
    }
    Ok(Usage {
        folder: cache_dir.to_owned(),
        apps,
        downloads: tally(&Cache::stored(&downloads(cache_dir))?),
        runs,
    })
}

pub(super) fn tally(stored: &[Stored]) -> Tally {
    let mut tally = Tally::default();
    for file in stored {
        tally.add(file.bytes);
    }
    tally
}
