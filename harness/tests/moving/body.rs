// All of what libcnb-test 0.30 offers, used as its documentation does. Included twice by `main.rs`.

use harness::{
    BuildConfig, BuildpackReference, CargoProfile, ContainerConfig, ContainerContext, LogOutput,
    PackResult, SbomFiles, SbomType, TestContext, TestRunner, assert_contains,
    assert_contains_match, assert_empty, assert_matches, assert_not_contains,
    assert_not_contains_match,
};
use libcnb_data::sbom::SbomFormat;
use libcnb_data::{buildpack_id, layer_name};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

const TEST_PORT: u16 = 12345;

fn default_config() -> BuildConfig {
    let mut config = BuildConfig::new("heroku/builder:24", "tests/fixtures/apps/empty");
    config
        .buildpacks([
            BuildpackReference::WorkspaceBuildpack(buildpack_id!("mock/server")),
            BuildpackReference::Other(String::from("tests/fixtures/buildpacks/greeting")),
        ])
        .cargo_profile(CargoProfile::Dev)
        .app_dir("tests/fixtures/apps/web")
        .env("GREETING_VERSION", "0")
        .envs([("GREETING_VERSION", "3")])
        .app_dir_preprocessor(|app_dir: PathBuf| {
            std::fs::write(app_dir.join("more.txt"), "more\n").unwrap();
        })
        .expected_pack_result(PackResult::Success);
    config
}

fn everything() {
    assert_eq!(BuildpackReference::CurrentCrate, BuildpackReference::CurrentCrate.clone());
    let runner: TestRunner = TestRunner::default();
    runner.build(default_config(), |context: TestContext| {
        assert_empty!(context.pack_stderr);
        assert_contains!(context.pack_stdout, "Making the greeting 3");
        assert_contains!(context.pack_stdout, "Adding", "with {}", "a message");
        assert_not_contains!(context.pack_stdout, "Using the cached");
        assert_contains_match!(context.pack_stdout, r"^Making the \w+ \d$");
        assert_not_contains_match!(context.pack_stdout, "^the greeting");

        let command_output: LogOutput = context.run_shell_command("cat more.txt; echo wrong >&2");
        assert_eq!(command_output.stdout, "more\n");
        assert_eq!(command_output.stderr, "wrong\n");
        assert_contains!(command_output.to_string(), "## stderr:\n\nwrong\n\n## stdout:\n\nmore\n");

        context.start_container(
            ContainerConfig::new()
                .env("PORT", TEST_PORT.to_string())
                .envs([("ME", "me")])
                .entrypoint("web")
                .expose_port(TEST_PORT),
            |container: ContainerContext| {
                let address: SocketAddr = container.address_for_port(TEST_PORT);
                let mut stream = TcpStream::connect(address).unwrap();
                write!(stream, "GET /path HTTP/1.1\r\n\r\n").unwrap();
                let mut response = String::new();
                stream.read_to_string(&mut response).unwrap();
                assert_contains!(response, "hello from the fixture\nme /path\n");
                assert_contains!(container.logs_now().stdout, "Listening on port 12345");
                assert_eq!(container.shell_exec("echo $ME").stdout, "me\n");
                assert!(!container.container_name.is_empty());
            },
        );
        context.start_container(
            ContainerConfig::new()
                .entrypoint("launcher")
                .command(["greet"])
                .bind_mount("/usr/share", "/shared"),
            |container| {
                let log_output = container.logs_wait();
                assert_eq!(log_output.stdout, "hello from the fixture\n");
            },
        );
        context.download_sbom_files(|sbom_files: SbomFiles| {
            let of_layer = SbomType::Layer(layer_name!("greeting"));
            let id = buildpack_id!("mock/greeting");
            assert!(sbom_files.path_for(&id, of_layer, SbomFormat::CycloneDxJson).exists());
            assert!(!sbom_files.path_for(&id, SbomType::Launch, SbomFormat::SyftJson).exists());
        });

        let config = context.config.clone();
        context.rebuild(config, |rebuild_context| {
            assert_contains!(rebuild_context.pack_stdout, "Using the cached greeting 3");
        });
    });
    assert_matches!(Some(4), Some(number) if number > 3, "a message");
    assert_matches!(Some(4), Some(_));
}

fn failure() {
    TestRunner::default().build(
        default_config()
            .app_dir("tests/fixtures/apps/empty")
            .expected_pack_result(PackResult::Failure),
        |context| {
            assert_contains!(context.pack_stdout, "No greeting.txt found.");
            assert_contains!(context.pack_stdout, "ERROR: No buildpack groups passed detection.");
            assert!(!context.pack_stderr.is_empty());
        },
    );
}
