//! Layers `npm`, `yarn` and `pnpm`: the app's package manager, for the build, and for launch where a process starts it.
//!
//! The package is in `lib/node_modules/<name>`, as npm installs global packages, with relative links in `bin`. A layer is
//! made anew when the version, the hash or the mirror changes.

use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed_unless, unpack_into};
use crate::buildpack::Session;
use crate::error::BuildpackError;
use crate::node::{Bundle, Manager, ManagerSource, NodeApp, environment};
use crate::source::manager::{self as source};
use crate::source::{Obtained, Provenance};
use crate::version::{Resolved, Version};
use libcnb::data::layer_name;
use serde::Deserialize;
use slugbuilder_fetch::UnpackError;
use slugbuilder_report::PinKind;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

/// A package manager that is in its layer.
#[derive(Debug, Clone)]
pub(crate) struct Installed {
    /// Which one.
    pub(crate) manager: Manager,
    /// The version that it really has.
    pub(crate) version: Version,
    /// Its program, a file of JavaScript.
    pub(crate) script: PathBuf,
    /// The folder with its programs.
    pub(crate) bin: PathBuf,
    /// Whether it is a file of the app (`yarnPath`).
    pub(crate) is_vendored: bool,
    /// Where it comes from.
    pub(crate) origin: Provenance,
}

/// What a package says of itself.
#[derive(Deserialize)]
struct Description {
    version: String,
    bin: Programs,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Programs {
    One(String),
    Named(BTreeMap<String, String>),
}

/// Installs the package `bundle`, that the app's manager is in. `node` is a Node.js that runs here, and `starts_npm` says
/// whether a process runs npm.
pub(crate) fn install(
    session: &Session<'_>,
    resolved: &Resolved,
    app: &NodeApp,
    bundle: &Bundle,
    node: &Path,
    starts_npm: bool,
) -> libcnb::Result<Installed, BuildpackError> {
    let planned = &app.manager;
    let text = |checksum: Option<String>| checksum.unwrap_or_default();
    let key = LayerKey::new([
        ("runtime", bundle.package.to_owned()),
        ("version", planned.version.to_string()),
        ("integrity", text(bundle.integrity.clone())),
        (
            "hash",
            text(bundle.corepack_hash.map(|hash| hash.to_string())),
        ),
        ("mirror", session.mirror_mark_of_npm()),
    ]);
    let layer = match layer_of(session, app, &key, starts_npm)? {
        Layer::Kept(layer, metadata) => {
            let path = layer.path();
            return Ok(installed(
                &path,
                planned.manager,
                bundle.package,
                metadata.origin,
            )?);
        }
        Layer::Empty(layer) => layer,
    };
    let hashes = session.hashes(resolved);
    let own = source::OwnNpm {
        node,
        version: resolved.version,
        hashes: &hashes,
    };
    let got = source::obtain(&session.kit, planned, bundle, &own).map_err(BuildpackError::from)?;
    let path = layer.path();
    unpack_package(&path, bundle.package, &got)?;
    if planned.manager == Manager::YarnBerry {
        let program = package_folder(&path, bundle.package).join("bin/yarn.js");
        source::verify(planned, bundle, &program).map_err(BuildpackError::from)?;
    }
    link_programs(&path, bundle.package, &got.provenance.source)?;
    let metadata = LayerMetadata {
        key,
        runtime: LayerRuntime::new(planned.manager.program(), planned.version),
        origin: got.provenance.clone(),
    };
    layer.write_env(environment::of_launch(
        planned.manager,
        planned.version,
        false,
    ))?;
    layer.write_metadata(metadata)?;
    Ok(installed(
        &path,
        planned.manager,
        bundle.package,
        got.provenance,
    )?)
}

/// Makes the Yarn that is the file `path` of the app available as `yarn`.
pub(crate) fn vendored(
    session: &Session<'_>,
    app: &NodeApp,
    path: &str,
) -> libcnb::Result<Installed, BuildpackError> {
    let planned = &app.manager;
    let key = LayerKey::new([
        ("runtime", "yarn".to_owned()),
        ("path", path.to_owned()),
        ("version", planned.version.to_string()),
    ]);
    let origin = Provenance {
        source: "the app".into(),
        checksum: None,
        verified_by: "nobody".into(),
        location: None,
    };
    let folder = match layer_of(session, app, &key, false)? {
        Layer::Kept(layer, _) => layer.path(),
        Layer::Empty(layer) => {
            let bin = layer.path().join("bin");
            fs_err::create_dir_all(&bin).map_err(BuildpackError::Disk)?;
            let program = bin.join("yarn");
            fs_err::write(&program, shim(path)).map_err(BuildpackError::Disk)?;
            make_executable(&program).map_err(BuildpackError::Disk)?;
            layer.write_env(environment::of_launch(
                planned.manager,
                planned.version,
                true,
            ))?;
            layer.write_metadata(LayerMetadata {
                key,
                runtime: LayerRuntime::new("yarn", planned.version),
                origin: origin.clone(),
            })?;
            layer.path()
        }
    };
    Ok(Installed {
        manager: planned.manager,
        version: planned.version,
        script: session.context.app_dir.join(&app.root).join(path),
        bin: folder.join("bin"),
        is_vendored: true,
        origin,
    })
}

fn layer_of(
    session: &Session<'_>,
    app: &NodeApp,
    key: &LayerKey,
    starts_npm: bool,
) -> libcnb::Result<Layer, BuildpackError> {
    let used_by = Use {
        build: true,
        launch: app.launches_manager || (starts_npm && app.manager.manager == Manager::Npm),
    };
    let name = match app.manager.manager {
        Manager::Npm => layer_name!("npm"),
        Manager::Pnpm => layer_name!("pnpm"),
        Manager::YarnClassic | Manager::YarnBerry => layer_name!("yarn"),
    };
    let refuses = |metadata: &LayerMetadata| {
        let lock = &session.kit.settings.lock;
        match app.manager.source {
            ManagerSource::Package(_) => {
                let program = app.manager.manager.program();
                lock.refuses(PinKind::PackageManager, program, &metadata.origin)
            }
            _ => None,
        }
    };
    let reporter = session.reporter_of_layers();
    keyed_unless(session.context, reporter, &name, used_by, key, &refuses)
}

/// A program that runs the file `path` of the app. Where the app is, it knows from the folder that it is started in,
/// which is the app's or one below it: the path that the app is built at is not always the one that it runs at.
fn shim(path: &str) -> String {
    format!(
        "#!/bin/sh
# Runs the Yarn that is part of the app.
file={}
folder=$PWD
while [ ! -f \"$folder/$file\" ]; do
  if [ -z \"$folder\" ]; then
    printf 'yarn: there is no %s in %s or above it\\n' \"$file\" \"$PWD\" >&2
    exit 1
  fi
  folder=${{folder%/*}}
done
exec node \"$folder/$file\" \"$@\"
",
        quote(path)
    )
}

/// In single quotes for a shell.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The folder of package `name` in a layer.
fn package_folder(layer: &Path, name: &str) -> PathBuf {
    layer.join("lib/node_modules").join(name)
}

/// Unpacks the package `name` to its place in a layer, without its documents.
pub(super) fn unpack_package(
    layer: &Path,
    name: &str,
    archive: &Obtained,
) -> Result<(), BuildpackError> {
    let home = package_folder(layer, name);
    fs_err::create_dir_all(&home).map_err(BuildpackError::Disk)?;
    unpack_into(&home, archive, 1, &|path| {
        !path.starts_with("docs") && !path.starts_with("man")
    })
}

/// What the package `name` says of itself. `source` is where it comes from, for the error.
fn describe(layer: &Path, name: &str, source: &str) -> Result<Description, BuildpackError> {
    let file = package_folder(layer, name).join("package.json");
    let corrupt = |reason| {
        BuildpackError::unusable_archive(
            source,
            UnpackError::Corrupt {
                reason: format!("its package.json {reason}"),
            },
        )
    };
    let text = fs_err::read(&file).map_err(|_| corrupt("is missing".to_owned()))?;
    let description: Description = serde_json::from_slice(&text)
        .map_err(|error| corrupt(format!("cannot be read: {error}")))?;
    let is_inside = |path: &str| {
        Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    for (program, path) in description.programs(name) {
        if !is_inside(path)
            || program.is_empty()
            || program.contains(['/', '\0'])
            || program == ".."
        {
            return Err(corrupt(format!("names `{path}` as program `{program}`")));
        }
    }
    Ok(description)
}

impl Description {
    /// The programs' names with their files.
    fn programs<'a>(&'a self, package: &'a str) -> Vec<(&'a str, &'a str)> {
        match &self.bin {
            Programs::One(path) => vec![(package, path)],
            Programs::Named(named) => named
                .iter()
                .map(|(name, path)| (name.as_str(), path.as_str()))
                .collect(),
        }
    }
}

/// Links the programs of package `name` into the layer's `bin`, and returns the package's version.
pub(super) fn link_programs(
    layer: &Path,
    name: &str,
    source: &str,
) -> Result<String, BuildpackError> {
    let description = describe(layer, name, source)?;
    let bin = layer.join("bin");
    fs_err::create_dir_all(&bin).map_err(BuildpackError::Disk)?;
    for (program, path) in description.programs(name) {
        let path: PathBuf = Path::new(path)
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect();
        make_executable(&package_folder(layer, name).join(&path)).map_err(BuildpackError::Disk)?;
        let target = Path::new("../lib/node_modules").join(name).join(path);
        fs_err::os::unix::fs::symlink(target, bin.join(program)).map_err(BuildpackError::Disk)?;
    }
    Ok(description.version)
}

/// Links npm's own node-gyp into the layer's `bin`: Yarn 1 takes it from PATH, and would download one otherwise.
pub(super) fn link_node_gyp(layer: &Path) -> Result<(), BuildpackError> {
    let inside = "lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js";
    if !layer.join(inside).is_file() {
        return Ok(());
    }
    make_executable(&layer.join(inside)).map_err(BuildpackError::Disk)?;
    fs_err::os::unix::fs::symlink(Path::new("..").join(inside), layer.join("bin/node-gyp"))
        .map_err(BuildpackError::Disk)
}

/// The manager that is in `layer` as the package `name`.
pub(super) fn installed(
    layer: &Path,
    manager: Manager,
    name: &str,
    origin: Provenance,
) -> Result<Installed, BuildpackError> {
    let description = describe(layer, name, &origin.source)?;
    let corrupt = |reason: String| {
        BuildpackError::unusable_archive(&origin.source, UnpackError::Corrupt { reason })
    };
    let version = Version::parse(&description.version)
        .ok_or_else(|| corrupt(format!("`{}` is not a version", description.version)))?;
    let program = manager.program();
    let path = description
        .programs(name)
        .into_iter()
        .find(|(found, _)| *found == program)
        .map(|(_, path)| package_folder(layer, name).join(path))
        .ok_or_else(|| corrupt(format!("it has no program `{program}`")))?;
    Ok(Installed {
        manager,
        version,
        script: path,
        bin: layer.join("bin"),
        is_vendored: false,
        origin,
    })
}

fn make_executable(path: &Path) -> std::io::Result<()> {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}
