//! Layers of Node.js: `node` (the program and its licence, for build and launch), `node-headers` (what native addons are
//! compiled against, for the build) and `npm` (the npm that goes with it; for launch too where a process starts it).
//!
//! All three come out of one archive, which is unpacked once. They are made anew when the version, the stack, the machine
//! or the mirror changes.

use super::manager::{self, Installed};
use super::{Layer, LayerHandle, LayerKey, LayerMetadata, LayerRuntime, Use, keyed_unless};
use crate::buildpack::Session;
use crate::error::BuildpackError;
use crate::node::host::Cross;
use crate::node::{Manager, environment};
use crate::runtime::Runtime;
use crate::source::{Provenance, node};
use crate::version::{Resolved, Version};
use libcnb::data::layer::LayerName;
use libcnb::data::layer_name;
use slugbuilder_fetch::UnpackError;
use slugbuilder_report::PinKind;
use std::path::{Path, PathBuf};

/// What is wanted beside the program.
pub(crate) struct Wanted {
    /// The headers.
    pub(crate) headers: bool,
    /// npm.
    pub(crate) npm: Option<BundledNpm>,
}

/// The npm that goes with Node.js.
pub(crate) struct BundledNpm {
    /// The version to get where the archive has no npm in it.
    pub(crate) version: Version,
    /// Whether a process starts it.
    pub(crate) launch: bool,
}

/// The layers.
pub(crate) struct NodeLayers {
    /// Metadata of layer `node`.
    pub(crate) metadata: LayerMetadata,
    /// Its folder.
    pub(crate) path: PathBuf,
    /// The folder of layer `node-headers`.
    pub(crate) headers: Option<PathBuf>,
    /// What is in layer `npm`.
    pub(crate) npm: Option<Installed>,
}

/// Installs Node.js for an app without packages, with npm where a process starts it.
pub(crate) fn install(
    session: &Session<'_>,
    resolved: &Resolved,
    with_npm: bool,
) -> libcnb::Result<LayerMetadata, BuildpackError> {
    let wanted = Wanted {
        headers: false,
        npm: with_npm.then(|| BundledNpm {
            version: node::npm_version(resolved.version),
            launch: true,
        }),
    };
    install_with(session, resolved, &wanted).map(|layers| layers.metadata)
}

/// Installs Node.js and what is wanted beside it.
pub(crate) fn install_with(
    session: &Session<'_>,
    resolved: &Resolved,
    wanted: &Wanted,
) -> libcnb::Result<NodeLayers, BuildpackError> {
    let used_by = |build, launch| Use { build, launch };
    // A program for another machine would be in the way of those that later buildpacks run.
    let runs_here = Cross::between(session.host, session.kit.target).is_none();
    let program = Part::new(session, resolved, Kind::Program, used_by(runs_here, true))?;
    let headers = wanted
        .headers
        .then(|| Part::new(session, resolved, Kind::Headers, used_by(true, false)))
        .transpose()?;
    let npm = wanted
        .npm
        .as_ref()
        .map(|npm| Part::new(session, resolved, Kind::Npm, used_by(true, npm.launch)))
        .transpose()?;
    let mut archive = Archive {
        session,
        resolved,
        npm: wanted.npm.as_ref().map(|npm| npm.version),
        missing: [Some(&program), headers.as_ref(), npm.as_ref()]
            .into_iter()
            .flatten()
            .filter(|part| part.kept.is_none())
            .map(|part| part.kind)
            .collect(),
        unpacked: None,
    };
    let (path, metadata) = program.finish(&mut archive)?;
    let headers = headers.map(|part| part.finish(&mut archive)).transpose()?;
    let npm = npm.map(|part| part.finish(&mut archive)).transpose()?;
    Ok(NodeLayers {
        metadata,
        path,
        headers: headers.map(|(path, _)| path),
        npm: npm
            .map(|(path, metadata)| manager::installed(&path, Manager::Npm, "npm", metadata.origin))
            .transpose()?,
    })
}

/// One of the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Program,
    Headers,
    Npm,
}

impl Kind {
    fn layer(self) -> LayerName {
        match self {
            Self::Program => layer_name!("node"),
            Self::Headers => layer_name!("node-headers"),
            Self::Npm => layer_name!("npm"),
        }
    }

    /// What it takes of the archive, below its top folder.
    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Program => &["bin/node", "LICENSE"],
            Self::Headers => &["include/node"],
            Self::Npm => &["lib/node_modules/npm"],
        }
    }

    /// The file without which it is of no use.
    fn needs(self) -> &'static str {
        match self {
            Self::Program => "bin/node",
            Self::Headers => "include/node/node.h",
            Self::Npm => "lib/node_modules/npm/package.json",
        }
    }

    /// Whether it takes `path`, which is below the archive's top folder.
    fn wants(self, path: &Path) -> bool {
        self.takes().iter().any(|taken| path.starts_with(taken))
            && !["docs", "man"]
                .iter()
                .any(|name| path.starts_with(Path::new("lib/node_modules/npm").join(name)))
    }
}

/// A layer that was kept, or is to be filled.
struct Part {
    kind: Kind,
    layer: LayerHandle,
    key: LayerKey,
    kept: Option<LayerMetadata>,
}

impl Part {
    fn new(
        session: &Session<'_>,
        resolved: &Resolved,
        kind: Kind,
        used_by: Use,
    ) -> libcnb::Result<Self, BuildpackError> {
        let name = kind.layer();
        // What the layer's own version is called; npm's is that of Node.js, and its own is seen when it is there.
        let version = match kind {
            Kind::Npm => "node",
            _ => "version",
        };
        let key = LayerKey::new([
            ("runtime", name.to_string()),
            (version, resolved.version.to_string()),
            ("stack", session.kit.target.platform_name()),
            ("machine", session.kit.target.machine.go_name().to_owned()),
            ("mirror", session.mirror_mark(resolved.requested.runtime)),
        ]);
        let refuses = |metadata: &LayerMetadata| {
            // The npm of an archive of Node.js is pinned with that.
            let lock = &session.kit.settings.lock;
            match kind {
                Kind::Npm => None,
                _ => lock.refuses(PinKind::Runtime, Runtime::Node.name(), &metadata.origin),
            }
        };
        let reporter = session.reporter_of_layers();
        let layer = keyed_unless(session.context, reporter, &name, used_by, &key, &refuses)?;
        let (layer, kept) = match layer {
            Layer::Kept(layer, metadata) => (layer, Some(metadata)),
            Layer::Empty(layer) => (layer, None),
        };
        Ok(Self {
            kind,
            layer,
            key,
            kept,
        })
    }

    /// Fills the layer where it was not kept. Returns its folder too.
    fn finish(
        self,
        archive: &mut Archive<'_>,
    ) -> libcnb::Result<(PathBuf, LayerMetadata), BuildpackError> {
        let path = self.layer.path();
        if let Some(metadata) = self.kept {
            return Ok((path, metadata));
        }
        let unpacked = archive.unpacked()?;
        for taken in self.kind.takes() {
            move_into(&unpacked.folder.path().join(taken), &path.join(taken))
                .map_err(BuildpackError::Disk)?;
        }
        let origin = match self.kind {
            Kind::Npm => unpacked.npm_origin.clone(),
            _ => unpacked.origin.clone(),
        };
        if !path.join(self.kind.needs()).is_file() {
            let error = UnpackError::Corrupt {
                reason: format!("it has no `{}`", self.kind.needs()),
            };
            return Err(BuildpackError::unusable_archive(&origin.source, error).into());
        }
        let version = match self.kind {
            Kind::Npm => manager::link_programs(&path, "npm", &origin.source)?,
            _ => archive.resolved.version.to_string(),
        };
        if self.kind == Kind::Npm {
            manager::link_node_gyp(&path)?;
            let installed = manager::installed(&path, Manager::Npm, "npm", origin.clone())?;
            let variables = environment::of_launch(Manager::Npm, installed.version, false);
            self.layer.write_env(variables)?;
        }
        let metadata = LayerMetadata {
            key: self.key,
            runtime: LayerRuntime::new(&self.kind.layer(), version),
            origin,
        };
        self.layer.write_metadata(&metadata)?;
        Ok((path, metadata))
    }
}

/// The archive, which is got and unpacked when the first layer asks for it.
struct Archive<'a> {
    session: &'a Session<'a>,
    resolved: &'a Resolved,
    /// The npm to get where the archive has none.
    npm: Option<Version>,
    /// The layers to fill.
    missing: Vec<Kind>,
    unpacked: Option<Unpacked>,
}

struct Unpacked {
    folder: tempfile::TempDir,
    origin: Provenance,
    npm_origin: Provenance,
}

impl Archive<'_> {
    fn unpacked(&mut self) -> Result<&Unpacked, BuildpackError> {
        let unpacked = match self.unpacked.take() {
            Some(unpacked) => unpacked,
            None => self.unpack()?,
        };
        Ok(self.unpacked.insert(unpacked))
    }

    fn unpack(&self) -> Result<Unpacked, BuildpackError> {
        let Self {
            session, resolved, ..
        } = self;
        let hashes = session.hashes(resolved);
        let npm = self.npm.filter(|_| self.missing.contains(&Kind::Npm));
        let got = node::obtain(&session.kit, resolved.version, &hashes, npm)?;
        let folder = tempfile::tempdir_in(session.kit.scratch).map_err(BuildpackError::Disk)?;
        super::unpack_into(folder.path(), &got.archive, 1, &|path| {
            self.missing.iter().any(|kind| kind.wants(path))
        })?;
        let origin = got.archive.provenance;
        let npm_origin = match &got.npm {
            None => origin.clone(),
            Some(npm) => {
                manager::unpack_package(folder.path(), "npm", npm)?;
                npm.provenance.clone()
            }
        };
        Ok(Unpacked {
            folder,
            origin,
            npm_origin,
        })
    }
}

/// Renames `from` to `to`, whose parents are made. What is not there is passed over.
fn move_into(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::rename(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_takes_only_what_it_needs() {
        let takers = |path: &str| -> Vec<Kind> {
            [Kind::Program, Kind::Headers, Kind::Npm]
                .into_iter()
                .filter(|kind| kind.wants(Path::new(path)))
                .collect()
        };
        for path in ["bin/node", "LICENSE"] {
            assert_eq!(takers(path), [Kind::Program], "{path}");
        }
        for path in ["include/node/node.h", "include/node/v8/x.h"] {
            assert_eq!(takers(path), [Kind::Headers], "{path}");
        }
        assert_eq!(takers("lib/node_modules/npm/bin/npm-cli.js"), [Kind::Npm]);
        for path in [
            "share/doc/x",
            "lib/node_modules/npm/docs/x",
            "lib/node_modules/npm/man/x",
            "lib/node_modules/corepack/x",
            "bin/corepack",
            "bin/npm",
            "include/other",
            "CHANGELOG.md",
        ] {
            assert_eq!(takers(path), [], "{path}");
        }
    }
}
