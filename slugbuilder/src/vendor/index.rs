//! The list of a mirror folder's files.

use super::{VendorError, is_file, write_beside};
use serde::{Deserialize, Serialize};
use slugbuilder_report::ObtainedFile;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

/// The name of the list.
pub const INDEX: &str = "mirror.json";

/// The version that is written, and the newest one that is read.
const VERSION: u32 = 1;

/// What a mirror folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Of the list's format.
    version: u32,
    /// The files, by key.
    pub files: Vec<IndexEntry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct IndexEntry {
    /// What it is looked for by.
    pub key: String,
    /// Where it lies in the folder.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How it is packed.
    pub format: String,
    /// Where it comes from.
    pub provenance: BTreeMap<String, String>,
}

impl IndexEntry {
    pub(super) fn of(file: &ObtainedFile, path: &Path) -> Self {
        Self {
            key: file.key.clone(),
            path: path.to_owned(),
            sha256: file.sha256.clone(),
            format: file.format.clone(),
            provenance: file.provenance.clone(),
        }
    }
}

impl Default for Index {
    fn default() -> Self {
        Self {
            version: VERSION,
            files: Vec::new(),
        }
    }
}

impl Index {
    /// Reads the list of `folder`; nothing where there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, VendorError> {
        let path = folder.join(INDEX);
        if !is_file(&path)? {
            return Ok(None);
        }
        let text = fs::read(&path).map_err(VendorError::disk(&path))?;
        let refused = |reason: String| VendorError::Index {
            path: path.clone(),
            reason,
        };
        let index: Self =
            serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
        if index.version != VERSION {
            return Err(refused(format!("it is of version {}", index.version)));
        }
        let is_plain = |path: &Path| {
            path.components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        match index.files.iter().find(|entry| !is_plain(&entry.path)) {
            Some(entry) => Err(refused(format!(
                "`{}` is outside of the folder",
                entry.path.display()
            ))),
            None => Ok(Some(index)),
        }
    }

    /// Has the list hold `entry`, and no other one of its key.
    pub(super) fn put(&mut self, entry: IndexEntry) {
        self.files.retain(|other| other.key != entry.key);
        self.files.push(entry);
        self.files.sort_by(|one, other| one.key.cmp(&other.key));
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), VendorError> {
        let path = folder.join(INDEX);
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| VendorError::disk(&path)(error.into()))?;
        text.push(b'\n');
        if fs::read(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        write_beside(&path, |file| file.write_all(&text)).map_err(VendorError::disk(&path))
    }
}
