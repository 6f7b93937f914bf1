//! `vendor`, and building where there is no network.

use crate::context::{Context, for_each_user, ordinary};
use crate::invocation::Invocation;
use crate::mirror;
use crate::slug::checksum;
use std::fs;
use std::path::PathBuf;

/// Three apps, and mirrors of the three languages' sites.
fn three_apps(context: &Context) -> [(&'static str, PathBuf); 3] {
    mirror::write_ruby(&context.path("ruby-mirror"));
    mirror::write_go(&context.path("go-mirror"));
    context.node_app("node");
    context.write("ruby/.ruby-version", "3.3.9\n");
    context.write("ruby/server.rb", "puts 1\n");
    context.write("go/.go-version", "1.27.4\n");
    context.write("go/web.go", "package main\nfunc main() {}\n");
    ["node", "ruby", "go"].map(|name| (name, context.path(name)))
}

fn with_sites<'a>(context: &'a Context, invocation: Invocation<'a>) -> Invocation<'a> {
    let address = |name: &str| format!("file://{}/{name}", context.root().display());
    invocation
        .env("SLUGBUILDER_MIRROR_RUBY", address("ruby-mirror"))
        .env("SLUGBUILDER_MIRROR_GO", address("go-mirror"))
}

/// A machine that has never built anything, has no client, and reaches nobody.
fn elsewhere(invocation: Invocation<'_>) -> Invocation<'_> {
    invocation
        .without_env("SLUGBUILDER_MIRROR_NODE")
        .env("SLUGBUILDER_OFFLINE", "1")
}

#[test]
fn an_empty_machine_builds_from_the_folder_what_was_locked() {
    for_each_user(|context| {
        let apps = three_apps(context);
        let all = apps.each_ref().map(|(name, _)| format!("../{name}"));
        for (name, _) in &apps {
            let lock = context.slugbuilder(["lock"]).argument(format!("../{name}"));
            with_sites(context, lock).succeeds();
        }
        let vendor = || {
            with_sites(
                context,
                context
                    .slugbuilder(["vendor", "../vendored"])
                    .arguments(&all),
            )
        };
        vendor().succeeds();
        let again = vendor().succeeds().stderr;
        assert!(
            again.contains("0 files added (0 B), 3 files kept"),
            "{again}"
        );

        let mut sums = Vec::new();
        for (name, path) in &apps {
            let compile = context.slugbuilder(["compile", "--locked"]).argument(path);
            with_sites(context, compile).succeeds();
            sums.push((name, path, checksum(&context.path("work/slug.tgz"))));
        }
        for folder in ["mirror", "ruby-mirror", "go-mirror", "home"] {
            fs::remove_dir_all(context.path(folder)).unwrap();
        }
        context.folder("home");
        for (name, path, sum) in &sums {
            let compile = context
                .slugbuilder(["compile", "--locked", "--mirror", "../vendored"])
                .argument(path);
            elsewhere(compile).succeeds();
            assert_eq!(checksum(&context.path("work/slug.tgz")), *sum, "{name}");
        }
        let check = context
            .slugbuilder(["vendor", "--check", "../vendored"])
            .arguments(&all);
        elsewhere(check).succeeds();
    });
}

#[test]
fn the_folder_is_in_the_layout_of_the_sites() {
    let context = Context::new(ordinary());
    let apps = three_apps(&context);
    let all = apps.each_ref().map(|(_, path)| path);
    with_sites(
        &context,
        context
            .slugbuilder(["vendor", "../vendored"])
            .arguments(all),
    )
    .succeeds();
    for (name, path) in &apps {
        let variable = format!("SLUGBUILDER_MIRROR_{}", name.to_ascii_uppercase());
        let address = format!("file://{}/vendored/{name}", context.root().display());
        let compile = context
            .slugbuilder(["compile", "--cache-dir"])
            .argument(format!("../cache-of-{name}"))
            .argument(path);
        elsewhere(compile).env(&variable, address).succeeds();
    }
}

#[test]
fn what_is_missing_is_listed_at_once_with_what_to_do() {
    let context = Context::new(ordinary());
    let app = context.node_app("app");
    context.write("app/web.go", "package main\nfunc main() {}\n");
    context.write("app/.go-version", "1.27.4\n");
    context.write("app/Procfile", "web: node web.js\nworker: bin/web\n");
    let compile = || elsewhere(context.slugbuilder(["compile", "-q"]).argument(&app));
    insta::assert_snapshot!(compile().fails(69), @"
    error[not-there-offline]: without a network there is no Node.js 24.21.0 and Go 1.27.4

      Node.js 24.21.0:
        - nodejs.org: `https://nodejs.org/dist/v24.21.0/SHASUMS256.txt` is needed, but the network is off
        - the user's npm: needs the network, which is off
      Go 1.27.4:
        - go.dev: `https://go.dev/dl/` is needed, but the network is off
        - the user's go: needs the network, which is off
        - the installed go: `go` is not installed

      hint: Where there is a network, fill a folder with `slugbuilder vendor DIR SOURCE`, and build here with `--mirror DIR`.
      hint: Or build once with the network on, with the same cache folder.
    ");

    context.node_app("other");
    context
        .slugbuilder(["vendor", "../vendored", "../other"])
        .succeeds();
    let with_folder = || compile().arguments(["--mirror", "../vendored"]);
    insta::assert_snapshot!(with_folder().fails(69), @"
    error[not-in-mirror]: the mirror folder has no Go 1.27.4

      Go 1.27.4:
        - go.dev: `https://go.dev/dl/go1.27.4.linux-amd64.tar.gz` is not in `file://[ROOT]/vendored/mirror.json`
        - the user's go: `go:golang.org/toolchain@v0.0.1-go1.27.4.linux-amd64` is not in `file://[ROOT]/vendored/mirror.json`
        - the installed go: only the mirror `file://[ROOT]/vendored` is used

      hint: Where there is a network, run `slugbuilder vendor` for this app and this folder.
    ");
    let check = context.slugbuilder(["vendor", "-q", "--check", "../vendored", "../app"]);
    let missing = elsewhere(check).fails(69);
    assert!(
        missing.contains("error[not-in-mirror]: the mirror folder has no Go 1.27.4"),
        "{missing}"
    );

    let archive = format!(
        "../vendored/node/v{0}/node-v{0}-linux-x64.tar.xz",
        mirror::NODE
    );
    fs::write(context.path("work").join(archive), "other bytes").unwrap();
    let check = context.slugbuilder(["vendor", "-q", "--check", "../vendored", "../other"]);
    insta::assert_snapshot!(check.fails(69), @"
    error[mirror-damaged]: 1 file is missing from the mirror folder, or damaged

      - node/v24.21.0/node-v24.21.0-linux-x64.tar.xz

      hint: Run `slugbuilder vendor` again: it brings what is not whole.
    ");
    let use_it = context.slugbuilder([
        "compile",
        "-q",
        "--offline",
        "--mirror",
        "../vendored",
        "../other",
    ]);
    let damaged = use_it
        .without_env("SLUGBUILDER_MIRROR_NODE")
        .arguments(["--cache-dir", "../new-cache"])
        .fails(69);
    let headline = "error[fetch-checksum]: Node.js 24.21.0 from the mirror folder cannot be used";
    assert!(damaged.contains(headline), "{damaged}");
    assert!(
        damaged.contains("`slugbuilder vendor --check DIR`") && !damaged.contains("proxy"),
        "{damaged}"
    );
    context
        .slugbuilder(["vendor", "../vendored", "../other"])
        .succeeds();
    context
        .slugbuilder(["vendor", "--check", "../vendored", "../other"])
        .succeeds();
    insta::assert_snapshot!(compile().arguments(["--mirror", "../nowhere"]).fails(2), @"
    error[no-mirror]: `../nowhere` is no mirror folder
      caused by: No such file or directory (os error 2)

      hint: Name a folder that `slugbuilder vendor` filled, or its `https://` address.
    ");
}

#[test]
fn package_managers_are_pinned_and_vendored_with_their_runtime() {
    let context = Context::new(ordinary());
    mirror::write_pnpm(&context.path("npm-mirror"));
    context.node_app("app");
    let package =
        r#"{"packageManager":"pnpm@9.99.0","scripts":{"build":"true","start":"node web.js"}}"#;
    context.write("app/package.json", package);
    let address = format!("file://{}/npm-mirror", context.root().display());
    let with_npm = |arguments: &[&str]| {
        let ran = context
            .slugbuilder(arguments)
            .env("SLUGBUILDER_MIRROR_NPM", &address);
        ran.succeeds()
    };
    with_npm(&["lock", "../app"]);
    let lock = fs::read_to_string(context.path("app/slugbuilder.lock")).unwrap();
    let pin = "[[package-manager]]\nname = \"pnpm\"\nversion = \"9.99.0\"\n\
        requested = \"pnpm@9.99.0\"\nrequested-by = \"package.json:1\"\narchives = [\n    \
        { package = \"npm:pnpm@9.99.0\", hash = \"sha256:";
    assert!(lock.contains(pin), "{lock}");
    let plan = context
        .slugbuilder(["plan", "--locked", "../app"])
        .succeeds()
        .stdout;
    assert!(plan.contains("* 9.99.0       slugbuilder.lock:"), "{plan}");
    with_npm(&["vendor", "../vendored", "../app"]);
    assert!(
        context
            .path("vendored/npm/pnpm-9.99.0.tgz.sha256")
            .is_file()
    );
    let check = || context.slugbuilder(["lock", "--check", "--mirror", "../vendored", "../app"]);
    elsewhere(check())
        .arguments(["--cache-dir", "../new"])
        .succeeds();

    // Without the folder both are missing.
    let missing = elsewhere(context.slugbuilder(["compile", "-q", "../app"]))
        .arguments(["--cache-dir", "../newer"])
        .fails(69);
    let headline = "without a network there is no Node.js 24.21.0 and pnpm 9.99.0";
    assert!(missing.contains(headline), "{missing}");
    context.write("app/package.json", package.replace("9.99.0", "9.15.0"));
    let drift = context.slugbuilder(["plan", "--locked", "../app"]).fails(1);
    insta::assert_snapshot!(drift, @"
    error[lock-outdated]: slugbuilder.lock:20 pins pnpm 9.99.0, but package.json:1 asks for `pnpm@9.15.0`

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
      hint: Or ask in package.json:1 for what is pinned.
    ");
}

#[test]
fn the_folder_is_looked_at_before_anything_is_brought_and_the_apps_may_be_below() {
    let context = Context::new(ordinary());
    context.node_app("source/api");
    context.write("source/README", "several apps\n");
    let vendor = || {
        context
            .slugbuilder(["vendor", "-q", "../vendored", "../source"])
            .arguments(["--root", "api"])
    };
    context.write("vendored/mirror.json", "{");
    let refused = elsewhere(vendor()).fails(69);
    assert!(refused.contains("error[mirror-list]"), "{refused}");
    fs::remove_file(context.path("vendored/mirror.json")).unwrap();
    vendor().succeeds();
    context
        .slugbuilder([
            "vendor",
            "--check",
            "../vendored",
            "../source",
            "--root",
            "api",
        ])
        .succeeds();

    let outside = context.folder("outside");
    fs::remove_dir_all(context.path("vendored/node")).unwrap();
    std::os::unix::fs::symlink(&outside, context.path("vendored/node")).unwrap();
    insta::assert_snapshot!(vendor().fails(74), @"
    error[mirror-in-the-way]: `../vendored/node` is no folder of the mirror folder's own

      hint: Remove it, or take another folder.
    ");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
#[ignore = "needs strace, and the right to trace"]
fn no_socket_to_the_network_is_opened_offline() {
    let context = Context::new(ordinary());
    context.node_app("app");
    context.write("app/web.go", "package main\nfunc main() {}\n");
    context.write("app/Procfile", "web: node web.js\nworker: bin/web\n");
    for command in ["compile", "plan", "lock"] {
        let offline = if command == "plan" { "" } else { "--offline" };
        let script = format!(
            "strace -f -qq -e trace=socket -o trace-{command} $SLUGBUILDER {command} ../app {offline}"
        );
        elsewhere(context.shell(&script)).run();
        let trace = fs::read_to_string(context.path(format!("work/trace-{command}"))).unwrap();
        let opened: Vec<&str> = trace
            .lines()
            .filter(|line| line.contains("AF_INET"))
            .collect();
        assert!(
            opened.iter().all(|line| is_loopback_switch(line)),
            "{command}: {opened:?}"
        );
    }
    // The same command with a network does, so that the test can fail.
    let script = "strace -f -qq -e trace=socket -o trace $SLUGBUILDER lock ../app";
    context
        .shell(script)
        .without_env("SLUGBUILDER_MIRROR_NODE")
        .run();
    let trace = fs::read_to_string(context.path("work/trace")).unwrap();
    let opened = |line: &str| line.contains("AF_INET") && !is_loopback_switch(line);
    assert!(trace.lines().any(opened), "{trace}");
}

/// Whether a socket is the sandbox's own: it has a network of nothing but the loopback device, and switches that on, which
/// takes a socket that never sends anything.
fn is_loopback_switch(line: &str) -> bool {
    line.contains("socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP)")
}
