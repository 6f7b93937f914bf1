//! Layer `node-environment`: what every process of an app with Node.js starts with.
//!
//! | variable | value | why |
//! |---|---|---|
//! | `NODE_ENV` | `production`, unless the user sets it | as Heroku has it |
//! | `NODE_HOME` | the layer `node`, unless the user sets it | as Heroku has it |
//! | `PATH` | ends with `node_modules/.bin` of the app's package, then of its workspace | as Heroku has it; never before the system's programs |
//! | `NODE_OPTIONS` | ends with `--require "<app>/.pnp.cjs"` for Plug'n'Play | so that a plain `node` finds packages |
//! | `MEMORY_AVAILABLE`, `WEB_MEMORY`, `WEB_CONCURRENCY` | a program says when the process starts | as Heroku has it: [`WEB_CONCURRENCY`] |
//!
//! Made anew when one of these changes.

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
use std::path::{Path, PathBuf};

/// The program of `exec.d` that computes memory and concurrency.
pub(crate) const WEB_CONCURRENCY: &str = include_str!("../../data/node/web_concurrency.sh");

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
    let folder = &session.context.app_dir;
    let programs = program_folders(folder, app);
    let requires = app
        .map(|app| plug_and_play(folder, app))
        .unwrap_or_default();
    let key = LayerKey::new([
        ("runtime", "node-environment".to_owned()),
        ("app", folder.display().to_string()),
        ("path", join(&programs)),
        ("node-options", requires.clone()),
        (
            "program",
            hex::encode(&Sha256::digest(WEB_CONCURRENCY)[..8]),
        ),
    ]);
    let used_by = Use {
        build: false,
        launch: true,
    };
    let name = layer_name!("node-environment");
    let layer = match keyed(session.context, session.kit.reporter, &name, used_by, &key)? {
        Layer::Kept(..) => return Ok(()),
        Layer::Empty(layer) => layer,
    };
    let node = session.context.layers_dir.join("node");
    let mut environment = LayerEnv::new();
    for (name, value) in [("NODE_ENV", "production".into()), ("NODE_HOME", node)] {
        let behavior = ModificationBehavior::Default;
        environment.insert(Scope::Launch, behavior, name, value);
    }
    for (name, delimiter, value) in [
        ("PATH", ":", join(&programs)),
        ("NODE_OPTIONS", " ", requires),
    ] {
        if value.is_empty() {
            continue;
        }
        environment.insert(
            Scope::Launch,
            ModificationBehavior::Delimiter,
            name,
            delimiter,
        );
        environment.insert(Scope::Launch, ModificationBehavior::Append, name, value);
    }
    layer.write_env(environment)?;
    let program = layer.path().join("exec.d/web_concurrency");
    write_program(&program).map_err(BuildpackError::Disk)?;
    layer.write_metadata(LayerMetadata {
        key,
        runtime: LayerRuntime::new("node-environment", env!("CARGO_PKG_VERSION")),
        origin: Provenance {
            source: "slugbuilder".into(),
            checksum: None,
            verified_by: "slugbuilder".into(),
        },
    })?;
    Ok(())
}

fn write_program(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    fs_err::write(path, WEB_CONCURRENCY)?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// The folders with the programs of the app's packages: the app's own package first.
fn program_folders(folder: &Path, app: Option<&NodeApp>) -> Vec<PathBuf> {
    let (package, root) = app.map_or(("", ""), |app| (app.package.as_str(), app.root.as_str()));
    let mut folders: Vec<PathBuf> = [package, root]
        .map(|inside| folder.join(inside).join("node_modules/.bin"))
        .into_iter()
        .filter(|path| path.is_dir())
        .collect();
    folders.dedup();
    folders
}

/// What `NODE_OPTIONS` takes for Plug'n'Play, as Yarn itself sets it for what it starts.
fn plug_and_play(folder: &Path, app: &NodeApp) -> String {
    let mut options = Vec::new();
    if matches!(app.linker, Linker::PlugAndPlay { .. }) {
        let root = folder.join(&app.root);
        for (option, name) in [
            ("--require", ".pnp.cjs"),
            ("--experimental-loader", ".pnp.loader.mjs"),
        ] {
            let file = root.join(name);
            if file.is_file() {
                // In quotes, as Node.js reads them.
                let path = file.display().to_string();
                let path = path.replace('\\', r"\\").replace('"', "\\\"");
                options.push(format!("{option} \"{path}\""));
            }
        }
    }
    options.join(" ")
}

fn join(folders: &[PathBuf]) -> String {
    folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect::<Vec<_>>()
        .join(":")
}

#[cfg(test)]
mod tests;
