//! Node.js: nodejs.org's layout, and the user's npm.

use super::{InstallError, npm};
use super::{
    Kit, MAX_ARCHIVE_BYTES, MAX_LIST_BYTES, MIRROR, Obtained, Provenance, Source, SourceError,
    Wanted, first_of,
};
use crate::catalogue::Hashes;
use crate::runtime::Runtime;
use crate::target::Machine;
use crate::version::Version;
use slugbuilder_fetch::{Algorithm, Checksum, Download, Format};
use slugbuilder_report::PinKind;
use slugbuilder_report::lock::LOCK_FILE;

/// What was got of Node.js.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeArchive {
    /// The archive, whose one top folder is to be stripped.
    pub archive: Obtained,
    /// The archive of npm where the first one has none in `lib/node_modules/npm`.
    pub npm: Option<Obtained>,
}

/// Gets Node.js `version`, with npm where `with_npm`.
pub fn obtain(
    kit: &Kit<'_>,
    version: Version,
    hashes: &Hashes,
    with_npm: bool,
) -> Result<NodeArchive, InstallError> {
    let what = format!("Node.js {version}");
    let whole = |archive| NodeArchive { archive, npm: None };
    let sources = match kit.settings.mirror(Runtime::Node) {
        Some(mirror) => vec![
            Source::new(MIRROR, move || {
                site(kit, version, mirror.address(), MIRROR).map(whole)
            })
            .at(location(kit, version)),
        ],
        None => vec![
            Source::new("nodejs.org", move || {
                site(kit, version, &kit.sites.node, "nodejs.org").map(whole)
            })
            .at(location(kit, version)),
            Source::new(npm::SOURCE, move || {
                let machine = kit.target.machine;
                let name = format!("node-linux-{}", machine.node_name());
                let archive = npm::pack(kit, &name, version, hashes.npm(machine))?;
                let npm = with_npm
                    .then(|| npm::pack(kit, "npm", npm_version(version), None))
                    .transpose()?;
                Ok(NodeArchive { archive, npm })
            })
            .at(package(version, kit.target.machine)),
        ],
    };
    let sources = kit.in_order_of_lock(PinKind::Runtime, Runtime::Node.name(), sources);
    first_of(&what, sources, kit.reporter)
}

/// The layout of nodejs.org/dist: `v<X>/SHASUMS256.txt` and `v<X>/node-v<X>-linux-<machine>.tar.xz`.
fn site(kit: &Kit<'_>, version: Version, base: &str, name: &str) -> Result<Obtained, SourceError> {
    let file = format!(
        "node-v{version}-linux-{}.tar.xz",
        kit.target.machine.node_name()
    );
    let url = format!("{base}/v{version}/{file}");
    let location = location(kit, version);
    let wanted = Wanted {
        receipt: &url,
        location: &location,
        source: name,
        format: Some(Format::TarXz),
        known: None,
    };
    if let Some(found) = kit.at_hand(&wanted)? {
        return Ok(found);
    }
    let (checksum, verified_by) = match kit.locked_hash(&location) {
        Some(locked) => (locked, LOCK_FILE),
        None => (published_checksum(kit, version, base, &file)?, "published"),
    };
    let request = Download {
        url: url.clone(),
        name: format!("Node.js {version}"),
        checksum: Some(checksum),
        max_bytes: MAX_ARCHIVE_BYTES,
    };
    let fetched = kit
        .cache
        .fetch(kit.client, &request, kit.reporter)
        .map_err(|error| kit.named_after_lock(error, &location))?;
    let obtained = Obtained {
        path: fetched.path,
        format: Format::TarXz,
        provenance: Provenance {
            source: name.to_owned(),
            checksum: Some(fetched.sha256.to_string()),
            verified_by: verified_by.into(),
            location: Some(location),
        },
    };
    kit.receipts().keep(&url, &fetched.sha256, &obtained)?;
    Ok(obtained)
}

fn published_checksum(
    kit: &Kit<'_>,
    version: Version,
    base: &str,
    file: &str,
) -> Result<Checksum, SourceError> {
    let list = format!("{base}/v{version}/SHASUMS256.txt");
    let text = kit.client.text(&list, MAX_LIST_BYTES)?;
    let hex = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .find(|(_, listed)| *listed == file)
        .map(|(hex, _)| hex)
        .ok_or_else(|| SourceError::Absent(format!("`{file}` is not in `{list}`")))?;
    Ok(Checksum::from_hex(Algorithm::Sha256, hex)?)
}

/// What a lock calls the archive of nodejs.org, wherever it comes from.
fn location(kit: &Kit<'_>, version: Version) -> String {
    let (base, machine) = (&kit.sites.node, kit.target.machine.node_name());
    format!("{base}/v{version}/node-v{version}-linux-{machine}.tar.xz")
}

/// What a lock calls the package of the registry.
pub(crate) fn package(version: Version, machine: Machine) -> String {
    format!("npm:node-linux-{}@{version}", machine.node_name())
}

/// The npm that goes with a Node.js: the last one of the major version that supports it.
fn npm_version(node: Version) -> Version {
    match node.major {
        ..18 => Version::new(8, 19, 4),
        18..=21 => Version::new(10, 9, 4),
        _ => Version::new(11, 6, 2),
    }
}
