//! Node.js: nodejs.org's layout, and the user's npm.

use super::{InstallError, npm};
use super::{
    Kit, MAX_ARCHIVE_BYTES, MAX_LIST_BYTES, MIRROR, Obtained, Provenance, Source, SourceError,
    first_of,
};
use crate::catalogue::Hashes;
use crate::runtime::Runtime;
use crate::version::Version;
use slugbuilder_fetch::{Algorithm, Checksum, Download, Format};

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
        Some(mirror) => vec![Source::new(MIRROR, move || {
            site(kit, version, mirror.address(), MIRROR).map(whole)
        })],
        None => vec![
            Source::new("nodejs.org", move || {
                site(kit, version, &kit.sites.node, "nodejs.org").map(whole)
            }),
            Source::new(npm::SOURCE, move || {
                let machine = kit.target.machine;
                let name = format!("node-linux-{}", machine.node_name());
                let archive = npm::pack(kit, &name, version, hashes.npm(machine))?;
                let npm = with_npm
                    .then(|| npm::pack(kit, "npm", npm_version(version), None))
                    .transpose()?;
                Ok(NodeArchive { archive, npm })
            }),
        ],
    };
    first_of(&what, sources, kit.reporter)
}

/// The layout of nodejs.org/dist: `v<X>/SHASUMS256.txt` and `v<X>/node-v<X>-linux-<machine>.tar.xz`.
fn site(kit: &Kit<'_>, version: Version, base: &str, name: &str) -> Result<Obtained, SourceError> {
    let file = format!(
        "node-v{version}-linux-{}.tar.xz",
        kit.target.machine.node_name()
    );
    let url = format!("{base}/v{version}/{file}");
    if let Some(found) = kit.receipts().find(&url, kit.cache)? {
        return Ok(found);
    }
    let list = kit
        .client
        .text(&format!("{base}/v{version}/SHASUMS256.txt"), MAX_LIST_BYTES)?;
    let checksum = list
        .lines()
        .filter_map(|line| line.split_once("  "))
        .find(|(_, listed)| *listed == file)
        .map(|(hex, _)| Checksum::from_hex(Algorithm::Sha256, hex))
        .ok_or_else(|| {
            SourceError::Absent(format!(
                "`{file}` is not in `{base}/v{version}/SHASUMS256.txt`"
            ))
        })??;
    let request = Download {
        url: url.clone(),
        name: format!("Node.js {version}"),
        checksum: Some(checksum),
        max_bytes: MAX_ARCHIVE_BYTES,
    };
    let fetched = kit.cache.fetch(kit.client, &request, kit.reporter)?;
    let obtained = Obtained {
        path: fetched.path,
        format: Format::TarXz,
        provenance: Provenance {
            source: name.to_owned(),
            checksum: Some(fetched.sha256.to_string()),
            verified_by: "published".into(),
        },
    };
    kit.receipts().keep(&url, &fetched.sha256, &obtained)?;
    Ok(obtained)
}

/// The npm that goes with a Node.js: the last one of the major version that supports it.
fn npm_version(node: Version) -> Version {
    match node.major {
        ..18 => Version::new(8, 19, 4),
        18..=21 => Version::new(10, 9, 4),
        _ => Version::new(11, 6, 2),
    }
}
