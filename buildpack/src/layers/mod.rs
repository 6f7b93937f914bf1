//! Layers: what is kept from build to build, and when it is made anew.
//!
//! Every layer has a key. A restored layer with the same key is kept; any other is deleted and filled again, with the
//! reason on the standard output. The metadata is written last, so that a layer whose build was interrupted has none and
//! is never taken for whole.

pub mod go;
pub(crate) mod manager;
pub mod node;
pub(crate) mod node_environment;
pub(crate) mod node_host;
pub mod ruby;
pub mod webrick;

use crate::buildpack::SlugbuilderBuildpack;
use crate::error::BuildpackError;
use crate::source::Provenance;
use libcnb::build::BuildContext;
use libcnb::data::layer::LayerName;
use libcnb::generic::GenericMetadata;
use libcnb::layer::{
    CachedLayerDefinition, EmptyLayerCause, InvalidMetadataAction, LayerRef, LayerState,
    RestoredLayerAction,
};
use serde::{Deserialize, Serialize};
use slugbuilder_fetch::{Strip, UnpackOptions, unpack};
use slugbuilder_report::{Event, Reporter};
use std::collections::BTreeMap;
use std::path::Path;

/// Goes up whenever the content that the same key leads to changes.
const FORMAT: &str = "1";

/// What decides whether a layer can be kept. All values are text: the lifecycle turns integers into floating point
/// numbers when it restores metadata (buildpacks/lifecycle#884).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LayerKey(BTreeMap<String, String>);

impl LayerKey {
    /// A key of these parts, with the format's.
    #[must_use]
    pub fn new<const N: usize>(parts: [(&str, String); N]) -> Self {
        let mut key: BTreeMap<_, _> = parts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        key.insert("format".to_owned(), FORMAT.to_owned());
        Self(key)
    }

    /// The same with one more part.
    #[must_use]
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// In words, what differs from `self` to `new`. A part that is empty is none.
    #[must_use]
    pub fn differences(&self, new: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.0.keys().chain(new.0.keys()).collect();
        let text = |value: Option<&String>| {
            value
                .filter(|value| !value.is_empty())
                .map_or("none", String::as_str)
                .to_owned()
        };
        names
            .into_iter()
            .map(|name| (name, text(self.0.get(name)), text(new.0.get(name))))
            .filter(|(_, old, new)| old != new)
            .map(|(name, old, new)| format!("{name} was {old}, is {new}"))
            .collect()
    }
}

/// The metadata of every layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerMetadata {
    /// What decides whether it can be kept.
    pub key: LayerKey,
    /// What is in it; the platform reads this.
    pub runtime: LayerRuntime,
    /// Where that comes from.
    pub origin: Provenance,
}

/// What is in a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRuntime {
    /// `node`, `ruby`, `go`, `webrick` or `go-build`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl LayerRuntime {
    /// A runtime of this name and version.
    #[must_use]
    pub fn new(name: &str, version: impl std::fmt::Display) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_string(),
        }
    }
}

/// Who may use a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Later buildpacks.
    pub build: bool,
    /// The running app: only these layers enter a slug.
    pub launch: bool,
}

/// A layer, kept or empty.
pub enum Layer {
    /// It was restored and its key is the same.
    Kept(LayerHandle, LayerMetadata),
    /// It has to be filled.
    Empty(LayerHandle),
}

/// What libcnb knows of a layer.
pub type LayerHandle = LayerRef<SlugbuilderBuildpack, (), Restored>;

/// What became of a restored layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// Kept.
    Same(LayerMetadata),
    /// Deleted.
    Different(Vec<String>),
}

/// Makes or keeps a layer, and says which and why.
pub fn keyed(
    context: &BuildContext<SlugbuilderBuildpack>,
    reporter: &dyn Reporter,
    name: &LayerName,
    used_by: Use,
    key: &LayerKey,
) -> libcnb::Result<Layer, BuildpackError> {
    let layer = context.cached_layer(
        name,
        CachedLayerDefinition {
            build: used_by.build,
            launch: used_by.launch,
            invalid_metadata_action: &|_: &GenericMetadata| {
                InvalidMetadataAction::<LayerMetadata>::DeleteLayer
            },
            restored_layer_action: &|metadata: &LayerMetadata, _: &Path| {
                let differences = metadata.key.differences(key);
                if differences.is_empty() {
                    (
                        RestoredLayerAction::KeepLayer,
                        Restored::Same(metadata.clone()),
                    )
                } else {
                    (
                        RestoredLayerAction::DeleteLayer,
                        Restored::Different(differences),
                    )
                }
            },
        },
    )?;
    let (text, kept) = match &layer.state {
        LayerState::Restored {
            cause: Restored::Same(metadata),
        } => (
            format!("Layer {name}: kept from the last build"),
            Some(metadata.clone()),
        ),
        // Kept means the same: libcnb hands on what the callback above said.
        LayerState::Restored {
            cause: Restored::Different(differences),
        }
        | LayerState::Empty {
            cause:
                EmptyLayerCause::RestoredLayerAction {
                    cause: Restored::Different(differences),
                },
        } => (
            format!("Layer {name}: made anew, {}", differences.join(", ")),
            None,
        ),
        LayerState::Empty {
            cause: EmptyLayerCause::InvalidMetadataAction { .. },
        } => (
            format!("Layer {name}: made anew, the last build did not finish it"),
            None,
        ),
        LayerState::Empty { .. } => (format!("Layer {name}: new"), None),
    };
    reporter.report(Event::Note(&text));
    Ok(match kept {
        Some(metadata) => Layer::Kept(layer, metadata),
        None => Layer::Empty(layer),
    })
}

/// Unpacks an archive into the folder of a layer, which exists already.
pub(crate) fn unpack_into(
    layer: &Path,
    archive: &crate::source::Obtained,
    strip: usize,
    keep: &dyn Fn(&Path) -> bool,
) -> Result<(), BuildpackError> {
    let file = fs_err::File::open(&archive.path).map_err(BuildpackError::Disk)?;
    let incoming = layer.join(".incoming");
    let options = UnpackOptions {
        strip: Strip::Components(strip),
        keep,
        ..UnpackOptions::default()
    };
    unpack(file, archive.format, &incoming, &options)
        .map_err(|error| BuildpackError::unusable_archive(&archive.provenance.source, error))?;
    move_up(&incoming, layer).map_err(BuildpackError::Disk)
}

fn move_up(incoming: &Path, layer: &Path) -> std::io::Result<()> {
    for entry in fs_err::read_dir(incoming)? {
        let entry = entry?;
        fs_err::rename(entry.path(), layer.join(entry.file_name()))?;
    }
    fs_err::remove_dir(incoming)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> LayerMetadata {
        LayerMetadata {
            key: LayerKey::new([
                ("runtime", "node".to_owned()),
                ("version", "24.21.0".to_owned()),
                ("stack", "heroku-24".to_owned()),
                ("machine", "amd64".to_owned()),
                ("mirror", String::new()),
            ]),
            runtime: LayerRuntime::new("node", "24.21.0"),
            origin: Provenance {
                source: "nodejs.org".into(),
                checksum: Some("sha256:00".into()),
                verified_by: "published".into(),
            },
        }
    }

    /// A guard: if this text changes, layers of earlier versions are deleted at the next build of every app. If only
    /// the meaning changes, raise `FORMAT` instead.
    #[test]
    fn the_metadata_of_a_layer_stays_the_same() {
        insta::assert_snapshot!(toml::to_string(&metadata()).unwrap(), @r#"
        [key]
        format = "1"
        machine = "amd64"
        mirror = ""
        runtime = "node"
        stack = "heroku-24"
        version = "24.21.0"

        [runtime]
        name = "node"
        version = "24.21.0"

        [origin]
        source = "nodejs.org"
        checksum = "sha256:00"
        verified-by = "published"
        "#);
        let text = toml::to_string(&metadata()).unwrap();
        assert_eq!(toml::from_str::<LayerMetadata>(&text).unwrap(), metadata());
    }

    #[test]
    fn differences_are_told_in_words() {
        let old = LayerKey::new([("version", "1.0.0".into()), ("mirror", String::new())]);
        let new = LayerKey::new([("version", "1.1.0".into()), ("mirror", "ab12".into())]);
        assert_eq!(
            old.differences(&new),
            ["mirror was none, is ab12", "version was 1.0.0, is 1.1.0"]
        );
        assert!(old.differences(&old).is_empty());
        let without = LayerKey::new([("version", "1.0.0".into())]);
        assert!(old.differences(&without).is_empty());
    }
}
