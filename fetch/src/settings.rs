//! How transfers behave.

use crate::url::redacted;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How transfers behave. Nothing is read from the environment: whoever owns the process passes what it found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// No socket is opened; what is not a `file://` URL is an error. Default: no.
    pub offline: bool,
    /// Only hosts are reached whose addresses are all public ([`crate::is_public`]), looked at when the connection is made:
    /// for URLs that somebody else gives, who must not get at what this machine alone can reach. A host behind a proxy is left
    /// to that, unless the URL has its address. Default: no.
    pub public_only: bool,
    /// For looking a host up, and again for connecting to it, the TLS handshake included. Default: 15 s.
    pub connect_timeout: Duration,
    /// For an answer's header to be whole, and between any two reads of its body, or writes of what is sent. Default: 30 s.
    pub stall_timeout: Duration,
    /// For the answer to a file that was sent to begin: a store may have to look through it first. Default: 10 min.
    pub answer_timeout: Duration,
    /// How often a transfer is tried in all; 0 counts as 1. Default: 4.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles before each further one. Default: 500 ms.
    pub backoff: Duration,
    /// The longest wait that a `Retry-After` header or the doubling can ask for; a server that asks for more is told
    /// about at once instead. Default: 60 s.
    pub longest_wait: Duration,
    /// Proxies. Default: none.
    pub proxies: Proxies,
    /// PEM file of the certificate authorities to trust *instead of* all others, as OpenSSL, curl and Go read
    /// `SSL_CERT_FILE`. Default: none, which trusts the system's bundle, or Mozilla's list (built in) where the system
    /// has none.
    pub ca_file: Option<PathBuf>,
    /// The `User-Agent` header. Default: `slugbuilder/<version>`.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offline: false,
            public_only: false,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_mins(10),
            attempts: 4,
            backoff: Duration::from_millis(500),
            longest_wait: Duration::from_mins(1),
            proxies: Proxies::default(),
            ca_file: None,
            user_agent: concat!("slugbuilder/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Proxies, as the environment variables of the same names hold them. An empty text counts as none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http://` URLs: `http_proxy`.
    pub http: Option<String>,
    /// For `https://` URLs: `https_proxy`.
    pub https: Option<String>,
    /// The hosts that are reached directly: `no_proxy`. Loopback addresses and `localhost` always are.
    pub no_proxy: Option<String>,
}

/// Without the passwords that may stand in them.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            http,
            https,
            no_proxy,
        } = self;
        f.debug_struct("Proxies")
            .field("http", &http.as_deref().map(redacted))
            .field("https", &https.as_deref().map(redacted))
            .field("no_proxy", no_proxy)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_proxies_are_not_shown() {
        for text in ["http://user:secret@host:3128", "user:secret@host:3128"] {
            let proxies = Proxies {
                https: Some(text.to_owned()),
                ..Proxies::default()
            };
            let settings = Settings {
                proxies,
                ..Settings::default()
            };
            let shown = format!("{settings:?}");
            assert!(
                shown.contains("host:3128") && !shown.contains("secret"),
                "{shown}"
            );
        }
    }
}
