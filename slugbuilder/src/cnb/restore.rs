//! The restore phase (section 2.6 of the reference), with the cache already in place.
//!
//! The reference implementation unpacks cached layers; here they are still where the last build left them, moved with the
//! layers folder by the caller. What is left to do is to take everything else away, so that buildpacks meet what they
//! would meet elsewhere: contents and metadata of layers with `cache = true`, without their `[types]` (a layer that is
//! not declared again is dropped), and `store.toml`.
//!
//! Layers that are for launch only are never restored, not even their metadata: a buildpack may then leave the contents
//! to the platform, which would have to have them.

use super::files::{Files, Kind};
use super::layers::{layer_of, sbom_of};
use super::{CnbError, Detection, Platform};
use serde::Deserialize;
use slugbuilder_report::Warning;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

/// A layer that a buildpack gets back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredLayer {
    /// Id of its buildpack.
    pub buildpack: String,
    /// Its name.
    pub name: String,
}

/// What was restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// The layers that are there again.
    pub layers: Vec<RestoredLayer>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

#[derive(Default, Deserialize)]
struct Types {
    #[serde(default)]
    cache: bool,
}

impl Platform<'_> {
    /// Clears the layers folder but for what the buildpacks of the group may have back.
    pub fn restore(&self, detection: &Detection) -> Result<Restored, CnbError> {
        let files = self.files();
        let layers_dir = self.layers_dir();
        let mut restored = Restored::default();
        let mut folders = BTreeSet::new();
        for participant in &detection.group {
            let descriptor = &participant.buildpack.descriptor;
            let folder = layers_dir.join(descriptor.escaped_id());
            folders.insert(OsString::from(descriptor.escaped_id()));
            if files.kind(&folder)? == Some(Kind::Directory) {
                restore_folder(files, &descriptor.id, &folder, &mut restored)?;
            }
        }
        for (name, kind) in files.list(&layers_dir)? {
            if kind != Kind::Directory || !folders.contains(&name) {
                files.remove(&layers_dir.join(name))?;
            }
        }
        Ok(restored)
    }
}

fn restore_folder(
    files: Files<'_>,
    buildpack: &str,
    folder: &Path,
    restored: &mut Restored,
) -> Result<(), CnbError> {
    let mut kept = BTreeSet::from([OsString::from("store.toml")]);
    let names = files.list(folder)?;
    for (file_name, kind) in &names {
        let Some(Ok(name)) = layer_of(file_name) else {
            continue;
        };
        let path = folder.join(file_name);
        if *kind != Kind::File || files.kind(&folder.join(&name))? != Some(Kind::Directory) {
            continue;
        }
        match without_types(files, &path) {
            Ok(Some(content)) => files.write(&path, content.as_bytes())?,
            Ok(None) => continue,
            Err(error) => {
                // A cache that cannot be read costs time, not the build.
                restored.warnings.push(
                    Warning::new(
                        "cache-unreadable",
                        format!("a cached layer is thrown away: {error}"),
                    )
                    .hint("It is built anew."),
                );
                continue;
            }
        }
        kept.insert(file_name.clone());
        kept.insert(name.clone().into());
        kept.extend(
            names
                .iter()
                .filter(|(other, kind)| {
                    *kind == Kind::File && sbom_of(other).is_some_and(|(stem, _)| stem == name)
                })
                .map(|(other, _)| other.clone()),
        );
        restored.layers.push(RestoredLayer {
            buildpack: buildpack.to_owned(),
            name,
        });
    }
    for (file_name, kind) in names {
        let path = folder.join(&file_name);
        if !kept.contains(&file_name) || (file_name == "store.toml" && kind != Kind::File) {
            files.remove(&path)?;
        }
    }
    restored
        .layers
        .sort_by(|left, right| (&left.buildpack, &left.name).cmp(&(&right.buildpack, &right.name)));
    Ok(())
}

/// The content of a layer's file as it is restored; nothing if the layer is not cached.
fn without_types(files: Files<'_>, path: &Path) -> Result<Option<String>, CnbError> {
    let Some(mut document) = files.read_toml::<toml::Table>(path)? else {
        return Ok(None);
    };
    let types: Types = document
        .remove("types")
        .and_then(|types| types.try_into().ok())
        .unwrap_or_default();
    if !types.cache {
        return Ok(None);
    }
    toml::to_string(&document)
        .map(Some)
        .map_err(|error| CnbError::InvalidDocument {
            path: path.to_owned(),
            line: None,
            reason: error.to_string(),
        })
}
