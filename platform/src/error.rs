//! Why a server does not start.

use crate::blobs::BlobError;
use crate::builds::BuildsError;
use crate::git;
use crate::signed_url::KeyError;
use crate::store::StoreError;
use crate::tls::TlsError;
use crate::users::UsersError;
use slugbuilder_report::{Explain, Fault};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of blobs cannot be used.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The key that signs the addresses of blobs cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The folder of repositories cannot be used.
    #[error(transparent)]
    Git(#[from] git::OpenError),
    /// The folder of builds cannot be used, or those that were not done cannot be found.
    #[error(transparent)]
    Builds(#[from] BuildsError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The users cannot be read.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// The data folder cannot be made.
    #[error("cannot make the data folder `{}`", path.display())]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Tokens and slugs would cross a network as they are.
    #[error("other machines reach {address}, and there is no TLS")]
    Plain {
        /// The address.
        address: SocketAddr,
    },
    /// The certificate made for this machine is good for loopback addresses only.
    #[error("other machines reach {address}, and the certificate is made for this machine only")]
    LocalCertificate {
        /// The address.
        address: SocketAddr,
    },
    /// `0.0.0.0` is nothing that a client could connect to.
    #[error("clients cannot be told to connect to {address}")]
    UrlNeeded {
        /// The address.
        address: SocketAddr,
    },
    /// The external URL cannot be used.
    #[error("`{url}` cannot be the address of the server: {problem}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Connections could no longer be taken.
    #[error("the server could not go on")]
    Serving(#[source] io::Error),
    /// A part of the server panicked.
    #[error("a part of the server failed")]
    Panicked,
}

impl ServerError {
    /// The part of the server that explains the error itself.
    fn part(&self) -> Option<&dyn Explain> {
        match self {
            Self::Store(error) => Some(error),
            Self::Blobs(error) => Some(error),
            Self::Key(error) => Some(error),
            Self::Git(error) => Some(error),
            Self::Builds(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Users(error) => Some(error),
            _ => None,
        }
    }
}

impl Explain for ServerError {
    fn code(&self) -> &'static str {
        if let Some(part) = self.part() {
            return part.code();
        }
        match self {
            Self::DataFolder { .. } => "data-folder",
            Self::Listen { .. } => "listen",
            Self::Plain { .. } => "plain-http",
            Self::LocalCertificate { .. } => "local-certificate",
            Self::UrlNeeded { .. } => "url-needed",
            Self::Url { .. } => "url",
            Self::Serving(_) => "serving",
            _ => "server-panicked",
        }
    }

    fn fault(&self) -> Fault {
        if let Some(part) = self.part() {
            return part.fault();
        }
        match self {
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => Fault::Unavailable,
                _ => Fault::Usage,
            },
            Self::DataFolder { .. } | Self::Serving(_) => Fault::Io,
            Self::Plain { .. }
            | Self::LocalCertificate { .. }
            | Self::UrlNeeded { .. }
            | Self::Url { .. } => Fault::Usage,
            _ => Fault::Bug,
        }
    }

    fn explanation(&self) -> Option<String> {
        if let Some(part) = self.part() {
            return part.explanation();
        }
        match self {
            Self::Plain { .. } => {
                Some("Whoever is on the way could read tokens and change slugs.".into())
            }
            _ => None,
        }
    }

    fn hints(&self) -> Vec<String> {
        if let Some(part) = self.part() {
            return part.hints();
        }
        let hints: &[&str] = match self {
            Self::DataFolder { .. } => &["Name a folder that you can write to with `--data`."],
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => &[
                    "Another program listens there, perhaps another `slugbuilder serve`: stop it, or choose another port with `--listen`.",
                ],
                io::ErrorKind::PermissionDenied => {
                    &["Ports below 1024 are for root: choose a higher one with `--listen`."]
                }
                _ => &["Choose an address of this machine with `--listen`."],
            },
            Self::Plain { .. } => &[
                "Give a certificate with `--certificate` and `--key`.",
                "Listen on `127.0.0.1` behind a server that brings TLS.",
                "`--allow-plain-http` if the network in between is yours alone, as in a container.",
            ],
            Self::LocalCertificate { .. } => &[
                "Give a certificate for the name of this machine with `--certificate` and `--key`.",
            ],
            Self::UrlNeeded { .. } => &[
                "Name the address that clients use with `--url`, such as `https://slugs.example.com`.",
            ],
            Self::Url { .. } => &["Give scheme, host and port: `https://slugs.example.com:8443`."],
            Self::Serving(_) => &["Look at the limits of open files: `ulimit -n`."],
            _ => &["This is a bug of slugbuilder: please report it with the server's output."],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}
