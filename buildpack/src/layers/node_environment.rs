//! Layer `node-environment`: what every process of an app with Node.js starts with.
//!
//! | variable | value | why |
//! |---|---|---|
//! | `NODE_ENV` | `production`, unless the user sets it | as Heroku has it |
//! | `PATH` | ends with `node_modules/.bin` of the app's package, then of its workspace | as Heroku has it; never before the system's programs |
//! | `NODE_OPTIONS` | ends with `--require <app>/.pnp.cjs` for Plug'n'Play | so that a plain `node` finds packages |
//! | `MEMORY_AVAILABLE`, `WEB_MEMORY`, `WEB_CONCURRENCY` | a program says when the process starts | as Heroku has it |
//!
//! What has a path in it is said by a program too, because the app may be built at another place than it runs at. Made
//! anew when one of these changes.

use super::manager::quote;
use super::{Layer, LayerKey, LayerMetadata, LayerRuntime, Use, keyed};
use crate::buildpack::Session;
use crate::detect::{AppPlan, commands};
use crate::error::BuildpackError;
use crate::node::{Linker, NodeApp};
use crate::runtime::Runtime;
use crate::source::Provenance;
use libcnb::data::layer_name;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use sha2::{Digest as _, Sha256};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The program of `exec.d` that computes memory and concurrency.
const WEB_CONCURRENCY: &str = include_str!("../../data/node/web_concurrency.sh");

/// The beginning of the program of `exec.d` that lets processes find packages.
const PACKAGES: &str = include_str!("../../data/node/packages.sh");

/// Whether a process of the app runs Node.js: where it is not the only language, one has to start it or a manager.
pub(crate) fn is_wanted(plan: &AppPlan) -> bool {
    let starts_node = |program: &&str| {
        matches!(*program, "yarn" | "yarnpkg" | "pnpm" | "pnpx" | "corepack")
            || program.contains("node_modules/.bin/")
            || commands::runtime_of(program) == Some(Runtime::Node)
    };
    plan.language(Runtime::Node).is_some()
        && (plan.languages.len() == 1
            || plan
                .processes
                .iter()
                .any(|process| commands::programs(&process.command).iter().any(starts_node)))
}

/// Makes the layer. To be called when the app is built: what is not there then is left out. `app` is what is known of an
/// app with a `package.json`.
pub(crate) fn install(
    session: &Session<'_>,
    app: Option<&NodeApp>,
) -> libcnb::Result<(), BuildpackError> {
    let packages = app.and_then(|app| packages_program(&session.context.app_dir, app));
    let programs: Vec<(&str, &str)> = [
        Some(("web_concurrency", WEB_CONCURRENCY)),
        packages.as_deref().map(|text| ("packages", text)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut digest = Sha256::new();
    for (name, text) in &programs {
        digest.update(format!("{name} {}\n{text}", text.len()));
    }
    let key = LayerKey::new([
        ("runtime", "node-environment".to_owned()),
        ("programs", hex::encode(&digest.finalize()[..8])),
    ]);
    let used_by = Use {
        build: false,
        launch: true,
    };
    let name = layer_name!("node-environment");
    let layer = match keyed(
        session.context,
        session.reporter_of_layers(),
        &name,
        used_by,
        &key,
    )? {
        Layer::Kept(..) => return Ok(()),
        Layer::Empty(layer) => layer,
    };
    layer.write_env(LayerEnv::new().chainable_insert(
        Scope::Launch,
        ModificationBehavior::Default,
        "NODE_ENV",
        "production",
    ))?;
    let folder = layer.path().join("exec.d");
    for (name, text) in programs {
        write_program(&folder.join(name), text).map_err(BuildpackError::Disk)?;
    }
    layer.write_metadata(LayerMetadata {
        key,
        runtime: LayerRuntime::new("node-environment", env!("CARGO_PKG_VERSION")),
        origin: Provenance {
            source: "slugbuilder".into(),
            checksum: None,
            verified_by: "slugbuilder".into(),
            location: None,
        },
    })?;
    Ok(())
}

fn write_program(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::write(path, text)?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// The program that lets processes find the packages of the app in `folder`; nothing where there are none.
fn packages_program(folder: &Path, app: &NodeApp) -> Option<String> {
    let inside = |root: &str, name: &str| match root {
        "" => name.to_owned(),
        _ => format!("{root}/{name}"),
    };
    let mut lines: Vec<String> = [&app.package, &app.root]
        .map(|root| inside(root, "node_modules/.bin"))
        .iter()
        .filter(|path| folder.join(path).is_dir())
        .map(|path| format!("programs {}\n", quote(path)))
        .collect();
    lines.dedup();
    if matches!(app.linker, Linker::PlugAndPlay { .. }) {
        // As Yarn itself sets them for what it starts.
        for (option, name) in [
            ("--require", ".pnp.cjs"),
            ("--experimental-loader", ".pnp.loader.mjs"),
        ] {
            let path = inside(&app.root, name);
            if folder.join(&path).is_file() {
                lines.push(format!("option {option} {}\n", quote(&path)));
            }
        }
    }
    (!lines.is_empty()).then(|| {
        format!(
            "{PACKAGES}{}
[ -z \"$path\" ] || set_variable PATH \"$PATH$path\"
[ -z \"$options\" ] || set_variable NODE_OPTIONS \"${{NODE_OPTIONS-}}$options\"
",
            lines.concat()
        )
    })
}

#[cfg(test)]
mod tests;
