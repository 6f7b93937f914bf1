//! What the build of a Node.js app runs: Node.js, the package manager, and the variables for both.

use super::environment;
use super::host::{Cross, CrossError};
use super::plan::{ManagerSource, Modules, NodeApp};
use crate::buildpack::Session;
use crate::command::{Client, Environment};
use crate::error::BuildpackError;
use crate::layers::manager::Installed;
use crate::layers::{self, LayerMetadata};
use crate::source::InstallError;
use crate::version::Resolved;
use std::ffi::OsString;
use std::path::PathBuf;

/// Node.js and the package manager, ready to be run by the build.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The layer `node`: the slug's Node.js.
    pub(crate) node: LayerMetadata,
    /// A Node.js that runs on this machine: the slug's, else the one in layer `node-host`.
    pub(crate) node_bin: PathBuf,
    /// The package manager.
    pub(crate) manager: Installed,
    /// Folders that come first in PATH, the manager's before Node.js's.
    pub(crate) path: Vec<PathBuf>,
    /// The layer `node-headers`, whose `include/node` addons are compiled against; nothing where nothing is installed.
    pub(crate) headers: Option<PathBuf>,
    /// Set where packages are installed for another machine than this one.
    pub(crate) cross: Option<Cross>,
}

/// Gets everything that is needed, or keeps it from the last build.
pub(crate) fn prepare(
    session: &Session<'_>,
    resolved: &Resolved,
    app: &NodeApp,
) -> libcnb::Result<Toolchain, BuildpackError> {
    let cross = Cross::between(session.host, session.kit.target);
    let wanted = layers::node::Wanted {
        headers: app.modules != Modules::None && cross.is_none(),
        npm: match app.manager.source {
            ManagerSource::Bundled => Some(layers::node::BundledNpm {
                version: app.manager.version,
                launch: app.launches_manager,
            }),
            _ => None,
        },
    };
    let node = layers::node::install_with(session, resolved, &wanted)?;
    let node_bin = match cross {
        None => node.path.join("bin/node"),
        Some(_) => layers::node_host::install(session, resolved)?,
    };
    let manager = match (&app.manager.source, node.npm) {
        (ManagerSource::Bundled, Some(npm)) => npm,
        (ManagerSource::Vendored(path), _) => layers::manager::vendored(session, app, path)?,
        (ManagerSource::Package(bundle), _) => {
            layers::manager::install(session, resolved, app, bundle, &node_bin)?
        }
        (ManagerSource::Bundled, None) => {
            return Err(BuildpackError::Install(InstallError::NoSource {
                what: "npm".into(),
                failed: Vec::new(),
            })
            .into());
        }
    };
    let node_folder = node_bin.parent().map(ToOwned::to_owned).unwrap_or_default();
    Ok(Toolchain {
        node: node.metadata,
        path: vec![manager.bin.clone(), node_folder],
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

    /// The package manager for an installation of the slug's packages: as [`Toolchain::command`], and on a machine
    /// other than the slug's it selects what is for that. Its first arguments are set where the manager needs them:
    /// `arguments` begin with the manager's subcommand.
    pub(crate) fn install_command(
        &self,
        session: &Session<'_>,
        arguments: &[&str],
    ) -> Result<Client, CrossError> {
        let client = self.command(session).args(arguments);
        match self.cross {
            None => Ok(client),
            Some(cross) => cross.apply(client, self.manager.manager, self.manager.version),
        }
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
