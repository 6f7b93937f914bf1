//! Names of process types.

use super::SlugError;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;

/// Longest name that the Platform API takes, in characters.
const LONGEST: usize = 128;

/// The name of a process type as the Platform API takes it: `^[-\w]{1,128}$`, which is letters, digits, `_` and `-` of
/// ASCII. Upper and lower case are kept and differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcessType(String);

impl ProcessType {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProcessType {
    type Error = SlugError;

    fn try_from(name: String) -> Result<Self, SlugError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=LONGEST).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name))
        } else {
            Err(SlugError::ProcessType { name })
        }
    }
}

impl TryFrom<&str> for ProcessType {
    type Error = SlugError;

    fn try_from(name: &str) -> Result<Self, SlugError> {
        Self::try_from(name.to_owned())
    }
}

impl From<ProcessType> for String {
    fn from(process_type: ProcessType) -> Self {
        process_type.0
    }
}

impl Borrow<str> for ProcessType {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProcessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_platform_api() {
        for name in ["web", "Web", "-", "worker_2", "a-b", &"x".repeat(128)] {
            assert_eq!(ProcessType::try_from(name).unwrap().as_str(), name);
        }
        for name in ["", "web.1", "a b", "wéb", "web\n", &"x".repeat(129)] {
            ProcessType::try_from(name).unwrap_err();
        }
    }
}
