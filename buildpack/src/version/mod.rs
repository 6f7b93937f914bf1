//! Versions: what is requested, what that resolves to.
//!
//! The ladder is [`Requested`] → [`Resolved`] → `Installed` (of [`crate::layers`]); each step carries where it comes
//! from. There is no silent fallback: what cannot be read or does not exist is a [`VersionError`] that names file and
//! line.

mod error;
mod go;
mod node;
mod range;
mod request;
mod resolve;
mod ruby;
mod settle;
mod tool_versions;
mod version_file;
mod volta;

pub use error::VersionError;
pub use go::SOURCES as GO_SOURCES;
pub use node::SOURCES as NODE_SOURCES;
pub use range::{Range, RangeError};
pub use request::{Constraint, Evidence, Found, Reader, Requested, Requests, decide, sources};
pub use resolve::{Resolved, resolve};
pub use ruby::SOURCES as RUBY_SOURCES;
pub use settle::{Settled, settle};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A released version: three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second.
    pub minor: u64,
    /// The third.
    pub patch: u64,
}

impl Version {
    /// A version of these numbers.
    #[must_use]
    pub fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads exactly three numbers with dots between.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match numbers(text)?.as_slice() {
            [major, minor, patch] => Some(Self::new(*major, *minor, *patch)),
            _ => None,
        }
    }

    /// The name in Go's file names: before Go 1.21 a `.0` at the end was not written.
    #[must_use]
    pub fn go_name(self) -> String {
        if self < Self::new(1, 21, 0) && self.patch == 0 {
            format!("{}.{}", self.major, self.minor)
        } else {
            self.to_string()
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a version")))
    }
}

/// One to three numbers with dots between; nothing where the text is anything else.
pub(crate) fn numbers(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<u64> = text
        .split('.')
        .map(|part| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse().ok())
                .flatten()
        })
        .collect::<Option<_>>()?;
    (1..=3).contains(&parts.len()).then_some(parts)
}

#[cfg(test)]
mod tests;
