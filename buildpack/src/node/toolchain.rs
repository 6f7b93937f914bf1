//! What the build of a Node.js app runs: Node.js, the package manager, and the variables for both.

use super::host::{Cross, CrossError};
use super::plan::{Manager, ManagerSource, Modules, NodeApp};
use super::{addons, environment};
use crate::buildpack::Session;
use crate::command::{Client, Environment};
use crate::error::BuildpackError;
use crate::layers::manager::Installed;
use crate::layers::{self, LayerMetadata};
use crate::source::InstallError;
use crate::source::node::npm_version;
use crate::version::Resolved;
use slugbuilder_report::Event;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The file with Yarn's settings (2 and later).
const YARN_SETTINGS: &str = ".yarnrc.yml";

/// Node.js and the package manager, ready to be run by the build.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The layer `node`: the slug's Node.js.
    pub(crate) node: LayerMetadata,
    /// A Node.js that runs on this machine: the slug's, else the one in layer `node-host`.
    pub(crate) node_bin: PathBuf,
    /// The package manager.
    pub(crate) manager: Installed,
    /// Folders that come first in PATH: the manager's, npm's, Node.js's.
    pub(crate) path: Vec<PathBuf>,
    /// The layer `node-headers`, whose `include/node` addons are compiled against; nothing where nothing is installed.
    pub(crate) headers: Option<PathBuf>,
    /// Set where packages are installed for another machine than this one.
    pub(crate) cross: Option<Cross>,
}

/// Gets everything that is needed, or keeps it from the last build. `starts_npm` says whether a process runs npm, whatever
/// the app's manager is.
///
/// npm is there in the build of every app, as it is on Heroku: scripts call it, and Yarn 1 compiles addons with its
/// node-gyp.
pub(crate) fn prepare(
    session: &Session<'_>,
    resolved: &Resolved,
    app: &NodeApp,
    starts_npm: bool,
) -> libcnb::Result<Toolchain, BuildpackError> {
    let cross = Cross::between(session.host, session.kit.target);
    let wanted = layers::node::Wanted {
        headers: app.modules != Modules::None && cross.is_none(),
        npm: match (&app.manager.source, app.manager.manager) {
            (ManagerSource::Bundled, _) => Some(layers::node::BundledNpm {
                version: app.manager.version,
                launch: app.launches_manager || starts_npm,
            }),
            // It has the layer of that name.
            (_, Manager::Npm) => None,
            _ => Some(layers::node::BundledNpm {
                version: npm_version(resolved.version),
                launch: starts_npm,
            }),
        },
    };
    let node = layers::node::install_with(session, resolved, &wanted)?;
    let node_bin = match cross {
        None => node.path.join("bin/node"),
        Some(_) => layers::node_host::install(session, resolved)?,
    };
    let npm_bin = node.npm.as_ref().map(|npm| npm.bin.clone());
    let manager = match (&app.manager.source, node.npm) {
        (ManagerSource::Bundled, Some(npm)) => npm,
        (ManagerSource::Vendored(path), _) => layers::manager::vendored(session, app, path)?,
        (ManagerSource::Package(bundle), _) => {
            layers::manager::install(session, resolved, app, bundle, &node_bin, starts_npm)?
        }
        (ManagerSource::Bundled, None) => {
            return Err(BuildpackError::Install(InstallError::NoSource {
                what: "npm".into(),
                failed: Vec::new(),
            })
            .into());
        }
    };
    session.kit.reporter.report(Event::Note(&format!(
        "{} {} from {}",
        app.manager.manager.title(),
        manager.version,
        manager.origin.source
    )));
    let node_folder = node_bin.parent().map(ToOwned::to_owned).unwrap_or_default();
    let mut path = vec![manager.bin.clone()];
    path.extend(npm_bin.filter(|bin| *bin != manager.bin));
    path.push(node_folder);
    Ok(Toolchain {
        node: node.metadata,
        path,
        node_bin,
        manager,
        headers: node.headers,
        cross,
    })
}

impl Toolchain {
    /// Every variable that the manager and the app's scripts run with, on top of the user's.
    ///
    /// `NODE_ENV` is `production` unless the user sets it, as classic has it: an installation that is to bring
    /// development dependencies has to say so (`--include=dev`, `--production=false`, `--prod=false`).
    pub(crate) fn variables(&self, user: &Environment) -> Vec<(&'static str, OsString)> {
        let mut variables = vec![("PATH", environment::path(&self.path, user))];
        variables.extend(environment::of_build(user, self.headers.as_deref()));
        variables.extend(
            environment::of_manager(
                self.manager.manager,
                self.manager.version,
                self.manager.is_vendored,
            )
            .into_iter()
            .map(|(name, value)| (name, value.into())),
        );
        variables
    }

    /// The package manager, for its arguments and folder to be added.
    pub(crate) fn command(&self, session: &Session<'_>) -> Client {
        self.node(session).args([&self.manager.script])
    }

    /// The package manager with `arguments` that install the slug's packages: as [`Toolchain::command`], and on a machine
    /// other than the slug's it selects what is for that. What it then installs does not run here: a build whose scripts
    /// need packages installs with [`Toolchain::command`] first.
    pub(crate) fn install_command(
        &self,
        session: &Session<'_>,
        arguments: &[&str],
    ) -> Result<Client, BuildpackError> {
        let client = self.command(session).args(arguments);
        let Some(cross) = self.cross else {
            return Ok(client);
        };
        let client = cross.apply(client, self.manager.manager, self.manager.version)?;
        if self.manager.manager != Manager::YarnBerry {
            return Ok(client);
        }
        let home = yarn_home(session, cross).map_err(BuildpackError::Disk)?;
        Ok(client.env("HOME", home))
    }

    /// An error where packages were installed for another machine, and some have an addon that is not compiled for it.
    /// `root` is the folder that was installed in.
    pub(crate) fn check_addons(
        &self,
        session: &Session<'_>,
        root: &Path,
    ) -> Result<(), BuildpackError> {
        if self.cross.is_none() {
            return Ok(());
        }
        let machine = session.kit.target.machine;
        let packages = addons::not_compiled_for(root, machine).map_err(BuildpackError::Disk)?;
        if packages.is_empty() {
            return Ok(());
        }
        Err(CrossError::Addons {
            packages,
            host: session.host.clone(),
        }
        .into())
    }

    /// Node.js with the same variables.
    pub(crate) fn node(&self, session: &Session<'_>) -> Client {
        let user = &session.kit.settings.environment;
        let mut client = Client::new(&self.node_bin, user);
        for (name, value) in self.variables(user) {
            client = client.env(name, value);
        }
        client
    }
}

/// A HOME in which Yarn 2 and later finds the user's settings and the target's architecture. It reads no variables
/// for settings that are objects, and the app's own file is not ours to change.
fn yarn_home(session: &Session<'_>, cross: Cross) -> std::io::Result<PathBuf> {
    let home = session.kit.scratch.join("yarn-home");
    fs_err::create_dir_all(&home)?;
    let mut settings = Vec::new();
    if let Some(user) = session.kit.settings.environment.get("HOME") {
        match fs_err::read(Path::new(user).join(YARN_SETTINGS)) {
            Ok(text) => settings = text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    settings.push(b'\n');
    settings.extend(cross.yarn_settings().into_bytes());
    fs_err::write(home.join(YARN_SETTINGS), settings)?;
    Ok(home)
}

#[cfg(test)]
pub(crate) mod tests;
