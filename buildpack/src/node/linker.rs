//! How Yarn 2 and later makes packages available.

use super::Linker;
use super::error::NodeError;
use super::yaml::Yaml;
use crate::app::{App, join};
use slugbuilder_report::Origin;

/// Yarn's settings.
pub(super) const FILE: &str = ".yarnrc.yml";

/// The `nodeLinker` of the settings in `root` of the source; Plug'n'Play where they say nothing, as it is Yarn's default.
pub(super) fn of(source: &App, root: &str, settings: Option<&Yaml>) -> Result<Linker, NodeError> {
    let linker = settings.and_then(|settings| settings.text("nodeLinker"));
    Ok(match linker.as_ref().map(|linker| linker.value) {
        None | Some("pnp") => Linker::PlugAndPlay {
            zero_install: has_cache(source, root, settings)?,
        },
        Some("node-modules") => Linker::NodeModules,
        Some("pnpm") => Linker::Pnpm,
        Some(other) => {
            return Err(NodeError::UnknownLinker {
                origin: Origin::line(join(root, FILE), linker.map_or(1, |linker| linker.line)),
                text: other.to_owned(),
            });
        }
    })
}

/// Whether the cache folder is part of the source: then it holds archives of packages.
fn has_cache(source: &App, root: &str, settings: Option<&Yaml>) -> Result<bool, NodeError> {
    let folder = settings
        .and_then(|settings| settings.text("cacheFolder"))
        .map_or(".yarn/cache", |folder| folder.value)
        .trim_start_matches("./");
    if folder.starts_with('/') || folder.split('/').any(|part| part == "..") {
        return Ok(false);
    }
    let names = source.names_in(&join(root, folder))?;
    Ok(names
        .iter()
        .any(|name| name.to_string_lossy().ends_with(".zip")))
}
