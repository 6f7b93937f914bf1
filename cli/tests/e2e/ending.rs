//! Builds that are ended from outside: by a signal, by SIGKILL, by the time limit. And builds beside each other.

use crate::context::{Context, for_each_user};
use crate::invocation::{Started, eventually};
use crate::server::Stalling;
use crate::slug::{checksum, entries, fingerprint};
use nix::sys::signal::Signal;
use std::fs;

/// A build that hangs: its mirror takes the question for the runtime and says nothing.
fn hanging(context: &Context, mirror: &Stalling) -> (Started, std::net::TcpStream) {
    let build = context
        .slugbuilder(["compile", "../app", "--clear-cache"])
        .env("SLUGBUILDER_MIRROR_NODE", mirror.address())
        .start();
    let connection = mirror.asked();
    (build, connection)
}

/// Processes that were started with this context's folder in their environment or arguments, or whose root or working
/// folder lies in it.
fn processes_of(context: &Context) -> Vec<String> {
    let mark = context.root().to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let texts = ["cmdline", "environ", "mountinfo"]
            .map(|name| fs::read(path.join(name)).unwrap_or_default());
        let links = ["cwd", "root"].map(|name| fs::read_link(path.join(name)).unwrap_or_default());
        let marked = texts
            .iter()
            .any(|text| String::from_utf8_lossy(text).contains(mark))
            || links.iter().any(|link| link.starts_with(context.root()));
        if marked && pid != std::process::id() {
            found.push(format!("{pid} {}", String::from_utf8_lossy(&texts[0])));
        }
    }
    found
}

/// Nothing of a build is left running or mounted.
fn nothing_runs(context: &Context) {
    eventually("the end of every process", || {
        processes_of(context).is_empty().then_some(())
    });
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(
        !mounts.contains(context.root().to_str().unwrap()),
        "{mounts}"
    );
}

/// The work folder of the only app that was built.
fn work_folder(context: &Context) -> std::path::PathBuf {
    let apps = context.path("home/.cache/slugbuilder/apps-v1");
    let names = entries(&apps);
    assert_eq!(names.len(), 1, "{names:?}");
    apps.join(&names[0])
}

#[test]
fn signals_and_the_time_limit_end_the_whole_build() {
    for_each_user(|context| {
        let app = context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        let source = fingerprint(&app);
        let slug = checksum(&context.path("work/slug.tgz"));
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let mirror = Stalling::new();
            let (mut build, _connection) = hanging(context, &mirror);
            build.signal(signal);
            let status = build.status();
            let text = context.normalized(&build.output());
            assert_eq!(status, 75, "{signal}: {text}");
            let error = text.split_once("error[").unwrap().1;
            insta::allow_duplicates! {
                insta::assert_snapshot!(error, @"
                interrupted]: build of buildpack `slugbuilder/slugbuilder` was interrupted

                  hint: Run the same command again; it starts afresh.
                ");
            }
            nothing_runs(context);
        }
        let mirror = Stalling::new();
        let timed = context
            .slugbuilder([
                "compile",
                "../app",
                "--clear-cache",
                "--timeout",
                "2s",
                "--quiet",
            ])
            .env("SLUGBUILDER_MIRROR_NODE", mirror.address())
            .run();
        insta::allow_duplicates! {
            insta::assert_snapshot!(timed.stderr, @"
            error[timed-out]: build of buildpack `slugbuilder/slugbuilder` ran out of time

              hint: Allow more time with `--timeout`, if the build is not stuck.
            ");
        }
        assert_eq!(timed.status, 1);
        nothing_runs(context);
        assert_eq!(fingerprint(&app), source);
        assert_eq!(checksum(&context.path("work/slug.tgz")), slug);
        assert_eq!(entries(&context.path("work")), ["slug.json", "slug.tgz"]);
        assert!(!work_folder(context).join("build").exists());
        context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(checksum(&context.path("work/slug.tgz")), slug);
    });
}

#[test]
fn a_killed_build_harms_nothing_and_the_next_one_cleans_up() {
    for_each_user(|context| {
        let app = context.node_app("app");
        context.slugbuilder(["compile", "../app"]).succeeds();
        let source = fingerprint(&app);
        let slug = checksum(&context.path("work/slug.tgz"));
        let mirror = Stalling::new();
        let (mut build, connection) = hanging(context, &mirror);
        build.signal(Signal::SIGKILL);
        assert_eq!(build.status(), 137);
        nothing_runs(context);
        drop(connection);
        assert_eq!(fingerprint(&app), source);
        assert_eq!(checksum(&context.path("work/slug.tgz")), slug);
        assert!(
            work_folder(context).join("build").exists(),
            "there was something to clean up"
        );

        // A kill while the slug was written leaves such a file, which nobody locks.
        context.write("work/.slug.tgz.Ab3xYz.tmp", "half a slug");
        context.slugbuilder(["compile", "../app"]).succeeds();
        assert_eq!(checksum(&context.path("work/slug.tgz")), slug);
        assert_eq!(entries(&context.path("work")), ["slug.json", "slug.tgz"]);
        assert!(!work_folder(context).join("build").exists());
    });
}

#[test]
fn a_killed_run_ends_the_app_and_the_next_run_cleans_up() {
    for_each_user(|context| {
        context.ready_slug();
        let mut run = context
            .slugbuilder(["run", "slug.tgz", "--"])
            .argument("trap '' TERM HUP INT; echo started; (sleep 1000 &); sleep 1000; sleep 1000")
            .start();
        run.says("started\n");
        run.signal(Signal::SIGKILL);
        assert_eq!(run.status(), 137);
        nothing_runs(context);
        let runs = context.path("home/.cache/slugbuilder/runs-v1");
        assert_eq!(entries(&runs).len(), 1);
        context.slugbuilder(["run", "slug.tgz"]).succeeds();
        assert_eq!(entries(&runs).len(), 0);
    });
}

#[test]
fn two_builds_at_once_both_succeed() {
    for_each_user(|context| {
        context.node_app("app");
        context.node_app("other");
        context.write("other/more", "");
        let mut builds: Vec<Started> = [
            ("../app", "1.tgz"),
            ("../app", "2.tgz"),
            ("../app", "1.tgz"),
            ("../other", "3.tgz"),
        ]
        .map(|(app, slug)| context.slugbuilder(["compile", app, "-o", slug]).start())
        .into();
        for build in &mut builds {
            assert_eq!(build.status(), 0, "{}", build.output());
        }
        let sum = |name: &str| checksum(&context.path("work").join(name));
        assert_eq!(sum("1.tgz"), sum("2.tgz"));
        assert_ne!(sum("1.tgz"), sum("3.tgz"));
        assert_eq!(
            entries(&context.path("work")),
            ["1.json", "1.tgz", "2.json", "2.tgz", "3.json", "3.tgz"]
        );
    });
}

#[test]
fn a_build_that_waits_for_another_can_be_ended() {
    for_each_user(|context| {
        context.node_app("app");
        let mirror = Stalling::new();
        let (mut first, _connection) = hanging(context, &mirror);
        let mut second = context.slugbuilder(["compile", "../app"]).start();
        second.says("waiting for another build of this app");
        second.signal(Signal::SIGINT);
        assert_eq!(second.status(), 75);
        insta::allow_duplicates! {
            insta::assert_snapshot!(context.normalized(&second.output()), @"
            Compiling ../app for heroku-24
              waiting for another build of this app
            error[interrupted]: interrupted while waiting for another build of the same app

              hint: Try again when the other build has ended; with a `--cache-dir` of its own it need not wait.
            ");
        }
        first.signal(Signal::SIGINT);
        assert_eq!(first.status(), 75);
    });
}
