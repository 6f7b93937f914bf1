//! From a request for a package manager to its exact version.

use super::super::error::{NodeError, OtherNode};
use super::super::{Bundle, Manager, ManagerSource, PlannedManager};
use super::Inputs;
use super::requests::{Request, Wanted};
use crate::catalogue::{ManagerCatalogue, semver};
use crate::version::Version;
use node_semver::Range;
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
        Some(Wanted::Range(range)) => match bundled.filter(|npm| range.satisfies(&semver(*npm))) {
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

    /// The ranges that the lockfile sets for its manager: accepted, then preferred.
    fn of_lockfile(&self, manager: Manager) -> Result<(Range, Range), NodeError> {
        let compatible = match self.lockfile {
            Some(found) if found.manager() == Some(manager) => Some(found.compatible()?),
            _ => None,
        };
        match compatible {
            Some(compatible) => Ok((range(compatible.accepted)?, range(compatible.preferred)?)),
            None => Ok((any()?, preferred_without_lockfile(manager)?)),
        }
    }
}

/// What is taken where neither a request nor a lockfile says more.
fn preferred_without_lockfile(manager: Manager) -> Result<Range, NodeError> {
    match manager {
        Manager::Npm | Manager::YarnBerry => any(),
        Manager::YarnClassic => range("1.22"),
        Manager::Pnpm => range("10"),
    }
}

/// How the default reads in a plan.
pub(super) fn default_text(manager: Manager, inputs: &Inputs<'_>) -> Result<String, NodeError> {
    Ok(match manager {
        Manager::Npm => "the bundled one".to_owned(),
        _ => inputs.of_lockfile(manager)?.1.to_string(),
    })
}

/// Where the default comes from.
pub(super) fn default_origin(manager: Manager, inputs: &Inputs<'_>) -> Origin {
    match (manager, inputs.lockfile) {
        (Manager::Npm, _) => Origin::Default("comes with Node.js".into()),
        (_, Some(found)) => found.origin.clone(),
        (_, None) => Origin::Default("default".into()),
    }
}

/// Which Yarn has a version in `range`: Yarn classic where both have.
pub(super) fn yarn_of(range: &Range) -> Result<Manager, NodeError> {
    let classic = ManagerCatalogue::embedded(Manager::YarnClassic)?;
    let has = classic
        .versions
        .keys()
        .any(|version| range.satisfies(&semver(*version)));
    Ok(if has {
        Manager::YarnClassic
    } else {
        Manager::YarnBerry
    })
}

fn range(text: &str) -> Result<Range, NodeError> {
    // Ours: that they can be read is tested.
    Range::parse(text).map_err(|_| NodeError::UnreadableVersion {
        origin: Origin::Default("slugbuilder".into()),
        text: text.to_owned(),
        program: "npm",
    })
}

fn any() -> Result<Range, NodeError> {
    range("*")
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
        let (accepted, _) = self.inputs.of_lockfile(self.manager)?;
        let matching = || {
            self.catalogue
                .versions
                .keys()
                .rev()
                .copied()
                .filter(|version| range.satisfies(&semver(*version)))
        };
        let Some(newest) = matching().next() else {
            return Err(self.unknown());
        };
        matching()
            .filter(|version| self.runs(*version))
            .find(|version| accepted.satisfies(&semver(*version)))
            .or_else(|| matching().find(|version| self.runs(*version)))
            .ok_or_else(|| self.other_node(newest))
    }

    /// The newest version that the lockfile leads to.
    fn default(&self) -> Result<Version, NodeError> {
        let (accepted, preferred) = self.inputs.of_lockfile(self.manager)?;
        match self.newest(&preferred) {
            Err(NodeError::OtherNode(_)) => self.newest(&accepted),
            found => found,
        }
    }

    fn runs(&self, version: Version) -> bool {
        self.catalogue.runs_on(version, self.inputs.node.version)
    }

    fn other_node(&self, version: Version) -> NodeError {
        let newest = self
            .catalogue
            .versions
            .keys()
            .rev()
            .copied()
            .find(|version| self.runs(*version));
        NodeError::OtherNode(Box::new(OtherNode {
            origin: self.origin.clone(),
            manager: self.manager,
            version,
            engine: self.catalogue.engine(version).unwrap_or("*").to_owned(),
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
