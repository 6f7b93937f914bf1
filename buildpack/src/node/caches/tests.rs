use super::*;
use crate::command::Client;
use crate::node::commands::testing;
use crate::node::failure::NodeBuildError;
use crate::node::job::Tools;
use slugbuilder_report::Silent;

struct NoTools;

impl Tools for NoTools {
    fn manager(&self) -> Client {
        Client::inherited("false")
    }

    fn installer(&self, _: &[&str]) -> Result<Client, NodeBuildError> {
        Ok(self.manager())
    }

    fn npm(&self) -> Client {
        self.manager()
    }
}

fn names(manager: Manager, major: u64, root: &Path) -> Vec<String> {
    let app = testing::app(manager, true);
    variables(&app, Version::new(major, 0, 0), root, Path::new("/layer"))
        .into_iter()
        .map(|(name, value)| format!("{name}={}", value.to_string_lossy()))
        .collect()
}

#[test]
fn managers_keep_their_caches_in_the_layer() {
    let project = tempfile::tempdir().unwrap();
    let of = |manager, major| names(manager, major, project.path());
    assert_eq!(of(Manager::Npm, 10)[0], "npm_config_cache=/layer/npm");
    assert_eq!(
        of(Manager::YarnClassic, 1),
        ["YARN_CACHE_FOLDER=/layer/classic"]
    );
    assert_eq!(
        of(Manager::Pnpm, 10)[0],
        "npm_config_store_dir=/layer/store"
    );
    assert_eq!(
        of(Manager::Pnpm, 11)[0],
        "pnpm_config_store_dir=/layer/store"
    );
    let own = "YARN_CACHE_FOLDER=/layer/berry-project".to_owned();
    assert!(of(Manager::YarnBerry, 4).contains(&own));
    // A cache that is part of the source is the one to use.
    fs::create_dir_all(project.path().join(".yarn/cache")).unwrap();
    assert!(!of(Manager::YarnBerry, 4).contains(&own));
}

#[test]
fn caches_of_frameworks_leave_the_app_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("app");
    for (path, text) in [
        (
            "package.json",
            r#"{"cacheDirectories": ["generated", "node_modules", "../outside", "."]}"#,
        ),
        (".next/cache/webpack/0.pack", "x"),
        (".next/server.js", "x"),
        ("node_modules/.cache/babel/a.json", "x"),
        ("generated/a.js", "x"),
        (".turbo/of-the-source", "x"),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let app = testing::app(Manager::Npm, true);
    let job = Job {
        folder: &root,
        app: &app,
        version: Version::new(10, 0, 0),
        tools: &NoTools,
        variables: Vec::new(),
        is_cross: false,
        offline: false,
        reporter: &Silent,
    };
    let caches = FrameworkCaches::at(&folder.path().join("layer"));
    caches
        .save(&job, &|path| path == Path::new(".turbo"))
        .unwrap();
    for gone in [".next/cache", "node_modules/.cache"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    for there in [".next/server.js", "generated/a.js", ".turbo/of-the-source"] {
        assert!(root.join(there).exists(), "{there}");
    }
    fs::remove_dir_all(root.join("generated")).unwrap();
    // What the source brings now is not written over.
    fs::create_dir_all(root.join("node_modules/.cache/new")).unwrap();
    caches.restore(&job).unwrap();
    assert!(root.join(".next/cache/webpack/0.pack").exists());
    assert!(root.join("generated/a.js").exists());
    assert!(!root.join("node_modules/.cache/babel").exists());
}
