//! Builds, and what a test can learn of them.

use crate::support::{get, greeting, panic_of, server};
use slugbuilder_test::{
    BuildpackReference, ContainerConfig, PackResult, SbomType, TestRunner, assert_contains,
    assert_empty, assert_not_contains,
};
use std::net::TcpListener;
use std::process::Command;

#[test]
fn output_comes_apart_and_everything_built_can_be_looked_at() {
    TestRunner::default().build(greeting(), |context| {
        assert_contains!(context.pack_stdout, "===> Building with Greeting 1.0.0\n");
        assert_contains!(context.pack_stdout, "\nMaking the greeting 1\n");
        assert_empty!(context.pack_stderr);
        assert_eq!(context.buildpacks(), ["mock/greeting@1.0.0"]);
        insta::assert_snapshot!(context.plan(), @r#"
        greeting: provided by mock/greeting
          required with { version = "1" }
        "#);
        insta::assert_snapshot!(context.layers(), @"
        mock/greeting:greeting (launch, cache) miss: nothing could be had back, for no build before succeeded
        mock/greeting:tools (build) miss: nothing could be had back, for no build before succeeded
        ");
        let layer = "/app/.slugbuilder/layers/mock_greeting/greeting";
        let environment = context.launch_environment(None);
        assert_eq!(environment["GREETING"], format!("{layer}/greeting.txt"));
        assert_eq!(environment["PATH"], format!("{layer}/bin"));
        assert!(!environment.contains_key("WORKING"));
        assert_eq!(context.launch_environment(Some("worker"))["WORKING"], "yes");
        let types: Vec<String> = context.process_types().into_keys().collect();
        assert_eq!(types, ["greet", "sleeper", "web", "worker"]);
        let files = context.files();
        files.assert_there("built.txt");
        files.assert_there(".slugbuilder/layers/mock_greeting/greeting/bin/greet");
        files.assert_not_there(".slugbuilder/layers/mock_greeting/tools");
        assert_eq!(context.warnings()[0].code, "default-process-as-web");
        assert!(context.error().is_none());
    });
}

#[test]
fn a_failing_build_can_be_expected() {
    let mut config = greeting();
    config
        .app_dir_preprocessor(|app| std::fs::write(app.join("fail.txt"), "").unwrap())
        .expected_pack_result(PackResult::Failure);
    TestRunner::default().build(&config, |context| {
        assert_contains!(context.pack_stderr, "This app was made to fail.\n");
        assert_contains!(context.pack_stderr, "error[");
        assert_not_contains!(context.pack_stdout, "made to fail");
        assert_eq!(context.error().unwrap().code, "build-failed");
    });
    config.expected_pack_result(PackResult::Success);
    let panic = panic_of(|| TestRunner::default().build(&config, |_| unreachable!()));
    assert_contains!(panic, "Error performing pack build:");
    assert_contains!(panic, "This app was made to fail.");
}

#[test]
fn a_build_that_should_fail_and_does_not_is_a_failure() {
    let panic = panic_of(|| {
        TestRunner::default().build(
            greeting().expected_pack_result(PackResult::Failure),
            |_| unreachable!(),
        );
    });
    assert_contains!(panic, "The pack build was expected to fail, but did not:");
    assert_contains!(panic, "Making the greeting 1");
}

#[test]
fn a_failing_detection_is_told_as_the_lifecycle_does() {
    TestRunner::default().build(
        greeting()
            .app_dir("tests/fixtures/apps/empty")
            .expected_pack_result(PackResult::Failure),
        |context| {
            assert_contains!(
                context.pack_stdout,
                "========\nNo greeting.txt found.\n======== Results ========\nfail: mock/greeting@1.0.0\n"
            );
            assert_contains!(
                context.pack_stdout,
                "ERROR: No buildpack groups passed detection."
            );
        },
    );
}

#[test]
fn a_failed_build_has_no_app() {
    let panic = panic_of(|| {
        TestRunner::default().build(
            greeting()
                .app_dir("tests/fixtures/apps/empty")
                .expected_pack_result(PackResult::Failure),
            |context| {
                context.run_shell_command("true");
            },
        );
    });
    assert_contains!(
        panic,
        "the build failed, so that there is no app to look at"
    );
}

#[test]
fn a_preprocessor_does_not_touch_the_fixture() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/apps/web");
    let before = listing(fixture);
    TestRunner::default().build(
        greeting().app_dir_preprocessor(|app| {
            std::fs::write(app.join("greeting.txt"), "another\n").unwrap();
            std::fs::write(app.join("more.txt"), "").unwrap();
        }),
        |context| {
            context.files().assert_there("more.txt");
            let output = context.run_shell_command("greet");
            assert_eq!(output.stdout, "another\n");
        },
    );
    assert_eq!(listing(fixture), before);
}

fn listing(folder: &str) -> Vec<(String, String)> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let content = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), content)
        })
        .collect()
}

#[test]
fn variables_of_the_build_are_not_those_of_the_app() {
    TestRunner::default().build(greeting().env("GREETING_VERSION", "7"), |context| {
        assert_contains!(context.pack_stdout, "Making the greeting 7");
        let entry = context.plan().entry("greeting").requires[0].clone();
        assert_eq!(entry.metadata["version"].as_str(), Some("7"));
        let output = context.run_shell_command("echo ${GREETING_VERSION:-unset}");
        assert_eq!(output.stdout, "unset\n");
    });
}

#[test]
fn a_build_without_network_reaches_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut config = greeting();
    config.env("CALL", port.to_string());
    TestRunner::default().build(&config, |context| {
        assert_contains!(context.pack_stdout, "\nreached\n");
    });
    TestRunner::default().build(config.network(false), |context| {
        assert_contains!(context.pack_stdout, "\nnot reached\n");
    });
}

#[test]
fn composite_buildpacks_of_the_workspace_are_packaged_with_their_parts() {
    TestRunner::default().build(
        greeting().buildpacks([BuildpackReference::WorkspaceBuildpack(
            "mock/composite".parse().unwrap(),
        )]),
        |context| {
            assert_eq!(
                context.buildpacks(),
                ["mock/server@1.0.0", "mock/greeting@1.0.0"]
            );
            assert_contains!(context.pack_stdout, "Adding the server\n");
            assert_contains!(context.pack_stdout, "Making the greeting 1\n");
        },
    );
}

#[test]
fn a_buildpack_that_is_not_in_the_workspace_is_told_with_those_that_are() {
    let panic = panic_of(|| {
        TestRunner::default().build(
            greeting().buildpacks([BuildpackReference::WorkspaceBuildpack(
                "mock/nothing".parse().unwrap(),
            )]),
            |_| unreachable!(),
        );
    });
    assert_contains!(panic, "Couldn't find a buildpack with ID 'mock/nothing'");
    assert_contains!(panic, "mock/composite, ");
    assert_contains!(panic, "mock/server");
}

#[test]
fn bills_of_materials_lie_where_pack_puts_them() {
    TestRunner::default().build(greeting(), |context| {
        let text = context.download_sbom_files(|files| {
            let path = files.path_for(
                libcnb_data::buildpack_id!("mock/greeting"),
                SbomType::Layer("greeting".parse().unwrap()),
                libcnb_data::sbom::SbomFormat::CycloneDxJson,
            );
            let launch = files.path_for(
                libcnb_data::buildpack_id!("mock/greeting"),
                SbomType::Launch,
                libcnb_data::sbom::SbomFormat::CycloneDxJson,
            );
            assert!(!launch.exists());
            std::fs::read_to_string(path).unwrap()
        });
        assert_contains!(text, "CycloneDX");
    });
}

#[test]
fn the_slug_is_there_when_it_is_asked_for() {
    TestRunner::default().build(greeting(), |mut context| {
        let (path, manifest) = context.write_slug();
        assert!(path.metadata().unwrap().len() > 100);
        assert_eq!(manifest.slug.stack, "heroku-24");
        let types: Vec<String> = manifest
            .slug
            .process_types
            .keys()
            .map(ToString::to_string)
            .collect();
        assert_eq!(types, ["greet", "sleeper", "web", "worker"]);
    });
}

#[test]
#[ignore = "compiles the buildpack for a target"]
fn a_buildpack_is_packaged_for_a_target_as_cargo_libcnb_does() {
    // libcnb-package asks Cargo in the folder of the test, where the configuration of the fixture's workspace does not count:
    // both of them are told, in a process that has such an environment.
    let name = "building::a_buildpack_is_packaged_for_a_target_as_cargo_libcnb_does";
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/fixtures-for-a-target");
    if std::env::var_os("CARGO_TARGET_DIR").is_none_or(|set| set != target) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--include-ignored", "--nocapture"])
            .env("CARGO_TARGET_DIR", target)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_contains!(said, "1 passed");
        return;
    }
    let mut config = server();
    config.target_triple("x86_64-unknown-linux-gnu");
    TestRunner::default().build(config, |context| {
        assert_contains!(context.pack_stdout, "Adding the server");
        assert_eq!(context.process_types()["web"], "server");
        let mut container = ContainerConfig::new();
        container.env("PORT", "8080").expose_port(8080);
        context.start_container(container, |container| {
            let answer = get(container.address_for_port(8080), "/");
            assert_contains!(answer, "hello from the fixture");
        });
    });
}
