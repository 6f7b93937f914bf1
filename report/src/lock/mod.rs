//! `slugbuilder.lock`: pins in a file that people commit. Its fields are described in `docs/lock.md`.

mod error;
mod read;
mod write;

pub use error::LockFileError;

use crate::{Pin, PinKind};

/// The file's name. It lies in the app's folder.
pub const LOCK_FILE: &str = "slugbuilder.lock";

/// No such file is larger, in bytes.
pub const MAX_LOCK_BYTES: u64 = 1 << 20;

/// The version of the format that is written, and the newest one that is read.
pub const LOCK_VERSION: i64 = 1;

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFile {
    /// The stack, with its line.
    pub stack: Located<String>,
    /// The buildpacks in the order in which they build.
    pub buildpacks: Vec<Located<LockedBuildpack>>,
    /// Runtimes and package managers, sorted by kind and name.
    pub pins: Vec<Located<Pin>>,
}

/// A part of the file with the line that it begins on, from 1; 0 for what was not read from a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located<T> {
    /// The line.
    pub line: usize,
    /// The part.
    pub value: T,
}

impl<T> Located<T> {
    /// A part that was not read from a file.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { line: 0, value }
    }

    /// `slugbuilder.lock:LINE`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{LOCK_FILE}:{}", self.line)
    }
}

/// A buildpack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBuildpack {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `sha256:<hex>` of its directory; nothing for the one that slugbuilder carries.
    pub digest: Option<String>,
}

impl LockFile {
    /// The pin of this name.
    #[must_use]
    pub fn pin(&self, kind: PinKind, name: &str) -> Option<&Located<Pin>> {
        self.pins
            .iter()
            .find(|pin| pin.value.kind == kind && pin.value.name == name)
    }

    /// Whether both say the same, wherever it stands.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

#[cfg(test)]
mod tests;
