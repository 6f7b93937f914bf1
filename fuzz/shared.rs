//! What several targets need.

use crate::model::Parts;
use arbitrary::{Result, Unstructured};
use slugbuilder::archive::{ArchiveOptions, Compression, write, write_file};
use slugbuilder_report::Silent;
use std::num::NonZeroUsize;
use std::path::Path;

/// A new folder in memory, where there is such a file system: thousands are made each minute.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

pub(crate) fn options(u: &mut Unstructured<'_>) -> Result<ArchiveOptions> {
    Ok(ArchiveOptions {
        app_time: u.int_in_range(0..=2_000_000_000)?,
        compression: *u.choose(&[Compression::Fast, Compression::Default, Compression::Best])?,
        threads: NonZeroUsize::new(u.int_in_range(1..=4)?),
        ..ArchiveOptions::default()
    })
}

/// Archives `root` with a cache and without: both have to be the same. Returns the bytes, and how many were reused.
pub(crate) fn warm_and_cold(
    root: &Path,
    folder: &Path,
    options: &ArchiveOptions,
) -> (Vec<u8>, u64) {
    let slug = folder.join("slug.tgz");
    let with_cache = ArchiveOptions {
        cache: Some(folder.join("cache")),
        ..options.clone()
    };
    let warm = write_file(root, &Parts, &with_cache, &slug, &Silent).unwrap();
    let bytes = std::fs::read(&slug).unwrap();
    let mut expected = Vec::new();
    let cold = write(root, &Parts, options, &mut expected, &Silent).unwrap();
    assert!(bytes == expected, "warm and cold bytes differ");
    assert_eq!((warm.sha256, warm.diff_id), (cold.sha256, cold.diff_id));
    assert_eq!(
        (warm.size, warm.uncompressed),
        (cold.size, cold.uncompressed)
    );
    (bytes, warm.reused)
}
