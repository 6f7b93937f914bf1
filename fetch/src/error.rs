//! What can go wrong with a transfer.

use crate::client::is_after_sending;
use crate::{CacheError, Checksum};
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a transfer failed. URLs stand here without user information and query, which may hold secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL cannot be used.
    #[error("cannot fetch `{url}`: {reason}")]
    InvalidUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting cannot be used.
    #[error("the proxy for {scheme} URLs cannot be used: {reason}")]
    Proxy {
        /// `http` or `https`.
        scheme: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file of trusted certificate authorities cannot be used.
    #[error("cannot read certificate authorities from `{path}`", path = .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The network is needed, but the settings forbid it.
    #[error("`{url}` is needed, but the network is off")]
    Offline {
        /// The URL.
        url: String,
    },
    /// Answer 404 or 410, or a `file://` URL that names nothing.
    #[error("`{url}` does not exist")]
    NotFound {
        /// The URL.
        url: String,
    },
    /// Answer 401, 403 or 407.
    #[error("`{url}` may not be read: the server answered {status}")]
    Denied {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
    },
    /// Another answer that brings no body.
    #[error("`{url}` cannot be had: the server answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// How long the server asks to wait, where it does.
        retry_after: Option<Duration>,
    },
    /// The content is not what it should be.
    #[error("`{url}` does not have the expected checksum")]
    Checksum {
        /// The URL.
        url: String,
        /// What was expected.
        expected: Box<Checksum>,
        /// What came.
        actual: Box<Checksum>,
    },
    /// The body ended early.
    #[error("`{url}` ended after {actual} of {expected} bytes")]
    Truncated {
        /// The URL.
        url: String,
        /// The length that the server announced, in bytes.
        expected: u64,
        /// The bytes that came.
        actual: u64,
    },
    /// The connection broke.
    #[error("the connection for `{url}` broke")]
    Interrupted {
        /// The URL.
        url: String,
        /// How.
        source: io::Error,
    },
    /// Nothing came for [`crate::Settings::stall_timeout`].
    #[error("`{url}` stalled: nothing came for {} s", .after.as_secs_f64())]
    Stalled {
        /// The URL.
        url: String,
        /// How long it was waited.
        after: Duration,
    },
    /// No connection within [`crate::Settings::connect_timeout`].
    #[error("`{url}` cannot be reached: no connection within {} s", .after.as_secs_f64())]
    ConnectTimeout {
        /// The URL.
        url: String,
        /// How long it was waited.
        after: Duration,
    },
    /// The host's name has no address.
    #[error("`{url}` cannot be reached: its host was not found")]
    Dns {
        /// The URL.
        url: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The host has an address that is not public, and only such may be reached.
    #[error("`{url}` may not be reached: its host is not public")]
    NotPublic {
        /// The URL.
        url: String,
    },
    /// The host, or the proxy, takes no connection.
    #[error("`{url}` cannot be reached")]
    Connect {
        /// The URL.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The TLS handshake failed.
    #[error("no secure connection for `{url}`")]
    Tls {
        /// The URL.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The answer is not HTTP as it should be.
    #[error("the answer for `{url}` makes no sense: {reason}")]
    Protocol {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The body is larger than the caller takes.
    #[error("`{url}` is larger than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// [`crate::Download::max_bytes`].
        limit: u64,
    },
    /// Redirected too often.
    #[error("`{url}` redirects more than {limit} times")]
    RedirectLoop {
        /// The URL that was asked for.
        url: String,
        /// How many redirects are followed.
        limit: u32,
    },
    /// Redirected from `https://` to something that is not, or away from the network.
    #[error("`{url}` redirects to `{location}`, which is not secure")]
    InsecureRedirect {
        /// The URL that answered.
        url: String,
        /// Where it points to.
        location: String,
    },
    /// A redirect of a call that must not be followed: it changes something, or the redirect leads to another origin,
    /// which is not to be told what the call says.
    #[error("`{url}` redirects to `{location}`, where the call does not follow")]
    RefusedRedirect {
        /// The URL that answered.
        url: String,
        /// Where it points to.
        location: String,
    },
    /// The file that was to be sent cannot be read.
    #[error("the file that is sent cannot be read")]
    Unsendable {
        /// Why.
        source: io::Error,
    },
    /// The caller no longer wants it.
    #[error("the transfer with `{url}` was cancelled")]
    Cancelled {
        /// The URL.
        url: String,
    },
    /// A document that is not UTF-8.
    #[error("`{url}` is not text")]
    NotText {
        /// The URL.
        url: String,
    },
    /// Writing or reading a file failed.
    #[error("cannot {action} `{path}`", path = .path.display())]
    Disk {
        /// `write`, `read`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Every attempt failed.
    #[error("gave up after {attempts} attempts")]
    RetriesExhausted {
        /// How many there were, at least two.
        attempts: u32,
        /// What the last one failed with.
        source: Box<FetchError>,
    },
}

impl FetchError {
    /// What the last attempt failed with: the error itself, or what [`Self::RetriesExhausted`] holds.
    #[must_use]
    pub fn last(&self) -> &Self {
        match self {
            Self::RetriesExhausted { source, .. } => source.last(),
            other => other,
        }
    }

    /// Whether the server can have got what was sent, and acted on it. Where this is not so, nothing has happened there.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self.last() {
            Self::InvalidUrl { .. }
            | Self::Proxy { .. }
            | Self::CaFile { .. }
            | Self::Offline { .. }
            | Self::ConnectTimeout { .. }
            | Self::Dns { .. }
            | Self::NotPublic { .. }
            | Self::Denied { status: 407, .. } => false,
            Self::Connect { source, .. } | Self::Tls { source, .. } => is_after_sending(source),
            _ => true,
        }
    }

    /// What this is once the answer has begun to come: a connection that could be made was not refused.
    pub(crate) fn interrupted(self) -> Self {
        match self {
            Self::Connect { url, source } => Self::Interrupted { url, source },
            other => other,
        }
    }

    /// Whether another server may have what this one has not: the caller can go on to its next source.
    ///
    /// Not so for a full disk, a setting that cannot be used, or a checksum that does not match: the last is worth a stop.
    #[must_use]
    pub fn another_source_may_help(&self) -> bool {
        !matches!(
            self.last(),
            Self::Checksum { .. }
                | Self::Disk { .. }
                | Self::Cache(_)
                | Self::CaFile { .. }
                | Self::Proxy { .. }
        )
    }
}

/// Whether nothing is between us and the file.
fn is_file(url: &str) -> bool {
    url.starts_with("file:")
}

impl Explain for FetchError {
    fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl { .. } => "fetch-invalid-url",
            Self::Proxy { .. } => "fetch-proxy",
            Self::CaFile { .. } => "fetch-ca-file",
            Self::Offline { .. } => "fetch-offline",
            Self::NotFound { .. } => "fetch-not-found",
            Self::Denied { .. } => "fetch-denied",
            Self::Status { .. } => "fetch-status",
            Self::Checksum { .. } => "fetch-checksum",
            Self::Truncated { .. } => "fetch-truncated",
            Self::Interrupted { .. } => "fetch-interrupted",
            Self::Stalled { .. } => "fetch-stalled",
            Self::ConnectTimeout { .. } => "fetch-connect-timeout",
            Self::Dns { .. } => "fetch-dns",
            Self::NotPublic { .. } => "fetch-not-public",
            Self::Connect { .. } => "fetch-connect",
            Self::Tls { .. } => "fetch-tls",
            Self::Protocol { .. } => "fetch-protocol",
            Self::TooLarge { .. } => "fetch-too-large",
            Self::RedirectLoop { .. } => "fetch-redirect-loop",
            Self::InsecureRedirect { .. } => "fetch-insecure-redirect",
            Self::RefusedRedirect { .. } => "fetch-refused-redirect",
            Self::Unsendable { .. } => "fetch-unsendable",
            Self::Cancelled { .. } => "fetch-cancelled",
            Self::NotText { .. } => "fetch-not-text",
            Self::Disk { .. } => "fetch-disk",
            Self::Cache(error) => error.code(),
            Self::RetriesExhausted { .. } => "fetch-retries-exhausted",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::InvalidUrl { .. }
            | Self::NotPublic { .. }
            | Self::Proxy { .. }
            | Self::CaFile { .. } => Fault::Usage,
            Self::Truncated { .. }
            | Self::Interrupted { .. }
            | Self::Stalled { .. }
            | Self::ConnectTimeout { .. }
            | Self::Cancelled { .. }
            | Self::Status {
                status: 408 | 429 | 500..=599,
                ..
            } => Fault::TryLater,
            Self::Disk { .. } | Self::Unsendable { .. } => Fault::Io,
            Self::Cache(error) => error.fault(),
            Self::RetriesExhausted { source, .. } => source.fault(),
            _ => Fault::Unavailable,
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::Checksum {
                url,
                expected,
                actual,
            } if is_file(url) => Some(format!(
                "expected {expected}\n     got {actual}\nEither the file was damaged or changed, or the expected checksum is wrong."
            )),
            Self::Checksum {
                expected, actual, ..
            } => Some(format!(
                "expected {expected}\n     got {actual}\nThe file was thrown away. Either it was damaged or changed on its way, or the expected checksum is wrong."
            )),
            Self::Status {
                status: 429 | 503,
                retry_after: Some(wait),
                ..
            } => Some(format!("The server asks to wait {} s.", wait.as_secs())),
            Self::RetriesExhausted { source, .. } => source.explanation(),
            Self::Cache(error) => error.explanation(),
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::InvalidUrl { .. } => {
                &["Write a whole URL: `https://host/path`, `http://host/path` or `file:///path`."]
            }
            Self::Proxy { .. } => &[
                "Write the proxy as `http://host:port`, or with a user as `http://user:password@host:port`.",
            ],
            Self::CaFile { .. } => &[
                "`SSL_CERT_FILE` must name a readable PEM file with at least one `BEGIN CERTIFICATE` block.",
                "Unset it to trust the system's certificate authorities.",
            ],
            Self::Offline { .. } => {
                &["Run once without `--offline`: what is fetched is kept in the cache."]
            }
            Self::NotFound { .. } => {
                &["Check the version and the mirror's address, where one is set."]
            }
            Self::Denied { status: 407, .. } => {
                &["The proxy wants a user: write it as `http://user:password@host:port`."]
            }
            Self::Denied { .. } => {
                &["Check the credentials and rights, or the mirror's address, where one is set."]
            }
            Self::Checksum { url, .. } if is_file(url) => &[
                "`slugbuilder vendor --check DIR` finds what is damaged in a folder that `slugbuilder vendor` filled, and `slugbuilder vendor` brings it anew.",
            ],
            Self::Checksum { .. } => &[
                "Try once more: a proxy on the way may have answered with a page of its own.",
                "If it happens again, do not use the file, and tell whoever runs the server or mirror.",
            ],
            Self::Dns { .. } | Self::Connect { .. } | Self::ConnectTimeout { .. } => &[
                "Check the network and, behind a proxy, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.",
                "Set a mirror that can be reached, or use `--offline` when the cache has what is needed.",
            ],
            Self::Tls { .. } => &[
                "If a proxy of your company reads secure connections, name its certificate authority's PEM file in `SSL_CERT_FILE`.",
                "Check the clock of this machine.",
            ],
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                &["Make room on that disk."]
            }
            Self::RefusedRedirect { .. } => {
                &["Check the address: use the one that the server redirects to, if you trust it."]
            }
            Self::InsecureRedirect { .. } => {
                &["Use the address of a server that stays with `https://`."]
            }
            Self::Status {
                status: 408 | 429 | 500..=599,
                ..
            }
            | Self::Truncated { .. }
            | Self::Interrupted { .. }
            | Self::Stalled { .. } => &["Try again later."],
            Self::RetriesExhausted { source, .. } => return source.hints(),
            Self::Cache(error) => return error.hints(),
            _ => &[],
        };
        hints.iter().map(|&hint| hint.to_owned()).collect()
    }
}
