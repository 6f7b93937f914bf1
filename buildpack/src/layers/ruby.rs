//! Layer `ruby`: Ruby with its standard library, for build and launch.
//!
//! Made anew when the version that is asked for, the stack, the machine or the mirror changes.

use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed_unless, unpack_into};
use crate::buildpack::Session;
use crate::error::BuildpackError;
use crate::runtime::Runtime;
use crate::source::ruby::{self, Pins};
use crate::version::Resolved;
use libcnb::data::layer_name;
use slugbuilder_fetch::UnpackError;
use slugbuilder_report::PinKind;
use std::path::{Path, PathBuf};

/// Installs Ruby. Returns its layer's folder too, which [`super::webrick`] needs.
pub(crate) fn install(
    session: &Session<'_>,
    resolved: &Resolved,
    pins: &mut Pins,
) -> libcnb::Result<(LayerMetadata, PathBuf), BuildpackError> {
    let key = LayerKey::new([
        ("runtime", "ruby".to_owned()),
        ("version", resolved.version.to_string()),
        ("requested", resolved.requested.text.clone()),
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
        &layer_name!("ruby"),
        used_by,
        &key,
        &|metadata| {
            session.kit.settings.lock.refuses(
                PinKind::Runtime,
                Runtime::Ruby.name(),
                &metadata.origin,
            )
        },
    )? {
        Layer::Kept(layer, metadata) => return Ok((metadata, layer.path())),
        Layer::Empty(layer) => layer,
    };
    let got = ruby::obtain(&session.kit, resolved, pins).map_err(BuildpackError::from)?;
    let path = layer.path();
    unpack_into(&path, &got.archive, 0, &is_wanted)?;
    if !path.join("bin/ruby").is_file() {
        let error = UnpackError::Corrupt {
            reason: "it has no `bin/ruby`".into(),
        };
        return Err(BuildpackError::unusable_archive(&got.archive.provenance.source, error).into());
    }
    let metadata = LayerMetadata {
        key,
        runtime: LayerRuntime::new("ruby", got.version),
        origin: got.archive.provenance,
    };
    layer.write_metadata(&metadata)?;
    Ok((metadata, path))
}

/// What running needs of Heroku's archive. (apt's was cut down before it was packed.)
fn is_wanted(path: &Path) -> bool {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    if ruby::is_development_tool(path) {
        return false;
    }
    match parts.as_slice() {
        ["include", ..]
        | ["share", "man" | "ri", ..]
        | ["lib", "pkgconfig", ..]
        | ["lib", "ruby", "gems", _, "cache" | "doc", ..] => false,
        ["share", "doc", ..] => parts.last().is_some_and(|name| *name == "copyright"),
        _ => path.extension().is_none_or(|extension| extension != "a"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_is_kept() {
        for path in [
            "bin/ruby",
            "lib/ruby/3.3.0/json.rb",
            "lib/libruby.so.3.3",
            "lib/ruby/gems/3.3.0/gems/rake/x",
        ] {
            assert!(is_wanted(Path::new(path)), "{path}");
        }
        for path in [
            "include/ruby.h",
            "share/man/x",
            "lib/libruby-static.a",
            "lib/ruby/gems/3.3.0/cache/x.gem",
        ] {
            assert!(!is_wanted(Path::new(path)), "{path}");
        }
    }
}
