//! The end of builds, which keep the cache within its bounds.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[test]
fn a_build_makes_room_by_what_others_wrote_down() {
    let scene = Scene::new();
    let oldest = scene.app("oldest", 9);
    let old = scene.app("old", 5);
    let download = scene.download("1234567890", 7);
    // Not looked through: what is not in the record does not count.
    fs::write(old.join("slug/more"), vec![0; 1000]).unwrap();
    assert_eq!(scene.end_build("app", 340), Vec::<String>::new());
    assert!(oldest.exists() && old.exists() && download.exists());
    let said = scene.end_build("app", 339);
    assert_eq!(
        said,
        ["the cache was too large: removed that of the 1 app built least recently"]
    );
    assert!(!oldest.exists() && download.exists());
    assert_eq!(scene.end_build("app", 229), Vec::<String>::new());
    assert!(!download.exists() && old.exists());
    scene.end_build("app", 219);
    assert_eq!(scene.apps(), 1);
}

#[test]
fn an_app_that_is_larger_than_the_bound_is_not_kept() {
    let scene = Scene::new();
    let other = scene.app("other", 1);
    scene.app("app", 0);
    let said = scene.end_build("app", 109);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("cache-too-small: what this app keeps"));
    assert!(!other.exists(), "110 bytes, too");
    assert_eq!(scene.end_build("app", 0), Vec::<String>::new());
    assert_eq!(usage(scene.root()).unwrap().bytes(), 0);
}

#[test]
fn hostile_records_break_nothing() {
    let scene = Scene::new();
    let folder = scene.app("app", 1);
    let good = fs::read_to_string(folder.join("app.toml")).unwrap();
    let with = |key: &str, value: &str| {
        let lines = good.lines().map(|line| match line.split_once(" = ") {
            Some((name, _)) if name == key => format!("{key} = {value}"),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let huge = i64::MAX.to_string();
    for bad in [
        with("last_used", &huge),
        with("layers_bytes", &huge),
        with("layers_measured", &huge),
        with("source", r#""\u001b]0;x\u0007\n/etc""#),
        with("source", "7"),
        "no record".into(),
    ] {
        fs::create_dir_all(folder.join("layers")).unwrap();
        fs::write(folder.join("app.toml"), &bad).unwrap();
        usage(scene.root()).unwrap();
        scene.prune_to(MAX_SIZE);
        // All of them together must not overflow either.
        let other = scene.app("other", 1);
        fs::write(other.join("app.toml"), &bad).unwrap();
        scene.end_build("another", MAX_SIZE);
        scene.end_build("app", MAX_SIZE);
        assert_eq!(usage(scene.root()).unwrap().apps[0].bytes(), 110);
    }
}

#[test]
fn a_build_that_begins_while_its_folder_is_pruned_gets_a_new_one() {
    let scene = Scene::new();
    let keep_going = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let pruning = scope.spawn(|| {
            let mut removed = 0;
            while keep_going.load(Ordering::Relaxed) {
                // Two prunes beside each other, too: the end of each build is another one.
                removed += scene.prune_to(0).apps.len();
            }
            removed
        });
        let builders: Vec<_> = (0..4)
            .map(|number| {
                let scene = &scene;
                scope.spawn(move || {
                    let name = format!("app{}", number % 2);
                    for _ in 0..40 {
                        let workspace = scene.build(&name);
                        std::thread::yield_now();
                        // Nobody took it away while it was in use.
                        assert!(workspace.layers().join("bp/x/file").exists());
                        let cache = CacheFolder {
                            path: scene.root().to_owned(),
                            max_size: 150,
                        };
                        after_build(workspace, app(&name), &cache, &Silent);
                    }
                })
            })
            .collect();
        let built: Vec<_> = builders
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        // Before anything is asserted: the other thread would go on for ever.
        keep_going.store(false, Ordering::Relaxed);
        assert!(pruning.join().unwrap() > 0);
        assert!(built.iter().all(Result::is_ok));
    });
    scene.prune_to(0);
    assert_eq!(
        fs::read_dir(scene.root().join("apps-v1")).unwrap().count(),
        0
    );
}

#[test]
fn keeping_within_bounds_takes_next_to_no_time_when_nothing_is_to_go() {
    let scene = Scene::new();
    for number in 0..100 {
        scene.app(&number.to_string(), number);
    }
    scene.build("app");
    // A debug build on a busy machine takes several times as long as the five milliseconds that it may take.
    let fastest = (0..10)
        .map(|_| {
            let workspace = scene.open("app");
            let started = Instant::now();
            let cache = CacheFolder {
                path: scene.root().to_owned(),
                max_size: MAX_SIZE,
            };
            after_build(workspace, app("app"), &cache, &Silent);
            started.elapsed()
        })
        .min();
    assert!(fastest < Some(Duration::from_millis(100)), "{fastest:?}");
}
