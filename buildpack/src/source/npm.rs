//! Packages of the npm registry: the user's mirror, else the user's npm, which knows the registry.

use super::{Kit, MAX_LIST_BYTES, MIRROR, Obtained, Provenance, SourceError, Wanted};
use crate::command::Client;
use crate::settings::Mirror;
use crate::version::Version;
use serde::Deserialize;
use slugbuilder_fetch::{Algorithm, Checksum, Format};
use slugbuilder_report::lock::LOCK_FILE;
use std::path::{Path, PathBuf};

/// The name of this source.
pub(super) const SOURCE: &str = "the user's npm";

/// What [`pack`] asks, in words.
pub(super) fn source_name(kit: &Kit<'_>) -> &'static str {
    match kit.settings.npm_mirror {
        Some(_) => MIRROR,
        None => SOURCE,
    }
}

#[derive(Deserialize)]
struct Packed {
    integrity: String,
}

/// Gets the archive of one version of a package, from the mirror where there is one, else through the user's npm.
/// `integrity` is what the catalogue knows of it.
pub(super) fn pack(
    kit: &Kit<'_>,
    package: &str,
    version: Version,
    integrity: Option<&str>,
) -> Result<Obtained, SourceError> {
    match &kit.settings.npm_mirror {
        Some(mirror) => of_mirror(kit, mirror, package, version, integrity),
        None => pack_with(kit, package, version, integrity, SOURCE, |_| {
            Ok(Client::new("npm", &kit.settings.environment))
        }),
    }
}

/// The same through the npm that `client` gives, which may use the temporary folder. `source` is that npm in words.
pub(super) fn pack_with(
    kit: &Kit<'_>,
    package: &str,
    version: Version,
    integrity: Option<&str>,
    source: &str,
    client: impl FnOnce(&Path) -> Result<Client, SourceError>,
) -> Result<Obtained, SourceError> {
    let specification = format!("{package}@{version}");
    let receipt = location(package, version);
    let known = integrity.map(Checksum::from_integrity).transpose()?;
    let wanted = Wanted {
        receipt: &receipt,
        location: &receipt,
        source,
        format: Some(Format::TarGz),
        known,
    };
    if let Some(found) = kit.at_hand(&wanted)? {
        return Ok(found);
    }
    let locked = kit.locked_hash(&receipt);
    if kit.settings.offline {
        return Err(SourceError::Offline);
    }
    let folder = kit.temporary()?;
    let packages = folder.path().join("packages");
    fs_err::create_dir(&packages).map_err(SourceError::Disk)?;
    // npm looks upwards for a project, whose `devEngines` it would insist on: layers may lie in the app.
    fs_err::write(folder.path().join("package.json"), "{}").map_err(SourceError::Disk)?;
    // HOME may be missing or empty, and nothing of npm's own is to stay behind.
    let output = client(folder.path())?
        .args([
            "pack",
            &specification,
            "--json",
            "--ignore-scripts",
            "--loglevel=error",
        ])
        .env("npm_config_cache", folder.path().join("cache"))
        .env("npm_config_update_notifier", "false")
        .env("npm_config_logs_dir", folder.path().join("logs"))
        .folder(&packages)
        .output()?;
    let unexpected = || SourceError::Answer(format!("`npm pack {specification} --json`"));
    let packed: Vec<Packed> = serde_json::from_slice(&output).map_err(|_| unexpected())?;
    let packed = packed.into_iter().next().ok_or_else(unexpected)?;
    let file = only_file(&packages)?.ok_or_else(unexpected)?;
    let expected = match locked.or(known) {
        Some(expected) => expected,
        None => Checksum::from_integrity(&packed.integrity)?,
    };
    let inserted = kit
        .cache
        .insert(&file, Some(&expected))
        .map_err(|error| kit.named_after_lock(error, &receipt))?;
    let obtained = Obtained {
        path: inserted.path,
        format: Format::TarGz,
        provenance: Provenance {
            source: source.into(),
            checksum: Some(inserted.sha256.to_string()),
            verified_by: verified_by(locked, known, "the registry"),
            location: Some(receipt.clone()),
        },
    };
    kit.receipts().keep(&receipt, &inserted.sha256, &obtained)?;
    Ok(obtained)
}

/// What npm has written: one file, whose name in its answer is not the real one for a package of a scope (before npm 9).
fn only_file(folder: &Path) -> Result<Option<PathBuf>, SourceError> {
    let mut entries = fs_err::read_dir(folder).map_err(SourceError::Disk)?;
    let first = entries.next().transpose().map_err(SourceError::Disk)?;
    Ok(first
        .filter(|_| entries.next().is_none())
        .map(|entry| entry.path()))
}

/// `<name>-<version>.tgz` as `npm pack` names it, where `@scope/name` is `scope-name`, checked against the catalogue or
/// `<file>.sha256` beside it.
fn of_mirror(
    kit: &Kit<'_>,
    mirror: &Mirror,
    package: &str,
    version: Version,
    integrity: Option<&str>,
) -> Result<Obtained, SourceError> {
    let name = package.trim_start_matches('@').replace('/', "-");
    let url = format!("{}/{name}-{version}.tgz", mirror.address());
    let known = integrity.map(Checksum::from_integrity).transpose()?;
    let location = location(package, version);
    let wanted = Wanted {
        receipt: &url,
        location: &location,
        source: MIRROR,
        format: Some(Format::TarGz),
        known,
    };
    if let Some(found) = kit.at_hand(&wanted)? {
        return Ok(found);
    }
    let locked = kit.locked_hash(&location);
    let checksum = if let Some(expected) = locked.or(known) {
        expected
    } else {
        let text = kit.client.text(&format!("{url}.sha256"), MAX_LIST_BYTES)?;
        let hex = text.split_ascii_whitespace().next().unwrap_or_default();
        Checksum::from_hex(Algorithm::Sha256, hex)?
    };
    kit.download(
        &wanted,
        format!("{package} {version}"),
        Format::TarGz,
        checksum,
        verified_by(locked, known, "published"),
    )
}

/// What a lock calls the archive of a package.
pub(crate) fn location(package: &str, version: Version) -> String {
    format!("npm:{package}@{version}")
}

fn verified_by(locked: Option<Checksum>, known: Option<Checksum>, otherwise: &str) -> String {
    match (locked, known) {
        (Some(_), _) => LOCK_FILE,
        (None, Some(_)) => "catalogue",
        (None, None) => otherwise,
    }
    .to_owned()
}
