//! What of the built app enters the slug, and in which part.

use super::EXEC_D_HELPER_PATH;
use crate::archive::{Layout, Part, Placement};
use crate::cnb::{Build, LAYERS_FOLDER, OWN_FOLDER};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the app directory of a build becomes the `./app` of a slug.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppLayout {
    /// The launch layers by their path relative to the app directory.
    layers: BTreeMap<PathBuf, Placement>,
    /// Whether [`EXEC_D_HELPER_PATH`] is needed.
    has_exec_d: bool,
}

impl AppLayout {
    /// The layout of what `build` built in `app_dir`.
    ///
    /// A launch layer whose metadata has a `runtime` table is a runtime; every other one holds dependencies.
    #[must_use]
    pub fn new(build: &Build, app_dir: &Path) -> Self {
        let layers = build
            .layers
            .iter()
            .filter(|layer| layer.launch)
            .filter_map(|layer| {
                let place = if layer
                    .metadata
                    .get("runtime")
                    .is_some_and(toml::Value::is_table)
                {
                    Placement::In(Part::Runtime)
                } else {
                    Placement::In(Part::Dependencies)
                };
                Some((
                    layer.directory.strip_prefix(app_dir).ok()?.to_owned(),
                    place,
                ))
            });
        Self {
            layers: layers.collect(),
            has_exec_d: !build.launch_environment.exec_d.is_empty(),
        }
    }
}

impl Layout for AppLayout {
    fn place(&self, path: &Path, is_directory: bool) -> Placement {
        if path.starts_with(OWN_FOLDER) {
            return self.place_of_ours(path);
        }
        Placement::In(Part::of_app(path, is_directory))
    }
}

impl AppLayout {
    /// Below our own folder, only launch layers and the folders on the way to them are for the slug.
    fn place_of_ours(&self, path: &Path) -> Placement {
        if self.has_exec_d && path == Path::new(EXEC_D_HELPER_PATH) {
            return Placement::In(Part::Dependencies);
        }
        if let Some((_, place)) = self
            .layers
            .iter()
            .find(|(layer, _)| path.starts_with(layer))
        {
            return *place;
        }
        if Path::new(LAYERS_FOLDER).starts_with(path) || path.starts_with(LAYERS_FOLDER) {
            // A folder on the way belongs to the first part that needs it.
            return self
                .layers
                .iter()
                .filter(|(layer, _)| layer.starts_with(path))
                .filter_map(|(_, placement)| match placement {
                    Placement::In(part) => Some(*part),
                    Placement::Skip | Placement::LeaveOut(_) => None,
                })
                .min()
                .map_or(Placement::Skip, Placement::In);
        }
        Placement::Skip
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnb::BuiltLayer;

    fn layer(name: &str, launch: bool, metadata: &str) -> BuiltLayer {
        BuiltLayer {
            buildpack: "acme/b".into(),
            name: name.into(),
            directory: Path::new("/app/.slugbuilder/layers/acme_b").join(name),
            launch,
            build: true,
            cache: true,
            metadata: toml::from_str(metadata).unwrap(),
        }
    }

    fn layout() -> AppLayout {
        let build = Build {
            layers: vec![
                layer("node", true, "[runtime]\nname='node'\nversion='24.1.0'"),
                layer("gems", true, "runtime='no table'"),
                layer("cache", false, "[runtime]"),
            ],
            ..Build::default()
        };
        AppLayout::new(&build, Path::new("/app"))
    }

    #[test]
    fn only_launch_layers_and_the_way_to_them_enter() {
        for (path, is_directory, expected) in [
            (".slugbuilder", true, Placement::In(Part::Runtime)),
            (".slugbuilder/layers", true, Placement::In(Part::Runtime)),
            (
                ".slugbuilder/layers/acme_b",
                true,
                Placement::In(Part::Runtime),
            ),
            (
                ".slugbuilder/layers/acme_b/node",
                true,
                Placement::In(Part::Runtime),
            ),
            (
                ".slugbuilder/layers/acme_b/node/bin/node",
                false,
                Placement::In(Part::Runtime),
            ),
            (
                ".slugbuilder/layers/acme_b/gems/x",
                false,
                Placement::In(Part::Dependencies),
            ),
            (".slugbuilder/layers/acme_b/cache", true, Placement::Skip),
            (
                ".slugbuilder/layers/acme_b/gems.ignore",
                true,
                Placement::Skip,
            ),
            (
                ".slugbuilder/layers/acme_b/node.toml",
                false,
                Placement::Skip,
            ),
            (
                ".slugbuilder/layers/acme_b/launch.toml",
                false,
                Placement::Skip,
            ),
            (
                ".slugbuilder/layers/acme_b/store.toml",
                false,
                Placement::Skip,
            ),
            (
                ".slugbuilder/layers/acme_b/node.sbom.cdx.json",
                false,
                Placement::Skip,
            ),
            (".slugbuilder/layers/other", true, Placement::Skip),
            (".slugbuilder/.gitignore", false, Placement::Skip),
        ] {
            assert_eq!(
                layout().place(Path::new(path), is_directory),
                expected,
                "{path}"
            );
        }
        assert_eq!(
            AppLayout::default().place(Path::new(".slugbuilder"), true),
            Placement::Skip
        );
    }

    #[test]
    fn installed_packages_are_dependencies_and_all_else_is_the_app() {
        for (path, is_directory, expected) in [
            ("node_modules", true, Placement::In(Part::Dependencies)),
            (
                "node_modules/a/index.js",
                false,
                Placement::In(Part::Dependencies),
            ),
            (
                "packages/a/node_modules/b",
                true,
                Placement::In(Part::Dependencies),
            ),
            ("node_modules", false, Placement::In(Part::App)),
            (
                "vendor/bundle/ruby",
                true,
                Placement::In(Part::Dependencies),
            ),
            ("vendor", true, Placement::In(Part::App)),
            ("vendor/modules.txt", false, Placement::In(Part::App)),
            ("web.js", false, Placement::In(Part::App)),
            (
                ".profile.d/000_slugbuilder.sh",
                false,
                Placement::In(Part::App),
            ),
            (".slugbuilderx", true, Placement::In(Part::App)),
        ] {
            assert_eq!(
                layout().place(Path::new(path), is_directory),
                expected,
                "{path}"
            );
        }
    }
}
