//! Which requests go through a proxy.

use crate::url::{Scheme, Url};
use crate::{FetchError, Proxies};
use std::net::IpAddr;

/// The proxies of a client, checked.
#[derive(Debug, Default)]
pub(super) struct Rules {
    direct: Vec<Pattern>,
}

/// One host or group of hosts of `no_proxy`.
#[derive(Debug, PartialEq, Eq)]
enum Pattern {
    /// `*`
    Everything,
    /// A name and everything below it, or an address; with a port, only that.
    Host { name: String, port: Option<u16> },
    /// Addresses that share so many leading bits, `10.0.0.0/8`.
    Network { address: IpAddr, bits: u32 },
}

impl Rules {
    /// Reads `no_proxy`: parts separated by commas or blanks, with the meaning that Go and curl give them.
    pub(super) fn new(no_proxy: &str) -> Self {
        let direct = no_proxy
            .split([',', ' ', '\t'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Pattern::parse)
            .collect();
        Self { direct }
    }

    /// Whether `url` is reached without a proxy.
    pub(super) fn is_direct(&self, url: &Url) -> bool {
        url.scheme == Scheme::File
            || url.is_loopback()
            || self.direct.iter().any(|pattern| pattern.matches(url))
    }
}

impl Pattern {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::Everything;
        }
        if let Some((address, bits)) = text.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse(), bits.parse())
        {
            return Self::Network { address, bits };
        }
        let (name, port) = match text.rsplit_once(':') {
            // More than one colon without brackets is an IPv6 address.
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                match port.parse() {
                    Ok(port) => (name, Some(port)),
                    Err(_) => (text, None),
                }
            }
            _ => (text, None),
        };
        let name = name
            .trim_start_matches("*.")
            .trim_start_matches('.')
            .trim_matches(['[', ']']);
        Self::Host {
            name: name.to_ascii_lowercase(),
            port,
        }
    }

    fn matches(&self, url: &Url) -> bool {
        let host = url.bare_host();
        match self {
            Self::Everything => true,
            Self::Host { name, port } => {
                let below = host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                below && port.is_none_or(|port| url.port() == Some(port))
            }
            Self::Network { address, bits } => match (address, host.parse()) {
                (IpAddr::V4(network), Ok(IpAddr::V4(host))) => same_start(
                    u128::from(network.to_bits()) << 96,
                    u128::from(host.to_bits()) << 96,
                    *bits,
                ),
                (IpAddr::V6(network), Ok(IpAddr::V6(host))) => {
                    same_start(network.to_bits(), host.to_bits(), *bits)
                }
                _ => false,
            },
        }
    }
}

fn same_start(one: u128, other: u128, bits: u32) -> bool {
    (one ^ other).leading_zeros() >= bits
}

/// The proxy for URLs of `scheme`, where there is one.
pub(super) fn proxy(
    proxies: &Proxies,
    scheme: &'static str,
) -> Result<Option<ureq::Proxy>, FetchError> {
    let setting = if scheme == "http" {
        &proxies.http
    } else {
        &proxies.https
    };
    let Some(text) = setting
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let refused = |reason| FetchError::Proxy { scheme, reason };
    let proxy = ureq::Proxy::new(text).map_err(|_| refused("it is not a URL with a host"))?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(Some(proxy)),
        _ => Err(refused("only http and https proxies are supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_means_what_go_and_curl_mean() {
        let direct =
            |no_proxy: &str, url: &str| Rules::new(no_proxy).is_direct(&Url::parse(url).unwrap());
        for (no_proxy, url, expected) in [
            ("", "http://a.example/", false),
            ("", "http://localhost:1/", true),
            ("", "http://127.0.0.2/", true),
            ("*", "https://a.example/", true),
            ("a.example", "https://a.example/", true),
            ("a.example", "https://b.a.example/", true),
            (".a.example", "https://b.a.example/", true),
            ("*.a.example", "https://b.a.example/", true),
            ("a.example", "https://ba.example/", false),
            ("x, A.EXAMPLE y", "https://a.example/", true),
            ("a.example:8443", "https://a.example:8443/", true),
            ("a.example:8443", "https://a.example/", false),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("0.0.0.0/0", "http://11.1.2.3/", true),
            ("10.0.0.0/99", "http://10.0.0.0/", true),
            ("fd00::/8", "http://[fd00::1]/", true),
            ("fd00::1", "http://[fd00::1]/", true),
            ("[fd00::1]:80", "http://[fd00::1]/", true),
            ("10.1.2.3", "http://10.1.2.3/", true),
        ] {
            assert_eq!(direct(no_proxy, url), expected, "{no_proxy:?} {url}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused() {
        for text in ["socks5://a:1", "http://", "a b"] {
            let proxies = Proxies {
                https: Some(text.to_owned()),
                ..Proxies::default()
            };
            assert!(
                matches!(proxy(&proxies, "https"), Err(FetchError::Proxy { .. })),
                "{text}"
            );
            assert!(proxy(&proxies, "http").unwrap().is_none());
        }
        let proxies = Proxies {
            http: Some(" ".to_owned()),
            https: Some("host:3128".to_owned()),
            no_proxy: None,
        };
        assert!(proxy(&proxies, "http").unwrap().is_none());
        assert_eq!(proxy(&proxies, "https").unwrap().unwrap().port(), 3128);
    }
}
