use super::*;
use crate::command::{Client, Environment};
use crate::node::commands::testing;
use crate::node::job::Tools;
use crate::node::plan::NodeApp;
use crate::version::Version;
use fs_err as fs;
use slugbuilder_report::{Origin, Silent};
use std::os::unix::fs::MetadataExt as _;

/// What stands for npm: it installs `kept`, an addon, and `gone`, which only development needs; a script is a file of the app.
const NPM: &str = r#"
set -e
case $1 in
install)
  mkdir -p node_modules/kept/build node_modules/gone/deep node_modules/@types/gone node_modules/.bin
  for file in kept/index.js kept/binding.gyp kept/build/Makefile gone/cli.js gone/deep/x @types/gone/x; do
    echo "$file" > "node_modules/$file"
  done
  ln -s ../kept/index.js node_modules/.bin/kept
  ln -s ../gone/cli.js node_modules/.bin/gone
  if [ -f record.json ]; then cp record.json node_modules/.package-lock.json; fi
  ;;
run) . ./$2.sh ;;
prune) rm -r node_modules/gone node_modules/@types node_modules/.bin/gone ;;
*) exit 9 ;;
esac
"#;

const RECORD: &str = r#"{"lockfileVersion": 3, "packages": {
    "node_modules/kept": {}, "node_modules/gone": {"dev": true}, "node_modules/@types/gone": {"dev": true}
}}"#;

/// What the slug gets of the packages.
const OF_SLUG: [&str; 3] = [".bin/kept", "kept/binding.gyp", "kept/index.js"];

struct Shell(PathBuf);

impl Tools for Shell {
    fn manager(&self) -> Client {
        Client::new("sh", &Environment::new(std::env::vars_os())).args([&self.0])
    }

    fn installer(&self, arguments: &[&str]) -> Result<Client, NodeBuildError> {
        Ok(self.manager().args(arguments))
    }

    fn npm(&self) -> Client {
        self.manager()
    }
}

struct Bench {
    folder: tempfile::TempDir,
    app: NodeApp,
    tools: Shell,
}

impl Bench {
    /// An app whose build script is `build`.
    fn new(build: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Self {
            tools: Shell(folder.path().join("npm.sh")),
            app: testing::app(Manager::Npm, false),
            folder,
        };
        bench.write("npm.sh", NPM);
        bench.write("app/record.json", RECORD);
        if let Some(build) = build {
            bench.app.scripts.build = Some("build");
            bench.write("app/build.sh", build);
        }
        bench
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn modules(&self) -> PathBuf {
        self.folder.path().join("app/node_modules")
    }

    /// The trees of the layer.
    fn trees(&self) -> Trees {
        Trees::at(&self.folder.path().join("layer"))
    }

    fn job<'a>(&'a self, folder: &'a Path) -> Job<'a> {
        Job {
            folder,
            app: &self.app,
            version: Version::new(11, 0, 0),
            tools: &self.tools,
            variables: Vec::new(),
            is_cross: false,
            offline: false,
            reporter: &Silent,
        }
    }

    /// One build, whose app is that of the source again first.
    fn build(&self, is_hit: bool) -> Result<Kept, NodeBuildError> {
        trees::remove(&self.modules())?;
        let folder = self.folder.path().join("app");
        let job = self.job(&folder);
        let trees = self.trees();
        let survey = Survey::of(&folder)?;
        let present = Present::bring(&job, Some(&trees), is_hit, &survey)?;
        if let Some(name) = self.app.scripts.build {
            job.script(name)?;
        }
        present.finish(&job, &|| match self.app.scripts.cleanup {
            Some(name) => job.script(name),
            None => Ok(()),
        })
    }

    /// Whether the layer could be put into the app.
    fn is_usable(&self) -> bool {
        trees::remove(&self.modules()).unwrap();
        let folder = self.folder.path().join("app");
        self.trees().can_be_used(&self.job(&folder)).unwrap()
    }

    /// From here on only scripts can be run.
    fn forbid_installing(&self) {
        self.write(
            "npm.sh",
            &NPM.replace("install)", "no)").replace("prune)", "no)"),
        );
    }

    /// The files of the app's packages, but for the record of npm.
    fn files(&self) -> Vec<String> {
        files(&self.modules())
    }
}

fn files(folder: &Path) -> Vec<String> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_type().is_dir() && entry.file_name() != ".package-lock.json")
        .map(|entry| {
            let below = entry.path().strip_prefix(folder).unwrap();
            below.to_str().unwrap().to_owned()
        })
        .collect()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn the_layer_has_all_packages_and_the_slug_those_that_it_needs() {
    for build in [None, Some("test -f node_modules/gone/cli.js")] {
        let bench = Bench::new(build);
        assert_eq!(bench.build(false).unwrap(), Kept::New);
        assert_eq!(bench.files(), OF_SLUG);
        assert!(!bench.modules().join("@types").exists());
        let layer = bench.folder.path().join("layer");
        assert_eq!(files(&layer.join("full/0")).len(), 8);
        assert!(!layer.join("pruned").exists());
        let shared =
            [bench.modules(), layer.join("full/0")].map(|tree| inode(&tree.join("kept/index.js")));
        assert_eq!(shared[0], shared[1]);
        let record = fs::read_to_string(layer.join("full/0/.package-lock.json")).unwrap();
        assert_eq!(record, RECORD);

        bench.forbid_installing();
        for _ in 0..2 {
            assert_eq!(bench.build(true).unwrap(), Kept::Same);
            assert_eq!(bench.files(), OF_SLUG);
            assert_eq!(files(&layer.join("full/0")).len(), 8);
        }
    }
}

#[test]
fn development_dependencies_that_stay_are_in_both() {
    let mut bench = Bench::new(None);
    bench.app.dev_dependencies = DevDependencies::Kept(Origin::Env("NPM_CONFIG_PRODUCTION".into()));
    assert_eq!(bench.build(false).unwrap(), Kept::New);
    let first = bench.files();
    assert_eq!(first.len(), 7, "{first:?}");
    bench.forbid_installing();
    assert_eq!(bench.build(true).unwrap(), Kept::Same);
    assert_eq!(bench.files(), first);
}

#[test]
fn without_a_record_the_manager_prunes_and_that_is_kept_too() {
    let bench = Bench::new(None);
    fs::remove_file(bench.folder.path().join("app/record.json")).unwrap();
    assert_eq!(bench.build(false).unwrap(), Kept::New);
    assert_eq!(bench.files(), OF_SLUG);
    bench.forbid_installing();
    assert_eq!(bench.build(true).unwrap(), Kept::Same);
    assert_eq!(bench.files(), OF_SLUG);
    // Neither what says which packages go, nor the tree without them.
    trees::remove(&bench.folder.path().join("layer/pruned")).unwrap();
    assert!(!bench.is_usable());
}

#[test]
fn a_layer_of_an_earlier_version_with_both_trees_is_used() {
    let bench = Bench::new(None);
    assert_eq!(bench.build(false).unwrap(), Kept::New);
    let app = bench.folder.path().join("app");
    let trees = bench.trees();
    trees
        .pruned
        .fill(&app, &["node_modules".into()], Sharing::Links)
        .unwrap();
    bench.forbid_installing();
    assert_eq!(bench.build(true).unwrap(), Kept::Same);
    assert_eq!(bench.files(), OF_SLUG);
    // A build that installs leaves none of it.
    bench.write("npm.sh", NPM);
    trees.full.clear().unwrap();
    assert_eq!(bench.build(true).unwrap(), Kept::New);
    assert_eq!(trees.pruned.paths().unwrap(), None);
}

#[test]
fn what_the_build_script_changes_is_in_the_app_and_not_kept() {
    for (build, reason) in [
        (
            "sleep 0.02; echo kept/INDEX.js > node_modules/kept/index.js",
            "kept/index.js",
        ),
        (
            "cp node_modules/kept/index.js x; mv x node_modules/kept/index.js",
            "kept/index.js",
        ),
        ("chmod +x node_modules/gone/cli.js", "gone/cli.js"),
        ("rm node_modules/gone/deep/x", "gone/deep/x"),
        ("echo > node_modules/kept/new", "kept/new"),
        (
            "rm node_modules/.bin/kept; ln -s ../other node_modules/.bin/kept",
            ".bin/kept",
        ),
    ] {
        for is_hit in [false, true] {
            let bench = Bench::new(Some("true"));
            assert_eq!(bench.build(false).unwrap(), Kept::New);
            bench.write("app/build.sh", build);
            let kept = bench.build(is_hit).unwrap();
            let reason = format!("the script `build` changes `node_modules/{reason}`");
            assert_eq!(kept, Kept::Nothing(reason), "{build}");
            assert!(!bench.modules().join("gone").exists(), "{build}");
            assert!(!bench.is_usable(), "{build}");
        }
    }
    // Caches of frameworks may change.
    let bench = Bench::new(Some(
        "mkdir node_modules/.cache; echo > node_modules/.cache/x; rm -r node_modules/.cache",
    ));
    assert_eq!(bench.build(false).unwrap(), Kept::New);
}

#[test]
fn a_build_that_fails_leaves_nothing_to_use() {
    let mut bench = Bench::new(Some("exit 1"));
    assert!(bench.build(false).is_err());
    assert!(!bench.is_usable());
    bench.write("app/build.sh", "true");
    assert_eq!(bench.build(false).unwrap(), Kept::New);
    assert!(bench.is_usable());
    // The packages of the layer are in the app then.
    bench.write("app/build.sh", "exit 1");
    assert!(bench.build(true).is_err());
    assert!(!bench.is_usable());

    bench.write("app/build.sh", "true");
    bench.app.scripts.cleanup = Some("heroku-cleanup");
    bench.write("app/heroku-cleanup.sh", "exit 1");
    assert!(bench.build(false).is_err());
}

#[test]
fn a_cleanup_script_can_write_into_the_slugs_files_alone() {
    let mut bench = Bench::new(None);
    bench.app.scripts.cleanup = Some("heroku-cleanup");
    bench.write(
        "app/heroku-cleanup.sh",
        "echo cleaned >> node_modules/kept/index.js",
    );
    for (is_hit, kept) in [(false, Kept::New), (true, Kept::Same), (true, Kept::Same)] {
        assert_eq!(bench.build(is_hit).unwrap(), kept);
        let file = fs::read_to_string(bench.modules().join("kept/index.js")).unwrap();
        assert_eq!(file, "kept/index.js\ncleaned\n");
    }
}

#[test]
fn only_specifiers_name_a_copied_folder() {
    for copied in [
        r#"{"dependencies": {"a": "file:../a"}}"#,
        r#""resolved": "file:a.tgz""#,
        "  a: portal:../a\n",
        "  a@file:packages/a:\n    resolution: {directory: packages/a, type: directory}\n",
        r#"{"dependenciesMeta": {"a": {"injected": true}}}"#,
    ] {
        assert!(names_copied_folder(copied), "{copied}");
    }
    for other in [
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n",
        r#"{"scripts": {"build-file:x": "x", "my_file:x": "x", "profile:cpu": "x"}}"#,
        "  subdirectory: x\n",
    ] {
        assert!(!names_copied_folder(other), "{other}");
    }
}
