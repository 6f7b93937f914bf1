//! Which versions of each package manager exist: dated snapshots, embedded and read when they are needed.
//!
//! The files are made by `slugbuilder-buildpack catalogue update`; `bundled` and `limits` are kept
//! by hand.

use crate::node::Manager;
use crate::version::{Range, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The releases of one package manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagerCatalogue {
    /// The day on which it was made.
    pub snapshot: String,
    /// For npm: since which Node.js (the first version of a stretch) which npm comes with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bundled: BTreeMap<Version, Version>,
    /// `engines.node` of its package, by the first version of a stretch that has the same.
    pub engines: BTreeMap<Version, String>,
    /// What the packages do not say: on which Node.js they fail nevertheless, by the first version of a stretch; `*` ends
    /// one. Kept by hand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<Version, String>,
    /// Released versions with the integrity of their packages, as npm writes it (`sha512-…`).
    pub versions: BTreeMap<Version, String>,
}

/// The text of the embedded catalogue.
pub(crate) fn embedded_text(manager: Manager) -> &'static str {
    match manager {
        Manager::Npm => include_str!("../../data/npm.toml"),
        Manager::YarnClassic => include_str!("../../data/yarn-classic.toml"),
        Manager::YarnBerry => include_str!("../../data/yarn-berry.toml"),
        Manager::Pnpm => include_str!("../../data/pnpm.toml"),
    }
}

impl ManagerCatalogue {
    /// The snapshot that was built in. Its text is parsed by a unit test too, so that an error here is a bug.
    pub fn embedded(manager: Manager) -> Result<Self, toml::de::Error> {
        toml::from_str(embedded_text(manager))
    }

    /// The npm that comes with Node.js `node`; nothing where that is older than every known one.
    #[must_use]
    pub fn bundled_with(&self, node: Version) -> Option<Version> {
        self.bundled
            .range(..=node)
            .next_back()
            .map(|(_, version)| *version)
    }

    /// The ranges of Node.js that `version` runs on, all of which have to be met: `engines.node` of its package or, where
    /// the catalogue does not know it, of the version before it, and what is known beyond that.
    fn ranges(&self, version: Version) -> Vec<&str> {
        [&self.engines, &self.limits]
            .into_iter()
            .filter_map(|stretches| stretches.range(..=version).next_back())
            .map(|(_, range)| range.as_str())
            .filter(|range| *range != "*")
            .collect()
    }

    /// The Node.js that `version` needs, in words: `>=16.14 and <20`.
    #[must_use]
    pub fn engine(&self, version: Version) -> String {
        self.ranges(version).join(" and ")
    }

    /// Whether `version` runs on Node.js `node`, as far as that is known.
    #[must_use]
    pub fn runs_on(&self, version: Version, node: Version) -> bool {
        self.ranges(version)
            .into_iter()
            .all(|range| Range::parse(range).map_or(true, |range| range.accepts(node)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_fetch::Checksum;

    #[test]
    fn the_embedded_catalogues_are_whole() {
        for (manager, least) in [
            (Manager::Npm, 250),
            (Manager::YarnClassic, 50),
            (Manager::YarnBerry, 60),
            (Manager::Pnpm, 400),
        ] {
            let catalogue = ManagerCatalogue::embedded(manager).unwrap();
            assert!(catalogue.versions.len() > least, "{manager:?}");
            assert_eq!(catalogue.snapshot.len(), 10, "{manager:?}");
            for (version, integrity) in &catalogue.versions {
                Checksum::from_integrity(integrity).unwrap();
                assert!(catalogue.engines.range(..=version).next().is_some());
                for range in catalogue.ranges(*version) {
                    assert!(
                        Range::parse(range).is_ok(),
                        "{manager:?} {version}: {range}"
                    );
                }
            }
            assert!(!embedded_text(manager).contains("://"), "{manager:?}");
        }
        let bytes: usize = Manager::ALL
            .into_iter()
            .map(|manager| embedded_text(manager).len())
            .sum();
        assert!(bytes < 150_000, "{bytes}");
    }

    #[test]
    fn every_node_has_an_npm_that_runs_on_it() {
        let npm = ManagerCatalogue::embedded(Manager::Npm).unwrap();
        let catalogues = crate::catalogue::Catalogues::embedded().unwrap();
        let node = catalogues.of(crate::runtime::Runtime::Node);
        for version in node.versions.keys() {
            let bundled = npm.bundled_with(*version).unwrap();
            assert!(npm.versions.contains_key(&bundled), "{version}: {bundled}");
            assert!(npm.runs_on(bundled, *version), "{version}: {bundled}");
        }
    }

    #[test]
    fn a_stretch_of_engines_holds_until_the_next_one() {
        let catalogue = ManagerCatalogue {
            snapshot: String::new(),
            bundled: BTreeMap::new(),
            engines: [
                (Version::new(9, 0, 0), ">=18.12".into()),
                (Version::new(11, 0, 0), ">=22.13".into()),
            ]
            .into(),
            limits: [
                (Version::new(9, 0, 0), "<20".into()),
                (Version::new(9, 5, 0), "*".into()),
            ]
            .into(),
            versions: BTreeMap::new(),
        };
        for (version, node, runs) in [
            ((9, 4, 9), (18, 12, 0), true),
            ((9, 4, 9), (20, 0, 0), false),
            ((9, 5, 0), (20, 0, 0), true),
            ((10, 9, 0), (18, 12, 0), true),
            ((10, 9, 0), (16, 20, 2), false),
            ((11, 0, 0), (20, 0, 0), false),
            ((12, 1, 0), (22, 13, 0), true),
            ((8, 0, 0), (4, 0, 0), true),
        ] {
            let of = |(major, minor, patch)| Version::new(major, minor, patch);
            assert_eq!(
                catalogue.runs_on(of(version), of(node)),
                runs,
                "{version:?} {node:?}"
            );
        }
    }
}
