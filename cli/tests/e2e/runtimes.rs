//! The test apps with the languages' real runtimes.

use crate::context::{Context, User, users};
use crate::plan::copy_of;
use crate::server::{free_port, get};
use crate::slug::{checksum, fingerprint};
use nix::sys::signal::Signal;

/// Builds the app, asks it, and stops it.
fn build_and_ask(context: &Context, name: &str) -> String {
    let app = copy_of(context, name);
    let before = fingerprint(&app);
    let compile = |arguments: &[&str]| {
        context
            .slugbuilder(["compile", "--timeout", "20m"])
            .argument(&app)
            .arguments(arguments)
            .without_env("SLUGBUILDER_MIRROR_NODE")
            // The machine's own npm, go and apt are what bring the runtimes where nothing but registries is reached.
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env_of_clients()
            .succeeds()
            .stderr
    };
    compile(&[]);
    let slug = context.path("work/slug.tgz");
    let sum = checksum(&slug);
    let port = free_port();
    let mut running = context
        .slugbuilder(["run", "slug.tgz", "-p", &port.to_string()])
        .start();
    let answer = get(port);
    assert!(answer.contains("hello"), "{name}: {answer}");
    running.signal(Signal::SIGTERM);
    let status = running.status();
    assert!(
        [0, 143].contains(&status),
        "{name}: {status} {}",
        running.output()
    );

    let second = compile(&[]);
    assert!(!second.contains(": new"), "{name}: {second}");
    assert_eq!(checksum(&slug), sum, "{name}: from the cache");
    if name.ends_with("-bare") {
        compile(&["--cache-dir", "../other-cache"]);
        assert_eq!(checksum(&slug), sum, "{name}: with another cache");
    }
    assert_eq!(fingerprint(&app), before);
    sum
}

fn all_users(name: &str) {
    let sums: Vec<String> = users()
        .into_iter()
        .map(|user: User| build_and_ask(&Context::new(user), name))
        .collect();
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{name}: {sums:?}");
}

#[test]
#[ignore = "needs nodejs.org, or npm with its registry"]
fn node_apps_answer() {
    all_users("node-bare");
    all_users("node-bare-procfile");
}

#[test]
#[ignore = "needs Heroku's S3 bucket, or apt with its registry"]
fn ruby_apps_answer_although_webrick_is_not_with_ruby() {
    all_users("ruby-bare");
    all_users("ruby-bare-procfile");
}

#[test]
#[ignore = "needs go.dev, or go with its registry"]
fn go_apps_answer() {
    all_users("go-bare");
    all_users("go-bare-procfile");
}
