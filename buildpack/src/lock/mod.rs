//! `slugbuilder.lock` as the build sees it: which versions win, and which archives may be used.
//!
//! The platform writes the file ([`slugbuilder_report::lock`]); here it is only read. Nothing is fetched from an address
//! in it: an address names an archive that a source of ours offers, and says which hash that has to have.

mod error;
mod plan;

pub use error::{Drift, LockError};

use crate::catalogue::Catalogues;
use crate::runtime::Runtime;
use crate::source::Provenance;
use crate::version::Version;
use slugbuilder_fetch::Checksum;
use slugbuilder_report::lock::{Located, LockFile, LockFileError, MAX_LOCK_BYTES};
use slugbuilder_report::{Pin, PinKind};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// What a build has to go by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    file: Option<LockFile>,
    is_strict: bool,
}

/// The archive that a lock pins at some location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedArchive {
    /// Its hash.
    pub(crate) hash: Checksum,
    /// `slugbuilder.lock:LINE` of its pin.
    pub(crate) place: String,
}

impl Lock {
    /// Reads the lock at `path`; no file there is no lock. `is_strict` is `--locked`: drift is an error then, and so is a
    /// missing file.
    pub fn read(path: &Path, is_strict: bool) -> Result<Self, LockError> {
        let file = read_text(path)?
            .map(|text| text.parse::<LockFile>())
            .transpose()?;
        if file.is_none() && is_strict {
            return Err(LockError::NoLock);
        }
        Ok(Self { file, is_strict })
    }

    /// A lock of this content.
    #[must_use]
    pub fn of(file: LockFile, is_strict: bool) -> Self {
        Self {
            file: Some(file),
            is_strict,
        }
    }

    /// Whether drift is an error.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Has `catalogues` prefer what is pinned.
    pub(crate) fn tell(&self, catalogues: &mut Catalogues) -> Result<(), LockError> {
        for runtime in Runtime::ALL {
            if let Some(pin) = self.pin(PinKind::Runtime, runtime.name()) {
                catalogues.prefer(runtime, version_of(pin)?);
            }
        }
        Ok(())
    }

    /// The versions of package managers that are pinned, by name; one that is no version counts as none, as it fits nothing.
    pub(crate) fn managers(&self) -> Vec<(String, Version)> {
        let pins = self.file.iter().flat_map(|file| &file.pins);
        pins.map(|pin| &pin.value)
            .filter(|pin| pin.kind == PinKind::PackageManager)
            .filter_map(|pin| Some((pin.name.clone(), Version::parse(&pin.version)?)))
            .collect()
    }

    /// The pin of this name.
    #[must_use]
    pub fn pin(&self, kind: PinKind, name: &str) -> Option<&Located<Pin>> {
        self.file.as_ref()?.pin(kind, name)
    }

    /// What is pinned at `location`.
    pub(crate) fn archive(&self, location: &str) -> Option<LockedArchive> {
        self.file.as_ref()?.pins.iter().find_map(|pin| {
            let archive = pin
                .value
                .archives
                .iter()
                .find(|archive| archive.location == location)?;
            Some(LockedArchive {
                hash: archive.hash.parse().ok()?,
                place: pin.place(),
            })
        })
    }

    /// Whether a source whose archive is at `location` may serve the runtime or package manager `name`; a location that
    /// ends with `:` stands for all that begin with it.
    pub(crate) fn has(&self, kind: PinKind, name: &str, location: &str) -> bool {
        self.pin(kind, name).is_some_and(|pin| {
            pin.value.archives.iter().any(|archive| {
                archive.location == location
                    || location.ends_with(':') && archive.location.starts_with(location)
            })
        })
    }

    /// Why a layer that holds the runtime or package manager `name` cannot be kept: its archive is known not to be the
    /// pinned one, or it is not known.
    pub(crate) fn refuses(
        &self,
        kind: PinKind,
        name: &str,
        provenance: &Provenance,
    ) -> Option<String> {
        let pin = self.pin(kind, name)?;
        let archive = provenance.location.as_ref().map(|location| {
            let mut archives = pin.value.archives.iter();
            archives.find(|one| one.location == *location)
        });
        let is_kept = match archive {
            // From before layers said so.
            None => false,
            // Drift, about which another source may do something with `--locked`.
            Some(None) => !self.is_strict,
            Some(Some(archive)) => provenance.checksum.as_ref().is_none_or(|checksum| {
                !same_algorithm(checksum, &archive.hash) || *checksum == archive.hash
            }),
        };
        (!is_kept).then(|| format!("{} pins another archive", pin.place()))
    }

    /// Checks what was obtained, or kept from the last build, for the runtime or package manager `name` in `version`.
    /// Nothing is drift without a pin of that version.
    pub(crate) fn check(
        &self,
        kind: PinKind,
        name: &str,
        version: &str,
        provenance: &Provenance,
    ) -> Result<Option<Drift>, LockError> {
        let Some(pin) = self.pin(kind, name) else {
            return Ok(None);
        };
        let drift = |reason: String| {
            let drift = Drift::Archive {
                place: pin.place(),
                what: format!("{name} {version}"),
                reason,
            };
            if self.is_strict {
                Err(LockError::Drift(drift))
            } else {
                Ok(Some(drift))
            }
        };
        if pin.value.version != version {
            // Without `--locked`, drift of the version was told when it was planned, but for what only a source knows.
            return if self.is_strict {
                drift(format!("{} came instead of {}", version, pin.value.version))
            } else {
                Ok(None)
            };
        }
        let Some(location) = &provenance.location else {
            return drift(format!(
                "{} is no archive, so that it has no hash",
                provenance.source
            ));
        };
        let archives = &pin.value.archives;
        let Some(archive) = archives.iter().find(|one| one.location == *location) else {
            return drift(format!("`{location}` is not among its archives"));
        };
        let differs = provenance
            .checksum
            .as_ref()
            .is_some_and(|actual| same_algorithm(actual, &archive.hash) && *actual != archive.hash);
        if differs {
            return Err(LockError::Mismatch {
                location: location.clone(),
                place: pin.place(),
                expected: archive.hash.clone(),
                actual: provenance.checksum.clone().unwrap_or_default(),
            });
        }
        Ok(None)
    }
}

fn same_algorithm(one: &str, other: &str) -> bool {
    one.split(':').next() == other.split(':').next()
}

fn version_of(pin: &Located<Pin>) -> Result<Version, LockError> {
    Version::parse(&pin.value.version).ok_or_else(|| {
        LockError::File(LockFileError::Invalid {
            line: pin.line,
            reason: format!("`{}` is not a version: three numbers", pin.value.version),
        })
    })
}

/// The text of a regular file of bounded size.
fn read_text(path: &Path) -> Result<Option<String>, LockError> {
    let unreadable = |source| LockError::Unreadable { source };
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(source)),
        // Opening a FIFO would wait for ever.
        Ok(metadata) if !metadata.is_file() => {
            return Err(unreadable(std::io::Error::other("it is no regular file")));
        }
        Ok(_) => {}
    }
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_LOCK_BYTES + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_LOCK_BYTES {
        return Err(unreadable(std::io::Error::other("it is larger than 1 MiB")));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests;
