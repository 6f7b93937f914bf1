//! A build that is killed at any instant leaves nothing that a later one would believe.

use super::{app, packs};
use crate::model::content;
use crate::support::{App, again, options, put, warm};
use std::fs;
use std::path::Path;
use std::time::Duration;

const ROLE: &str = "SLUGBUILDER_TEST_KILLED";

/// Edits and archives until it is killed.
fn edit_and_archive(folder: &Path) {
    for round in 0_u16.. {
        let file = folder.join(format!("root/lib/f{}.js", round % 20));
        let rounds = fs::read(folder.join("rounds")).unwrap_or_default().len();
        let seed = u16::try_from(rounds % 60_000).unwrap();
        fs::write(file, content(seed, 2, 30_000)).unwrap();
        if round % 3 == 1 {
            let large = folder.join("root/layers/runtime/bin/node");
            fs::write(large, content(seed, 2, 500_000)).unwrap();
        }
        // Never the same content again.
        fs::write(folder.join("rounds"), vec![b'.'; rounds + 1]).unwrap();
        let (root, cache) = (folder.join("root"), folder.join("cache"));
        warm(&root, &cache, &folder.join("slug.tgz"), &options());
    }
}

#[test]
fn at_any_instant() {
    if let Some(folder) = std::env::var_os(ROLE) {
        return edit_and_archive(Path::new(&folder));
    }
    let app = app();
    let first = app.check_warm(&options());
    let mut killed_slugs = 0;
    for round in 0..25_u64 {
        let mut child = again("cache::killed::at_any_instant")
            .env(ROLE, app.path(""))
            .spawn()
            .unwrap();
        // Later each time, by a step that has nothing to do with how long an archive takes.
        std::thread::sleep(Duration::from_millis(30 + round * 97 % 700));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        killed_slugs += temporary_slugs(&app);
        let slug = app.check_warm(&options());
        assert_eq!(temporary_slugs(&app), 0, "what was killed is cleaned up");
        assert!(
            slug.summary.reused > 0,
            "round {round}: the cache is of use still"
        );
        assert!(slug.summary.size < 2 * first.summary.size);
    }
    assert!(killed_slugs > 0, "none was killed while it wrote");
    // The next pack that is begun takes the place of all that were left behind.
    for round in 0..30_u16 {
        put(
            &app.root(),
            "layers/runtime/bin/node",
            content(round, 2, 500_000),
        );
        app.warm(&options());
    }
    let (packs, bytes) = packs(&app.cache().join("default"));
    assert_eq!(packs.len(), 1);
    assert!(bytes <= 4 * first.summary.size);
}

fn temporary_slugs(app: &App) -> usize {
    let entries = fs::read_dir(app.path("")).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
        .count()
}
