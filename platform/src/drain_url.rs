//! Addresses that logs may be sent to.

use url::{Host, Url};

/// What a drain may be reached by.
const SCHEMES: [&str; 4] = ["syslog", "syslog+tls", "http", "https"];

/// Of an address, in characters.
pub(crate) const MAXIMUM_URL: usize = 2048;

/// The address of a log drain: of syslog, over TCP or TLS, or of HTTP. Kept as it was given, because it is also what people
/// call the drain by.
#[derive(Clone, PartialEq, Eq)]
pub struct DrainUrl(String);

/// Why a text is no address of a drain. It does not repeat the text, which may have a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DrainUrlError {
    /// It is no URL, or has characters that none has.
    #[error(
        "The URL of the drain is no valid URL. It has to be like syslog+tls://logs.example.com:6514 or https://logs.example.com/drain."
    )]
    NoUrl,
    /// It has another scheme.
    #[error(
        "The URL of the drain has to begin with syslog://, syslog+tls://, http:// or https://."
    )]
    Scheme,
    /// It names no host that can be connected to.
    #[error("The URL of the drain has to name a host, and a port from 1 to 65535 if any.")]
    Host,
    /// It is longer than any address that is meant.
    #[error("The URL of the drain is longer than 2048 characters.")]
    Length,
}

impl DrainUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`DrainUrlError`] if nothing can be sent there.
    pub fn parse(text: &str) -> Result<Self, DrainUrlError> {
        if text.len() > MAXIMUM_URL {
            return Err(DrainUrlError::Length);
        }
        if !is_visible(text) {
            return Err(DrainUrlError::NoUrl);
        }
        let url = Url::parse(text).map_err(|_| DrainUrlError::NoUrl)?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(DrainUrlError::Scheme);
        }
        let is_name = |name: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !name.is_empty() && name.bytes().all(fits)
        };
        let has_host = match url.host() {
            Some(Host::Domain(name)) => is_name(name),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            None => false,
        };
        if !has_host || url.port() == Some(0) {
            return Err(DrainUrlError::Host);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DrainUrl {
    /// Without the address, which may have a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DrainUrl")
    }
}

/// Whether the text has visible characters of ASCII only, as every URL has (RFC 3986, section 2).
pub(crate) fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_syslog_and_http() {
        for good in [
            "syslog://127.0.0.1:5514",
            "syslog+tls://logs.example.com:6514",
            "syslog://logs.example.com",
            "syslog://[::1]:514",
            "http://localhost:8080/drain?app=example",
            "https://user:secret@logs.example.com/drain",
            "HTTPS://Logs.Example.com",
        ] {
            assert_eq!(DrainUrl::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(
            format!(
                "{:?}",
                DrainUrl::parse("https://u:secret@example.com").unwrap()
            ),
            "DrainUrl"
        );
    }

    #[test]
    fn other_addresses_are_refused() {
        let long = format!("https://logs.example.com/{}", "a".repeat(MAXIMUM_URL));
        for (bad, error) in [
            ("", DrainUrlError::NoUrl),
            ("logs.example.com:514", DrainUrlError::Scheme),
            ("logs", DrainUrlError::NoUrl),
            ("ftp://logs.example.com", DrainUrlError::Scheme),
            ("file:///etc/passwd", DrainUrlError::Scheme),
            ("javascript:alert(1)", DrainUrlError::Scheme),
            ("syslog:logs.example.com", DrainUrlError::Host),
            ("syslog://", DrainUrlError::Host),
            ("syslog:///path", DrainUrlError::Host),
            ("syslog://:514", DrainUrlError::NoUrl),
            ("syslog://a%20b:514", DrainUrlError::Host),
            ("syslog://logs.example.com:0", DrainUrlError::Host),
            ("syslog://logs.example.com:65536", DrainUrlError::NoUrl),
            ("https://", DrainUrlError::NoUrl),
            ("https://logs.example.com/a b", DrainUrlError::NoUrl),
            (" https://logs.example.com", DrainUrlError::NoUrl),
            ("https://logs.example.com/\n", DrainUrlError::NoUrl),
            ("https://bücher.example", DrainUrlError::NoUrl),
            ("https://logs.example.com/\u{202e}", DrainUrlError::NoUrl),
            (&long, DrainUrlError::Length),
        ] {
            assert_eq!(DrainUrl::parse(bad), Err(error), "{bad:?}");
        }
    }
}
