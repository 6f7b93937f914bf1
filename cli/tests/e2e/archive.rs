//! `archive`: the manual flow, without a buildpack.

use crate::context::{Context, for_each_user, ordinary};
use crate::slug::{checksum, fingerprint, listing};
use std::fs;

#[test]
fn a_folder_with_a_procfile_becomes_a_slug() {
    for_each_user(|context| {
        let app = context.ready_app("ready");
        let before = fingerprint(&app);
        let ran = context.slugbuilder(["archive", "../ready"]).succeeds();
        assert_eq!(fingerprint(&app), before);
        let json = context.normalized(&fs::read_to_string(context.path("work/slug.json")).unwrap());
        let json = json.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        let size = context.path("work/slug.tgz").metadata().unwrap().len();
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran.stderr, @"
              web     bin/web
              worker  echo working; exit 3
            Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
              SHA256:[DIGITS]
            ");
            insta::assert_snapshot!(json.replace(&size.to_string(), "[SIZE]"), @r#"
            {
              "slug": {
                "process_types": {
                  "web": "bin/web",
                  "worker": "echo working; exit 3"
                },
                "stack": "heroku-24",
                "checksum": "SHA256:[DIGITS]"
              },
              "build": {
                "size": [SIZE],
                "diff_id": "sha256:[DIGITS]",
                "format": 1,
                "slugbuilder": "[VERSION]",
                "languages": [],
                "decisions": [],
                "warnings": []
              }
            }
            "#);
            insta::assert_snapshot!(listing(&context.path("work/slug.tgz")), @"
            0755 315532801 ./app/
            0755 315532801 ./app/bin/
            0644 315532801 ./app/Procfile
            0755 315532801 ./app/bin/web
            ");
        }
        let worker = context.slugbuilder(["run", "slug.tgz", "worker"]).run();
        assert_eq!((worker.status, worker.stdout.as_str()), (3, "working\n"));
    });
}

#[test]
fn process_types_come_from_the_command_line_too() {
    for_each_user(|context| {
        context.program("ready/bin/start", "#!/bin/sh\necho started\n");
        let ran = context
            .slugbuilder(["archive", "../ready", "--json", "--stack", "heroku-26"])
            .arguments(["--process-types", r#"{"web":"bin/start"}"#])
            .succeeds();
        let json = ran.json();
        assert_eq!(
            json["slug"]["process_types"],
            serde_json::json!({"web": "bin/start"})
        );
        assert_eq!(json["slug"]["stack"], "heroku-26");
        let ran = context.slugbuilder(["run", "slug.tgz"]).succeeds();
        assert_eq!(ran.stdout, "started\n");
    });
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let mut sums = Vec::new();
    for_each_user_twice(
        |context, name| {
            context.ready_app(name);
            context
                .slugbuilder(["archive"])
                .argument(context.path(name))
                .succeeds();
            checksum(&context.path("work/slug.tgz"))
        },
        &mut sums,
    );
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
}

fn for_each_user_twice(test: impl Fn(&Context, &str) -> String, results: &mut Vec<String>) {
    for user in crate::context::users() {
        let context = Context::new(user);
        results.push(test(&context, "one"));
        results.push(test(&context, "some/where/else"));
    }
}

#[test]
fn a_slug_in_its_folder_is_not_in_itself() {
    for_each_user(|context| {
        context.ready_app("ready");
        let archive = || {
            context
                .slugbuilder(["archive", "."])
                .directory("ready")
                .succeeds()
        };
        archive();
        let names: Vec<String> = listing(&context.path("ready/slug.tgz"))
            .lines()
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["./app/", "./app/bin/", "./app/Procfile", "./app/bin/web"]
        );
        let first = checksum(&context.path("ready/slug.tgz"));
        archive();
        assert_eq!(checksum(&context.path("ready/slug.tgz")), first);
    });
}

#[test]
fn what_is_missing_is_named() {
    let context = Context::new(ordinary());
    context.write("ready/file", "");
    insta::assert_snapshot!(context.slugbuilder(["archive", "../ready"]).fails(2), @r#"
    error[no-process-types]: there is no `Procfile` in `../ready`, and no process types were given

      hint: Add a `Procfile`, or say what to run: `--process-types '{"web": "bin/web"}'`.
    "#);
    insta::assert_snapshot!(context.slugbuilder(["archive", "../absent"]).run().stderr, @"
    error[source-not-found]: there is no source at `../absent`

      hint: Give the path of the folder that holds the app.
    ");
    context.write("ready/Procfile", "nothing of use\n");
    insta::assert_snapshot!(context.slugbuilder(["archive", "../ready"]).run().stderr, @"
    warning[procfile-prose]: Procfile:1: `nothing of use` declares a process type `nothing`, though it has no colon
      hint: Begin a comment with `#`; if a process type is meant, write `nothing: of use`.
      nothing  of use
    Wrote slug.tgz ([SIZE]) and slug.json in [TIME]
      SHA256:[DIGITS]
    ");
}
