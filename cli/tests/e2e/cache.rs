//! The cache folder, and what killed runs left in it and elsewhere.

use crate::context::{Context, ORDINARY, for_each_user, ordinary};
use crate::slug::entries;
use std::fs;
use std::os::unix::fs::{chown, symlink};

#[test]
fn a_cache_that_is_the_source_is_refused_before_anything_is_written() {
    for_each_user(|context| {
        context.node_app("app");
        let before = entries(&context.path("app"));
        let told = context
            .shell("cd ../app && exec $SLUGBUILDER compile . --cache-dir . --quiet")
            .fails(2);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @"
            error[cache-folder-holds-source]: the source `.` lies in the cache folder `.`

              hint: Choose a folder elsewhere, or one inside the source, with `--cache-dir`.
            ");
        }
        context
            .slugbuilder(["compile", "../app", "--cache-dir", ".."])
            .fails(2);
        assert_eq!(entries(&context.path("app")), before);
        assert!(!context.path("CACHEDIR.TAG").exists());
    });
}

#[test]
fn planted_links_are_not_followed() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let cache = context.folder("cache");
    symlink(context.path("work/planted"), cache.join(".gitignore")).unwrap();
    context
        .slugbuilder(["compile", "../app", "--cache-dir", "../cache"])
        .succeeds();
    assert!(!context.path("work/planted").exists());
}

#[test]
#[ignore = "needs root"]
fn root_refuses_the_cache_of_another_user() {
    let context = Context::new(crate::context::User::Me);
    context.node_app("app");
    let cache = context.folder("cache");
    chown(&cache, Some(ORDINARY), Some(ORDINARY)).unwrap();
    let told = context
        .slugbuilder(["compile", "../app", "--cache-dir", "../cache", "--quiet"])
        .fails(2);
    insta::assert_snapshot!(told, @"
    error[cache-folder-foreign]: the cache folder `../cache` is not root's alone

      Another user owns it or can write to it, and could make root write elsewhere.

      hint: Choose another folder with `--cache-dir`, or make it root's: `chown root:root ../cache && chmod go-w ../cache`.
    ");
    assert_eq!(entries(&cache), Vec::<String>::new());
    context.ready_app("ready");
    for words in [&["archive", "../ready"][..], &["cache", "prune", "--all"]] {
        let refused = context
            .slugbuilder(words)
            .arguments(["--cache-dir", "../cache"]);
        let error = refused.fails(2);
        assert!(error.contains("error[cache-folder-foreign]"), "{error}");
    }
}

#[test]
fn what_a_killed_plan_left_goes_with_the_next_one() {
    for_each_user(|context| {
        context.node_app("app");
        context.write("temporary/slugbuilder-plan-left/app/file", "");
        context
            .slugbuilder(["plan", "../app"])
            .env("TMPDIR", context.path("temporary"))
            .succeeds();
        assert_eq!(entries(&context.path("temporary")), Vec::<String>::new());
        fs::remove_dir(context.path("temporary")).unwrap();
    });
}
