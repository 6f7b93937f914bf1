//! What of the source enters the slug.

use crate::context::{Context, for_each_user};
use crate::slug::names;

/// The names below `./app/` that are the app's own.
fn staged(context: &Context) -> Vec<String> {
    let mut names: Vec<String> = names(&context.path("work/slug.tgz"))
        .into_iter()
        .map(|name| String::from_utf8(name).unwrap())
        .filter_map(|name| Some(name.strip_prefix("./app/")?.to_owned()))
        .filter(|name| {
            !name.is_empty() && !name.starts_with(".slugbuilder") && !name.starts_with(".profile.d")
        })
        .collect();
    names.sort();
    names
}

fn left_out(stderr: &str) -> Vec<&str> {
    stderr
        .lines()
        .filter_map(|line| line.trim().strip_prefix("left out: "))
        .collect()
}

#[test]
fn slugignore_is_followed_and_counted() {
    for_each_user(|context| {
        context.node_app("app");
        context.write("app/.slugignore", "*.psd\n/test\n");
        context.write("app/test/one", "12345");
        context.write("app/art/big.psd", [0; 1500]);
        context.write("app/art/small.png", "png");
        let ran = context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(
            left_out(&ran.stderr),
            ["2 files (1.5 kB), matching .slugignore"]
        );
        assert_eq!(
            staged(context),
            [
                ".node-version",
                ".slugignore",
                "art/",
                "art/small.png",
                "web.js"
            ]
        );
    });
}

#[test]
fn what_git_ignores_stays_out_unless_all_files_is_given() {
    for_each_user(|context| {
        context.node_app("app");
        context.write("app/.gitignore", "secret\n");
        context.write("app/secret", "12345");
        context.shell("git init --quiet ../app").succeeds();
        let ran = context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(left_out(&ran.stderr), ["1 file (5 B), which git ignores"]);
        assert_eq!(staged(context), [".gitignore", ".node-version", "web.js"]);
        let ran = context
            .slugbuilder(["compile", "../app", "--all-files"])
            .succeeds();
        assert_eq!(left_out(&ran.stderr), Vec::<&str>::new());
        assert_eq!(
            staged(context),
            [".gitignore", ".node-version", "secret", "web.js"]
        );
        // The same rules for folders that are ready.
        let ran = context
            .slugbuilder(["archive", "../app", "--process-types", r#"{"web":"x"}"#])
            .succeeds();
        assert_eq!(
            staged(context),
            [".gitignore", ".node-version", "web.js"],
            "{}",
            ran.stderr
        );
    });
}

#[test]
fn gits_configuration_runs_nothing() {
    for_each_user(|context| {
        context.node_app("app");
        context.shell("git init --quiet ../app").succeeds();
        let hook = context.program("hook", "#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\n");
        context
            .shell(&format!(
                "git -C ../app config core.fsmonitor {}",
                hook.display()
            ))
            .succeeds();
        context.slugbuilder(["compile", "../app"]).succeeds();
        context.slugbuilder(["plan", "../app"]).succeeds();
        assert!(!context.path("ran").exists());
    });
}

#[test]
fn a_git_of_any_kind_stays_out() {
    for_each_user(|context| {
        context.node_app("app");
        context.shell("git init --quiet ../app").succeeds();
        context.write("app/module/.git", "gitdir: ../.git/modules/module\n");
        context.write("app/module/file", "");
        context.write("app/vendor/.git/HEAD", "ref: refs/heads/main\n");
        context
            .slugbuilder(["compile", "../app", "--all-files"])
            .succeeds();
        let names = staged(context);
        assert_eq!(
            names,
            [
                ".node-version",
                "module/",
                "module/file",
                "vendor/",
                "web.js"
            ]
        );
    });
}
