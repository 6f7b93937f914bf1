//! Rebuilds, and what the cache does for them.

use crate::support::{greeting, panic_of};
use slugbuilder_test::{
    BuildpackReference, CacheOutcome, Miss, PackResult, TestRunner, assert_contains,
};

#[test]
fn a_layer_that_is_left_alone_is_a_hit() {
    TestRunner::default().build(greeting(), |context| {
        assert_eq!(
            *context.layers().assert_miss("greeting"),
            Miss::NoBuildBefore
        );
        // Laying the app out for a run links to the files of layers, which must not look like a change.
        context.run_shell_command("true");
        let config = context.config.clone();
        context.rebuild(config, |context| {
            assert_contains!(context.pack_stdout, "Using the cached greeting 1");
            context.layers().assert_hit("greeting");
            assert_eq!(*context.layers().assert_miss("tools"), Miss::NotCached);
            let config = context.config.clone();
            context.rebuild(config, |context| {
                context.layers().assert_hit("mock/greeting:greeting");
            });
        });
    });
}

#[test]
fn a_layer_that_is_made_anew_says_why() {
    TestRunner::default().build(greeting(), |context| {
        let mut config = context.config.clone();
        context.rebuild(config.env("GREETING_VERSION", "2"), |context| {
            insta::assert_snapshot!(context.layers().layer("greeting"), @r#"mock/greeting:greeting (launch, cache) miss: it was had back, and all of it made anew (its metadata changed: version: "1" -> "2")"#);
            let panic = panic_of(|| {
                context.layers().assert_hit("greeting");
            });
            assert_contains!(panic, "the layer `greeting` should be a hit\nmock/greeting:greeting");
        });
    });
}

#[test]
fn a_layer_that_is_changed_in_part_says_where() {
    TestRunner::default().build(greeting(), |context| {
        let mut config = context.config.clone();
        config.app_dir_preprocessor(|app| std::fs::write(app.join("touch.txt"), "").unwrap());
        context.rebuild(config, |context| {
            let Miss::Changed {
                added,
                removed,
                changed,
                ..
            } = context.layers().assert_miss("greeting")
            else {
                panic!("{}", context.layers())
            };
            assert_eq!(*added, [std::path::Path::new("touched")]);
            assert!(removed.is_empty() && changed.is_empty());
            let config = context.config.clone();
            context.rebuild(config, |context| {
                let outcome = &context.layers().layer("greeting").outcome;
                let CacheOutcome::Miss(Miss::Changed { changed, .. }) = outcome else {
                    panic!("{outcome}")
                };
                assert_eq!(*changed, [std::path::Path::new("touched")]);
            });
        });
    });
}

#[test]
fn a_rebuild_may_take_another_app() {
    TestRunner::default().build(greeting(), |context| {
        let mut config = context.config.clone();
        config
            .app_dir("tests/fixtures/apps/empty")
            .app_dir_preprocessor(|app| {
                std::fs::write(app.join("greeting.txt"), "another\n").unwrap();
            });
        context.rebuild(config, |context| {
            context.layers().assert_hit("greeting");
            context.files().assert_there("README.md");
        });
    });
}

#[test]
fn a_build_that_fails_keeps_no_layers() {
    TestRunner::default().build(greeting(), |context| {
        let first = context.config.clone();
        let mut failing = first.clone();
        failing
            .app_dir_preprocessor(|app| std::fs::write(app.join("fail.txt"), "").unwrap())
            .expected_pack_result(PackResult::Failure);
        context.rebuild(failing, |context| {
            context.rebuild(first, |context| {
                assert_eq!(
                    *context.layers().assert_miss("greeting"),
                    Miss::NoBuildBefore
                );
            });
        });
    });
}

#[test]
fn a_layer_without_files_that_is_made_anew_is_no_hit() {
    let mut config = greeting();
    config.buildpacks([BuildpackReference::Other(
        "tests/fixtures/buildpacks/bare".into(),
    )]);
    TestRunner::default().build(config, |context| {
        let mut config = context.config.clone();
        context.rebuild(config.clone(), |context| {
            insta::assert_snapshot!(context.layers(), @"
            mock/bare:anew (cache) hit
            mock/bare:dated (cache) hit
            mock/bare:described (cache) miss: the build before had it with `cache = true`, and it was not had back
            mock/bare:kept (cache) hit
            ");
            context.rebuild(config.env("BARE", "anew"), |context| {
                insta::assert_snapshot!(context.layers(), @r#"
                mock/bare:anew (cache) miss: it was had back, and all of it made anew
                mock/bare:dated (cache) miss: it was had back, and its files stayed (its metadata changed: build: "first" -> "anew")
                mock/bare:described (cache) miss: the build before had it with `cache = true`, and it was not had back
                mock/bare:kept (cache) hit
                "#);
            });
        });
    });
}
