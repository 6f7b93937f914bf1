//! Package managers: a package of the npm registry each, got through the user's npm and verified.

use super::{InstallError, Kit, Obtained, Source, SourceError, first_of, node, npm};
use crate::catalogue::Hashes;
use crate::command::Client;
use crate::node::{Bundle, Manager, PlannedManager};
use crate::version::Version;
use slugbuilder_fetch::{Checksum, Strip, UnpackOptions, unpack};
use std::path::Path;

/// The npm in Node.js's own archive, for machines that have none.
#[derive(Debug)]
pub struct OwnNpm<'a> {
    /// A Node.js that runs here.
    pub node: &'a Path,
    /// The version of the archive.
    pub version: Version,
    /// What the catalogue knows of it.
    pub hashes: &'a Hashes,
}

impl OwnNpm<'_> {
    /// A command of it, unpacked to `folder`.
    fn client(&self, kit: &Kit<'_>, folder: &Path) -> Result<Client, SourceError> {
        let npm = Path::new("lib/node_modules/npm");
        let absent = |reason: String| SourceError::Absent(reason);
        let got = node::obtain(kit, self.version, self.hashes, None)
            .map_err(|error| absent(error.to_string()))?;
        let unpacked = folder.join("node");
        let archive = fs_err::File::open(&got.archive.path).map_err(SourceError::Disk)?;
        let options = UnpackOptions {
            strip: Strip::Components(1),
            keep: &|path| path.starts_with(npm),
            ..UnpackOptions::default()
        };
        unpack(archive, got.archive.format, &unpacked, &options)?;
        let script = unpacked.join(npm).join("bin/npm-cli.js");
        if !script.is_file() {
            let source = &got.archive.provenance.source;
            return Err(absent(format!("Node.js from {source} has no npm in it")));
        }
        let user = &kit.settings.environment;
        let mut client = Client::new(self.node, user).args([script]);
        // Node.js's own build knows none of the machine's certificates.
        if let Some(file) = &kit.settings.ca_file
            && user.get("NODE_EXTRA_CA_CERTS").is_none()
        {
            client = client.env("NODE_EXTRA_CA_CERTS", file);
        }
        Ok(client)
    }
}

/// Gets the package `bundle` of the planned manager. Its hash in `packageManager` is checked, unless it is that of a file
/// in the package (Yarn 2 and later): then [`verify`] does when it is unpacked.
pub fn obtain(
    kit: &Kit<'_>,
    planned: &PlannedManager,
    bundle: &Bundle,
    own: &OwnNpm<'_>,
) -> Result<Obtained, InstallError> {
    let what = format!("{} {}", planned.manager.title(), planned.version);
    let integrity = bundle.integrity.as_deref();
    let (package, version) = (bundle.package, planned.version);
    let has_mirror = kit.settings.npm_mirror.is_some();
    let mut sources = vec![Source::new(npm::source_name(kit), move || {
        npm::pack(kit, package, version, integrity)
    })];
    if !has_mirror && kit.settings.environment.find("npm").is_none() {
        const NAME: &str = "the npm of Node.js";
        sources.push(Source::new(NAME, move || {
            npm::pack_with(kit, package, version, integrity, NAME, |folder| {
                own.client(kit, folder)
            })
        }));
    }
    let mut obtained = first_of(&what, sources, kit.reporter)?;
    if planned.manager != Manager::YarnBerry {
        verify(planned, bundle, &obtained.path)?;
    }
    if bundle.corepack_hash.is_some() && integrity.is_none() {
        "packageManager".clone_into(&mut obtained.provenance.verified_by);
    }
    Ok(obtained)
}

/// Checks `file` against the hash in `packageManager`, where there is one.
pub fn verify(planned: &PlannedManager, bundle: &Bundle, file: &Path) -> Result<(), InstallError> {
    let Some(expected) = bundle.corepack_hash else {
        return Ok(());
    };
    let what = || format!("{} {}", planned.manager.title(), planned.version);
    let found = fs_err::File::open(file)
        .and_then(|file| Checksum::of(expected.algorithm(), file))
        .map_err(|error| InstallError::Unusable {
            what: what(),
            name: bundle.package.to_owned(),
            error: Box::new(SourceError::Disk(error)),
        })?;
    if found == expected {
        return Ok(());
    }
    Err(InstallError::ManagerHash {
        what: what(),
        requested: planned.requested.clone(),
        origin: Box::new(planned.origin.clone()),
        expected: Box::new(expected),
        found: Box::new(found),
    })
}
