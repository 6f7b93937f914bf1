//! The build of a Node.js app: scripts, installed packages, caches, in the classic order.

mod key;

use super::caches::{self, FrameworkCaches};
use super::client_settings::{Asked, ClientSettings};
use super::commands;
use super::failure::NodeBuildError;
use super::installed::{self, Kept, Present, Trees};
use super::job::{Job, Tools};
use super::plan::{Manager, Modules, NodeApp};
use super::survey::Survey;
use super::toolchain::Toolchain;
use crate::buildpack::Session;
use crate::command::{Client, Environment};
use crate::error::BuildpackError;
use crate::layers::{
    Layer, LayerHandle, LayerKey, LayerMetadata, LayerRuntime, Use, keyed, keyed_unless,
};
use crate::source::Provenance;
use libcnb::data::layer::LayerName;
use slugbuilder_report::Warning;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Layers of this module are for the next build alone.
const CACHE: Use = Use {
    build: false,
    launch: false,
};

/// Begins to find out what [`build`] will need to know of the user's npm.
pub(crate) fn ask(session: &Session<'_>, app: &NodeApp) -> Asked {
    let settings = &session.kit.settings;
    let is_of_use = app.modules != Modules::None;
    ClientSettings::begin(
        &settings.environment,
        &session.context.app_dir.join(&app.root),
        settings.offline || !is_of_use,
    )
}

/// Runs the app's scripts and installs its packages. What it returns is what the user is to be warned of.
pub(crate) fn build(
    session: &Session<'_>,
    toolchain: &Toolchain,
    app: &NodeApp,
    asked: Asked,
) -> libcnb::Result<Vec<Warning>, BuildpackError> {
    let folder = session.context.app_dir.as_path();
    let settings = &session.kit.settings;
    let tools = BuildTools { session, toolchain };
    let version = toolchain.manager.version;
    let root = folder.join(&app.root);
    let mut variables = quiet(session, app.manager.manager);
    if app.modules != Modules::None {
        let cache = manager_cache(session, app)?;
        variables.extend(caches::variables(app, version, &root, &cache));
        let clients = asked.answer(session.kit.reporter);
        let told = clients.variables(
            app.manager.manager,
            &root,
            &settings.environment,
            settings.ca_file.as_deref(),
        );
        variables.extend(told.map_err(failed)?);
    }
    if app.manager.manager == Manager::YarnBerry {
        let plugin = session.kit.scratch.join("slugbuilder-prune.cjs");
        fs_err::write(&plugin, commands::PRUNE_PLUGIN).map_err(disk)?;
        let mut plugins = OsString::new();
        if let Some(users) = user_variable(session, "YARN_PLUGINS") {
            plugins.push(users);
            plugins.push(";");
        }
        plugins.push(plugin);
        variables.push(("YARN_PLUGINS".to_owned(), plugins));
    }
    let job = Job {
        folder,
        app,
        version,
        tools: &tools,
        variables,
        offline: settings.offline,
        is_cross: toolchain.cross.is_some(),
        reporter: session.kit.reporter,
    };
    let source = Survey::of(folder).map_err(failed)?;
    let prebuilt = match app.scripts.prebuild {
        Some(name) => {
            job.script(name).map_err(failed)?;
            Some(Survey::of(folder).map_err(failed)?)
        }
        None => None,
    };
    let survey = prebuilt.as_ref().unwrap_or(&source);
    let layer = match app.modules {
        Modules::Installed => trees_layer(session, toolchain, &job, &source, survey)?,
        Modules::CheckedIn | Modules::None => None,
    };
    let trees = layer.as_ref().map(|layer| Trees::at(&layer.handle.path()));
    if let Some(layer) = layer.as_ref().filter(|layer| layer.is_hit) {
        // From here to the end it is in pieces: without its key nobody takes it for whole.
        layer.handle.write_metadata(Unfinished {})?;
    }
    let present = match app.modules {
        Modules::Installed => Some(
            Present::bring(
                &job,
                trees.as_ref(),
                layer.as_ref().is_some_and(|layer| layer.is_hit),
                survey,
            )
            .map_err(failed)?,
        ),
        Modules::CheckedIn => {
            job.rebuild().map_err(failed)?;
            None
        }
        Modules::None => None,
    };
    run_build_script(session, toolchain, &job, &source)?;
    let cleanup = || match app.scripts.cleanup {
        Some(name) => job.script(name),
        None => Ok(()),
    };
    match present {
        Some(present) => {
            let kept = present.finish(&job, &cleanup).map_err(failed)?;
            toolchain.check_addons(session, &root)?;
            if let Some(layer) = layer {
                layer.close(&job, kept)?;
            }
        }
        None => cleanup().map_err(failed)?,
    }
    remove_new_lockfiles(&job, &source).map_err(disk)?;
    Ok(missing_entry(&job).into_iter().collect())
}

/// A warning where the file that the web process runs was to be built and is not there.
fn missing_entry(job: &Job<'_>) -> Option<Warning> {
    let entry = job.app.built_entry.as_ref()?;
    // Node.js finds `dist/index` and `dist` too.
    let there = ["", ".js", ".cjs", ".mjs", "/index.js"]
        .iter()
        .any(|ending| job.folder.join(format!("{}{ending}", entry.path)).is_file());
    if there {
        return None;
    }
    let warning = Warning::new(
        "web-file-missing",
        format!(
            "the web process runs `{}` ({}), which is not there after the build",
            entry.path, entry.origin
        ),
    );
    Some(warning.hint(match job.app.scripts.build {
        Some(name) => format!("Check where the script `{name}` writes."),
        None => "Add a `build` script to `package.json` that makes it.".to_owned(),
    }))
}

/// Runs the build script between the restoring and the saving of frameworks' caches.
fn run_build_script(
    session: &Session<'_>,
    toolchain: &Toolchain,
    job: &Job<'_>,
    source: &Survey,
) -> libcnb::Result<(), BuildpackError> {
    let Some(name) = job.app.scripts.build else {
        return Ok(());
    };
    // Other lines of Node.js write other caches of compiled code.
    let node = &toolchain.node.runtime.version;
    let line = node.split('.').next().unwrap_or_default();
    let key = LayerKey::new([("node", line.to_owned())]);
    let name_of_layer = cache_layer("build-cache")?;
    let handle = match cache(session, job.app, &name_of_layer, &key)? {
        Layer::Kept(handle, _) => {
            handle.write_metadata(Unfinished {})?;
            handle
        }
        Layer::Empty(handle) => handle,
    };
    let caches = FrameworkCaches::at(&handle.path());
    caches.restore(job).map_err(disk)?;
    job.script(name).map_err(BuildpackError::from)?;
    caches.save(job, &|path| source.has(path)).map_err(failed)?;
    handle.write_metadata(metadata(key, "build-cache", "builds"))
}

/// The layer of installed packages, restored or empty.
struct TreesLayer {
    handle: LayerHandle,
    key: LayerKey,
    is_hit: bool,
}

/// Metadata of a layer that is not whole: it has no key.
#[derive(serde::Serialize)]
struct Unfinished {}

impl TreesLayer {
    fn close(self, job: &Job<'_>, kept: Kept) -> libcnb::Result<(), BuildpackError> {
        let key = match kept {
            Kept::Same | Kept::New => self.key,
            Kept::Nothing(reason) => {
                job.note(&format!("Installed packages are not kept: {reason}"));
                self.key.with("not-kept", reason)
            }
        };
        let metadata = metadata(key, "node-modules", job.manager().program());
        self.handle.write_metadata(metadata)
    }
}

/// The layer of installed packages; nothing where they cannot be kept.
fn trees_layer(
    session: &Session<'_>,
    toolchain: &Toolchain,
    job: &Job<'_>,
    source: &Survey,
    survey: &Survey,
) -> libcnb::Result<Option<TreesLayer>, BuildpackError> {
    if let Some(reason) = installed::reason_against(job, source, survey).map_err(failed)? {
        job.note(&format!("Installed packages are not kept: {reason}"));
        return Ok(None);
    }
    let key = key::of(session, toolchain, job, survey).map_err(failed)?;
    let name = cache_layer("node-modules")?;
    let layer = keyed(session.context, job.reporter, &name, CACHE, &key)?;
    Ok(Some(match layer {
        Layer::Kept(handle, _) => TreesLayer {
            handle,
            key,
            is_hit: true,
        },
        Layer::Empty(handle) => TreesLayer {
            handle,
            key,
            is_hit: false,
        },
    }))
}

/// The folder of the manager's own cache.
fn manager_cache(session: &Session<'_>, app: &NodeApp) -> libcnb::Result<PathBuf, BuildpackError> {
    let name = caches::layer_name(app.manager.manager);
    let line = match app.manager.manager {
        Manager::YarnBerry => "berry",
        _ => "1",
    };
    let key = LayerKey::new([("cache", line.to_owned())]);
    let layer = cache_layer(name)?;
    Ok(match cache(session, app, &layer, &key)? {
        Layer::Kept(handle, _) => {
            let note = |text: &str| {
                session
                    .kit
                    .reporter
                    .report(slugbuilder_report::Event::Note(text));
            };
            caches::bound(&handle.path(), &note).map_err(disk)?;
            handle.path()
        }
        Layer::Empty(handle) => {
            // An empty cache is whole.
            handle.write_metadata(metadata(key, name, app.manager.manager.program()))?;
            handle.path()
        }
    })
}

fn metadata(key: LayerKey, name: &str, made_by: &str) -> LayerMetadata {
    LayerMetadata {
        key,
        runtime: LayerRuntime::new(name, "1"),
        origin: Provenance {
            source: "builds".into(),
            checksum: None,
            verified_by: made_by.into(),
            location: None,
        },
    }
}

fn cache_layer(name: &str) -> Result<LayerName, BuildpackError> {
    name.parse()
        .map_err(|_| BuildpackError::Plan(format!("`{name}` cannot be a layer")))
}

/// Managers are quiet about what is not the app's, unless the user says otherwise; their answers are never asked for.
fn quiet(session: &Session<'_>, manager: Manager) -> Vec<(String, OsString)> {
    [
        // pnpm would say nothing at all.
        ("NPM_CONFIG_LOGLEVEL", "npm_config_loglevel", "error"),
        ("NPM_CONFIG_PROGRESS", "npm_config_progress", "false"),
        (
            "YARN_ENABLE_PROGRESS_BARS",
            "YARN_ENABLE_PROGRESS_BARS",
            "0",
        ),
        (
            "YARN_ENABLE_INLINE_BUILDS",
            "YARN_ENABLE_INLINE_BUILDS",
            "1",
        ),
        ("CI", "CI", "1"),
    ]
    .into_iter()
    .filter(|(_, ours, _)| manager != Manager::Pnpm || *ours != "npm_config_loglevel")
    .filter(|(users, ours, _)| {
        user_variable(session, users).is_none() && user_variable(session, ours).is_none()
    })
    .map(|(_, name, value)| (name.to_owned(), value.into()))
    .collect()
}

fn user_variable(session: &Session<'_>, name: &str) -> Option<String> {
    session
        .kit
        .settings
        .environment
        .get(name)
        .filter(|value| !value.is_empty())
        .and_then(OsStr::to_str)
        .map(ToOwned::to_owned)
}

/// A lockfile that an installation without one wrote does not belong to the source. Yarn 2 and later does not start
/// anything without it.
fn remove_new_lockfiles(job: &Job<'_>, survey: &Survey) -> std::io::Result<()> {
    if job.app.lockfile.is_some() || job.app.launches_manager {
        return Ok(());
    }
    for name in ["package-lock.json", "yarn.lock", "pnpm-lock.yaml"] {
        let path = Path::new(&job.app.root).join(name);
        if !survey.has(&path) {
            super::trees::remove(&job.folder.join(path))?;
        }
    }
    Ok(())
}

/// A layer of caches, which is never one of an earlier build where the user wants none.
fn cache(
    session: &Session<'_>,
    app: &NodeApp,
    name: &LayerName,
    key: &LayerKey,
) -> libcnb::Result<Layer, BuildpackError> {
    let refuses = |_: &LayerMetadata| {
        let is_off = !app.settings.uses_cache();
        is_off.then(|| installed::CACHE_OFF.to_owned())
    };
    let reporter = session.kit.reporter;
    keyed_unless(session.context, reporter, name, CACHE, key, &refuses)
}

fn failed(error: NodeBuildError) -> libcnb::Error<BuildpackError> {
    BuildpackError::from(error).into()
}

fn disk(error: std::io::Error) -> libcnb::Error<BuildpackError> {
    BuildpackError::from(NodeBuildError::Disk(error)).into()
}

/// The programs of a real build.
struct BuildTools<'a> {
    session: &'a Session<'a>,
    toolchain: &'a Toolchain,
}

impl Tools for BuildTools<'_> {
    fn manager(&self) -> Client {
        self.toolchain.command(self.session)
    }

    fn installer(&self, arguments: &[&str]) -> Result<Client, NodeBuildError> {
        self.toolchain
            .install_command(self.session, arguments)
            .map_err(|error| NodeBuildError::Tools(Box::new(error)))
    }

    fn npm(&self) -> Client {
        let user = &self.session.kit.settings.environment;
        let variables = self.toolchain.variables(user);
        let all = user
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain(
                variables
                    .into_iter()
                    .map(|(name, value)| (name.into(), value)),
            );
        Client::new("npm", &Environment::new(all))
    }
}

#[cfg(test)]
mod tests;
