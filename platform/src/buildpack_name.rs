//! What buildpacks are called.

use crate::drain_url::{MAXIMUM_URL, is_visible};
use url::Url;

/// The buildpacks that this server has, by Heroku's names. All of them are slugbuilder's own.
pub const OWN_BUILDPACKS: [&str; 3] = ["heroku/go", "heroku/nodejs", "heroku/ruby"];

/// What Heroku answers, and some clients send, in front of the name of a buildpack of its own.
const URN: &str = "urn:buildpack:";

/// Where Heroku has its own buildpacks, in front of the last part of their names and after it. `heroku buildpacks:set
/// heroku/nodejs` looks the name up and sends the first of these.
const ADDRESSES: [(&str, &str); 4] = [
    (
        "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/",
        ".tgz",
    ),
    (
        "https://codon-buildpacks.s3.amazonaws.com/buildpacks/heroku/",
        ".tgz",
    ),
    ("https://github.com/heroku/heroku-buildpack-", ".git"),
    ("https://github.com/heroku/heroku-buildpack-", ""),
];

/// A buildpack: one of [`OWN_BUILDPACKS`], or an address that begins with `https://`.
///
/// The addresses of Heroku's own buildpacks are their names, where this server has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildpackName(String);

/// Why a text names no buildpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildpackNameError {
    /// A name that this server does not have.
    #[error(
        "Couldn't find that buildpack. This server has heroku/go, heroku/nodejs and heroku/ruby; others are given by their \
         address, which begins with https://."
    )]
    Unknown,
    /// An address that nothing can be had from.
    #[error(
        "The address of a buildpack has to be a URL that begins with https://, of at most 2048 characters."
    )]
    Address,
}

impl BuildpackName {
    /// Reads a name (`heroku/nodejs`), an address, or Heroku's `urn:buildpack:` and a name.
    ///
    /// # Errors
    /// [`BuildpackNameError`] if there is no such buildpack, or nothing could be had from there.
    pub fn parse(text: &str) -> Result<Self, BuildpackNameError> {
        let own = |name: &str| OWN_BUILDPACKS.into_iter().find(|own| *own == name);
        let text = text.strip_prefix(URN).unwrap_or(text);
        let there = ADDRESSES
            .iter()
            .find_map(|(before, after)| {
                let last = text.strip_prefix(before)?.strip_suffix(after)?;
                own(&format!("heroku/{last}"))
            })
            .or_else(|| own(text));
        if let Some(name) = there {
            return Ok(Self(name.to_owned()));
        }
        if !text.contains(':') {
            return Err(BuildpackNameError::Unknown);
        }
        let is_address = text.len() <= MAXIMUM_URL
            && is_visible(text)
            && text.starts_with("https://")
            && Url::parse(text).is_ok_and(|url| url.has_host());
        if is_address {
            Ok(Self(text.to_owned()))
        } else {
            Err(BuildpackNameError::Address)
        }
    }

    /// The name or address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where Heroku would have a buildpack: for one of its own it is the name behind `urn:buildpack:`, which clients show without
/// that.
#[must_use]
pub fn url(buildpack: &str) -> String {
    if buildpack.contains("://") {
        buildpack.to_owned()
    } else {
        format!("{URN}{buildpack}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_are_known_by_all_their_names() {
        for text in [
            "heroku/nodejs",
            "urn:buildpack:heroku/nodejs",
            "https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku/nodejs.tgz",
            "https://codon-buildpacks.s3.amazonaws.com/buildpacks/heroku/nodejs.tgz",
            "https://github.com/heroku/heroku-buildpack-nodejs",
            "https://github.com/heroku/heroku-buildpack-nodejs.git",
        ] {
            let name = BuildpackName::parse(text).unwrap();
            assert_eq!(name.as_str(), "heroku/nodejs", "{text}");
            assert_eq!(url(name.as_str()), "urn:buildpack:heroku/nodejs");
        }
    }

    #[test]
    fn others_are_addresses() {
        for text in [
            "https://example.test/bp.git",
            "https://example.test/bp.tgz#v1",
            "https://github.com/heroku/heroku-buildpack-python",
            "https://buildpack-registry.s3.amazonaws.com/buildpacks/mars/nodejs.tgz",
        ] {
            assert_eq!(BuildpackName::parse(text).unwrap().as_str(), text);
            assert_eq!(url(text), text);
        }
    }

    #[test]
    fn neither_names_of_nothing_nor_of_files_are_taken() {
        let long = format!("https://example.test/{}", "a".repeat(MAXIMUM_URL));
        for (text, error) in [
            ("", BuildpackNameError::Unknown),
            ("heroku/python", BuildpackNameError::Unknown),
            ("nodejs", BuildpackNameError::Unknown),
            ("/etc/passwd", BuildpackNameError::Unknown),
            ("../buildpack", BuildpackNameError::Unknown),
            ("urn:buildpack:heroku/python", BuildpackNameError::Unknown),
            ("urn:cnb:heroku/nodejs", BuildpackNameError::Address),
            ("file:///etc", BuildpackNameError::Address),
            ("http://example.test/bp.git", BuildpackNameError::Address),
            ("git@github.com:a/b.git", BuildpackNameError::Address),
            ("https://", BuildpackNameError::Address),
            ("https://example.test/a b", BuildpackNameError::Address),
            (
                "https://example.test/\u{1b}[2J",
                BuildpackNameError::Address,
            ),
            (&long, BuildpackNameError::Address),
        ] {
            assert_eq!(BuildpackName::parse(text), Err(error), "{text:?}");
        }
    }
}
