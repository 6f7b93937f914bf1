//! Layer `node`: the program `node` and its licence, for build and launch; npm only where a process starts it.
//!
//! Made anew when the version, the stack, the machine, the mirror or the need for npm changes.

use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed_unless, unpack_into};
use crate::buildpack::Session;
use crate::error::BuildpackError;
use crate::runtime::Runtime;
use crate::source::node;
use crate::version::Resolved;
use libcnb::data::layer_name;
use slugbuilder_fetch::UnpackError;
use slugbuilder_report::PinKind;
use std::path::Path;

/// Installs Node.js.
pub(crate) fn install(
    session: &Session<'_>,
    resolved: &Resolved,
    with_npm: bool,
) -> libcnb::Result<LayerMetadata, BuildpackError> {
    let version = resolved.version;
    let key = LayerKey::new([
        ("runtime", "node".to_owned()),
        ("version", version.to_string()),
        ("npm", if with_npm { "yes" } else { "no" }.to_owned()),
        ("stack", session.kit.target.platform_name()),
        ("machine", session.kit.target.machine.go_name().to_owned()),
        ("mirror", session.mirror_mark(resolved.requested.runtime)),
    ]);
    let used_by = Use {
        build: true,
        launch: true,
    };
    let layer = match keyed_unless(
        session.context,
        session.kit.reporter,
        &layer_name!("node"),
        used_by,
        &key,
        &|metadata| {
            session.kit.settings.lock.refuses(
                PinKind::Runtime,
                Runtime::Node.name(),
                &metadata.origin,
            )
        },
    )? {
        Layer::Kept(_, metadata) => return Ok(metadata),
        Layer::Empty(layer) => layer,
    };
    let hashes = session
        .catalogues
        .of(resolved.requested.runtime)
        .versions
        .get(&version)
        .cloned()
        .unwrap_or_default();
    let got =
        node::obtain(&session.kit, version, &hashes, with_npm).map_err(BuildpackError::from)?;
    let path = layer.path();
    unpack_into(&path, &got.archive, 1, &|path| is_wanted(path, with_npm))?;
    if let Some(npm) = &got.npm {
        add_npm(&path, npm)?;
    }
    if !path.join("bin/node").is_file() {
        let error = UnpackError::Corrupt {
            reason: "it has no `bin/node`".into(),
        };
        return Err(BuildpackError::unusable_archive(&got.archive.provenance.source, error).into());
    }
    let metadata = LayerMetadata {
        key,
        runtime: LayerRuntime::new("node", version),
        origin: got.archive.provenance,
    };
    layer.write_metadata(&metadata)?;
    Ok(metadata)
}

/// What running needs of an archive, after its top folder is cut off.
fn is_wanted(path: &Path, with_npm: bool) -> bool {
    let npm = Path::new("lib/node_modules/npm");
    match path.to_str() {
        Some("bin/node" | "LICENSE") => true,
        Some("bin/npm" | "bin/npx") => with_npm,
        _ => {
            let documents = ["docs", "man"]
                .iter()
                .any(|name| path.starts_with(npm.join(name)));
            with_npm && path.starts_with(npm) && !documents
        }
    }
}

/// Puts the npm package where Node.js's own archive has it.
fn add_npm(layer: &Path, npm: &crate::source::Obtained) -> Result<(), BuildpackError> {
    let home = layer.join("lib/node_modules/npm");
    fs_err::create_dir_all(&home).map_err(BuildpackError::Disk)?;
    unpack_into(&home, npm, 1, &|path| {
        !path.starts_with("docs") && !path.starts_with("man")
    })?;
    for name in ["npm", "npx"] {
        let target = format!("../lib/node_modules/npm/bin/{name}-cli.js");
        make_executable(&home.join(format!("bin/{name}-cli.js"))).map_err(BuildpackError::Disk)?;
        fs_err::os::unix::fs::symlink(target, layer.join("bin").join(name))
            .map_err(BuildpackError::Disk)?;
    }
    Ok(())
}

fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_is_kept() {
        let wanted = |path: &str, with_npm| is_wanted(Path::new(path), with_npm);
        for path in ["bin/node", "LICENSE"] {
            assert!(wanted(path, false) && wanted(path, true), "{path}");
        }
        for path in ["bin/npm", "lib/node_modules/npm/bin/npm-cli.js"] {
            assert!(!wanted(path, false) && wanted(path, true), "{path}");
        }
        for path in [
            "include/node/node.h",
            "share/doc/x",
            "lib/node_modules/npm/docs/x",
            "lib/node_modules/corepack/x",
            "bin/corepack",
            "CHANGELOG.md",
        ] {
            assert!(!wanted(path, false) && !wanted(path, true), "{path}");
        }
    }
}
