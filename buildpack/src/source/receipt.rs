//! What the cache holds for which runtime, so that a second build of any app needs neither network nor client.

use super::{Obtained, Provenance, SourceError};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::{Cache, Checksum, Format};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Notes beside the cache, one file for each archive that was got: `receipts-v1/<sha256 of the key>.json`.
///
/// A receipt is written after the archive was verified. It says nothing on its own: the archive is found by its
/// checksum, and the cache verifies that again.
#[derive(Debug)]
pub(crate) struct Receipts {
    folder: PathBuf,
}

/// What was got for a key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Receipt {
    pub(crate) key: String,
    /// Of the file in the cache.
    pub(crate) checksum: Checksum,
    /// As the end of a file's name: `.tar.gz`.
    pub(crate) format: String,
    pub(crate) provenance: Provenance,
}

impl Receipts {
    /// Those beside the cache in `root`.
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            folder: root.join("receipts-v1"),
        }
    }

    /// The archive that was got for `key`, if the cache still has it. A receipt that cannot be read counts as none.
    pub(crate) fn find(&self, key: &str, cache: &Cache) -> Result<Option<Obtained>, SourceError> {
        let Ok(text) = fs_err::read(self.path(key)) else {
            return Ok(None);
        };
        let Ok(receipt) = serde_json::from_slice::<Receipt>(&text) else {
            return Ok(None);
        };
        let Some(format) = Format::of_name(&receipt.format).filter(|_| receipt.key == key) else {
            return Ok(None);
        };
        Ok(cache.find(&receipt.checksum)?.map(|path| Obtained {
            path,
            format,
            provenance: receipt.provenance,
        }))
    }

    /// Every receipt, by key. One that cannot be read counts as none.
    pub(crate) fn all(&self) -> Result<Vec<Receipt>, SourceError> {
        let mut receipts = Vec::new();
        if !self.folder.is_dir() {
            return Ok(receipts);
        }
        for entry in fs_err::read_dir(&self.folder).map_err(SourceError::Disk)? {
            let path = entry.map_err(SourceError::Disk)?.path();
            let text = fs_err::read(path).map_err(SourceError::Disk)?;
            receipts.extend(serde_json::from_slice::<Receipt>(&text));
        }
        receipts.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(receipts)
    }

    /// Remembers what was got for `key`.
    pub(crate) fn keep(
        &self,
        key: &str,
        checksum: &Checksum,
        obtained: &Obtained,
    ) -> Result<(), SourceError> {
        let receipt = Receipt {
            key: key.to_owned(),
            checksum: *checksum,
            format: match obtained.format {
                Format::Tar => ".tar",
                Format::TarGz => ".tar.gz",
                Format::TarXz => ".tar.xz",
            }
            .to_owned(),
            provenance: obtained.provenance.clone(),
        };
        let text = serde_json::to_vec(&receipt).map_err(|error| SourceError::Disk(error.into()))?;
        fs_err::create_dir_all(&self.folder).map_err(SourceError::Disk)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(SourceError::Disk)?;
        file.write_all(&text).map_err(SourceError::Disk)?;
        file.persist(self.path(key))
            .map_err(|error| SourceError::Disk(error.error))?;
        Ok(())
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder
            .join(format!("{}.json", hex::encode(Sha256::digest(key))))
    }
}
