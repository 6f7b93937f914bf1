//! From a request for a package manager to its exact version.

use super::super::error::{NodeError, OtherNode};
use super::super::lockfile::Compatible;
use super::super::{Bundle, Manager, ManagerSource, PlannedManager};
use super::Inputs;
use super::requests::{Request, Wanted};
use crate::catalogue::ManagerCatalogue;
use crate::version::{Range, Version};
use slugbuilder_report::Origin;

/// The version of `manager` that `request` asks for, or the default that `chosen` leads to, the request by which it is
/// this manager.
pub(super) fn version(
    manager: Manager,
    request: Option<&Request>,
    chosen: &Request,
    inputs: &Inputs<'_>,
) -> Result<PlannedManager, NodeError> {
    let catalogue = ManagerCatalogue::embedded(manager)?;
    let node = inputs.node.version;
    let bundled = catalogue.bundled_with(node);
    let (requested, origin) = match request {
        Some(request) => (request.text.clone(), request.origin.clone()),
        None => (chosen.text.clone(), chosen.origin.clone()),
    };
    let search = Search {
        manager,
        catalogue: &catalogue,
        inputs,
        text: &requested,
        origin: &origin,
    };
    let vendored = match manager {
        Manager::YarnClassic | Manager::YarnBerry => inputs.yarn_file()?,
        Manager::Npm | Manager::Pnpm => None,
    };
    let wanted = match &vendored {
        // Its name says what it is, whatever else asks for.
        Some((_, Some(version))) => Some(&Wanted::Exact(*version)),
        _ => request.and_then(|request| request.wanted.as_ref()),
    };
    let version = match wanted {
        Some(Wanted::Exact(version)) => search.exact(*version)?,
        Some(Wanted::Vendored { .. }) => search.default()?,
        Some(Wanted::Range(range)) => match bundled.filter(|npm| range.accepts(*npm)) {
            Some(npm) => npm,
            None => search.newest(range)?,
        },
        Some(Wanted::Unreadable) => {
            return Err(NodeError::UnreadableVersion {
                origin,
                text: requested,
                program: manager.program(),
            });
        }
        None => match bundled {
            Some(npm) => npm,
            None => search.default()?,
        },
    };
    let source = match vendored {
        Some((path, _)) => ManagerSource::Vendored(path),
        None if bundled == Some(version)
            && request.is_none_or(|request| request.hash.is_none()) =>
        {
            ManagerSource::Bundled
        }
        None => ManagerSource::Package(Bundle {
            package: manager.package(),
            integrity: catalogue.versions.get(&version).cloned(),
            corepack_hash: request.and_then(|request| request.hash),
        }),
    };
    Ok(PlannedManager {
        manager,
        version,
        requested,
        origin,
        source,
    })
}

impl Inputs<'_> {
    /// The file of `yarnPath` with the version in its name. Yarn runs it whatever its own version is.
    fn yarn_file(&self) -> Result<Option<(String, Option<Version>)>, NodeError> {
        Ok(super::requests::all(self)?
            .into_iter()
            .find_map(|request| match request.wanted {
                Some(Wanted::Vendored { path, version }) => Some((path, version)),
                _ => None,
            }))
    }

    /// The ranges that the lockfile sets for its manager, else those that are set without one.
    fn compatible(&self, manager: Manager) -> Result<Compatible, NodeError> {
        match self.lockfile {
            Some(found) if found.manager() == Some(manager) => found.compatible(),
            _ => Ok(Compatible {
                accepted: "*",
                preferred: match manager {
                    Manager::Npm | Manager::YarnBerry => "*",
                    Manager::YarnClassic => "1.22",
                    Manager::Pnpm => "10",
                },
            }),
        }
    }
}

/// What is taken where nothing asks for a version of `manager`, and by whose word.
pub(super) fn default_of(
    manager: Manager,
    inputs: &Inputs<'_>,
) -> Result<(String, Origin), NodeError> {
    if manager == Manager::Npm {
        let origin = Origin::Default("comes with Node.js".into());
        return Ok(("the bundled one".to_owned(), origin));
    }
    let preferred = inputs.compatible(manager)?.preferred;
    let text = match preferred {
        "*" => "the newest".to_owned(),
        range => range.to_owned(),
    };
    let origin = match inputs.lockfile {
        Some(found) => found.origin.clone(),
        None => Origin::Default("default".into()),
    };
    Ok((text, origin))
}

/// Which Yarn has a version in `range`: Yarn classic where both have.
pub(super) fn yarn_of(range: &Range) -> Result<Manager, NodeError> {
    let classic = ManagerCatalogue::embedded(Manager::YarnClassic)?;
    let has = classic
        .versions
        .keys()
        .any(|version| range.accepts(*version));
    Ok(if has {
        Manager::YarnClassic
    } else {
        Manager::YarnBerry
    })
}

/// A range of our own, which can be read: every one is resolved in a test.
fn own_range(text: &str) -> Range {
    Range::parse(text).unwrap_or_else(|_| Range::any())
}

/// A search for a version of a manager.
struct Search<'a> {
    manager: Manager,
    catalogue: &'a ManagerCatalogue,
    inputs: &'a Inputs<'a>,
    text: &'a str,
    origin: &'a Origin,
}

impl Search<'_> {
    /// This version, which need not be in the catalogue, if it runs on the app's Node.js.
    fn exact(&self, version: Version) -> Result<Version, NodeError> {
        if self.runs(version) {
            Ok(version)
        } else {
            Err(self.other_node(version))
        }
    }

    /// The newest version in `range`: of those that run on the app's Node.js, and among them rather one that keeps to
    /// the format of the lockfile.
    fn newest(&self, range: &Range) -> Result<Version, NodeError> {
        let accepted = own_range(self.inputs.compatible(self.manager)?.accepted);
        let matching = || {
            self.catalogue
                .versions
                .keys()
                .rev()
                .copied()
                .filter(|version| range.accepts(*version))
        };
        let Some(newest) = matching().next() else {
            return Err(self.unknown());
        };
        matching()
            .filter(|version| self.runs(*version))
            .find(|version| accepted.accepts(*version))
            .or_else(|| matching().find(|version| self.runs(*version)))
            .ok_or_else(|| self.other_node(newest))
    }

    /// The newest version that the lockfile leads to.
    fn default(&self) -> Result<Version, NodeError> {
        let compatible = self.inputs.compatible(self.manager)?;
        match self.newest(&own_range(compatible.preferred)) {
            Err(NodeError::OtherNode(_)) => self.newest(&own_range(compatible.accepted)),
            found => found,
        }
    }

    fn runs(&self, version: Version) -> bool {
        self.catalogue.runs_on(version, self.inputs.node.version)
    }

    fn other_node(&self, version: Version) -> NodeError {
        let running = || {
            let versions = self.catalogue.versions.keys().rev().copied();
            versions.filter(|version| self.runs(*version))
        };
        let newest = running()
            .find(|other| other.major == version.major)
            .or_else(|| running().next());
        NodeError::OtherNode(Box::new(OtherNode {
            origin: self.origin.clone(),
            manager: self.manager,
            version,
            engine: self.catalogue.engine(version),
            node: self.inputs.node.version,
            node_origin: self.inputs.node.requested.origin.clone(),
            newest,
        }))
    }

    fn unknown(&self) -> NodeError {
        let digits: Vec<u64> = self
            .text
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect();
        let versions = || self.catalogue.versions.keys().rev().copied();
        let mut nearest: Vec<Version> = [
            versions().find(|version| digits.starts_with(&[version.major, version.minor])),
            versions().find(|version| digits.first() == Some(&version.major)),
            versions().next(),
        ]
        .into_iter()
        .flatten()
        .collect();
        nearest.dedup();
        NodeError::UnknownVersion {
            origin: self.origin.clone(),
            text: self.text.to_owned(),
            manager: self.manager,
            nearest,
            snapshot: self.catalogue.snapshot.clone(),
        }
    }
}
