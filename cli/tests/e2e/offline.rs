//! `--offline`, and mirrors that do not have what is wanted.

use crate::context::{Context, for_each_user, ordinary};

#[test]
fn a_mirror_on_disk_and_the_cache_are_enough() {
    for_each_user(|context| {
        context.node_app("app");
        context
            .slugbuilder(["compile", "../app", "--offline"])
            .succeeds();
        // The next build of the app has what it needs.
        std::fs::remove_dir_all(context.path("mirror/v24.21.0")).unwrap();
        context
            .slugbuilder(["compile", "../app"])
            .env("SLUGBUILDER_OFFLINE", "1")
            .succeeds();
    });
}

#[test]
fn what_is_missing_offline_is_named() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let ran = context
        .slugbuilder(["compile", "../app", "--offline"])
        .without_env("SLUGBUILDER_MIRROR_NODE")
        .env("PATH", context.path("home"))
        .run();
    assert_eq!(ran.status, 69, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr, @"
    Compiling ../app for heroku-24
    Building with slugbuilder: Node.js, Ruby and Go [VERSION]
      Node.js 24.21.0 (.node-version:1) → 24.21.0
        Layer node: new
        Node.js 24.21.0 not from nodejs.org: `https://nodejs.org/dist/v24.21.0/SHASUMS256.txt` is needed, but the network is off
        Node.js 24.21.0 not from the user's npm: needs the network, which is off
        error: without a network there is no Node.js 24.21.0
    error[not-there-offline]: without a network there is no Node.js 24.21.0

      Node.js 24.21.0:
        - nodejs.org: `https://nodejs.org/dist/v24.21.0/SHASUMS256.txt` is needed, but the network is off
        - the user's npm: needs the network, which is off

      hint: Where there is a network, fill a folder with `slugbuilder vendor DIR SOURCE`, and build here with `--mirror DIR`.
      hint: Or build once with the network on, with the same cache folder.
    ");
}

#[test]
fn a_mirror_that_cannot_serve_is_an_error_of_its_own() {
    let context = Context::new(ordinary());
    context.node_app("app");
    let compile = || context.slugbuilder(["compile", "../app", "--quiet"]);
    let nowhere = compile().env("SLUGBUILDER_MIRROR_NODE", "file:///no/mirror");
    insta::assert_snapshot!(nowhere.fails(69), @"
    error[runtime-not-available]: cannot get Node.js 24.21.0

      Tried in this order:
      - the mirror: `file:///no/mirror/v24.21.0/SHASUMS256.txt` does not exist

      hint: Check the address of the mirror: while one is set, nothing else is tried.
    ");
    let insecure = compile().env("SLUGBUILDER_MIRROR_NODE", "http://mirror.example");
    insta::assert_snapshot!(insecure.fails(2), @"
    error[invalid-setting]: the address in `SLUGBUILDER_MIRROR_NODE` cannot be used: `http://` is not secure, and only taken for this machine

      hint: Write an address such as `https://mirror.example/node` or `file:///srv/node`.
    ");
    context.write("app/.node-version", "22.11.0\n");
    insta::assert_snapshot!(compile().fails(69), @"
    error[runtime-not-available]: cannot get Node.js 22.11.0

      Tried in this order:
      - the mirror: `file://[ROOT]/mirror/v22.11.0/SHASUMS256.txt` does not exist

      hint: Check the address of the mirror: while one is set, nothing else is tried.
    ");
    context.write("app/.node-version", "99\n");
    insta::assert_snapshot!(compile().fails(1), @"
    error[unknown-version]: .node-version:1: no version of Node.js matches `99`

      This version of slugbuilder knows the releases up to 2026-11-21.

      hint: The nearest existing versions are `24.21.0`, `26.10.0`.
    ");
    context.node_app("app");
    std::fs::write(
        context.path("mirror/v24.21.0/node-v24.21.0-linux-x64.tar.xz"),
        "other bytes",
    )
    .unwrap();
    insta::assert_snapshot!(compile().run().stderr, @"
    error[fetch-checksum]: Node.js 24.21.0 from the mirror cannot be used
      caused by: `file://[ROOT]/mirror/v24.21.0/node-v24.21.0-linux-x64.tar.xz` does not have the expected checksum

      expected sha256:[DIGITS]
           got sha256:[DIGITS]
      Either the file was damaged or changed, or the expected checksum is wrong.

      hint: `slugbuilder vendor --check DIR` finds what is damaged in a folder that `slugbuilder vendor` filled, and `slugbuilder vendor` brings it anew.
    ");
}
