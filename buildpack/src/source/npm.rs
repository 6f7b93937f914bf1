//! Packages through the user's npm, which knows its registry, its proxy and its credentials.

use super::{Kit, Obtained, Provenance, SourceError, Wanted};
use crate::command::Client;
use crate::version::Version;
use serde::Deserialize;
use slugbuilder_fetch::{Checksum, Format};
use slugbuilder_report::lock::LOCK_FILE;

/// The name of this source.
pub(super) const SOURCE: &str = "the user's npm";

#[derive(Deserialize)]
struct Packed {
    filename: String,
    integrity: String,
}

/// Gets the archive of one version of a package. `integrity` is what the catalogue knows of it.
pub(super) fn pack(
    kit: &Kit<'_>,
    package: &str,
    version: Version,
    integrity: Option<&str>,
) -> Result<Obtained, SourceError> {
    let specification = format!("{package}@{version}");
    let receipt = format!("npm:{specification}");
    let known = integrity.map(Checksum::from_integrity).transpose()?;
    let wanted = Wanted {
        receipt: &receipt,
        location: &receipt,
        source: SOURCE,
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
    // HOME may be missing or empty, and nothing of npm's own is to stay behind.
    let output = Client::new("npm", &kit.settings.environment)
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
        .folder(folder.path())
        .output()?;
    let unexpected = || SourceError::Answer(format!("`npm pack {specification} --json`"));
    let packed: Vec<Packed> = serde_json::from_slice(&output).map_err(|_| unexpected())?;
    let packed = packed.into_iter().next().ok_or_else(unexpected)?;
    // The name is npm's answer: only its last part may count.
    let file = std::path::Path::new(&packed.filename)
        .file_name()
        .ok_or_else(unexpected)?;
    let expected = match locked.or(known) {
        Some(known) => known,
        None => Checksum::from_integrity(&packed.integrity)?,
    };
    let inserted = kit
        .cache
        .insert(&folder.path().join(file), Some(&expected))
        .map_err(|error| kit.named_after_lock(error, &receipt))?;
    let obtained = Obtained {
        path: inserted.path,
        format: Format::TarGz,
        provenance: Provenance {
            source: SOURCE.into(),
            checksum: Some(inserted.sha256.to_string()),
            verified_by: if locked.is_some() {
                LOCK_FILE
            } else if integrity.is_some() {
                "catalogue"
            } else {
                "the registry"
            }
            .into(),
            location: Some(receipt.clone()),
        },
    };
    kit.receipts().keep(&receipt, &inserted.sha256, &obtained)?;
    Ok(obtained)
}
