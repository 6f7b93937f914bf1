//! Machines without namespaces: a user namespace that allows no further ones stands for them.

use crate::context::{Context, User, for_each_user, users};
use crate::invocation::Ran;
use crate::slug::checksum;
use std::path::Path;

/// Which ids exist in the namespace.
#[derive(Clone, Copy)]
enum Ids {
    /// Root alone, who is the user outside.
    RootAlone,
    /// Root and many others, as in a container. Needs root outside.
    Many,
}

/// Runs `script` as root of a user namespace in which no further one can be made.
fn without_namespaces(context: &Context, ids: Ids, script: &str) -> Ran {
    let script = format!("echo 0 > /proc/sys/user/max_user_namespaces && {script}");
    let enter = match ids {
        Ids::RootAlone => r#"exec unshare --user --map-root-user /bin/bash -c "$SCRIPT""#,
        // The map is written from outside, as util-linux does with newuidmap, which is not everywhere. The second bash
        // gets its privileges from being root, which the first one was not when it started.
        Ids::Many => {
            r#"mkfifo ../made ../mapped
            unshare --user /bin/bash -c 'echo > ../made; read < ../mapped; exec /bin/bash -c "$SCRIPT"' &
            read < ../made
            for map in uid_map gid_map; do echo 0 0 100000 > /proc/$!/$map || exit; done
            echo > ../mapped
            wait $!"#
        }
    };
    context.shell(enter).env("SCRIPT", script).succeeds()
}

const COMPILE: &str = "$SLUGBUILDER compile ../app -o in-place.tgz";
const RUN: &str =
    "$SLUGBUILDER run in-place.tgz -- 'test $HOME = $PWD && cat web.js && command -v node'";

#[test]
fn elsewhere_apps_are_built_and_run_in_place() {
    for_each_user(|context| {
        context.node_app("app");
        let built = without_namespaces(context, Ids::RootAlone, COMPILE);
        let sum = checksum(&context.path("work/in-place.tgz"));
        let again = without_namespaces(context, Ids::RootAlone, COMPILE);
        assert!(again.stderr.contains("Build: kept"), "{}", again.stderr);
        assert!(again.stderr.contains("no-sandbox"), "{}", again.stderr);
        assert_eq!(checksum(&context.path("work/in-place.tgz")), sum);
        let kept = context.slugbuilder(["cache", "info", "--json"]).succeeds();
        let kept = &kept.json()["apps"][0];
        assert_eq!(kept["source"], context.path("app").to_str().unwrap());
        assert!(kept["layers_bytes"].as_u64().unwrap() > 0, "{kept}");
        let ran = without_namespaces(context, Ids::RootAlone, RUN);
        assert!(
            ran.stdout.starts_with("hello from web.js\n/"),
            "{}",
            ran.stdout
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(built.stderr, @"
            Compiling ../app for heroku-24
            warning[no-sandbox]: this machine offers no sandbox: making namespaces: No space left on device (os error 28); the app's programs run in a folder of its own and can reach what you can
              hint: Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`.
            Building with slugbuilder: Node.js, Ruby and Go [VERSION]
              Node.js 24.21.0 (.node-version:1) → 24.21.0
                Layer node: new
                Layer node-environment: new
                Node.js 24.21.0 from the mirror
            Writing the slug
            Process types
              web  node web.js
            Wrote in-place.tgz ([SIZE]) and in-place.json in [TIME]
              SHA256:[DIGITS]
            ");
        }
        assert!(ran.stderr.contains("warning[no-sandbox]"), "{}", ran.stderr);
        assert!(!ran.stdout.contains("/app/.slugbuilder/layers") || !Path::new("/app").exists());
        same_as_in_the_sandbox(context);
    });
}

/// Built in place it is the same slug, and it runs in the sandbox. The layers of the build in place may belong to a user
/// that the sandbox does not know; the next build manages with or without them.
fn same_as_in_the_sandbox(context: &Context) {
    for arguments in [&[][..], &["--clear-cache"], &["--cache-dir", "../other"]] {
        context
            .slugbuilder(["compile", "../app"])
            .arguments(arguments)
            .succeeds();
        assert_eq!(
            checksum(&context.path("work/slug.tgz")),
            checksum(&context.path("work/in-place.tgz"))
        );
    }
    let ran = context
        .slugbuilder(["run", "in-place.tgz", "--", "command -v node"])
        .succeeds();
    assert_eq!(
        ran.stdout,
        "/app/.slugbuilder/layers/slugbuilder_slugbuilder/node/bin/node\n"
    );
}

#[test]
#[ignore = "needs root and a machine without /app"]
fn root_of_a_container_builds_in_the_real_app_directory() {
    assert!(users().contains(&User::Ordinary), "run this as root");
    assert!(!Path::new("/app").exists(), "there is an /app already");
    let context = Context::new(User::Me);
    context.node_app("app");
    let built = without_namespaces(&context, Ids::Many, COMPILE);
    insta::assert_snapshot!(built.stderr, @"
    Compiling ../app for heroku-24
    warning[no-sandbox]: this machine offers no sandbox: making namespaces: No space left on device (os error 28); the app's programs run in the real `/app` and can reach what you can
      hint: Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`.
    Building with slugbuilder: Node.js, Ruby and Go [VERSION]
      Node.js 24.21.0 (.node-version:1) → 24.21.0
        Layer node: new
        Layer node-environment: new
        Node.js 24.21.0 from the mirror
    Writing the slug
    Process types
      web  node web.js
    Wrote in-place.tgz ([SIZE]) and in-place.json in [TIME]
      SHA256:[DIGITS]
    ");
    assert!(!Path::new("/app").exists());
    // The real `/app` stays for the next build where it is on the file system of the cache.
    let sum = checksum(&context.path("work/in-place.tgz"));
    let again = without_namespaces(&context, Ids::Many, COMPILE).stderr;
    assert!(
        again.contains("Build: kept") || again.contains("because nothing is kept of the last one"),
        "{again}"
    );
    assert_eq!(checksum(&context.path("work/in-place.tgz")), sum);
    assert!(!Path::new("/app").exists());
    let ran = without_namespaces(&context, Ids::Many, RUN);
    assert_eq!(
        ran.stdout,
        "hello from web.js\n/app/.slugbuilder/layers/slugbuilder_slugbuilder/node/bin/node\n"
    );
    assert!(!Path::new("/app").exists());
    same_as_in_the_sandbox(&context);
}

#[test]
fn a_buildpack_of_someone_else_is_refused() {
    for_each_user(|context| {
        context.node_app("app");
        context.write(
            "pack/buildpack.toml",
            "api = '0.10'\n[buildpack]\nid = 'acme/x'\nversion = '1'\n",
        );
        for program in ["detect", "build"] {
            context.program(
                format!("pack/bin/{program}"),
                "#!/bin/bash\ntouch /tmp/ran-in-the-open $HOME/ran\n",
            );
        }
        for more in ["", "--buildpack slugbuilder/slugbuilder"] {
            let script =
                format!("! $SLUGBUILDER compile ../app --buildpack ../pack {more} -o in-place.tgz");
            let refused = without_namespaces(context, Ids::RootAlone, &script);
            insta::allow_duplicates! {
                insta::assert_snapshot!(refused.stderr, @r"
                Compiling ../app for heroku-24
                error[untrusted-without-sandbox]: a buildpack or source of someone else needs a sandbox, and this machine offers none
                  caused by: this machine offers no sandbox: making namespaces
                  caused by: No space left on device (os error 28)

                  hint: Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`.
                ");
            }
            assert!(
                !context.path("home/ran").exists() && !Path::new("/tmp/ran-in-the-open").exists()
            );
            assert!(!context.path("work/in-place.tgz").exists());
        }
    });
}
