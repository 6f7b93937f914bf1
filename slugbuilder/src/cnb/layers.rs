//! What a buildpack leaves in its layers folder (rules 3 and 6 of section 2.4 of the reference).

use super::files::{Files, Kind};
use super::{BuildpackDescriptor, CnbError, SbomFormat};
use serde::Deserialize;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A layer that a buildpack declared, with at least one of its types.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltLayer {
    /// Id of its buildpack.
    pub buildpack: String,
    /// Its name.
    pub name: String,
    /// Its folder, as programs see it, now and when the app runs.
    pub directory: PathBuf,
    /// Whether the app needs it.
    pub launch: bool,
    /// Whether later buildpacks need it.
    pub build: bool,
    /// Whether the next build gets it back.
    pub cache: bool,
    /// The `[metadata]` of its TOML file.
    pub metadata: toml::Table,
}

/// A software bill of materials, left where the buildpack wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sbom {
    /// Id of its buildpack.
    pub buildpack: String,
    /// What it is of.
    pub subject: SbomSubject,
    /// Its format.
    pub format: SbomFormat,
    /// The file, as programs see it.
    pub path: PathBuf,
}

/// What a bill of materials is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SbomSubject {
    /// The app with all that it needs to run.
    Launch,
    /// What the build needed.
    Build,
    /// One layer.
    Layer(String),
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    types: Types,
    #[serde(default)]
    metadata: toml::Table,
    launch: Option<toml::Value>,
    build: Option<toml::Value>,
    cache: Option<toml::Value>,
}

#[derive(Default, Deserialize)]
struct Types {
    #[serde(default)]
    launch: bool,
    #[serde(default)]
    build: bool,
    #[serde(default)]
    cache: bool,
}

/// The name of the layer that a file in the layers folder describes; nothing if it describes none.
///
/// A name that cannot be a folder's (`...toml` would be `..`) is an error, told by its reason.
pub(super) fn layer_of(file_name: &OsStr) -> Option<Result<String, &'static str>> {
    let bytes = file_name.as_encoded_bytes();
    let name = bytes.strip_suffix(b".toml")?;
    if matches!(name, b"launch" | b"build" | b"store") {
        return None;
    }
    if matches!(name, b"" | b"." | b"..") {
        return Some(Err("is no name for a layer"));
    }
    Some(
        std::str::from_utf8(name)
            .map(str::to_owned)
            .map_err(|_| "has a name that is not UTF-8"),
    )
}

/// Whether a file in a layers folder is a bill of materials: the stem of its name and its format.
pub(super) fn sbom_of(file_name: &OsStr) -> Option<(&str, SbomFormat)> {
    let name = file_name.to_str()?;
    SbomFormat::ENDINGS
        .iter()
        .find_map(|(format, ending)| Some((name.strip_suffix(ending)?, *format)))
}

/// Reads all layers of a buildpack, by name. The folders of those without any type are renamed to `<name>.ignore`, so
/// that later buildpacks do not take them for layers.
pub(super) fn read_layers(
    files: Files<'_>,
    descriptor: &BuildpackDescriptor,
    folder: &Path,
) -> Result<Vec<BuiltLayer>, CnbError> {
    let mut layers = Vec::new();
    for (file_name, kind) in files.list(folder)? {
        if kind == Kind::Directory {
            continue;
        }
        let path = folder.join(&file_name);
        let broken = |path: &Path, reason: String| CnbError::InvalidOutput {
            buildpack: descriptor.id.clone(),
            path: path.to_owned(),
            reason,
        };
        let name = match layer_of(&file_name) {
            None => continue,
            Some(Err(reason)) => return Err(broken(&path, reason.to_owned())),
            Some(Ok(name)) => name,
        };
        let Some(document) = files.read_toml::<Document>(&path)? else {
            continue;
        };
        if document.launch.is_some() || document.build.is_some() || document.cache.is_some() {
            return Err(broken(
                &path,
                "sets `launch`, `build` or `cache` outside of its `[types]` table".into(),
            ));
        }
        let layer = BuiltLayer {
            buildpack: descriptor.id.clone(),
            directory: folder.join(&name),
            name,
            launch: document.types.launch,
            build: document.types.build,
            cache: document.types.cache,
            metadata: document.metadata,
        };
        let contents = files.kind(&layer.directory)?;
        match contents {
            Some(Kind::Directory) => {}
            Some(_) => return Err(broken(&layer.directory, "is a layer but no folder".into())),
            None if layer.launch => {
                return Err(broken(
                    &layer.directory,
                    "is a launch layer without contents, and there is no earlier image to take them from".into(),
                ));
            }
            None => {}
        }
        if layer.launch || layer.build || layer.cache {
            layers.push(layer);
        } else if contents.is_some() {
            let mut ignored = layer.directory.clone().into_os_string();
            ignored.push(".ignore");
            files.rename(&layer.directory, Path::new(&ignored))?;
        }
    }
    layers.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(layers)
}

/// Finds the bills of materials of a buildpack. One in a format that the buildpack did not declare is an error.
pub(super) fn read_sboms(
    files: Files<'_>,
    descriptor: &BuildpackDescriptor,
    folder: &Path,
) -> Result<Vec<Sbom>, CnbError> {
    let mut sboms = Vec::new();
    for (file_name, kind) in files.list(folder)? {
        let Some((stem, format)) = sbom_of(&file_name) else {
            continue;
        };
        let path = folder.join(&file_name);
        let reason = if kind != Kind::File {
            "is no regular file"
        } else if !descriptor.sbom_formats.contains(&format) {
            "is in a format that the buildpack does not declare in `sbom-formats`"
        } else {
            sboms.push(Sbom {
                buildpack: descriptor.id.clone(),
                subject: match stem {
                    "launch" => SbomSubject::Launch,
                    "build" => SbomSubject::Build,
                    layer => SbomSubject::Layer(layer.to_owned()),
                },
                format,
                path,
            });
            continue;
        };
        return Err(CnbError::InvalidOutput {
            buildpack: descriptor.id.clone(),
            path,
            reason: reason.to_owned(),
        });
    }
    Ok(sboms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_layers() {
        let of = |name: &str| layer_of(OsStr::new(name));
        assert_eq!(of("node.toml"), Some(Ok("node".into())));
        assert_eq!(of("a.b.toml"), Some(Ok("a.b".into())));
        assert_eq!(of("launch.toml"), None);
        assert_eq!(of("node"), None);
        for name in [".toml", "..toml", "...toml"] {
            assert!(matches!(of(name), Some(Err(_))), "{name}");
        }
    }

    #[test]
    fn names_of_bills_of_materials() {
        assert_eq!(
            sbom_of(OsStr::new("launch.sbom.cdx.json")),
            Some(("launch", SbomFormat::CycloneDx))
        );
        assert_eq!(
            sbom_of(OsStr::new("a.b.sbom.syft.json")),
            Some(("a.b", SbomFormat::Syft))
        );
        assert_eq!(sbom_of(OsStr::new("a.sbom.xml")), None);
    }
}
