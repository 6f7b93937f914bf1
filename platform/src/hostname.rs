//! Names that visitors find apps by, as DNS has them.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::fmt;

/// Of a name in DNS, in characters, less the dot at its end (RFC 1035, section 2.3.4).
const MAXIMUM: usize = 253;

/// A name of at least two labels in ASCII and lower case, without a dot at its end; the first one may be `*`, for all names
/// that have another label instead (`*.example.com`).
///
/// Read in any script: `bücher.example` is `xn--bcher-kva.example` (Unicode's UTS #46). Names that are never resolved are
/// refused: an IP address, a label that is empty, too long, or has anything but letters, digits and hyphens between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname(String);

/// A text that is no name of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no valid hostname. It has to be like www.example.com or *.example.com.", .0.escape_debug())]
pub struct HostnameError(String);

impl Hostname {
    /// Reads a name.
    ///
    /// # Errors
    /// [`HostnameError`] if it is none.
    pub fn parse(text: &str) -> Result<Self, HostnameError> {
        // What is repeated to whoever sent it has an end.
        let wrong = || HostnameError(text.chars().take(MAXIMUM).collect());
        if text.len() > 4 * MAXIMUM {
            return Err(wrong());
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let (first, name) = match name.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", name),
        };
        let ascii = Uts46::new()
            .to_ascii(
                name.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::Check,
                DnsLength::Verify,
            )
            .map_err(|_| wrong())?;
        let last = ascii.rsplit_once('.').ok_or_else(wrong)?.1;
        // As browsers do, which take what ends in a number for an IP address.
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        let hostname = format!("{first}{ascii}");
        if is_number || hostname.len() > MAXIMUM {
            return Err(wrong());
        }
        Ok(Self(hostname))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for all names with another first label.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The name less its first label.
    #[must_use]
    pub fn parent(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, parent)| parent)
    }

    /// Whether it is `host` or a name below it, or a wildcard for such names.
    #[must_use]
    pub fn is_within(&self, host: &str) -> bool {
        let name = self.0.strip_prefix("*.").unwrap_or(&self.0);
        name.strip_suffix(host)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_ascii_and_lower_case() {
        let longest = format!("{}.example", vec!["a".repeat(61); 3].join("."));
        for (text, name) in [
            ("www.example.com", "www.example.com"),
            ("Example.COM.", "example.com"),
            ("*.example.com", "*.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("*.日本語.example", "*.xn--wgv71a119e.example"),
            ("www。example。com", "www.example.com"),
            ("4.example.com", "4.example.com"),
            (&longest, &longest),
        ] {
            assert_eq!(Hostname::parse(text).unwrap().as_str(), name, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long = format!("{}.example", vec!["a".repeat(63); 4].join("."));
        let longer_as_wildcard = format!("*.{}.abcd", vec!["a".repeat(61); 4].join("."));
        for text in [
            "",
            ".",
            "..",
            "localhost",
            "*",
            "*.com",
            "*.*.example.com",
            "w*.example.com",
            "www.*.example.com",
            ".example.com",
            "www..example.com",
            "www.example.com..",
            "-www.example.com",
            "www-.example.com",
            "ab--c.example.com",
            "xn--.example",
            "xn--a.example",
            "under_score.example.com",
            "www.example.com:80",
            "http://www.example.com",
            "www.example.com/",
            "www example.com",
            " www.example.com",
            "www.example.com\n",
            "user@example.com",
            "127.0.0.1",
            "[::1]",
            "::1",
            "example.123",
            "\u{202e}moc.example",
            "a\0b.example",
            &long_label,
            &long,
            &longer_as_wildcard,
            &"a.".repeat(100_000),
        ] {
            assert!(Hostname::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Hostname::parse("www\u{1b}[31m.example")
                .unwrap_err()
                .to_string(),
            "`www\\u{1b}[31m.example` is no valid hostname. It has to be like www.example.com or *.example.com."
        );
    }

    #[test]
    fn what_is_below_what() {
        for (name, host, within) in [
            ("example.localhost", "localhost", true),
            ("*.localhost.test", "localhost.test", true),
            ("localhost.test", "localhost.test", true),
            ("notlocalhost.test", "localhost.test", false),
            ("localhost.test", "www.localhost.test", false),
        ] {
            assert_eq!(
                Hostname::parse(name).unwrap().is_within(host),
                within,
                "{name}"
            );
        }
        assert_eq!(
            Hostname::parse("a.b.example").unwrap().parent(),
            "b.example"
        );
    }
}
