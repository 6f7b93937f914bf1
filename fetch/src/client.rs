//! Skeleton of the client.

use crate::{Checksum, FetchError, Settings};
use slugbuilder_report::Reporter;
use std::path::Path;

/// Something to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where it is: `https://`, `http://` or `file://`.
    pub url: String,
    /// What it is, for people: `Node.js 24.1.0`.
    pub name: String,
    /// What it must be; nothing where that is not known.
    pub checksum: Option<Checksum>,
    /// The most bytes to take.
    pub max_bytes: u64,
}

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, whatever it was verified with.
    pub sha256: Checksum,
}

/// Makes transfers. Cheap to keep: connections are reused.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
}

impl Client {
    /// A client with these settings.
    pub fn new(settings: Settings) -> Result<Self, FetchError> {
        Ok(Self { settings })
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Brings a small document, for example `SHASUMS256.txt`.
    pub fn text(&self, url: &str, _max_bytes: u64) -> Result<String, FetchError> {
        Err(FetchError::Offline {
            url: url.to_owned(),
        })
    }

    /// Brings `request` to `destination`, which appears only when it is whole and verified; its folder must exist.
    pub fn download(
        &self,
        request: &Download,
        _destination: &Path,
        _reporter: &dyn Reporter,
    ) -> Result<Downloaded, FetchError> {
        Err(FetchError::Offline {
            url: request.url.clone(),
        })
    }
}
