//! What needs no source to be asked: archives of the cache, and of a mirror folder.

use super::{Kit, MIRROR, Obtained, Provenance, Source, SourceError, mirror_folder};
use crate::lock::LockedArchive;
use slugbuilder_fetch::{Algorithm, CacheError, Checksum, FetchError, Format};
use slugbuilder_report::PinKind;
use std::path::PathBuf;

/// An archive that is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The key of its receipt.
    pub(crate) receipt: &'a str,
    /// What a lock and a mirror folder call it.
    pub(crate) location: &'a str,
    /// Name of the source that it would come from.
    pub(crate) source: &'a str,
    /// How it is packed, where it is kept as it comes; nothing where a client unpacks it and we pack it again.
    pub(crate) format: Option<Format>,
    /// Its checksum, where that is known before.
    pub(crate) known: Option<Checksum>,
}

impl Kit<'_> {
    /// Looks for the archive where no source has to be asked: in the receipts, in the cache by its hash, and in the mirror
    /// folder. With a mirror folder there is nowhere else to look.
    pub(crate) fn at_hand(&self, wanted: &Wanted<'_>) -> Result<Option<Obtained>, SourceError> {
        let locked = self.settings.lock.archive(wanted.location);
        if let Some(mut found) = self.receipts().find(wanted.receipt, self.cache)? {
            let location = &mut found.provenance.location;
            location.get_or_insert_with(|| wanted.location.to_owned());
            let expected = locked.as_ref().map(|locked| locked.hash);
            let expected = expected.or(wanted.known.filter(|_| wanted.format.is_some()));
            if expected.is_none_or(|expected| is_it(&found, &expected)) {
                return Ok(Some(found));
            }
        }
        let known = locked.as_ref().map(|locked| locked.hash).or(wanted.known);
        if let (Some(format), Some(known)) = (wanted.format, &known)
            && let Some(path) = self.cache.find(known)?
        {
            let verified_by = if locked.is_some() {
                "slugbuilder.lock"
            } else {
                "catalogue"
            };
            return self
                .took(wanted, path, format, wanted.source, verified_by)
                .map(Some);
        }
        // A mirror of this runtime alone is its only place.
        match &self.settings.mirror_folder {
            Some(folder) if wanted.source != MIRROR => {
                mirror_folder::get(self, folder, wanted, known.as_ref())
                    .map_err(|error| as_locked(error, wanted.location, locked.as_ref()))
                    .map_err(|error| {
                        if error.another_source_may_help() {
                            error
                        } else {
                            SourceError::OfFolder(Box::new(error))
                        }
                    })
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Remembers a file of the cache as what was wanted.
    fn took(
        &self,
        wanted: &Wanted<'_>,
        path: PathBuf,
        format: Format,
        source: &str,
        verified_by: &str,
    ) -> Result<Obtained, SourceError> {
        let sha256 = fs_err::File::open(&path)
            .and_then(|file| Checksum::of(Algorithm::Sha256, file))
            .map_err(SourceError::Disk)?;
        let obtained = Obtained {
            path,
            format,
            provenance: Provenance {
                source: source.to_owned(),
                checksum: Some(sha256.to_string()),
                verified_by: verified_by.to_owned(),
                location: Some(wanted.location.to_owned()),
            },
        };
        self.receipts().keep(wanted.receipt, &sha256, &obtained)?;
        Ok(obtained)
    }

    /// The hash that the lock has of `location`.
    pub(crate) fn locked_hash(&self, location: &str) -> Option<Checksum> {
        let locked = self.settings.lock.archive(location);
        locked.map(|locked| locked.hash)
    }

    /// `error`, which says so if it is about what the lock pins.
    pub(crate) fn named_after_lock(
        &self,
        error: impl Into<SourceError>,
        location: &str,
    ) -> SourceError {
        let locked = self.settings.lock.archive(location);
        as_locked(error.into(), location, locked.as_ref())
    }

    /// Compares a hash with the one that the lock has of `location`.
    pub(crate) fn check_locked(
        &self,
        location: &str,
        actual: &Checksum,
    ) -> Result<(), SourceError> {
        match self.settings.lock.archive(location) {
            Some(locked) if locked.hash != *actual => {
                Err(mismatch(location, &locked, actual.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Sources whose archives the lock pins come first; with `--locked` the others do not count.
    pub(crate) fn in_order_of_lock<'s, T>(
        &self,
        kind: PinKind,
        name: &str,
        sources: Vec<Source<'s, T>>,
    ) -> Vec<Source<'s, T>> {
        let lock = &self.settings.lock;
        let Some(place) = lock
            .pin(kind, name)
            .map(slugbuilder_report::lock::Located::place)
        else {
            return sources;
        };
        let (mut pinned, others): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| {
            let location = source.location.as_deref();
            location.is_some_and(|location| lock.has(kind, name, location))
        });
        pinned.extend(others.into_iter().map(|source| {
            if lock.is_strict() {
                let place = place.clone();
                Source::new(source.name, move || Err(SourceError::NotLocked { place }))
            } else {
                source
            }
        }));
        pinned
    }
}

fn is_it(found: &Obtained, expected: &Checksum) -> bool {
    let checksum = found.provenance.checksum.as_deref();
    if checksum == Some(expected.to_string().as_str()) {
        return true;
    }
    // The checksum of a receipt is a SHA-256.
    expected.algorithm() != Algorithm::Sha256
        && fs_err::File::open(&found.path)
            .and_then(|file| Checksum::of(expected.algorithm(), file))
            .is_ok_and(|actual| actual == *expected)
}

fn as_locked(error: SourceError, location: &str, locked: Option<&LockedArchive>) -> SourceError {
    let Some(locked) = locked else {
        return error;
    };
    let actual = match &error {
        SourceError::Fetch(error) => match error.last() {
            FetchError::Checksum { actual, .. } => Some(actual.to_string()),
            _ => None,
        },
        SourceError::Cache(error) => match error.as_ref() {
            CacheError::Checksum { actual, .. } => Some(actual.to_string()),
            _ => None,
        },
        _ => None,
    };
    match actual {
        Some(actual) => mismatch(location, locked, actual),
        None => error,
    }
}

fn mismatch(location: &str, locked: &LockedArchive, actual: String) -> SourceError {
    SourceError::Locked {
        location: location.to_owned(),
        place: locked.place.clone(),
        expected: locked.hash.to_string(),
        actual,
    }
}
