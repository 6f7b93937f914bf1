//! The buildpack under `pack`, with Docker: what cargo-libcnb packages, on a real builder, from image to HTTP answer.
//!
//! `pack` comes from no package registry, so these tests are of a target of their own that needs the feature `pack-tests`,
//! and ignored. Where `pack`, Docker and the target `x86_64-unknown-linux-musl` (with `musl-gcc`) are at hand:
//!
//! ```sh
//! cargo test -p slugbuilder-buildpack --features pack-tests --test pack -- --ignored
//! ```
//!
//! | variable | meaning |
//! |---|---|
//! | `SLUGBUILDER_TEST_BUILDER` | another builder than `heroku/builder:24` |
//! | `SLUGBUILDER_TEST_BUILDPACK` | a folder that `slugbuilder buildpack package` has written, instead of what cargo-libcnb would; then without musl |
//! | `SLUGBUILDER_TEST_ENV_<NAME>` | a config var of the builds, for a builder that reaches nothing but registries or mirrors of its own |

use libcnb_test::{
    BuildConfig, BuildpackReference, ContainerConfig, PackResult, TestContext, TestRunner,
    assert_contains, assert_not_contains,
};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PORT: u16 = 8080;

/// A build of a test app on the builder.
fn config(app: &str) -> BuildConfig {
    let variable = |name| std::env::var(name).ok();
    let builder = variable("SLUGBUILDER_TEST_BUILDER").unwrap_or("heroku/builder:24".into());
    let mut config = BuildConfig::new(builder, format!("../test-apps/{app}"));
    if let Some(folder) = variable("SLUGBUILDER_TEST_BUILDPACK") {
        config.buildpacks([BuildpackReference::Other(folder)]);
    }
    for (name, value) in std::env::vars() {
        if let Some(name) = name.strip_prefix("SLUGBUILDER_TEST_ENV_") {
            config.env(name, value);
        }
    }
    config
}

/// Starts the image's default process and asks it until it answers.
fn assert_greets(context: &TestContext, greeting: &str) {
    let mut container = ContainerConfig::new();
    container.env("PORT", PORT.to_string()).expose_port(PORT);
    context.start_container(&container, |container| {
        let deadline = Instant::now() + Duration::from_secs(30);
        let address = container.address_for_port(PORT);
        let answer = loop {
            // Docker's proxy accepts before the app does, and then says nothing.
            match ask(address) {
                Ok(answer) if !answer.is_empty() => break answer,
                _ => assert!(
                    Instant::now() < deadline,
                    "no answer; {}",
                    container.logs_now().stderr
                ),
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_contains!(answer, greeting);
    });
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Builds an app twice, asks both images, and looks at what the second build made anew.
fn assert_builds_and_keeps(app: &str, layer: &str) {
    let config = config(app);
    TestRunner::default().build(&config, |context| {
        assert_contains!(context.pack_stdout, &format!("Layer {layer}: new"));
        assert_greets(&context, &format!("hello from {app} "));
        context.rebuild(&config, |context| {
            assert_contains!(
                context.pack_stdout,
                &format!("Layer {layer}: kept from the last build")
            );
            assert_not_contains!(context.pack_stdout, &format!("Layer {layer}: new"));
            assert_greets(&context, &format!("hello from {app} "));
        });
    });
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn node_bare() {
    assert_builds_and_keeps("node-bare", "node");
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn node_bare_procfile() {
    assert_builds_and_keeps("node-bare-procfile", "node");
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn ruby_bare() {
    assert_builds_and_keeps("ruby-bare", "ruby");
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn ruby_bare_procfile() {
    assert_builds_and_keeps("ruby-bare-procfile", "ruby");
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn go_bare() {
    assert_builds_and_keeps("go-bare", "go");
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn go_bare_procfile() {
    assert_builds_and_keeps("go-bare-procfile", "go");
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn other_processes_run_too() {
    TestRunner::default().build(config("node-bare-procfile"), |context| {
        let mut container = ContainerConfig::new();
        container.entrypoint("release");
        context.start_container(&container, |container| {
            assert_contains!(
                container.logs_wait().stdout,
                "release of node-bare-procfile: nothing to migrate"
            );
        });
        let listing = context.run_shell_command("node --version && pwd && ls -A");
        assert_contains!(listing.stdout, "/workspace\nProcfile\nrelease.js\n");
    });
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn a_folder_without_an_app_is_nobodys() {
    let mut config = config("node-bare");
    config
        .app_dir_preprocessor(|folder| {
            std::fs::remove_file(folder.join("web.js")).expect("the app has it");
            std::fs::write(folder.join("README.md"), "no app").expect("the folder is ours");
        })
        .expected_pack_result(PackResult::Failure);
    TestRunner::default().build(&config, |context| {
        assert_contains!(context.pack_stdout, "No buildpack groups passed detection.");
    });
}

#[test]
#[ignore = "needs pack and Docker on PATH"]
fn an_error_is_shown_with_its_hints() {
    let mut config = config("node-bare");
    config
        .app_dir_preprocessor(|folder| {
            std::fs::write(folder.join(".nvmrc"), "lts/neverland\n").expect("the folder is ours");
        })
        .expected_pack_result(PackResult::Failure);
    TestRunner::default().build(&config, |context| {
        let output = format!("{}{}", context.pack_stdout, context.pack_stderr);
        assert_contains!(output, "error[");
        assert_contains!(output, ".nvmrc");
        assert_contains!(output, "hint: ");
    });
}
