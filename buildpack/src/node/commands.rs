//! The command lines of package managers: frozen installations with development dependencies, scripts, and the removal of
//! development dependencies.

use super::plan::{DevDependencies, Linker, Manager, Modules, NodeApp};
use crate::version::Version;

/// The text of the plugin that gives Yarn 2 and later the command `yarn slugbuilder prune`; its file is named in
/// `YARN_PLUGINS`.
pub(crate) const PRUNE_PLUGIN: &str = include_str!("prune-plugin.cjs");

/// Arguments and variables of one run of a package manager.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// After the program, its subcommand first.
    pub(crate) arguments: Vec<String>,
    /// Beside those of every run.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Invocation {
    fn new(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            variables: Vec::new(),
        }
    }

    fn also(mut self, condition: bool, arguments: &[&str]) -> Self {
        if condition {
            self.arguments
                .extend(arguments.iter().map(|text| (*text).to_owned()));
        }
        self
    }

    fn set(mut self, condition: bool, name: &'static str, value: &str) -> Self {
        if condition {
            self.variables.push((name, value.to_owned()));
        }
        self
    }

    /// As it is typed.
    pub(crate) fn command_line(&self, program: &str) -> String {
        format!("{program} {}", self.arguments.join(" "))
    }
}

/// Installs what the lockfile says, development dependencies too, whatever `NODE_ENV` is; without a lockfile the newest that
/// `package.json` allows, and writes none.
pub(crate) fn install(app: &NodeApp, version: Version, offline: bool) -> Invocation {
    installation(app, version, offline, true)
}

/// The same without development dependencies, unless they are kept: for another machine than this one.
pub(crate) fn install_for_slug(app: &NodeApp, version: Version, offline: bool) -> Invocation {
    let with_development = app.dev_dependencies != DevDependencies::Removed;
    if app.manager.manager == Manager::YarnBerry && !with_development {
        return focus(app);
    }
    installation(app, version, offline, with_development)
}

fn installation(app: &NodeApp, version: Version, offline: bool, all: bool) -> Invocation {
    let locked = app.lockfile.is_some();
    match app.manager.manager {
        Manager::Npm => {
            // `npm ci` came with npm 5.7, and is sound from npm 6 on (as classic has it).
            let ci = locked && version.major >= 6 && !app.settings.uses_npm_install();
            let development = match (version.major >= 7, all) {
                (true, true) => "--include=dev",
                (true, false) => "--omit=dev",
                (false, true) => "--production=false",
                (false, false) => "--production",
            };
            Invocation::new(&[if ci { "ci" } else { "install" }, development])
                .also(!ci, &["--no-save"])
                .also(!locked, &["--no-package-lock"])
                .also(offline, &["--offline"])
                .also(!offline, &["--prefer-offline"])
        }
        // Yarn classic stops at the `engines` of any dependency: nobody who deploys wants that (as classic has it).
        Manager::YarnClassic => Invocation::new(&["install"])
            .also(all, &["--production=false"])
            .also(!all, &["--production"])
            .also(locked, &["--frozen-lockfile"])
            .also(!locked, &["--no-lockfile"])
            .also(
                true,
                &["--ignore-engines", "--non-interactive", "--no-progress"],
            )
            // Not `--prefer-offline`: archives come from the cache anyway, and without metadata in it Yarn cannot get
            // node-gyp where it needs that.
            .also(offline, &["--offline"]),
        Manager::YarnBerry => {
            let zero_install = matches!(app.linker, Linker::PlugAndPlay { zero_install: true });
            Invocation::new(&["install"])
                .also(locked, &["--immutable"])
                .also(locked && zero_install, &["--immutable-cache"])
                .set(!locked, "YARN_ENABLE_IMMUTABLE_INSTALLS", "0")
                .set(offline, "YARN_ENABLE_NETWORK", "0")
        }
        Manager::Pnpm => Invocation::new(&["install"])
            .also(all, &["--prod=false"])
            .also(!all, &["--prod"])
            .also(locked, &["--frozen-lockfile"])
            .also(!locked, &["--no-lockfile"])
            .also(true, &["--reporter=append-only"])
            .also(offline, &["--offline"])
            .also(!offline, &["--prefer-offline"]),
    }
}

/// Yarn's installation without development dependencies, of one part of a workspace and what it needs, or of all: with
/// our plugin, [`PRUNE_PLUGIN`].
fn focus(app: &NodeApp) -> Invocation {
    let part = app
        .name
        .as_deref()
        .filter(|_| app.is_workspace && app.package != app.root);
    Invocation::new(&["slugbuilder", "prune"]).set(
        part.is_some(),
        "SLUGBUILDER_FOCUS",
        part.unwrap_or_default(),
    )
}

/// Builds the native addons of packages that are part of the source, and runs their scripts. npm does it for Yarn too,
/// which would install.
pub(crate) fn rebuild(manager: Manager) -> Invocation {
    match manager {
        Manager::Pnpm => Invocation::new(&["rebuild"]),
        Manager::Npm | Manager::YarnClassic | Manager::YarnBerry => {
            Invocation::new(&["rebuild", "--foreground-scripts"])
        }
    }
}

/// Runs a script, with `flags` after its command.
pub(crate) fn script(manager: Manager, name: &str, flags: &[&str]) -> Invocation {
    Invocation::new(&["run", name])
        .also(manager == Manager::Npm && !flags.is_empty(), &["--"])
        .also(true, flags)
}

/// Removes development dependencies; one after the other, they leave what was built for the others. None where nothing
/// was installed.
pub(crate) fn prune(app: &NodeApp, version: Version) -> Vec<Invocation> {
    if app.modules != Modules::Installed {
        return Vec::new();
    }
    let locked = app.lockfile.is_some();
    let one = match app.manager.manager {
        Manager::Npm => Invocation::new(&["prune"])
            .also(version.major >= 7, &["--omit=dev"])
            .also(version.major < 7, &["--production"])
            .also(true, &["--ignore-scripts", "--no-save"])
            .also(!locked, &["--no-package-lock"]),
        Manager::YarnClassic => Invocation::new(&["install", "--production", "--ignore-scripts"])
            .also(locked, &["--frozen-lockfile"])
            .also(!locked, &["--no-lockfile"])
            .also(
                true,
                &[
                    "--ignore-engines",
                    "--non-interactive",
                    "--no-progress",
                    "--prefer-offline",
                ],
            ),
        Manager::YarnBerry => focus(app),
        // `pnpm prune` passes by the parts of a workspace, and leaves what it removes in `.pnpm` for a week.
        Manager::Pnpm => Invocation::new(&["install", "--prod", "--ignore-scripts"])
            .also(locked, &["--frozen-lockfile", "--offline"])
            .also(!locked, &["--no-lockfile", "--prefer-offline"])
            .also(
                true,
                &["--reporter=append-only", "--config.modules-cache-max-age=0"],
            )
            .also(true, &["--config.confirm-modules-purge=false"]),
    };
    vec![one]
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
