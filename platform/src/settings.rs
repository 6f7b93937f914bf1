//! How a server runs.

use crate::backup::BLOBS;
use crate::blobs::{BlobError, BlobStore};
use crate::git::{GitProgram, MAX_PUSH_SIZE};
use crate::http::PER_HOUR;
use crate::users::Users;
use slugbuilder_fetch::Settings as Transfers;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most that a slug may have, in bytes: Heroku's 500 MB.
pub const MAX_SLUG_SIZE: u64 = 500 << 20;

/// The most that the archive of a source may have, in bytes.
pub const MAX_SOURCE_SIZE: u64 = 1 << 30;

/// Connections at once. With a file for each, these fit into the 1024 that a Linux process may have open by default.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(400).expect("it is not 0");

/// How a server runs. Nothing is read from the environment: whoever owns the process passes what it found there.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of everything that is kept: the ledger, blobs, keys. It is made, and for one server at a time.
    pub data: PathBuf,
    /// Where the bytes of slugs are.
    pub blobs: BlobPlace,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How clients reach the server, for the addresses in answers: scheme, host and port. Nothing means `listen`.
    pub url: Option<String>,
    /// TLS; plain HTTP without it.
    pub tls: Option<Tls>,
    /// Whether to speak plain HTTP on other addresses than loopback ones: something in front has to bring TLS.
    pub allow_plain: bool,
    /// Who may use the server; nothing leaves those of the ledger as they are.
    pub users: Option<Users>,
    /// The most that a slug may have, in bytes.
    pub max_slug_size: u64,
    /// Requests that a user may make in an hour.
    pub requests_per_hour: NonZeroU32,
    /// As long as the header of a request may take to arrive, and as a connection may be idle.
    pub header_timeout: Duration,
    /// As long as a client may take nothing of an answer that is on its way.
    pub stall_timeout: Duration,
    /// Connections at once; others wait until one ends. Each takes one file descriptor of the process, and one more while a
    /// slug goes over it.
    pub connections: NonZeroUsize,
    /// As long as running requests have to end when the server stops.
    pub grace: Duration,
    /// What builds. Nothing means that the server builds nothing: requests for builds are refused, and say so.
    pub builder: Option<Builder>,
    /// The git that takes pushes. Nothing means that none are taken: they are refused, and told why.
    pub git: Option<GitProgram>,
    /// The most that a push may have, in bytes.
    pub max_push_size: u64,
}

/// What builds, and how.
#[derive(Debug, Clone)]
pub struct Builder {
    /// The program whose `compile` makes slugs.
    pub program: PathBuf,
    /// What it gets before `compile`.
    pub arguments: Vec<OsString>,
    /// Its whole environment: nothing of the server's own passes by itself.
    pub environment: Vec<(OsString, OsString)>,
    /// How many builds run at once. Nothing means as many as the machine has cores, two at least, or one where they would not
    /// share the cores fairly.
    pub at_once: Option<NonZeroUsize>,
    /// How long a build may take.
    pub timeout: Duration,
    /// The most that the archive of a source may have, in bytes.
    pub max_source_size: u64,
    /// Whether sources may be fetched from addresses that only this machine or its network can reach.
    pub allow_private_sources: bool,
    /// Whether builds also run where no sandbox can be had, with the rights of the server, or, where that is root, as a user of
    /// their own.
    pub without_sandbox: bool,
    /// How sources are fetched: proxies, authorities.
    pub transfers: Transfers,
}

impl Builder {
    /// This program, as it is.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            at_once: None,
            timeout: Duration::from_mins(15),
            max_source_size: MAX_SOURCE_SIZE,
            allow_private_sources: false,
            without_sandbox: false,
            transfers: Transfers::default(),
        }
    }
}

/// Where the bytes of slugs are.
#[derive(Debug, Clone, Default)]
pub enum BlobPlace {
    /// In the folder `blobs` of the data folder.
    #[default]
    DataFolder,
    /// In a bucket.
    #[cfg(feature = "object-store")]
    ObjectStore(crate::blobs::ObjectStoreSettings),
}

impl BlobPlace {
    /// The place, for the server on the data folder `data`, which has to be there.
    ///
    /// # Errors
    /// [`BlobError::Folder`] or `BlobError::Settings`. Whether a bucket is there shows with the first blob.
    pub fn open(&self, data: &Path) -> Result<BlobStore, BlobError> {
        match self {
            Self::DataFolder => BlobStore::folder(&data.join(BLOBS)),
            #[cfg(feature = "object-store")]
            Self::ObjectStore(settings) => BlobStore::object_store(settings),
        }
    }

    /// The place, if it is not in the data folder, for what restores into it.
    ///
    /// # Errors
    /// `BlobError::Settings`.
    pub fn elsewhere(&self) -> Result<Option<BlobStore>, BlobError> {
        match self {
            Self::DataFolder => Ok(None),
            #[cfg(feature = "object-store")]
            Self::ObjectStore(settings) => BlobStore::object_store(settings).map(Some),
        }
    }
}

/// Where a server's certificate is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Files in PEM form, which are read again when they change.
    Own {
        /// The certificate, then those that signed it.
        certificate: PathBuf,
        /// Its private key, which not everyone can read.
        key: PathBuf,
    },
    /// Made for `localhost`, `127.0.0.1` and `::1`.
    Local,
}

impl Settings {
    /// A server on a free port of this machine that keeps everything in `data`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            blobs: BlobPlace::default(),
            listen: (IpAddr::from([127, 0, 0, 1]), 0).into(),
            url: None,
            tls: None,
            allow_plain: false,
            users: None,
            max_slug_size: MAX_SLUG_SIZE,
            requests_per_hour: PER_HOUR,
            header_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_mins(1),
            connections: CONNECTIONS,
            grace: Duration::from_secs(30),
            git: None,
            max_push_size: MAX_PUSH_SIZE,
            builder: None,
        }
    }
}
