//! The URLs that can be fetched, after RFC 3986.

use base64::Engine as _;
use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// How a URL is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    File,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::File => "file",
        }
    }
}

/// A URL taken apart. `Display` leaves out what may be secret: user information and query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Scheme,
    /// `user:password` as written, percent-encoded.
    user: Option<String>,
    /// Host, and port where one is written.
    host: String,
    /// Begins with `/`.
    path: String,
    /// Without `?`.
    query: Option<String>,
}

impl Url {
    /// Reads an absolute URL. Blanks and bytes outside of ASCII are percent-encoded, as browsers and curl do.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        let scheme = [Scheme::Http, Scheme::Https, Scheme::File]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(scheme))
            .ok_or("its scheme is neither https, http nor file")?;
        if text.chars().any(char::is_control) {
            return Err("it holds a control character");
        }
        let rest = rest.split('#').next().unwrap_or(rest);
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(encode(user)), host),
            None => (None, authority),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(encode(query))),
            None => (rest, None),
        };
        let url = Self {
            scheme,
            user,
            host: host.to_ascii_lowercase(),
            path: if path.is_empty() {
                "/".to_owned()
            } else {
                encode(path)
            },
            query,
        };
        match scheme {
            Scheme::File if !matches!(url.host.as_str(), "" | "localhost") => {
                Err("a file URL has three slashes, or names `localhost`")
            }
            Scheme::Http | Scheme::Https if url.bare_host().is_empty() => Err("it has no host"),
            Scheme::Http | Scheme::Https if !url.port_is_number() => {
                Err("its port is not a number")
            }
            _ => Ok(url),
        }
    }

    /// The URL that `reference`, a `Location` header found at this one, points to (RFC 3986, section 5.2).
    pub(crate) fn join(&self, reference: &str) -> Result<Self, &'static str> {
        let reference = reference.trim();
        let scheme_ends = reference.find(':').filter(|&at| {
            reference.starts_with(|first: char| first.is_ascii_alphabetic())
                && reference[..at]
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
        let mut joined = if scheme_ends.is_some() {
            Self::parse(reference)?
        } else if let Some(rest) = reference.strip_prefix("//") {
            Self::parse(&format!("{}://{rest}", self.scheme.name()))?
        } else {
            let reference = reference.split('#').next().unwrap_or(reference);
            let (path, query) = match reference.split_once('?') {
                Some((path, query)) => (path, Some(encode(query))),
                None => (reference, None),
            };
            let path = match path {
                "" => self.path.clone(),
                _ if path.starts_with('/') => encode(path),
                _ => {
                    let folder = &self.path[..=self.path.rfind('/').unwrap_or(0)];
                    format!("{folder}{}", encode(path))
                }
            };
            Self {
                path: without_dots(&path),
                query,
                ..self.clone()
            }
        };
        if joined.user.is_none() && joined.scheme == self.scheme && joined.host == self.host {
            joined.user.clone_from(&self.user);
        }
        Ok(joined)
    }

    /// What goes to the HTTP client: everything but the user information.
    pub(crate) fn request_target(&self) -> String {
        let query = self
            .query
            .as_ref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{}://{}{}{query}", self.scheme.name(), self.host, self.path)
    }

    /// The `Authorization` header that the user information asks for.
    pub(crate) fn authorization(&self) -> Option<String> {
        let user = self.user.as_deref()?;
        let mut credentials = decode(user);
        if !user.contains(':') {
            credentials.push(b':');
        }
        Some(format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(credentials)
        ))
    }

    /// The file that a file URL names.
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(decode(&self.path)))
    }

    /// The host without port, and without the brackets of an IPv6 address.
    pub(crate) fn bare_host(&self) -> &str {
        if let Some(rest) = self.host.strip_prefix('[') {
            return rest.split(']').next().unwrap_or(rest);
        }
        self.host.split(':').next().unwrap_or(&self.host)
    }

    /// The port, that of the scheme where none is written.
    pub(crate) fn port(&self) -> Option<u16> {
        self.written_port()
            .and_then(|port| port.parse().ok())
            .or(match self.scheme {
                Scheme::Http => Some(80),
                Scheme::Https => Some(443),
                Scheme::File => None,
            })
    }

    /// Whether both have the same scheme, host and port (RFC 6454, section 5): what one is told, the other may know.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.bare_host() == other.bare_host()
            && self.port() == other.port()
    }

    /// The address that stands in place of a name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.bare_host().parse().ok()
    }

    /// Whether the host is this machine: such hosts never go through a proxy.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.bare_host();
        host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    fn written_port(&self) -> Option<&str> {
        let after_host = match self.host.rfind(']') {
            Some(at) => &self.host[at + 1..],
            None => &self.host,
        };
        after_host
            .rsplit_once(':')
            .map(|(_, port)| port)
            .filter(|port| !port.is_empty())
    }

    fn port_is_number(&self) -> bool {
        self.written_port()
            .is_none_or(|port| port.parse::<u16>().is_ok())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.name(), self.host, self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an `https://` or `http://` URL connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whether what is said is encrypted.
    pub secure: bool,
    /// The host, in lower case; an IPv6 address without brackets.
    pub host: String,
    /// The port that is written.
    pub port: Option<u16>,
    /// Whether the host is this machine.
    pub loopback: bool,
    /// Whether the URL says nothing else but a path: no user information and no query.
    pub plain: bool,
}

impl Address {
    /// Reads `url`. Fails with what is wrong with it.
    pub fn of(url: &str) -> Result<Self, &'static str> {
        let url = Url::parse(url)?;
        if url.scheme == Scheme::File {
            return Err("its scheme is neither https nor http");
        }
        Ok(Self {
            secure: url.scheme == Scheme::Https,
            host: url.bare_host().to_owned(),
            port: url.written_port().and_then(|port| port.parse().ok()),
            loopback: url.is_loopback(),
            plain: url.user.is_none() && url.query.is_none(),
        })
    }
}

/// The file or folder that `url` names, where it is a `file://` URL.
#[must_use]
pub fn file_of_url(url: &str) -> Option<PathBuf> {
    let url = Url::parse(url).ok()?;
    (url.scheme == Scheme::File).then(|| url.file())
}

/// `text`, a URL or meant to be one, without what may be secret, for a message: user information and query.
#[must_use]
pub fn redacted(text: &str) -> String {
    if let Ok(url) = Url::parse(text) {
        return url.to_string();
    }
    let shown = text.split(['?', '#']).next().unwrap_or(text);
    match shown.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
            format!("{scheme}{after}")
        }
        None => shown.to_owned(),
    }
}

/// Percent-encodes what no URL may hold; what is encoded already stays.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Undoes percent-encoding; a `%` without two digits stays.
fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = match after {
            [high, low, ..] if *first == b'%' => {
                hex::decode([*high, *low]).ok().map(|byte| byte[0])
            }
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// Removes `.` and `..` from an absolute path (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if matches!(path.rsplit('/').next(), Some("." | "..")) {
        parts.push("");
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = url("HTTPS://me:pass%20word@Host.example:8443/a/b?token=1#x");
        assert_eq!(secret.to_string(), "https://host.example:8443/a/b");
        assert_eq!(
            secret.request_target(),
            "https://host.example:8443/a/b?token=1"
        );
        assert_eq!(secret.authorization().unwrap(), "Basic bWU6cGFzcyB3b3Jk");
        assert_eq!(redacted("ftp://me:secret@host/a?b"), "ftp://host/a");
        assert_eq!(redacted("me:secret@host"), "host");
    }

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("https://a.b", "a.b", 443),
            ("http://a.b:81/x", "a.b", 81),
            ("http://[::1]:8080/", "::1", 8080),
            ("http://[::1]", "::1", 80),
            ("http://a:", "a", 80),
        ] {
            assert_eq!(
                (url(text).bare_host(), url(text).port()),
                (host, Some(port)),
                "{text}"
            );
        }
        assert!(url("http://[::1]/").is_loopback() && url("http://127.1.2.3/").is_loopback());
        assert!(!url("http://127.example/").is_loopback());
    }

    #[test]
    fn references_are_resolved() {
        let base = url("http://user@a/b/c/d?q");
        for (reference, expected) in [
            ("https://x/y", "https://x/y"),
            ("//x/y", "http://x/y"),
            ("/y", "http://a/y"),
            ("y", "http://a/b/c/y"),
            ("../y", "http://a/b/y"),
            ("../../../y/.", "http://a/y/"),
            ("..", "http://a/b/"),
            ("?z", "http://a/b/c/d?z"),
            ("y z/é", "http://a/b/c/y%20z/%C3%A9"),
        ] {
            assert_eq!(
                base.join(reference).unwrap().request_target(),
                expected,
                "{reference}"
            );
        }
        assert!(base.join("y").unwrap().authorization().is_some());
        assert!(base.join("http://a/y").unwrap().authorization().is_some());
        assert!(base.join("http://b/y").unwrap().authorization().is_none());
        assert!(base.join("https://a/y").unwrap().authorization().is_none());
        assert!(base.join("mailto:x").is_err());
    }

    #[test]
    fn file_urls_name_any_bytes() {
        assert_eq!(
            url("file:///a%20b/%FF%").file().into_os_string().into_vec(),
            b"/a b/\xff%"
        );
        assert_eq!(url("file://localhost/a").file(), PathBuf::from("/a"));
        assert!(Url::parse("file://a/b").is_err());
        assert_eq!(file_of_url("file:///a%20b"), Some(PathBuf::from("/a b")));
        assert_eq!(file_of_url("https://host.example/a"), None);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "a",
            "/a",
            "ftp://a",
            "http://",
            "http:///a",
            "http://a:x/",
            "http://a\n/",
            "http://:80/",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
    }
}
