//! `archive`: the manual flow, without a buildpack.

use crate::context::{Context, for_each_user, ordinary};
use crate::slug::{checksum, entries, fingerprint, listing};
use nix::fcntl::{Flock, FlockArg};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

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
                "format": 2,
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

#[test]
fn a_procfile_that_is_no_plain_file_is_not_read() {
    for_each_user(|context| {
        let app = context.folder("ready");
        context.write("ready/bin/web", "");
        context.write("secret", "password: hunter2\n");
        let procfile = app.join("Procfile");
        let refused = |status| context.slugbuilder(["archive", "../ready"]).fails(status);
        for target in ["../secret", "/dev/zero", "/etc/passwd"] {
            symlink(target, &procfile).unwrap();
            let error = refused(1);
            assert!(
                error.contains(
                    "error[procfile-unreadable]: the `Procfile` is a symbolic link that leads out"
                ),
                "{error}"
            );
            assert!(
                !error.contains("hunter2") && !error.contains("root"),
                "{error}"
            );
            fs::remove_file(&procfile).unwrap();
        }
        context.shell("mkfifo ../ready/Procfile").succeeds();
        let error = refused(1);
        assert!(error.contains("error[source-special-file]"), "{error}");
        fs::remove_file(&procfile).unwrap();
        context.write("ready/Procfile", vec![b'#'; (1 << 20) + 1]);
        let error = refused(1);
        assert!(
            error.contains("the `Procfile` is larger than 1048576 bytes"),
            "{error}"
        );
        fs::remove_file(&procfile).unwrap();
        context.write("ready/config/processes", "web: bin/web\n");
        symlink("config/processes", &procfile).unwrap();
        context.slugbuilder(["archive", "../ready"]).succeeds();
    });
}

#[test]
fn a_link_is_warned_of_once() {
    let context = Context::new(ordinary());
    let app = context.ready_app("ready");
    symlink("/nowhere", app.join("absolute")).unwrap();
    symlink("loop", app.join("loop")).unwrap();
    let ran = context.slugbuilder(["archive", "../ready"]).succeeds();
    assert_eq!(ran.stderr.matches("warning[").count(), 2, "{}", ran.stderr);
}

#[test]
fn a_hostile_folder_cannot_drive_the_terminal() {
    let context = Context::new(ordinary());
    context.write("ready/Procfile", "web: echo \u{1b}]0;owned\u{7}\u{9b}31m\n");
    let ran = context
        .slugbuilder(["archive", "../ready", "-o", "\u{1b}[31mred.tgz"])
        .succeeds();
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!ran.stderr.contains(control), "{:?}", ran.stderr);
    assert!(
        ran.stderr.contains(r"echo \u{1b}]0;owned"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_manifest_is_named_after_any_name() {
    let context = Context::new(ordinary());
    context.ready_app("ready");
    let name = |bytes: &'static [u8]| context.path("work").join(OsStr::from_bytes(bytes));
    context
        .slugbuilder(["archive", "../ready", "-o"])
        .argument(name(b"\xff.tgz"))
        .succeeds();
    assert!(name(b"\xff.json").is_file());
}

#[test]
fn archiving_does_without_a_cache() {
    let context = Context::new(ordinary());
    context.ready_app("ready");
    let archive = || context.slugbuilder(["archive", "../ready", "--quiet"]);
    archive().succeeds();
    let before = checksum(&context.path("work/slug.tgz"));
    let homeless = archive().without_env("HOME").succeeds().stderr;
    insta::assert_snapshot!(homeless, @"
    warning[no-cache]: nothing is kept for the next slug of this folder: no folder for the cache is known
      hint: Set `HOME`, or name a folder with `--cache-dir`.
    ");
    fs::remove_dir_all(context.path("home/.cache")).unwrap();
    let home = context.path("home");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o555)).unwrap();
    let read_only = archive().succeeds().stderr;
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(read_only, @"
    warning[no-cache]: nothing is kept for the next slug of this folder: cannot use the cache folder: failed to create directory `[ROOT]/home/.cache/slugbuilder`: Permission denied (os error 13)
      hint: Choose another folder with `--cache-dir`, or free space in this one.
    ");
    assert_eq!(entries(&home), Vec::<String>::new());
    assert_eq!(checksum(&context.path("work/slug.tgz")), before);
}

#[test]
fn a_cache_that_is_what_is_archived_is_refused_and_one_in_it_is_not_archived() {
    for_each_user(|context| {
        context.ready_app("ready");
        let slug = context.path("work").join("slug.tgz");
        let archive = |cache: &str| {
            context
                .slugbuilder(["archive", ".", "--quiet", "-o", slug.to_str().unwrap()])
                .arguments(["--cache-dir", cache])
                .directory("ready")
        };
        insta::allow_duplicates! {
            insta::assert_snapshot!(archive(".").fails(2), @"
            error[cache-folder-holds-source]: the source `.` lies in the cache folder `.`

              hint: Choose a folder elsewhere, or one inside the source, with `--cache-dir`.
            ");
        }
        archive("..").fails(2);
        assert_eq!(entries(&context.path("ready")), ["Procfile", "bin"]);
        archive("cache").succeeds();
        let before = checksum(&context.path("work/slug.tgz"));
        assert!(context.path("ready/cache/apps-v1").exists());
        archive("cache").succeeds();
        assert_eq!(checksum(&context.path("work/slug.tgz")), before);
    });
}

#[test]
fn two_that_archive_one_folder_wait_for_each_other() {
    for_each_user(|context| {
        context.ready_slug();
        let apps = "home/.cache/slugbuilder/apps-v1";
        let key = entries(&context.path(apps)).remove(0);
        let lock = fs::File::open(context.path(apps).join(&key).join("lock")).unwrap();
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).unwrap();
        let mut second = context.slugbuilder(["archive", "../ready"]).start();
        second.says("waiting for another build of this app");
        drop(lock);
        assert_eq!(second.status(), 0, "{}", second.output());
        assert_eq!(entries(&context.path(apps)), [key]);
    });
}
