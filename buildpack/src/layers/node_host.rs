//! Layer `node-host`: a Node.js of the slug's version that runs on the machine that builds, where the slug's does not.
//! For the build alone.

use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed, unpack_into};
use crate::buildpack::Session;
use crate::error::BuildpackError;
use crate::source::node::{self, HostNode};
use crate::version::Resolved;
use libcnb::data::layer_name;
use slugbuilder_fetch::UnpackError;
use std::path::PathBuf;

/// Installs it, and returns its program.
pub(crate) fn install(
    session: &Session<'_>,
    resolved: &Resolved,
) -> libcnb::Result<PathBuf, BuildpackError> {
    let version = resolved.version;
    let key = LayerKey::new([
        ("runtime", "node-host".to_owned()),
        ("version", version.to_string()),
        ("host", session.host.to_string()),
        ("mirror", session.mirror_mark(resolved.requested.runtime)),
    ]);
    let used_by = Use {
        build: true,
        launch: false,
    };
    let name = layer_name!("node-host");
    let layer = match keyed(
        session.context,
        session.reporter_of_layers(),
        &name,
        used_by,
        &key,
    )? {
        Layer::Kept(layer, _) => return Ok(layer.path().join("bin/node")),
        Layer::Empty(layer) => layer,
    };
    let hashes = session.hashes(resolved);
    let got = node::obtain_for_host(&session.kit, version, &hashes, session.host)
        .map_err(BuildpackError::from)?;
    let archive = match got {
        // The layer stays empty and without metadata: the next build looks again.
        HostNode::Installed(program) => return Ok(program),
        HostNode::Archive(archive) => archive,
    };
    let path = layer.path();
    unpack_into(&path, &archive, 1, &|path| path.starts_with("bin/node"))?;
    let program = path.join("bin/node");
    if !program.is_file() {
        let error = UnpackError::Corrupt {
            reason: "it has no `bin/node`".into(),
        };
        return Err(BuildpackError::unusable_archive(&archive.provenance.source, error).into());
    }
    layer.write_metadata(LayerMetadata {
        key,
        runtime: LayerRuntime::new("node-host", version),
        origin: archive.provenance,
    })?;
    Ok(program)
}
