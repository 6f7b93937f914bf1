//! Two archives at once with one cache.

use super::{fill, packs};
use crate::model::content;
use crate::support::{App, again, cold, options, put, warm};
use std::fs;
use std::path::{Path, PathBuf};

/// Two trees beside each other that have something in common.
fn two_trees() -> (App, [PathBuf; 2]) {
    let app = App::new();
    let roots = [app.path("root"), app.path("other")];
    for root in &roots {
        fs::create_dir_all(root).unwrap();
        fill(root);
    }
    put(
        &roots[1],
        "layers/runtime/bin/node",
        content(50, 2, 300_000),
    );
    put(&roots[1], "web.js", "other");
    (app, roots)
}

/// Archives `root` again and again, with edits in between where nobody else uses it.
fn archive(root: &Path, cache: &Path, slug: &Path, edits: bool) {
    for round in 0..12_u16 {
        if edits {
            put(root, "lib/f3.js", content(round, 2, 30_000));
        }
        let slug = warm(root, cache, slug, &options());
        assert!(slug.bytes == cold(root, &options()).bytes, "round {round}");
    }
}

#[test]
fn threads_with_one_tree_and_with_two() {
    let (app, roots) = two_trees();
    std::thread::scope(|scope| {
        for (number, root) in [&roots[0], &roots[0], &roots[1]].into_iter().enumerate() {
            let slug = app.path(&format!("slug-{number}.tgz"));
            let cache = app.cache();
            scope.spawn(move || archive(root, &cache, &slug, number == 2));
        }
    });
    assert_eq!(packs(&app.cache().join("default")).0.len(), 1);
}

#[test]
fn processes_with_one_tree_and_with_two() {
    const ROLE: &str = "SLUGBUILDER_TEST_TOGETHER";
    if let Some(role) = std::env::var_os(ROLE) {
        let [root, cache, slug] = std::env::split_paths(&role)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        return archive(&root, &cache, &slug, root.ends_with("other"));
    }
    let (app, roots) = two_trees();
    let children: Vec<_> = [&roots[0], &roots[0], &roots[1]]
        .into_iter()
        .enumerate()
        .map(|(number, root)| {
            let slug = app.path(&format!("slug-{number}.tgz"));
            let role = std::env::join_paths([root, &app.cache(), &slug]).unwrap();
            again("cache::together::processes_with_one_tree_and_with_two")
                .env(ROLE, role)
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(packs(&app.cache().join("default")).0.len(), 1);
}
