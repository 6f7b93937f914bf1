//! A commit of a repository elsewhere.
//!
//! Its address is somebody else's word. Only public hosts are reached, unless the operator allows others: the name is looked
//! up here, and git connects to what was found (`http.curloptResolve`), so that a name whose address changes in between
//! gains nothing; it follows no redirects. Where a proxy is set, that does the looking up.

use crate::git::error::GitError;
use crate::git::program::{Tool, Version, finish};
use axum::http::Uri;
use fs_err as fs;
use slugbuilder_fetch::{Settings as Transfers, is_public};
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// The oldest git that connects to an address it is given (`http.curloptResolve`).
const OLDEST: Version = Version(2, 37);
/// As long as fetching may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// As long as looking a name up may take.
const LOOKUP: Duration = Duration::from_secs(20);
/// Bytes of an address.
const MAXIMUM_URL: usize = 2048;

/// Why there is no commit, in a sentence for whoever set the webhook up.
#[derive(Debug)]
pub(super) enum FetchFailure {
    /// What was told is at fault, or the repository.
    Theirs(String),
    /// This server is.
    Ours(GitError),
}

impl From<GitError> for FetchFailure {
    fn from(error: GitError) -> Self {
        Self::Ours(error)
    }
}

/// A repository with one commit in it, which goes with this.
#[derive(Debug)]
pub(super) struct Fetched {
    path: PathBuf,
}

impl Fetched {
    pub(super) fn repository(&self) -> &Path {
        &self.path
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // What stays goes with the next start.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// How repositories elsewhere are reached.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) transfers: Transfers,
    pub(super) allow_private: bool,
}

/// Fetches `commit`, and nothing else, of the repository at `url` into a new repository at `path`.
pub(super) async fn fetch(
    tool: &Tool,
    reach: &Reach,
    url: &str,
    commit: &str,
    path: PathBuf,
) -> Result<Fetched, FetchFailure> {
    let place = Place::parse(url, reach.allow_private).map_err(|problem| {
        FetchFailure::Theirs(format!(
            "The address of the repository cannot be used: {problem}."
        ))
    })?;
    let proxied = reach.proxy_of(place.scheme).is_some();
    let mut settings = vec![
        "http.followRedirects=false".to_owned(),
        "http.lowSpeedLimit=1000".to_owned(),
        "http.lowSpeedTime=60".to_owned(),
        "http.emptyAuth=false".to_owned(),
    ];
    if !reach.allow_private {
        settings.extend(place.public(tool, proxied).await?);
    }
    let fetched = Fetched { path };
    let arguments = ["init", "--quiet", "--bare", "--template=", "--"].map(OsString::from);
    let arguments = arguments.into_iter().chain([fetched.path.clone().into()]);
    tool.run(None, arguments).await?;

    let mut arguments = Vec::new();
    for setting in &settings {
        arguments.extend(["-c", setting]);
    }
    arguments.extend([
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-recurse-submodules",
        "--",
        url,
        commit,
    ]);
    let mut command = tool.command(Some(&fetched.path), &arguments);
    command.env(
        "GIT_ALLOW_PROTOCOL",
        if reach.allow_private {
            "http:https"
        } else {
            "https"
        },
    );
    let through = &reach.transfers.proxies;
    // Hosts that are reached past the proxy would be reached unseen.
    let past = through.no_proxy.as_ref().filter(|_| reach.allow_private);
    for (name, value) in [
        ("http_proxy", through.http.as_ref()),
        ("https_proxy", through.https.as_ref()),
        ("no_proxy", past),
    ] {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    if let Some(authorities) = &reach.transfers.ca_file {
        command.env("GIT_SSL_CAINFO", authorities);
    }
    match finish("fetch", command, PATIENCE).await {
        Ok(_) => Ok(fetched),
        Err(GitError::Failed { message, .. }) => Err(FetchFailure::Theirs(format!(
            "The commit {commit} cannot be fetched: {message}. Only public repositories can be."
        ))),
        Err(error) => Err(error.into()),
    }
}

impl Reach {
    fn proxy_of(&self, scheme: &str) -> Option<&str> {
        let proxies = &self.transfers.proxies;
        let proxy = if scheme == "https" {
            &proxies.https
        } else {
            &proxies.http
        };
        proxy.as_deref().filter(|proxy| !proxy.is_empty())
    }
}

/// Where a repository is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Place {
    fn parse(url: &str, allow_private: bool) -> Result<Self, &'static str> {
        if url.len() > MAXIMUM_URL {
            return Err("it is too long");
        }
        let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
        let (scheme, port) = match uri.scheme_str() {
            Some("https") => ("https", 443),
            Some("http") if allow_private => ("http", 80),
            _ => return Err("it does not start with `https://`"),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("it has a user name");
        }
        // Exactly so: git, and what it uses, have their own ideas of what a URL may have besides.
        if !url.starts_with(&format!("{scheme}://")) || url.contains(['#', '?', '\\']) {
            return Err("it has a query or another part that repositories have not");
        }
        let host = authority.host();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return Err("its host is none");
        }
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(port),
        })
    }

    /// What keeps git to the public addresses of the host.
    async fn public(&self, tool: &Tool, proxied: bool) -> Result<Option<String>, FetchFailure> {
        let theirs =
            |text: &str| FetchFailure::Theirs(format!("The host of the repository {text}."));
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return if is_public(address) {
                Ok(None)
            } else {
                Err(theirs("is not public"))
            };
        }
        if proxied {
            // Names of this machine, whatever the proxy makes of them.
            let local = bare.eq_ignore_ascii_case("localhost") || !bare.contains('.');
            return if local {
                Err(theirs("is not public"))
            } else {
                Ok(None)
            };
        }
        if tool.version() < OLDEST {
            return Err(FetchFailure::Theirs(format!(
                "The server's git is {}, and {OLDEST} or newer is needed to fetch from elsewhere.",
                tool.version()
            )));
        }
        let found = timeout(LOOKUP, lookup_host((bare, self.port))).await;
        let found: Vec<IpAddr> = match found {
            Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
            Ok(Err(error)) => {
                return Err(FetchFailure::Theirs(format!(
                    "The host of the repository is not found: {error}."
                )));
            }
            Err(_) => return Err(theirs("is not found in time")),
        };
        if found.is_empty() || !found.iter().all(|address| is_public(*address)) {
            return Err(theirs("is not public"));
        }
        let addresses: Vec<_> = found
            .iter()
            .map(|address| match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            })
            .collect();
        let pinned = format!(
            "http.curloptResolve={bare}:{}:{}",
            self.port,
            addresses.join(",")
        );
        Ok(Some(pinned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_may_be_fetched_from() {
        let place = |url, allow_private| {
            Place::parse(url, allow_private).map(|place| format!("{}:{}", place.host, place.port))
        };
        assert_eq!(
            place("https://git.example/a/b.git", false).as_deref(),
            Ok("git.example:443")
        );
        assert_eq!(
            place("https://[::1]:8443/a", false).as_deref(),
            Ok("[::1]:8443")
        );
        assert_eq!(
            place("http://127.0.0.1:1/a", true).as_deref(),
            Ok("127.0.0.1:1")
        );
        for url in [
            "",
            "http://git.example/a",
            "HTTPS://git.example/a",
            "ssh://git.example/a",
            "git@git.example:a",
            "file:///etc",
            "ext::sh",
            "/etc",
            "https://user@git.example/a",
            "https://user:password@git.example/a",
            "https:///a",
            "https://git.example/a?b",
            "https://git.example/a#b",
            "https://a_b%2e.example/",
        ] {
            assert!(place(url, false).is_err(), "{url}");
        }
        assert!(place(&format!("https://git.example/{}", "a".repeat(3000)), false).is_err());
    }
}
