//! Which scripts a build runs, and what config vars change about it.

use super::{BuildScripts, DevDependencies, Manager, PackageJson};
use crate::version::Version;
use slugbuilder_report::{Candidate, Decision, Origin};

/// Config vars of Heroku's classic buildpack that change how a Node.js app is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSettings {
    /// `NODE_ENV`: another value than `production` keeps development dependencies.
    pub node_env: Option<String>,
    /// `NPM_CONFIG_PRODUCTION`: `false` keeps them with npm.
    pub npm_config_production: Option<String>,
    /// `YARN_PRODUCTION`: `false` keeps them with Yarn classic.
    pub yarn_production: Option<String>,
    /// `YARN2_SKIP_PRUNING`: `true` keeps them with Yarn 2 and later.
    pub yarn2_skip_pruning: Option<String>,
    /// `PNPM_SKIP_PRUNING`: `true` keeps them with pnpm.
    pub pnpm_skip_pruning: Option<String>,
    /// `NODE_MODULES_CACHE`: `false` installs without what earlier builds left.
    pub node_modules_cache: Option<String>,
    /// `USE_NPM_INSTALL`: `true` runs `npm install` instead of `npm ci`.
    pub use_npm_install: Option<String>,
    /// `NODE_BUILD_FLAGS`: arguments of the build script, as written.
    pub node_build_flags: Option<String>,
    /// The versions of package managers that a lock pins, by their programs' names.
    pub locked: Vec<(String, Version)>,
}

impl NodeSettings {
    /// Reads them from config vars, which CNB has as the platform's variables; an empty one counts as none.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        Self {
            node_env: read("NODE_ENV"),
            npm_config_production: read("NPM_CONFIG_PRODUCTION"),
            yarn_production: read("YARN_PRODUCTION"),
            yarn2_skip_pruning: read("YARN2_SKIP_PRUNING"),
            pnpm_skip_pruning: read("PNPM_SKIP_PRUNING"),
            node_modules_cache: read("NODE_MODULES_CACHE"),
            use_npm_install: read("USE_NPM_INSTALL"),
            node_build_flags: read("NODE_BUILD_FLAGS"),
            locked: Vec::new(),
        }
    }

    /// Whether what earlier builds left is to be used.
    #[must_use]
    pub fn uses_cache(&self) -> bool {
        !is_false(self.node_modules_cache.as_deref())
    }

    /// Whether npm is to install without holding to the lockfile.
    #[must_use]
    pub fn uses_npm_install(&self) -> bool {
        is_true(self.use_npm_install.as_deref())
    }

    /// What becomes of development dependencies with `manager`.
    #[must_use]
    pub fn dev_dependencies(&self, manager: Manager) -> DevDependencies {
        let switch = match manager {
            Manager::Npm => (
                "NPM_CONFIG_PRODUCTION",
                is_false(self.npm_config_production.as_deref()),
            ),
            Manager::YarnClassic => ("YARN_PRODUCTION", is_false(self.yarn_production.as_deref())),
            Manager::YarnBerry => (
                "YARN2_SKIP_PRUNING",
                is_true(self.yarn2_skip_pruning.as_deref()),
            ),
            Manager::Pnpm => (
                "PNPM_SKIP_PRUNING",
                is_true(self.pnpm_skip_pruning.as_deref()),
            ),
        };
        let environment = (
            "NODE_ENV",
            self.node_env
                .as_deref()
                .is_some_and(|value| value.trim() != "production"),
        );
        [environment, switch]
            .into_iter()
            .find(|(_, keeps)| *keeps)
            .map_or(DevDependencies::Removed, |(name, _)| {
                DevDependencies::Kept(Origin::Env(name.to_owned()))
            })
    }
}

fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| {
        ["true", "1", "yes"].contains(&value.trim().to_ascii_lowercase().as_str())
    })
}

fn is_false(value: Option<&str>) -> bool {
    value.is_some_and(|value| {
        ["false", "0", "no"].contains(&value.trim().to_ascii_lowercase().as_str())
    })
}

/// What is run for the step between installation and removal of development dependencies: the first one that is there.
/// `heroku-build` is that of Heroku's newer buildpack, the others are of the classic one.
pub const BUILD: [&str; 3] = ["heroku-postbuild", "heroku-build", "build"];

/// Scripts that an installation runs, by npm's "Life Cycle Operation Order" of `npm ci`.
pub(super) const OF_INSTALLATION: [&str; 7] = [
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
];

/// The scripts of the build, with a decision where there is a choice.
pub(super) fn of(package: &PackageJson) -> (BuildScripts, Option<Decision>) {
    let there = |name: &'static str| {
        package
            .script(name)
            .is_some_and(|text| !text.trim().is_empty())
            .then_some(name)
    };
    let builds: Vec<&'static str> = BUILD.into_iter().filter_map(there).collect();
    let candidates: Vec<Candidate> = builds
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let script = package.scripts.get(*name)?;
            let verdict = match index {
                0 => "is run".to_owned(),
                _ => format!("is replaced by {}", builds[0]),
            };
            Some(Candidate::new(*name, package.origin(script.line), verdict))
        })
        .collect();
    let decision = (!candidates.is_empty()).then(|| Decision {
        subject: "build script".into(),
        rule: "`heroku-postbuild` replaces `heroku-build`, and either one `build`.".into(),
        candidates,
        winner: Some(0),
        ..Decision::default()
    });
    let scripts = BuildScripts {
        prebuild: there("heroku-prebuild"),
        build: builds.first().copied(),
        cleanup: there("heroku-cleanup"),
    };
    (scripts, decision)
}

impl BuildScripts {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
