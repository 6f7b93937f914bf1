//! Layer `webrick`: WEBrick in the folder `ruby`, found through `RUBYLIB`, for build and launch.
//!
//! Only for apps that require WEBrick and have no Gemfile. Made anew when the runtime changes.

use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed, unpack_into};
use crate::buildpack::Session;
use crate::error::BuildpackError;
use crate::runtime::Runtime;
use crate::source::webrick;
use libcnb::data::layer_name;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use std::path::Path;

/// Installs WEBrick for the Ruby that was installed in `ruby_layer`.
pub(crate) fn install(
    session: &Session<'_>,
    ruby: &LayerMetadata,
    ruby_layer: &Path,
) -> libcnb::Result<(), BuildpackError> {
    let key = LayerKey::new([
        ("runtime", "webrick".to_owned()),
        ("ruby", ruby.runtime.version.clone()),
        ("source", ruby.origin.source.clone()),
        ("mirror", session.mirror_mark(Runtime::Ruby)),
    ]);
    let used_by = Use {
        build: true,
        launch: true,
    };
    let layer = match keyed(
        session.context,
        session.reporter_of_layers(),
        &layer_name!("webrick"),
        used_by,
        &key,
    )? {
        Layer::Kept(..) => return Ok(()),
        Layer::Empty(layer) => layer,
    };
    // Not called `lib`: CNB would put a folder of that name into LD_LIBRARY_PATH.
    let folder = layer.path().join("ruby");
    let has_gem = !crate::source::ruby::is_from_apt(&ruby.origin);
    let programs = ruby_layer.join("bin");
    let got = webrick::obtain(&session.kit, has_gem.then_some(programs.as_path()))
        .map_err(BuildpackError::from)?;
    fs_err::create_dir(&folder).map_err(BuildpackError::Disk)?;
    unpack_into(&folder, &got, 0, &|_| true)?;
    layer.write_env(
        LayerEnv::new()
            .chainable_insert(Scope::All, ModificationBehavior::Delimiter, "RUBYLIB", ":")
            .chainable_insert(
                Scope::All,
                ModificationBehavior::Prepend,
                "RUBYLIB",
                &folder,
            ),
    )?;
    layer.write_metadata(LayerMetadata {
        key,
        runtime: LayerRuntime::new(
            "webrick",
            webrick::version_in(&folder).unwrap_or_else(|| "unknown".to_owned()),
        ),
        origin: got.provenance,
    })?;
    Ok(())
}
