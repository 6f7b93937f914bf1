//! Source to slug to a running app.

use crate::context::for_each_user;
use crate::server::{free_port, get};
use crate::slug::{checksum, entries, fingerprint, listing};
use nix::sys::signal::Signal;
use std::fs;

#[test]
fn source_becomes_a_slug_that_answers() {
    for_each_user(|context| {
        context.node_app("app");
        let ran = context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(ran.stdout, "", "nothing but data goes to stdout");
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr, @"
            Compiling ../app for heroku-24
            Building with slugbuilder: Node.js, Ruby and Go [VERSION]
              Node.js 24.21.0 (.node-version:1) → 24.21.0
                Layer node: new
                Layer node-environment: new
                Node.js 24.21.0 from the mirror
            Writing the slug
            Process types
              web  node web.js
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            ");
            insta::assert_snapshot!(listing(&context.path("work/slug.tgz")), @"
            0755 315532801 ./app/
            0755 315532801 ./app/.slugbuilder/
            0755 315532801 ./app/.slugbuilder/layers/
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node/
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node-environment/
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node-environment/env.launch/
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node-environment/exec.d/
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node/bin/
            0644 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node/LICENSE
            0644 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node-environment/env.launch/NODE_ENV.default
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node/bin/node
            0755 315532801 ./app/.slugbuilder/layers/slugbuilder_slugbuilder/node-environment/exec.d/web_concurrency
            0644 315532801 ./app/.slugbuilder/exec_d.bash
            0755 315532801 ./app/.profile.d/
            0644 315532801 ./app/.node-version
            0644 315532801 ./app/.profile.d/000_slugbuilder.sh
            0644 315532801 ./app/web.js
            ");
        }
        assert_eq!(entries(&context.path("work")), ["slug.json", "slug.tgz"]);

        let port = free_port();
        let mut app = context
            .slugbuilder(["run", "slug.tgz", "--port", &port.to_string()])
            .start();
        assert_eq!(get(port), "hello from web.js\n");
        app.signal(Signal::SIGTERM);
        assert_eq!(app.status(), 143);
        assert_eq!(
            entries(&context.path("home/.cache/slugbuilder/runs-v1")).len(),
            0
        );
    });
}

#[test]
fn slug_json_is_the_body_of_the_api_and_how_it_was_made() {
    for_each_user(|context| {
        context.node_app("app");
        let ran = context
            .slugbuilder(["compile", "../app", "--json", "-o", "out.tar.gz"])
            .succeeds();
        let text = fs::read_to_string(context.path("work/out.json")).unwrap();
        assert_eq!(ran.stdout, text);
        let json = ran.json();
        let slug = context.path("work/out.tar.gz");
        let sum = format!("SHA256:{}", checksum(&slug));
        assert_eq!(json["slug"]["checksum"], sum.as_str());
        assert_eq!(json["build"]["size"], slug.metadata().unwrap().len());
        let keys: Vec<_> = json["slug"].as_object().unwrap().keys().collect();
        // What `POST /apps/{app}/slugs` takes and nothing else; `commit` and its description only where there is one.
        assert_eq!(
            keys,
            [
                "process_types",
                "stack",
                "checksum",
                "buildpack_provided_description"
            ]
        );
        let mut text = context.normalized(&text);
        text = text.replace(&json["build"]["size"].to_string(), "[SIZE]");
        text = text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        let cut = text.find("    \"decisions\"").unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(&text[..cut], @r#"
            {
              "slug": {
                "process_types": {
                  "web": "node web.js"
                },
                "stack": "heroku-24",
                "checksum": "SHA256:[DIGITS]",
                "buildpack_provided_description": "Node.js"
              },
              "build": {
                "size": [SIZE],
                "diff_id": "sha256:[DIGITS]",
                "format": 2,
                "slugbuilder": "[VERSION]",
                "languages": [
                  {
                    "name": "node",
                    "requested": "24.21.0",
                    "requested_by": {
                      "file": {
                        "path": ".node-version",
                        "line": 1
                      }
                    },
                    "version": "24.21.0",
                    "obtained_from": "the mirror",
                    "checksum": "sha256:[DIGITS]",
                    "verified_by": "published"
                  }
                ],
            "#);
        }
        let subjects: Vec<_> = json["build"]["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|decision| decision["subject"].as_str().unwrap())
            .collect();
        assert_eq!(subjects, ["language node", "process web", "node version"]);
        assert_eq!(json["build"]["warnings"], serde_json::json!([]));
    });
}

#[test]
fn a_procfile_says_what_runs() {
    for_each_user(|context| {
        context.node_app("app");
        context.write("app/server.js", "hello from server.js\n");
        context.write(
            "app/Procfile",
            "web: node server.js\nworker: echo working on $QUEUE; exit 3\nno process\n",
        );
        let ran = context.slugbuilder(["compile", "../app"]).succeeds();
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr, @"
            Compiling ../app for heroku-24
            warning[procfile-prose]: Procfile:3: `no process` declares a process type `no`, though it has no colon
              hint: Begin a comment with `#`; if a process type is meant, write `no: process`.
            Building with slugbuilder: Node.js, Ruby and Go [VERSION]
              Node.js 24.21.0 (.node-version:1) → 24.21.0
                Layer node: new
                Layer node-environment: new
                Node.js 24.21.0 from the mirror
            Writing the slug
            Process types
              no      process
              web     node server.js
              worker  echo working on $QUEUE; exit 3
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            ");
        }
        let port = free_port();
        let mut app = context
            .slugbuilder(["run", "slug.tgz", "-p", &port.to_string()])
            .start();
        assert_eq!(get(port), "hello from server.js\n");
        app.signal(Signal::SIGINT);
        assert_eq!(app.status(), 143);
        let worker = context
            .slugbuilder(["run", "slug.tgz", "worker", "--env", "QUEUE=mail"])
            .run();
        assert_eq!(
            (worker.status, worker.stdout.as_str()),
            (3, "working on mail\n")
        );
    });
}

#[test]
fn a_second_build_takes_the_runtime_from_the_cache_and_clear_cache_does_not() {
    for_each_user(|context| {
        context.node_app("app");
        let compile = || context.slugbuilder(["compile", "../app"]);
        assert!(compile().succeeds().stderr.contains("Layer node: new"));
        let first = checksum(&context.path("work/slug.tgz"));
        let second = compile().argument("--rebuild").succeeds().stderr;
        assert!(!second.contains("Layer node: new"), "{second}");
        assert_eq!(checksum(&context.path("work/slug.tgz")), first);
        let third = compile().argument("--clear-cache").succeeds().stderr;
        assert!(third.contains("Layer node: new"), "{third}");
        assert_eq!(checksum(&context.path("work/slug.tgz")), first);
    });
}

#[test]
fn the_source_stays_as_it_is_to_the_last_detail() {
    for_each_user(|context| {
        let app = context.node_app("app");
        context.write("app/.slugignore", "*.log\n");
        context.write("app/logs/today.log", "x");
        context.write("app/logs/kept", "x");
        std::os::unix::fs::symlink("web.js", app.join("link")).unwrap();
        let before = fingerprint(&app);
        for _ in 0..2 {
            context.slugbuilder(["compile", "../app"]).succeeds();
        }
        context.slugbuilder(["plan", "../app"]).succeeds();
        context.slugbuilder(["compile", "/nowhere/at/all"]).fails(2);
        assert_eq!(fingerprint(&app), before);
    });
}

#[test]
fn a_read_only_source_is_enough() {
    use std::os::unix::fs::PermissionsExt as _;
    for_each_user(|context| {
        let app = context.node_app("app");
        context.write("app/lib/part.js", "part");
        let modes = |file: u32, folder: u32| {
            for (path, mode) in [
                ("web.js", file),
                (".node-version", file),
                ("lib/part.js", file),
                ("lib", folder),
                ("", folder),
            ] {
                fs::set_permissions(app.join(path), fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        modes(0o444, 0o555);
        let before = fingerprint(&app);
        let built = context.slugbuilder(["compile", "../app"]).run();
        let after = fingerprint(&app);
        modes(0o644, 0o755);
        assert_eq!(built.status, 0, "{}", built.stderr);
        assert_eq!(before, after);
        let list = listing(&context.path("work/slug.tgz"));
        assert!(
            list.contains("0444 315532801 ./app/lib/part.js\n"),
            "{list}"
        );
    });
}

#[test]
fn config_vars_reach_the_build_and_none_of_the_shell_does() {
    for_each_user(|context| {
        // Which Node.js is wanted is no config var; a mirror in one counts like that of the shell.
        context.node_app("app");
        context
            .slugbuilder(["compile", "../app", "--env"])
            .argument(format!(
                "SLUGBUILDER_MIRROR_NODE=file://{}/none",
                context.root().display()
            ))
            .without_env("SLUGBUILDER_MIRROR_NODE")
            .fails(69);
        context
            .slugbuilder(["compile", "../app"])
            .env("AWS_SECRET_ACCESS_KEY", "s3cret")
            .succeeds();
        let json = fs::read_to_string(context.path("work/slug.json")).unwrap();
        assert!(!json.contains("s3cret"));
    });
}
