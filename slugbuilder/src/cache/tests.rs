//! Caches that are looked into, pruned, and built in meanwhile.

mod bound;

use super::*;
use crate::sandbox::Interrupt;
use crate::stop::Stop;
use crate::workspace::{App, Kind, Workspace, WorkspaceError, seconds_now};
use fs_err as fs;
use slugbuilder_fetch::Cache;
use slugbuilder_report::{Event, Reporter, Silent};
use std::ffi::OsStr;
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

const HOUR: u64 = 3600;

/// A cache folder with 100 bytes of layers and 10 of a slug for each app.
struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn open(&self, name: &str) -> Workspace {
        let stop = Stop::default();
        Workspace::for_app(self.root(), &[OsStr::new(name)], &stop, &|| {}).unwrap()
    }

    /// What a build of the app leaves, before its end.
    fn build(&self, name: &str) -> Workspace {
        let workspace = self.open(name);
        for (folder, size) in [
            (workspace.layers().join("bp/x"), 100),
            (workspace.slug(), 10),
        ] {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("file"), vec![0; size]).unwrap();
        }
        workspace.clean_up().unwrap();
        workspace
    }

    /// An app whose last build was `hours` ago.
    fn app(&self, name: &str, hours: u64) -> PathBuf {
        let workspace = self.build(name);
        let now = workspace.record(app(name)).unwrap().last_used;
        let folder = self.root().join("apps-v1").join(workspace.key());
        let record = folder.join("app.toml");
        let text = fs::read_to_string(&record).unwrap();
        let then = format!("last_used = {}", now - hours * HOUR);
        fs::write(&record, text.replace(&format!("last_used = {now}"), &then)).unwrap();
        folder
    }

    fn download(&self, content: &str, hours: u64) -> PathBuf {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        let cache = Cache::open(&downloads(self.root())).unwrap();
        let path = cache.insert(file.path(), None).unwrap().path;
        let used = UNIX_EPOCH + Duration::from_secs(seconds_now() - hours * HOUR);
        let file = fs::File::open(&path).unwrap();
        file.set_modified(used).unwrap();
        path
    }

    fn options(&self) -> PruneOptions {
        PruneOptions {
            cache_dir: self.root().to_owned(),
            max_size: MAX_SIZE,
            older_than: None,
            all: false,
            dry_run: false,
        }
    }

    fn prune_to(&self, max_size: u64) -> Pruned {
        let pruned = prune(&PruneOptions {
            max_size,
            ..self.options()
        });
        pruned.unwrap()
    }

    /// The end of a build of `name`, in a cache that may hold `max_size`. Gives what was said.
    fn end_build(&self, name: &str, max_size: u64) -> Vec<String> {
        let said = Said::default();
        let cache = CacheFolder {
            path: self.root().to_owned(),
            max_size,
        };
        after_build(self.build(name), app(name), &cache, &said);
        said.0.into_inner().unwrap()
    }

    fn apps(&self) -> usize {
        usage(self.root()).unwrap().apps.len()
    }
}

fn app(name: &str) -> App {
    App {
        kind: Kind::Compile,
        source: format!("/src/{name}"),
        root: None,
        stack: "heroku-24".into(),
        buildpacks: vec!["slugbuilder".into()],
    }
}

fn sources(apps: &[AppUsage]) -> Vec<&str> {
    apps.iter()
        .map(|one| one.record.as_ref().unwrap().app.source.as_str())
        .collect()
}

#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl Reporter for Said {
    fn report(&self, event: Event<'_>) {
        let text = match event {
            Event::Warning(warning) => format!("{}: {}", warning.code, warning.message),
            Event::Note(text) => text.to_owned(),
            other => panic!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

#[test]
fn everything_is_counted() {
    let scene = Scene::new();
    scene.app("old", 3);
    scene.app("new", 1);
    scene.download("12345", 2);
    let run = Workspace::for_run(scene.root()).unwrap();
    fs::write(run.build().join("file"), "1234567").unwrap();
    let building = scene.open("first");
    fs::write(building.build().join("file"), "1").unwrap();
    let usage = usage(scene.root()).unwrap();
    assert_eq!(sources(&usage.apps[..2]), ["/src/new", "/src/old"]);
    let sizes = |app: &AppUsage| (app.layers_bytes, app.slug_bytes, app.other_bytes);
    assert_eq!(sizes(&usage.apps[0]), (100, 10, 0));
    assert_eq!(sizes(&usage.apps[2]), (0, 0, 1));
    let in_use: Vec<bool> = usage.apps.iter().map(|app| app.in_use).collect();
    assert_eq!(in_use, [false, false, true]);
    assert_eq!((usage.downloads.count, usage.downloads.bytes), (1, 5));
    assert_eq!((usage.runs.count, usage.runs.bytes), (1, 7));
    assert_eq!(usage.bytes(), 2 * 110 + 1 + 5 + 7);
}

#[test]
fn a_folder_that_is_not_there_holds_nothing_and_is_not_made() {
    let scene = Scene::new();
    let absent = scene.root().join("absent");
    assert_eq!(usage(&absent).unwrap().bytes(), 0);
    let pruned = prune(&PruneOptions {
        cache_dir: absent.clone(),
        all: true,
        ..scene.options()
    });
    assert_eq!(pruned.unwrap().freed(), 0);
    assert!(!absent.exists());
    // Neither is anything in one that is something else.
    fs::create_dir_all(scene.root().join("apps-v1/mine")).unwrap();
    fs::write(
        scene
            .root()
            .join("apps-v1/0123456789abcdef0123456789abcdef"),
        "",
    )
    .unwrap();
    scene.prune_to(0);
    assert_eq!(
        fs::read_dir(scene.root().join("apps-v1")).unwrap().count(),
        2
    );
    assert_eq!(fs::read_dir(scene.root()).unwrap().count(), 1);
}

#[test]
fn the_least_recently_used_go_first_apps_and_downloads_alike() {
    let scene = Scene::new();
    let [oldest, newest] = [scene.app("oldest", 9), scene.app("newest", 1)];
    let [old, new] = [scene.download("1234567890", 5), scene.download("12345", 2)];
    let total = 2 * 110 + 15;
    assert_eq!(scene.prune_to(total).freed(), 0);
    let pruned = scene.prune_to(total - 1);
    assert_eq!(sources(&pruned.apps), ["/src/oldest"]);
    assert_eq!((pruned.freed(), pruned.left), (110, 125));
    assert!(!oldest.exists() && old.exists());
    let dry = prune(&PruneOptions {
        max_size: 115,
        dry_run: true,
        ..scene.options()
    });
    assert_eq!(
        dry.unwrap().downloads,
        Tally {
            count: 1,
            bytes: 10
        }
    );
    assert!(old.exists());
    let pruned = scene.prune_to(115);
    assert_eq!(
        pruned.downloads,
        Tally {
            count: 1,
            bytes: 10
        }
    );
    assert!(!old.exists() && new.exists() && newest.exists());
    assert_eq!(scene.prune_to(0).left, 0);
    assert!(!new.exists() && !newest.exists());
    assert_eq!(
        fs::read_dir(scene.root().join("apps-v1")).unwrap().count(),
        0
    );
}

#[test]
fn what_is_older_goes_however_little_there_is() {
    let scene = Scene::new();
    scene.app("old", 49);
    scene.app("new", 47);
    scene.download("old", 50);
    scene.download("new!", 1);
    let pruned = prune(&PruneOptions {
        older_than: Some(Duration::from_secs(48 * HOUR)),
        ..scene.options()
    });
    let pruned = pruned.unwrap();
    assert_eq!(sources(&pruned.apps), ["/src/old"]);
    assert_eq!(pruned.downloads, Tally { count: 1, bytes: 3 });
    assert_eq!(pruned.left, 114);
}

#[test]
fn an_app_in_use_stays_and_is_named() {
    let scene = Scene::new();
    let folder = scene.app("busy", 9);
    scene.app("idle", 1);
    let busy = scene.open("busy");
    for dry_run in [true, false] {
        let pruned = prune(&PruneOptions {
            all: true,
            dry_run,
            ..scene.options()
        });
        let pruned = pruned.unwrap();
        assert_eq!(sources(&pruned.in_use), ["/src/busy"]);
        assert_eq!(sources(&pruned.apps), ["/src/idle"]);
        assert_eq!(pruned.left, 110);
    }
    assert!(busy.build().exists() && busy.layers().exists());
    drop(busy);
    assert_eq!(scene.prune_to(0).left, 0);
    assert!(!folder.exists());
}

#[test]
fn what_killed_builds_left_goes_and_layers_of_others_stay() {
    let scene = Scene::new();
    let folder = scene.app("app", 1);
    // Killed: in a later build, in the first one, while it was pruned, while it ran.
    fs::create_dir(folder.join("build")).unwrap();
    fs::write(folder.join("build/copy"), "12").unwrap();
    let first = scene.open("first");
    fs::write(first.build().join("copy"), "1234").unwrap();
    drop(first);
    let trash = scene.root().join("apps-v1/trash-x");
    fs::create_dir(&trash).unwrap();
    fs::write(trash.join("file"), "12345678").unwrap();
    let run = Workspace::for_run(scene.root()).unwrap();
    fs::write(run.build().join("file"), vec![0; 16]).unwrap();
    drop(run);
    for dry_run in [true, false] {
        let pruned = prune(&PruneOptions {
            dry_run,
            ..scene.options()
        });
        let pruned = pruned.unwrap();
        assert_eq!(
            pruned.leftovers,
            Tally {
                count: 4,
                bytes: 30
            }
        );
        assert_eq!((pruned.freed(), pruned.left), (30, 110));
    }
    assert_eq!(scene.apps(), 1);
    assert!(folder.join("layers").exists() && !folder.join("build").exists());
    assert_eq!(scene.prune_to(MAX_SIZE).freed(), 0);
}

#[test]
fn two_that_archive_one_folder_wait_for_each_other_and_not_for_builds() {
    let scene = Scene::new();
    let folder = Path::new("/src/app");
    let open = |stop: &Stop, waiting: &dyn Fn()| {
        Workspace::for_archive(scene.root(), folder, stop, waiting)
    };
    let _build = scene.open("/src/app");
    let first = open(&Stop::default(), &|| panic!("nobody is there")).unwrap();
    assert!(!first.build().exists());
    let interrupt = Interrupt::new().unwrap();
    let error = open(&Stop::new(&interrupt, None), &|| interrupt.raise()).unwrap_err();
    assert!(matches!(error, WorkspaceError::Interrupted));
}
