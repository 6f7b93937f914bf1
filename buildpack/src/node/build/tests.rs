//! Builds with the real package managers: installed, built, pruned, and brought back.

use crate::command::{Client, Environment};
use crate::node::commands::{self, testing};
use crate::node::failure::NodeBuildError;
use crate::node::installed::{self, Kept, Present, Trees};
use crate::node::job::{Job, Tools};
use crate::node::plan::{DevDependencies, Linker, Manager, NodeApp};
use crate::node::survey::Survey;
use crate::version::Version;
use fs_err as fs;
use slugbuilder_report::Silent;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The machine's Node.js with a package manager of the registry.
struct Real {
    script: PathBuf,
    environment: Environment,
}

impl Tools for Real {
    fn manager(&self) -> Client {
        Client::new("node", &self.environment)
            .env("NODE_ENV", "production")
            .env("CI", "1")
            .args([&self.script])
    }

    fn installer(&self, arguments: &[&str]) -> Result<Client, NodeBuildError> {
        Ok(self.manager().args(arguments))
    }

    fn npm(&self) -> Client {
        Client::new("npm", &self.environment)
    }
}

/// A folder with an app in it, and a manager beside it.
struct Bench {
    folder: tempfile::TempDir,
    app: NodeApp,
    tools: Real,
    version: Version,
}

impl Bench {
    fn new(manager: Manager, package: &str, script: &str, version: Version) -> Self {
        let mut bench = Self::without_tools(manager);
        let tools = bench.folder.path().join("tools");
        fs::create_dir_all(&tools).unwrap();
        fs::write(tools.join("package.json"), "{}").unwrap();
        Client::new("npm", &bench.tools.environment)
            .args([
                "install",
                "--ignore-scripts",
                &format!("{package}@{version}"),
            ])
            .folder(&tools)
            .output()
            .unwrap();
        bench.tools.script = tools.join("node_modules").join(package).join(script);
        bench.version = version;
        bench
    }

    fn without_tools(manager: Manager) -> Self {
        let lockfile = match manager {
            Manager::Npm => "package-lock.json",
            Manager::YarnClassic | Manager::YarnBerry => "yarn.lock",
            Manager::Pnpm => "pnpm-lock.yaml",
        };
        let mut app = testing::app(manager, true);
        app.scripts.build = Some("build");
        app.lockfile.as_mut().unwrap().path = lockfile.into();
        let bench = Self {
            tools: Real {
                script: PathBuf::new(),
                environment: Environment::new(std::env::vars_os()),
            },
            folder: tempfile::tempdir().unwrap(),
            app,
            version: Version::new(1, 0, 0),
        };
        bench.write("app/package.json", r#"{
            "name": "app", "private": true,
            "scripts": { "build": "node -e \"require('is-even'); require('fs').writeFileSync('built', '')\"" },
            "dependencies": { "is-odd": "3.0.1" }, "devDependencies": { "is-even": "1.0.0" }
        }"#);
        bench
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    fn has(&self, path: &str) -> bool {
        self.app().join(path).exists()
    }

    fn job<'a>(&'a self, folder: &'a Path) -> Job<'a> {
        let cache = self.folder.path().join("cache");
        let mut variables = crate::node::caches::variables(&self.app, self.version, folder, &cache);
        let plugin = self.folder.path().join("prune.cjs");
        fs::write(&plugin, commands::PRUNE_PLUGIN).unwrap();
        variables.push(("YARN_PLUGINS".into(), plugin.into()));
        // A part of the build that a lockfile cannot be made without.
        variables.push((
            "npm_config_manage_package_manager_versions".into(),
            OsString::from("false"),
        ));
        Job {
            folder,
            app: &self.app,
            version: self.version,
            tools: &self.tools,
            variables,
            is_cross: false,
            offline: false,
            reporter: &Silent,
        }
    }

    /// Lets the manager write its lockfile, and takes away what it installed for that.
    fn lock(&mut self) {
        let locked = self.app.lockfile.take();
        if let Manager::YarnBerry = self.app.manager.manager {
            self.write("app/yarn.lock", "");
        }
        let app = self.app();
        let client = self.tools.manager().args(["install"]).folder(&app);
        let variables = self.job(&app).variables;
        client
            .envs(variables)
            .env("YARN_ENABLE_IMMUTABLE_INSTALLS", "0")
            .env("npm_config_frozen_lockfile", "false")
            .output()
            .unwrap();
        self.app.lockfile = locked;
        self.clean();
    }

    fn clean(&self) {
        for path in [
            "node_modules",
            ".yarn",
            ".pnp.cjs",
            ".pnp.loader.mjs",
            "built",
        ] {
            crate::node::trees::remove(&self.app().join(path)).unwrap();
        }
    }

    /// One build; says what became of the kept trees.
    fn build(&self, is_hit: bool) -> Kept {
        let app = self.app();
        let job = self.job(&app);
        let trees = Trees::at(&self.folder.path().join("layer"));
        let survey = Survey::of(&app).unwrap();
        let present = Present::bring(&job, Some(&trees), is_hit, &survey).unwrap();
        job.script("build").unwrap();
        let kept = present.finish(&job, &|| Ok(())).unwrap();
        assert!(self.has("built"));
        kept
    }

    /// The first build installs and prunes, the second one installs nothing, and both leave the same.
    fn check(mut self, production: &str, development: &str) {
        self.lock();
        assert_eq!(self.build(false), Kept::New);
        assert!(self.has(production), "{production}");
        assert!(!self.has(development), "{development}");
        let first = names(&self.app());
        self.clean();
        // Whoever installs now fails.
        self.tools.script = self.run_only();
        assert_eq!(self.build(true), Kept::Same);
        assert_eq!(names(&self.app()), first);
        self.clean();
        assert_eq!(self.build(true), Kept::Same);
    }

    /// The manager as a program that runs scripts only.
    fn run_only(&self) -> PathBuf {
        let path = self.folder.path().join("run-only.cjs");
        let script = self.tools.script.display();
        let text = format!(
            "if (process.argv[2] !== 'run') process.exit(9); process.argv[1] = '{script}'; require('{script}');"
        );
        fs::write(&path, text).unwrap();
        path
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(folder)
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
#[ignore = "needs the npm registry"]
fn npm_installs_prunes_and_comes_back() {
    let bench = Bench::new(
        Manager::Npm,
        "npm",
        "bin/npm-cli.js",
        Version::new(10, 9, 2),
    );
    bench.check("node_modules/is-odd", "node_modules/is-even");
}

#[test]
#[ignore = "needs the npm registry"]
fn yarn_classic_installs_prunes_and_comes_back() {
    let bench = Bench::new(
        Manager::YarnClassic,
        "yarn",
        "bin/yarn.js",
        Version::new(1, 22, 22),
    );
    bench.check("node_modules/is-odd", "node_modules/is-even");
}

#[test]
#[ignore = "needs the npm registry"]
fn yarn_with_node_modules_installs_prunes_and_comes_back() {
    for version in [Version::new(4, 9, 2), Version::new(3, 8, 7)] {
        let bench = Bench::new(
            Manager::YarnBerry,
            "@yarnpkg/cli-dist",
            "bin/yarn.js",
            version,
        );
        bench.write("app/.yarnrc.yml", "nodeLinker: node-modules\n");
        bench.check("node_modules/is-odd", "node_modules/is-even");
    }
}

#[test]
#[ignore = "needs the npm registry"]
fn yarn_with_plug_and_play_installs_prunes_and_comes_back() {
    let version = Version::new(4, 9, 2);
    let mut bench = Bench::new(
        Manager::YarnBerry,
        "@yarnpkg/cli-dist",
        "bin/yarn.js",
        version,
    );
    bench.app.linker = Linker::PlugAndPlay {
        zero_install: false,
    };
    bench.check(".pnp.cjs", "node_modules");
}

#[test]
#[ignore = "needs the npm registry"]
fn pnpm_installs_prunes_and_comes_back() {
    let bench = Bench::new(
        Manager::Pnpm,
        "pnpm",
        "bin/pnpm.cjs",
        Version::new(10, 20, 0),
    );
    bench.check("node_modules/is-odd", "node_modules/.pnpm/is-even@1.0.0");
}

#[test]
#[ignore = "needs the npm registry"]
fn development_dependencies_stay_where_that_is_asked_for() {
    let version = Version::new(10, 9, 2);
    let mut bench = Bench::new(Manager::Npm, "npm", "bin/npm-cli.js", version);
    let origin = slugbuilder_report::Origin::Env("NPM_CONFIG_PRODUCTION".into());
    bench.app.dev_dependencies = DevDependencies::Kept(origin);
    bench.lock();
    assert_eq!(bench.build(false), Kept::New);
    assert!(bench.has("node_modules/is-even"));
    bench.clean();
    assert_eq!(bench.build(true), Kept::Same);
    assert!(bench.has("node_modules/is-even"));
}

const APPENDS: &str = r#"{
    "name": "app", "private": true,
    "scripts": { "build": "node -e \"require('fs').appendFileSync('node_modules/is-odd/index.js', '//x'); require('fs').writeFileSync('built', '')\"" },
    "dependencies": { "is-odd": "3.0.1" }
}"#;

fn npm() -> Bench {
    let version = Version::new(10, 9, 2);
    Bench::new(Manager::Npm, "npm", "bin/npm-cli.js", version)
}

#[test]
#[ignore = "needs the npm registry"]
fn packages_that_the_build_script_changes_are_not_kept() {
    let mut bench = npm();
    bench.write("app/package.json", APPENDS);
    bench.lock();
    let appended = || {
        let file = bench.app().join("node_modules/is-odd/index.js");
        fs::read_to_string(file).unwrap().matches("//x").count()
    };
    for _ in 0..2 {
        let Kept::Nothing(reason) = bench.build(false) else {
            panic!("kept");
        };
        assert_eq!(
            reason,
            "the script `build` changes `node_modules/is-odd/index.js`"
        );
        assert_eq!(appended(), 1);
        bench.clean();
    }
}

#[test]
#[ignore = "needs the npm registry"]
fn kept_packages_that_the_build_script_changes_are_kept_no_longer() {
    let mut bench = npm();
    bench.lock();
    assert_eq!(bench.build(false), Kept::New);
    bench.clean();
    bench.write("app/package.json", APPENDS);
    assert!(matches!(bench.build(true), Kept::Nothing(_)));
    bench.clean();
    // Nothing is there to be taken for whole.
    let trees = Trees::at(&bench.folder.path().join("layer"));
    assert!(!trees.can_be_used(&bench.job(&bench.app())).unwrap());
}

#[test]
#[ignore = "needs the npm registry"]
fn what_prebuild_installs_elsewhere_stays_in_the_app_and_is_not_kept() {
    let mut bench = npm();
    bench.lock();
    for (is_hit, kept) in [(false, Kept::New), (true, Kept::Same)] {
        bench.write("app/client/node_modules/x/index.js", "");
        assert_eq!(bench.build(is_hit), kept);
        assert!(bench.has("client/node_modules/x/index.js"));
        bench.clean();
        fs::remove_dir_all(bench.app().join("client")).unwrap();
    }
    bench.write("app/node_modules/x/index.js", "");
    let Kept::Nothing(reason) = bench.build(false) else {
        panic!("kept");
    };
    insta::assert_snapshot!(reason, @"their installation changes `node_modules/x`, which `heroku-prebuild` makes");
}

fn why_not(bench: &Bench) -> Option<String> {
    let app = bench.app();
    let survey = Survey::of(&app).unwrap();
    installed::reason_against(&bench.job(&app), &survey, &survey).unwrap()
}

#[test]
fn an_app_with_scripts_of_its_own_installation_keeps_nothing() {
    let mut bench = Bench::without_tools(Manager::Npm);
    assert_eq!(why_not(&bench), None);
    bench.write(
        "app/package.json",
        "\u{feff}{\"scripts\": {\"postinstall\": \"patch-package\"}}",
    );
    insta::assert_snapshot!(why_not(&bench).unwrap(), @"`package.json` has `postinstall`, which may change them");
    bench.write("app/package.json", "{");
    let app = bench.app();
    let survey = Survey::of(&app).unwrap();
    let error = installed::reason_against(&bench.job(&app), &survey, &survey).unwrap_err();
    insta::assert_snapshot!(error, @"`package.json` line 1: not JSON");
    bench.write("app/package.json", "{}");
    bench.write(
        "app/packages/api/package.json",
        r#"{"scripts": {"prepare": "x"}}"#,
    );
    assert_eq!(why_not(&bench), None);
    bench.app.is_workspace = true;
    insta::assert_snapshot!(why_not(&bench).unwrap(), @"`packages/api/package.json` has `prepare`, which may change them");
    bench.write("app/packages/api/package.json", "{");
    insta::assert_snapshot!(why_not(&bench).unwrap(), @"`packages/api/package.json` may have scripts, but: `packages/api/package.json` line 1: not JSON");
    bench.app.settings.node_modules_cache = Some(" FALSE ".into());
    insta::assert_snapshot!(why_not(&bench).unwrap(), @"`NODE_MODULES_CACHE` says so");
}
