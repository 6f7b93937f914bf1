//! The builds that tests begin with.

use slugbuilder_test::{BuildConfig, BuildpackReference};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// An app with a greeting, built by the buildpack in bash.
pub(crate) fn greeting() -> BuildConfig {
    let mut config = BuildConfig::new("heroku/builder:24", "tests/fixtures/apps/web");
    config.buildpacks([BuildpackReference::Other(
        "tests/fixtures/buildpacks/greeting".into(),
    )]);
    config
}

/// The same app with a web server, built by the buildpack crate.
pub(crate) fn server() -> BuildConfig {
    let mut config = greeting();
    config.buildpacks([BuildpackReference::WorkspaceBuildpack(
        "mock/server".parse().unwrap(),
    )]);
    config
}

/// The body that a server answers with.
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: app\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer:?}");
    body.to_owned()
}

/// What `test` panics with.
pub(crate) fn panic_of(test: impl FnOnce()) -> String {
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).expect_err("it should panic");
    let message = panic.downcast_ref::<String>().cloned();
    message
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}
