//! Node.js: nodejs.org's layout, and the user's npm.

use super::{InstallError, npm};
use super::{Kit, MAX_LIST_BYTES, MIRROR, Obtained, Source, SourceError, Wanted, first_of};
use crate::catalogue::{Hashes, ManagerCatalogue};
use crate::command::CommandError;
use crate::node::Manager;
use crate::node::host::{Host, Libc};
use crate::runtime::Runtime;
use crate::target::Machine;
use crate::version::Version;
use slugbuilder_fetch::{Algorithm, Checksum, Format};
use slugbuilder_report::PinKind;
use slugbuilder_report::lock::LOCK_FILE;
use std::path::PathBuf;

/// What was got of Node.js.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeArchive {
    /// The archive, whose one top folder is to be stripped.
    pub archive: Obtained,
    /// The archive of npm where the first one has none in `lib/node_modules/npm`.
    pub npm: Option<Obtained>,
}

/// A Node.js that runs on the machine that builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostNode {
    /// Its archive, whose one top folder is to be stripped.
    Archive(Obtained),
    /// The program that is installed.
    Installed(PathBuf),
}

/// Gets Node.js `version` for the target, and `npm` where that is wanted and the archive has none.
pub fn obtain(
    kit: &Kit<'_>,
    version: Version,
    hashes: &Hashes,
    npm: Option<Version>,
) -> Result<NodeArchive, InstallError> {
    let what = format!("Node.js {version}");
    let platform = format!("linux-{}", kit.target.machine.node_name());
    let platform = platform.as_str();
    let sources = match kit.settings.mirror(Runtime::Node) {
        Some(mirror) => vec![
            Source::new(MIRROR, move || {
                site(kit, version, platform, mirror.address(), MIRROR)
            })
            .at(location(kit, version, platform)),
        ],
        None => vec![
            Source::new("nodejs.org", move || {
                site(kit, version, platform, &kit.sites.node, "nodejs.org")
            })
            .at(location(kit, version, platform)),
            Source::new(npm::source_name(kit), move || {
                let integrity = hashes.npm(kit.target.machine);
                npm::pack(kit, &format!("node-{platform}"), version, integrity)
            })
            .at(package(version, platform)),
        ],
    };
    let sources = kit.in_order_of_lock(PinKind::Runtime, Runtime::Node.name(), sources);
    let archive = first_of(&what, sources, kit.reporter)?;
    // Not a part of the source: what is missing is to be called by its name.
    let package = package(version, platform);
    let has_npm = archive.provenance.location.as_deref() != Some(package.as_str());
    let npm = npm.filter(|_| !has_npm);
    let npm = npm.map(|version| bundled_npm(kit, version)).transpose()?;
    Ok(NodeArchive { archive, npm })
}

/// Gets Node.js `version` for `host`, on which the target's does not run. Nobody publishes one for musl: there the
/// installed one has to do, which may be of any version.
pub fn obtain_for_host(
    kit: &Kit<'_>,
    version: Version,
    hashes: &Hashes,
    host: &Host,
) -> Result<HostNode, InstallError> {
    let what = format!("Node.js {version} for {host}");
    let installed = || {
        let found = kit.settings.environment.find("node");
        let missing = || SourceError::Client(CommandError::Missing("node".into()));
        found.map(HostNode::Installed).ok_or_else(missing)
    };
    let has_releases = host.os != "linux" || host.libc == Libc::Glibc;
    let platform = format!("{}-{}", host.os, host.cpu);
    let platform = platform.as_str();
    let mut sources = Vec::new();
    if has_releases {
        match kit.settings.mirror(Runtime::Node) {
            Some(mirror) => sources.push(
                Source::new(MIRROR, move || {
                    site(kit, version, platform, mirror.address(), MIRROR).map(HostNode::Archive)
                })
                .at(location(kit, version, platform)),
            ),
            None => sources.extend([
                Source::new("nodejs.org", move || {
                    site(kit, version, platform, &kit.sites.node, "nodejs.org")
                        .map(HostNode::Archive)
                })
                .at(location(kit, version, platform)),
                Source::new(npm::source_name(kit), move || {
                    let integrity = match platform {
                        "linux-x64" => hashes.npm(Machine::Amd64),
                        "linux-arm64" => hashes.npm(Machine::Arm64),
                        _ => None,
                    };
                    npm::pack(kit, &format!("node-{platform}"), version, integrity)
                        .map(HostNode::Archive)
                })
                .at(package(version, platform)),
            ]),
        }
    }
    let mut sources = kit.in_order_of_lock(PinKind::Runtime, Runtime::Node.name(), sources);
    sources.push(Source::new("the installed Node.js", installed));
    first_of(&what, sources, kit.reporter)
}

/// The layout of nodejs.org/dist: `v<X>/SHASUMS256.txt` and `v<X>/node-v<X>-<platform>.tar.xz`.
fn site(
    kit: &Kit<'_>,
    version: Version,
    platform: &str,
    base: &str,
    name: &str,
) -> Result<Obtained, SourceError> {
    let file = format!("node-v{version}-{platform}.tar.xz");
    let url = format!("{base}/v{version}/{file}");
    let location = location(kit, version, platform);
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
    kit.download(
        &wanted,
        format!("Node.js {version}"),
        Format::TarXz,
        checksum,
        verified_by.into(),
    )
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
fn location(kit: &Kit<'_>, version: Version, platform: &str) -> String {
    let base = &kit.sites.node;
    format!("{base}/v{version}/node-v{version}-{platform}.tar.xz")
}

/// What a lock calls the package of the registry that holds Node.js for `platform`.
fn package(version: Version, platform: &str) -> String {
    npm::location(&format!("node-{platform}"), version)
}

/// The same for the target.
pub(crate) fn package_for(version: Version, machine: Machine) -> String {
    package(version, &format!("linux-{}", machine.node_name()))
}

/// Gets npm `version`, which a package of Node.js does not bring.
fn bundled_npm(kit: &Kit<'_>, version: Version) -> Result<Obtained, InstallError> {
    // Known before, so that a cache whose receipts are not trusted has it too.
    let catalogue = ManagerCatalogue::embedded(Manager::Npm).ok();
    let integrity = catalogue.and_then(|catalogue| catalogue.versions.get(&version).cloned());
    let source = Source::new(npm::source_name(kit), move || {
        npm::pack(kit, "npm", version, integrity.as_deref())
    });
    first_of(&format!("npm {version}"), vec![source], kit.reporter)
}

/// The npm that comes with a Node.js. The catalogue has one for every Node.js that there is, which is tested; the one
/// here is for older ones.
pub(crate) fn npm_version(node: Version) -> Version {
    const OLDEST: Version = Version {
        major: 6,
        minor: 14,
        patch: 18,
    };
    ManagerCatalogue::embedded(Manager::Npm)
        .ok()
        .and_then(|catalogue| catalogue.bundled_with(node))
        .unwrap_or(OLDEST)
}
