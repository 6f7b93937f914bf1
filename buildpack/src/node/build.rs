//! The build of a Node.js app: scripts, installed packages, caches, in the classic order.

use super::caches::{self, FrameworkCaches};
use super::client_settings::ClientSettings;
use super::failure::NodeBuildError;
use super::installed::{self, Kept, Present, Trees};
use super::job::{Job, Tools};
use super::plan::{DevDependencies, Manager, Modules, NodeApp};
use super::survey::Survey;
use super::toolchain::Toolchain;
use crate::buildpack::Session;
use crate::command::Client;
use crate::error::BuildpackError;
use crate::layers::{Layer, LayerHandle, LayerKey, LayerMetadata, LayerRuntime, Use, keyed};
use crate::source::Provenance;
use fs_err as fs;
use libcnb::Platform as _;
use libcnb::data::layer::LayerName;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Goes up whenever what is kept of an installation changes.
const TREES_FORMAT: &str = "1";

/// Layers of this module are for the next build alone.
const CACHE: Use = Use {
    build: false,
    launch: false,
};

/// Variables of the user that change from build to build and say nothing to an installation.
const IDLE_VARIABLES: [&str; 4] = ["SOURCE_VERSION", "REQUEST_ID", "STACK", "BUILD_INFO"];

/// Runs the app's scripts and installs its packages.
pub(crate) fn build(
    session: &Session<'_>,
    toolchain: &Toolchain,
    app: &NodeApp,
) -> libcnb::Result<(), BuildpackError> {
    let folder = session.context.app_dir.as_path();
    let settings = &session.kit.settings;
    let tools = BuildTools { session, toolchain };
    let version = toolchain.manager.version;
    let root = folder.join(&app.root);
    let mut variables = quiet(session);
    if app.modules != Modules::None {
        let cache = manager_cache(session, app)?;
        variables.extend(caches::variables(app, version, &root, &cache));
        let client = if settings.offline {
            ClientSettings::default()
        } else {
            ClientSettings::ask(&settings.environment, &root)
        };
        variables.extend(client.variables(
            app.manager.manager,
            &root,
            &settings.environment,
            settings.ca_file.as_deref(),
        ));
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
    let failed = |error| libcnb::Error::from(BuildpackError::from(error));
    if let Some(name) = app.scripts.prebuild {
        job.script(name).map_err(failed)?;
    }
    let survey = Survey::of(folder).map_err(disk)?;
    let layer = match app.modules {
        Modules::Installed => trees_layer(session, toolchain, &job, &survey)?,
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
                &survey,
            )
            .map_err(failed)?,
        ),
        Modules::CheckedIn => {
            job.rebuild().map_err(failed)?;
            None
        }
        Modules::None => None,
    };
    run_build_script(session, toolchain, &job, &survey)?;
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
    remove_new_lockfiles(&job, &survey).map_err(disk)?;
    Ok(())
}

/// Runs the build script between the restoring and the saving of frameworks' caches.
fn run_build_script(
    session: &Session<'_>,
    toolchain: &Toolchain,
    job: &Job<'_>,
    survey: &Survey,
) -> libcnb::Result<(), BuildpackError> {
    let Some(name) = job.app.scripts.build else {
        return Ok(());
    };
    // Other lines of Node.js write other caches of compiled code.
    let node = &toolchain.node.runtime.version;
    let line = node.split('.').next().unwrap_or_default();
    let key = LayerKey::new([("node", line.to_owned())]);
    let name_of_layer = cache_layer("build-cache")?;
    let handle = match keyed(session.context, job.reporter, &name_of_layer, CACHE, &key)? {
        Layer::Kept(handle, _) => {
            handle.write_metadata(Unfinished {})?;
            handle
        }
        Layer::Empty(handle) => handle,
    };
    let caches = FrameworkCaches::at(&handle.path());
    caches.restore(job).map_err(disk)?;
    job.script(name).map_err(BuildpackError::from)?;
    caches.save(job, &|path| survey.has(path)).map_err(disk)?;
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
    survey: &Survey,
) -> libcnb::Result<Option<TreesLayer>, BuildpackError> {
    if let Some(reason) = installed::reason_against(job, survey).map_err(BuildpackError::from)? {
        job.note(&format!("Installed packages are not kept: {reason}"));
        return Ok(None);
    }
    let key = trees_key(session, toolchain, job, survey).map_err(disk)?;
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

/// Everything that decides what an installation makes. Scripts of packages may read any config var, so that all of them
/// count, as one hash.
fn trees_key(
    session: &Session<'_>,
    toolchain: &Toolchain,
    job: &Job<'_>,
    survey: &Survey,
) -> std::io::Result<LayerKey> {
    let [lockfile, manifests, configuration] = survey.inputs(job.folder)?;
    let mut key = LayerKey::new([
        lockfile,
        manifests,
        configuration,
        ("trees", TREES_FORMAT.to_owned()),
        (
            "manager",
            format!("{} {}", job.manager().program(), job.version),
        ),
        ("node", toolchain.node.runtime.version.clone()),
        ("stack", session.kit.target.platform_name()),
        ("machine", session.kit.target.machine.go_name().to_owned()),
        ("package", job.app.package.clone()),
        ("config-vars", config_vars(session)),
        (
            "development-dependencies",
            match job.app.dev_dependencies {
                DevDependencies::Removed => "removed",
                DevDependencies::Kept(_) => "kept",
            }
            .to_owned(),
        ),
    ]);
    if has_copied_folders(job)? {
        key = key.with("source", survey.whole(job.folder)?);
    }
    Ok(key)
}

/// Whether a package may be a copy of a folder of the source: only then its files decide what is installed. Parts of a
/// workspace are linked.
fn has_copied_folders(job: &Job<'_>) -> std::io::Result<bool> {
    const MARKS: [&str; 4] = ["file:", "portal:", "directory:", "\"injected\""];
    let mut texts = vec![
        job.root().join("package.json"),
        job.package().join("package.json"),
    ];
    texts.extend(
        job.app
            .lockfile
            .iter()
            .map(|lockfile| job.root().join(&lockfile.path)),
    );
    for file in texts {
        match fs::read_to_string(file) {
            Ok(text) if MARKS.iter().any(|mark| text.contains(mark)) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// One hash of the user's variables, and of npm's and Yarn's in the process.
fn config_vars(session: &Session<'_>) -> String {
    let mut variables: BTreeMap<&OsStr, &OsStr> = BTreeMap::new();
    for (name, value) in session.context.platform.env() {
        variables.insert(name.as_os_str(), value.as_os_str());
    }
    for (name, value) in session.kit.settings.environment.iter() {
        let text = name.to_string_lossy().to_lowercase();
        if ["npm_config_", "yarn_", "pnpm_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            variables.insert(name, value);
        }
    }
    let mut hash = Sha256::new();
    let mut any = false;
    for (name, value) in variables {
        let text = name.to_string_lossy();
        if IDLE_VARIABLES.contains(&text.as_ref()) || text.starts_with("SLUGBUILDER_") {
            continue;
        }
        any = true;
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    if any {
        hex::encode(&hash.finalize()[..8])
    } else {
        String::new()
    }
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
    Ok(
        match keyed(session.context, session.kit.reporter, &layer, CACHE, &key)? {
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
        },
    )
}

fn metadata(key: LayerKey, name: &str, made_by: &str) -> LayerMetadata {
    LayerMetadata {
        key,
        runtime: LayerRuntime::new(name, "1"),
        origin: Provenance {
            source: "builds".into(),
            checksum: None,
            verified_by: made_by.into(),
        },
    }
}

fn cache_layer(name: &str) -> Result<LayerName, BuildpackError> {
    name.parse()
        .map_err(|_| BuildpackError::Plan(format!("`{name}` cannot be a layer")))
}

/// Managers are quiet about what is not the app's, unless the user says otherwise; their answers are never asked for.
fn quiet(session: &Session<'_>) -> Vec<(String, std::ffi::OsString)> {
    [
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

    fn npm(&self) -> Option<Client> {
        let user = &self.session.kit.settings.environment;
        let npm = user.find("npm")?;
        let variables = self.toolchain.variables(user);
        Some(Client::new(npm, user).envs(variables))
    }
}
