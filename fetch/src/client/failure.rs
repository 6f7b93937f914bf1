//! What an error of the HTTP library means.

use super::early_answer::is_after_sending;
use super::public::NotPublic;
use crate::url::{Scheme, Url};
use crate::{FetchError, Settings};
use std::io::{self, ErrorKind};
use ureq::Timeout;

/// How the errors of a name lookup begin that Rust's standard library reports.
const LOOKUP_FAILED: &str = "failed to lookup address information";

/// Gives `error`, which a request for `url` ended with, the variant that says what it means.
pub(super) fn classify(url: &Url, error: ureq::Error, settings: &Settings) -> FetchError {
    let shown = url.to_string();
    match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => FetchError::ConnectTimeout {
            url: shown,
            after: settings.connect_timeout,
        },
        ureq::Error::Timeout(_) => FetchError::Stalled {
            url: shown,
            after: settings.stall_timeout,
        },
        ureq::Error::Other(error) if error.is::<NotPublic>() => {
            FetchError::NotPublic { url: shown }
        }
        ureq::Error::HostNotFound => FetchError::Dns {
            url: shown,
            source: io::Error::other("it has no address"),
        },
        ureq::Error::Io(source) => classify_io(url, source),
        ureq::Error::ConnectProxyFailed(reason) if reason.contains(" 407") => FetchError::Denied {
            url: shown,
            status: 407,
        },
        ureq::Error::ConnectProxyFailed(reason) => FetchError::Connect {
            url: shown,
            source: io::Error::other(reason),
        },
        ureq::Error::ConnectionFailed => FetchError::Connect {
            url: shown,
            source: io::Error::other("no connection could be made"),
        },
        ureq::Error::Rustls(source) => FetchError::Tls {
            url: shown,
            source: io::Error::other(source),
        },
        error @ (ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::TlsRequired) => {
            FetchError::Tls {
                url: shown,
                source: io::Error::other(error),
            }
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => FetchError::InvalidUrl {
            url: shown,
            reason: "the HTTP library does not accept it",
        },
        other => FetchError::Protocol {
            url: shown,
            reason: other.to_string(),
        },
    }
}

fn classify_io(url: &Url, source: io::Error) -> FetchError {
    let shown = url.to_string();
    match source.kind() {
        // What rustls finds wrong with the server's side of the handshake.
        ErrorKind::InvalidData if url.scheme == Scheme::Https => {
            FetchError::Tls { url: shown, source }
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof
        | ErrorKind::TimedOut => FetchError::Interrupted { url: shown, source },
        _ if is_after_sending(&source) => FetchError::Interrupted { url: shown, source },
        _ if source.to_string().starts_with(LOOKUP_FAILED) => {
            FetchError::Dns { url: shown, source }
        }
        _ => FetchError::Connect { url: shown, source },
    }
}
