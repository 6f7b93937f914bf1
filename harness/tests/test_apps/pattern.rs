//! What values of `expect.toml` are compared with.

use regex::Regex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Text that something contains; between slashes (`/^v24\./`), a regular expression that it matches, in multi-line mode.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Text(String),
    Regex(Regex),
}

impl Pattern {
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(part) => text.contains(part),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let inner = text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
            .filter(|inner| !inner.is_empty());
        match inner {
            Some(inner) => Regex::new(&format!("(?m){inner}"))
                .map(Self::Regex)
                .map_err(D::Error::custom),
            None => Ok(Self::Text(text)),
        }
    }
}

/// Asserts that `text` has every one of `patterns`.
#[track_caller]
pub(crate) fn check_all(what: &str, text: &str, patterns: &[Pattern]) {
    for pattern in patterns {
        assert!(
            pattern.matches(text),
            "{what} does not have {pattern:?}:\n{text}"
        );
    }
}

/// Asserts that `text` has none of `patterns`.
#[track_caller]
pub(crate) fn check_none(what: &str, text: &str, patterns: &[Pattern]) {
    for pattern in patterns {
        assert!(!pattern.matches(text), "{what} has {pattern:?}:\n{text}");
    }
}

/// Permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err(D::Error::custom(format!(
                "`{text}` are no permission bits, as `755` are"
            ))),
        }
    }
}

/// The first parts of a version: `24.2` means 24.2.0 and 24.2.1, and not 24.20.0.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Version(pub(crate) String);

impl Version {
    pub(crate) fn matches(&self, version: &str) -> bool {
        version
            .strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    }
}
