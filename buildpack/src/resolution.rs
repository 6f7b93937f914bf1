//! What a build obtained, as what a lock can pin and a mirror folder can hold.

use crate::detect::AppPlan;
use crate::runtime::Runtime;
use crate::source::{Kit, Provenance, Receipt, node};
use crate::version::Version;
use slugbuilder_fetch::Checksum;
use slugbuilder_report::{ObtainedFile, Pin, PinKind, PinnedArchive, SitePath};
use std::collections::BTreeMap;

/// The packages of the registry that are package managers, with what they are called.
const MANAGERS: [(&str, &str); 4] = [
    ("npm", "npm"),
    ("pnpm", "pnpm"),
    ("yarn", "yarn"),
    ("@yarnpkg/cli-dist", "yarn"),
];

/// A runtime that was installed.
pub(crate) struct Obtained {
    pub(crate) runtime: Runtime,
    pub(crate) version: Version,
    pub(crate) provenance: Provenance,
}

/// The pins of runtimes, in the order of `obtained`, then those of what came with them. `integrity` is what the catalogue
/// knows of the package of this Node.js.
pub(crate) fn pins(
    kit: &Kit<'_>,
    plan: &AppPlan,
    obtained: &[Obtained],
    integrity: impl Fn(Version) -> Option<String>,
    receipts: &[Receipt],
) -> Vec<Pin> {
    let mut pins = Vec::new();
    for one in obtained {
        let Some(language) = plan.language(one.runtime) else {
            continue;
        };
        let mut archives: Vec<PinnedArchive> = archive(&one.provenance).into_iter().collect();
        if one.runtime == Runtime::Node {
            let other_machines = receipts.iter().filter(|receipt| is_node(kit, one, receipt));
            for found in other_machines.filter_map(|receipt| archive(&receipt.provenance)) {
                if !archives.contains(&found) {
                    archives.push(found);
                }
            }
            let location = node::package_for(one.version, kit.target.machine);
            let known = integrity(one.version)
                .and_then(|integrity| Checksum::from_integrity(&integrity).ok())
                .filter(|_| archives.iter().all(|archive| archive.location != location));
            archives.extend(known.map(|hash| PinnedArchive {
                location,
                hash: hash.to_string(),
            }));
        }
        let requested = &language.resolved.requested;
        pins.push(Pin {
            kind: PinKind::Runtime,
            name: one.runtime.name().to_owned(),
            version: one.version.to_string(),
            requested: requested.text.clone(),
            requested_by: requested.origin.to_string(),
            archives,
        });
    }
    pins.extend(
        receipts
            .iter()
            .filter_map(|receipt| companion(plan, receipt)),
    );
    pins
}

/// Whether `receipt` is of this Node.js, for whatever machine: the one that builds may need its own.
fn is_node(kit: &Kit<'_>, node: &Obtained, receipt: &Receipt) -> bool {
    let version = node.version;
    let location = receipt.provenance.location.as_deref().unwrap_or_default();
    location.starts_with(&format!("{}/v{version}/", kit.sites.node))
        || location.starts_with("npm:node-") && location.ends_with(&format!("@{version}"))
}

/// What came beside a runtime: a package manager, or WEBrick.
fn companion(plan: &AppPlan, receipt: &Receipt) -> Option<Pin> {
    let pin = |kind, name: &str, version: &str, requested: &str, requested_by: String| Pin {
        kind,
        name: name.to_owned(),
        version: version.to_owned(),
        requested: requested.to_owned(),
        requested_by,
        archives: archive(&receipt.provenance).into_iter().collect(),
    };
    let key = receipt.key.as_str();
    let location = receipt.provenance.location.as_deref().unwrap_or(key);
    if let Some((package, version)) = location
        .strip_prefix("npm:")
        .and_then(|rest| rest.rsplit_once('@'))
        && let Some((_, name)) = MANAGERS.iter().find(|(of, _)| *of == package)
    {
        let planned = plan.node.as_ref().map(|app| &app.manager);
        let asked = planned.filter(|planned| planned.manager.program() == *name);
        let (requested, by) = match asked {
            Some(planned) => (planned.requested.as_str(), planned.origin.to_string()),
            None => ("npm", format!("goes with {}", Runtime::Node.title())),
        };
        return Some(pin(PinKind::PackageManager, name, version, requested, by));
    }
    let version = match key.strip_prefix("gem:webrick:") {
        Some(version) => version,
        None if key == "apt:ruby-webrick" => {
            let location = receipt.provenance.location.as_deref()?;
            location.rsplit_once('=')?.1
        }
        None => return None,
    };
    let by = plan
        .webrick
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    Some(pin(PinKind::Runtime, "webrick", version, "webrick", by))
}

fn archive(provenance: &Provenance) -> Option<PinnedArchive> {
    Some(PinnedArchive {
        location: provenance.location.clone()?,
        hash: provenance.checksum.clone()?,
    })
}

/// The files behind `receipts`, by their keys.
pub(crate) fn files(kit: &Kit<'_>, receipts: &[Receipt]) -> Vec<ObtainedFile> {
    let sites = [
        (Runtime::Node, &kit.sites.node),
        (Runtime::Ruby, &kit.sites.ruby),
        (Runtime::Go, &kit.sites.go),
    ];
    let mut files: Vec<ObtainedFile> = receipts
        .iter()
        .map(|receipt| {
            let location = receipt.provenance.location.as_deref();
            // A mirror's address is nobody else's business.
            let key = location
                .filter(|location| location.contains("://") || location.starts_with("npm:"))
                .unwrap_or(&receipt.key);
            let site = sites.iter().find_map(|(runtime, base)| {
                let path = key.strip_prefix(base.as_str())?.strip_prefix('/')?;
                Some((runtime.name(), path.to_owned()))
            });
            let package = || Some(("npm", file_of_package(key.strip_prefix("npm:")?)?));
            let site = site.or_else(package).map(|(name, path)| SitePath {
                site: name.to_owned(),
                path,
            });
            ObtainedFile {
                key: key.to_owned(),
                site,
                sha256: receipt.checksum.hex(),
                format: receipt.format.clone(),
                provenance: fields(&receipt.provenance),
            }
        })
        .collect();
    files.sort_by(|one, other| one.key.cmp(&other.key));
    files
}

/// The file of a package `NAME@VERSION` as `npm pack` names it.
fn file_of_package(specification: &str) -> Option<String> {
    let (package, version) = specification.rsplit_once('@')?;
    let name = package.trim_start_matches('@').replace('/', "-");
    Some(format!("{name}-{version}.tgz"))
}

fn fields(provenance: &Provenance) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::from([
        ("source".to_owned(), provenance.source.clone()),
        ("verified-by".to_owned(), provenance.verified_by.clone()),
    ]);
    let optional = [
        ("checksum", &provenance.checksum),
        ("location", &provenance.location),
    ];
    for (name, value) in optional {
        fields.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    fields
}
