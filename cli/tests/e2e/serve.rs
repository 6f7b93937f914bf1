//! `slugbuilder serve`: its life as a process. What it answers is tested in the crate `slugbuilder-platform`.

use crate::context::{Context, ordinary};
use crate::invocation::{Started, eventually};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

const ANN: &str = "0d5a6b0e-3f53-4c9c-a1a1-2f0c3a7a2f11";
const BOB: &str = "3f0b8a52-7c7b-4c0b-8f1e-0a6f0a7f5d9e";

/// A server that is ready, and its address.
fn start(context: &Context, arguments: &[&str]) -> (Started, String) {
    let server = context
        .slugbuilder(["serve", "--listen", "0", "--data", "../data", "--json"])
        .arguments(arguments)
        .start();
    let address = eventually("the address", || {
        let output = server.output();
        let line = output.lines().find(|line| line.starts_with('{'))?;
        let ready: Value = serde_json::from_str(line).unwrap();
        Some(ready["address"].as_str().unwrap().to_owned())
    });
    (server, address)
}

/// The status of a request.
fn status(address: &str, line: &str, token: &str, body: &str) -> String {
    status_of(address, line, &format!("Bearer {token}"), body)
}

/// The same with any `Authorization`.
fn status_of(address: &str, line: &str, authorization: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\nConnection: close\r\n\
         Accept: application/vnd.heroku+json; version=3\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn account(address: &str, token: &str) -> String {
    status(address, "GET /account", token, "")
}

fn users(context: &Context, text: &str) {
    let path = context.write("users", text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_first_start_makes_a_user() {
    let context = Context::new(ordinary());
    let (mut server, address) = start(&context, &[]);
    let file = fs::read_to_string(context.path("data/users")).unwrap();
    let token = file.trim().rsplit_once(':').unwrap().1;
    assert_eq!(account(&address, token), "200");
    let output = server.output();
    assert!(output.contains("admin@example.com"), "{output}");
    assert!(!output.contains(token), "{output}");
    // What people are told to type gives that token.
    let export = output
        .lines()
        .find(|line| line.contains("HEROKU_API_KEY"))
        .unwrap();
    let script = format!("{export}; printf %s \"$HEROKU_API_KEY\"");
    assert_eq!(context.shell(&script).succeeds().stdout, token);

    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);
    let (mut server, address) = start(&context, &["--quiet"]);
    assert_eq!(account(&address, token), "200");
    server.signal(Signal::SIGINT);
    assert_eq!(server.status(), 0);
    let output = server.output();
    assert_eq!(output.lines().count(), 1, "{output}");
}

#[test]
fn a_hang_up_reads_the_users_again() {
    let context = Context::new(ordinary());
    users(&context, &format!("ann@example.com:{ANN}\n"));
    let (mut server, address) = start(&context, &["--users", "../users"]);
    assert_eq!(account(&address, ANN), "200");
    users(&context, &format!("bob@example.com:{BOB}\n"));
    server.signal(Signal::SIGHUP);
    eventually("the new users", || {
        (account(&address, BOB) == "200").then_some(())
    });
    assert_eq!(account(&address, ANN), "401");
    // A mistake changes nothing, and is told.
    users(&context, "carl@example.com\n");
    server.signal(Signal::SIGHUP);
    eventually("the warning", || {
        let output = server.output();
        output
            .contains("line 1: expected `EMAIL:TOKEN`")
            .then_some(())
    });
    assert_eq!(account(&address, BOB), "200");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);
}

#[test]
fn a_password_is_good_for_a_token() {
    let context = Context::new(ordinary());
    let hash = |email: &str, password: &str| {
        context
            .slugbuilder(["serve", "hash-password", email])
            .input(format!("{password}\n"))
    };
    let line = hash("ann@example.com", "correct horse").succeeds().stdout;
    assert!(line.starts_with("ann@example.com:$argon2id$"), "{line}");
    users(&context, &format!("{line}ann@example.com:{ANN}\n"));
    let (mut server, address) = start(&context, &["--users", "../users"]);
    // What people are told to type gives the token, not the hash.
    let output = server.output();
    let export = output
        .lines()
        .find(|line| line.contains("HEROKU_API_KEY"))
        .unwrap();
    let script = format!("{export}; printf %s \"$HEROKU_API_KEY\"");
    assert_eq!(context.shell(&script).succeeds().stdout, ANN);
    // `ann@example.com:correct horse` and `ann@example.com:wrong horse`
    for (pair, expected) in [
        ("YW5uQGV4YW1wbGUuY29tOmNvcnJlY3QgaG9yc2U=", "201"),
        ("YW5uQGV4YW1wbGUuY29tOndyb25nIGhvcnNl", "401"),
    ] {
        let authorization = format!("Basic {pair}");
        let line = "POST /oauth/authorizations";
        assert_eq!(
            status_of(&address, line, &authorization, "{}"),
            expected,
            "{pair}"
        );
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);

    let error = hash("ann@example.com", "short").fails(2);
    assert!(error.contains("the password has 5 bytes"), "{error}");
    let error = hash("ann", "correct horse").fails(2);
    assert!(error.contains("this is not an e-mail address"), "{error}");
}

#[test]
fn users_of_the_environment() {
    let context = Context::new(ordinary());
    let error = context
        .slugbuilder(["serve", "--listen", "0", "--data", "../data"])
        .env("SLUGBUILDER_SERVE_USERS", "ann@example.com:short")
        .fails(2);
    insta::assert_snapshot!(error, @r"
    error[users-entry]: `SLUGBUILDER_SERVE_USERS` line 1: the token of `ann@example.com` has 5 characters

      hint: A token has 16 to 256 characters, so that it cannot be guessed; `uuidgen` makes one.
    ");
    assert!(!context.path("data").exists());
    let error = context
        .slugbuilder([
            "serve", "--listen", "0", "--data", "../data", "--users", "../none",
        ])
        .fails(2);
    assert!(error.starts_with("error[users-file]: "), "{error}");
}

#[test]
fn a_backup_of_a_running_server_is_restored() {
    let context = Context::new(ordinary());
    users(&context, &format!("ann@example.com:{ANN}\n"));
    let (mut server, address) = start(&context, &["--users", "../users"]);
    assert_eq!(
        status(&address, "POST /apps", ANN, r#"{"name": "kept-app"}"#),
        "201"
    );
    let backup = ["serve", "backup", "kept.tar", "--data", "../data"];
    let told = context.slugbuilder(backup).succeeds().stdout;
    insta::assert_snapshot!(told, @"kept.tar: 1 app, 2 releases, 0 slugs (0 B)");
    // Never over another one.
    let again = context.slugbuilder(backup).fails(1);
    assert!(again.starts_with("error[already-there]: "), "{again}");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);

    fs::remove_dir_all(context.path("data")).unwrap();
    let restore = [
        "serve", "restore", "kept.tar", "--data", "../data", "--json",
    ];
    let told = context.slugbuilder(restore).succeeds().stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["apps"], &told["releases"]), (&1.into(), &2.into()));
    let (mut server, address) = start(&context, &["--users", "../users"]);
    assert_eq!(status(&address, "GET /apps/kept-app", ANN, ""), "200");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);
}

#[test]
fn a_backup_of_nothing_is_none() {
    let context = Context::new(ordinary());
    let error = context
        .slugbuilder(["serve", "backup", "kept.tar", "--data", "../none"])
        .fails(2);
    insta::assert_snapshot!(error, @r"
    error[not-data-dir]: `../none` is no data folder of a server

      hint: Name the folder that `slugbuilder serve` was started with, with `--data`.
    ");
    assert!(!context.path("work/kept.tar").exists() && !context.path("none").exists());
}

#[test]
fn a_server_that_does_not_get_its_folder_writes_nothing_into_it() {
    let context = Context::new(ordinary());
    users(&context, &format!("ann@example.com:{ANN}\n"));
    let (_first, _) = start(&context, &["--users", "../users"]);
    let second = context.slugbuilder(["serve", "--listen", "0", "--data", "../data"]);
    let error = second.fails(75);
    assert!(error.contains("../data"), "{error}");
    assert!(!context.path("data/users").exists());
}
