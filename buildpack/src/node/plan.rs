//! What is decided of a Node.js app, as data: detection makes it, the build follows it.

use super::NodeSettings;
use crate::version::Version;
use slugbuilder_fetch::Checksum;
use slugbuilder_report::Origin;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// npm.
    Npm,
    /// Yarn 1 ("classic"): `yarn` in the registry.
    YarnClassic,
    /// Yarn 2 and later ("berry"): `@yarnpkg/cli-dist` in the registry.
    YarnBerry,
    /// pnpm.
    Pnpm,
}

impl Manager {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Npm, Self::YarnClassic, Self::YarnBerry, Self::Pnpm];

    /// Its name as its makers write it: `npm`, `Yarn classic`, `Yarn`, `pnpm`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::YarnClassic => "Yarn classic",
            Self::YarnBerry => "Yarn",
            Self::Pnpm => "pnpm",
        }
    }

    /// Its program: `npm`, `yarn` or `pnpm`.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::YarnClassic | Self::YarnBerry => "yarn",
            Self::Pnpm => "pnpm",
        }
    }

    /// The commands that run it: its program, and those that come with it.
    #[must_use]
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["npm", "npx"],
            Self::YarnClassic | Self::YarnBerry => &["yarn", "yarnpkg"],
            Self::Pnpm => &["pnpm", "pnpx"],
        }
    }

    /// Its package in the registry.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::YarnClassic => "yarn",
            Self::YarnBerry => "@yarnpkg/cli-dist",
            Self::Pnpm => "pnpm",
        }
    }
}

impl std::fmt::Display for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.title())
    }
}

/// Where the package manager comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagerSource {
    /// It is the one that goes with the Node.js that was chosen (npm only).
    Bundled,
    /// A package of the registry, obtained through the user's npm.
    Package(Bundle),
    /// A file of the app itself: `yarnPath` of `.yarnrc.yml`, relative to [`NodeApp::root`].
    Vendored(String),
}

/// A package of the registry that holds a package manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its name: `npm`, `yarn`, `@yarnpkg/cli-dist` or `pnpm`.
    pub package: &'static str,
    /// The integrity that the catalogue knows for it, as npm writes it (`sha512-…`); nothing for a version that the
    /// catalogue does not know, which is then taken with the registry's own.
    pub integrity: Option<String>,
    /// The hash of the `packageManager` field. For Yarn 2 and later it is that of `bin/yarn.js` in the package, else
    /// of the package's archive, as Corepack has it.
    pub corepack_hash: Option<Checksum>,
}

/// The package manager that installs the app's packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedManager {
    /// Which one.
    pub manager: Manager,
    /// Its exact version. A vendored Yarn's is read from its file name or `packageManager`.
    pub version: Version,
    /// The request as written: `pnpm@9.1.0`, `>=9`, `yarn.lock`.
    pub requested: String,
    /// Where that stands.
    pub origin: Origin,
    /// Where it comes from.
    pub source: ManagerSource,
}

/// A lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockfile {
    /// Its path relative to [`NodeApp::root`]: `package-lock.json`, `npm-shrinkwrap.json`, `yarn.lock`,
    /// `pnpm-lock.yaml`.
    pub path: String,
    /// Whose it is.
    pub manager: Manager,
}

/// How Yarn 2 and later makes packages available (`nodeLinker`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linker {
    /// Plug'n'Play: `.pnp.cjs` and archives in the cache folder, which belong to the running app.
    PlugAndPlay {
        /// Whether the cache folder is part of the source.
        zero_install: bool,
    },
    /// `node_modules`, as everybody else makes it.
    NodeModules,
    /// `node_modules` of links into a store inside it.
    Pnpm,
}

/// How the app's packages get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modules {
    /// The package manager installs them.
    Installed,
    /// `node_modules` is part of the source: kept, and native addons built anew.
    CheckedIn,
    /// There are none to install.
    None,
}

/// The scripts that the build runs, by name, in the classic order: `prebuild` before the installation, `build` after
/// it, `cleanup` when development dependencies are gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildScripts {
    /// `heroku-prebuild`, where there is one.
    pub prebuild: Option<&'static str>,
    /// `heroku-postbuild`, else `build`.
    pub build: Option<&'static str>,
    /// `heroku-cleanup`.
    pub cleanup: Option<&'static str>,
}

/// What becomes of development dependencies after the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevDependencies {
    /// They go.
    Removed,
    /// They stay, because this asked for it: `NPM_CONFIG_PRODUCTION=false`, …
    Kept(Origin),
}

/// Everything that the build needs to know of a Node.js app that has a `package.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeApp {
    /// The folder that the package manager runs in, relative to the app directory, without slashes at its ends and
    /// empty for the app directory itself: that of the lockfile, or of the workspace that the app belongs to.
    pub root: String,
    /// The app's own package, relative to the app directory; the same as `root` unless `--root` names a part of a
    /// workspace.
    pub package: String,
    /// The package's `name`, where it has one.
    pub name: Option<String>,
    /// What installs packages and runs scripts.
    pub manager: PlannedManager,
    /// The lockfile; without one the versions are the newest that `package.json` allows, with a warning.
    pub lockfile: Option<Lockfile>,
    /// For Yarn 2 and later.
    pub linker: Linker,
    /// How the packages get there.
    pub modules: Modules,
    /// Whether there is a workspace of several packages at `root`.
    pub is_workspace: bool,
    /// The scripts of the build.
    pub scripts: BuildScripts,
    /// What becomes of development dependencies.
    pub dev_dependencies: DevDependencies,
    /// Whether a process runs the package manager, which then has to be in the slug.
    pub launches_manager: bool,
    /// The file that the web process runs and the source does not have, so that the build has to make it: `main`, or
    /// what a framework writes. Relative to the app directory; to be looked for when the build has ended.
    pub built_entry: Option<BuiltEntry>,
    /// Config vars that change the build.
    pub settings: NodeSettings,
}

/// A file that the build has to make for the web process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltEntry {
    /// The file, relative to the app directory.
    pub path: String,
    /// What says that it is run.
    pub origin: Origin,
}

impl NodeApp {
    /// Whether the build or a process needs the package manager: not where nothing is installed and no script is run.
    #[must_use]
    pub fn needs_manager(&self) -> bool {
        self.modules != Modules::None || !self.scripts.is_empty() || self.launches_manager
    }
}
