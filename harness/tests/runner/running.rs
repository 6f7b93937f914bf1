//! Started apps.

use crate::support::{get, greeting, panic_of, server};
use slugbuilder_test::{ContainerConfig, TestRunner, assert_contains, assert_empty};
use std::time::Duration;

#[test]
fn the_default_process_runs_with_the_launch_environment() {
    TestRunner::default().build(greeting(), |context| {
        context.start_container(
            ContainerConfig::new().env("FROM_TEST", "from the test"),
            |container| {
                let output = container.logs_wait();
                assert_eq!(output.stdout, "hello from the fixture\n");
                assert_eq!(output.stderr, "from the test\n");
            },
        );
        context.start_container(ContainerConfig::new().entrypoint("worker"), |container| {
            assert_eq!(container.logs_wait().stdout, "worker by default yes\n");
            assert_eq!(container.container_name, "worker.1");
        });
        context.start_container(
            ContainerConfig::new().entrypoint("worker").command(["a b"]),
            |container| assert_eq!(container.logs_wait().stdout, "worker a b yes\n"),
        );
    });
}

#[test]
fn commands_run_in_a_shell_with_the_launch_environment() {
    TestRunner::default().build(greeting(), |context| {
        let output = context.run_shell_command("for i in {1..3}; do echo \"${i}\"; done");
        assert_eq!(output.stdout, "1\n2\n3\n");
        assert_empty!(output.stderr);
        let output = context.run_shell_command(
            "cat /workspace/greeting.txt /layers/mock_greeting/greeting/greeting.txt; pwd; echo $PORT",
        );
        assert_eq!(
            output.stdout,
            "hello from the fixture\nhello from the fixture\n/app\n\n"
        );
        // Every start has the files as the build left them.
        let change = "echo changed | tee greeting.txt $GREETING";
        assert_eq!(context.run_shell_command(change).stdout, "changed\n");
        assert_eq!(
            context.run_shell_command("cat greeting.txt $GREETING").stdout,
            "hello from the fixture\nhello from the fixture\n"
        );
        let panic = panic_of(|| {
            context.run_shell_command("echo said; echo wrong >&2; exit 3");
        });
        assert_eq!(
            panic,
            "Error running container:\n\nthe command exited with status 3\n\n## stderr:\n\nwrong\n\n## stdout:\n\nsaid\n\n"
        );
    });
}

#[test]
fn a_program_of_the_system_runs_without_the_launch_environment() {
    TestRunner::default().build(greeting(), |context| {
        let config = |words: &[&str]| {
            let mut config = ContainerConfig::new();
            config.entrypoint("bash").command(words.iter().copied());
            config
        };
        context.start_container(config(&["-c", "echo ${GREETING-unset}"]), |container| {
            assert_eq!(container.logs_wait().stdout, "unset\n");
        });
        let panic = panic_of(|| {
            context.start_container(
                ContainerConfig::new().entrypoint("no-such-program"),
                |_| unreachable!(),
            );
        });
        assert_contains!(
            panic,
            "there is no process type and no program `no-such-program`"
        );
    });
}

#[test]
fn a_server_answers_at_its_address() {
    TestRunner::default().build(server(), |context| {
        context.start_container(
            ContainerConfig::new()
                .env("PORT", "8080")
                .env("ME", "me")
                .expose_port(8080),
            |container| {
                let address = container.address_for_port(8080);
                assert!(address.ip().is_loopback());
                assert_ne!(address.port(), 8080);
                assert_eq!(get(address, "/a"), "hello from the fixture\nme /a\n");
                assert_eq!(get(address, "/b"), "hello from the fixture\nme /b\n");
                assert_eq!(container.logs_now().stdout, "Listening on port 8080\n");
                let output = container.shell_exec(
                    "exec 3<>/dev/tcp/127.0.0.1/$PORT; printf 'GET /inside HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3",
                );
                assert_contains!(output.stdout, "me /inside");
                let panic = panic_of(|| {
                    let _ = container.address_for_port(8081);
                });
                assert_contains!(panic, "Port 8081 needs to be exposed first");
            },
        );
    });
}

#[test]
fn a_server_that_has_crashed_is_told_with_its_logs() {
    TestRunner::default().build(server(), |context| {
        // Without PORT, which is the test's to set.
        context.start_container(ContainerConfig::new().expose_port(8080), |container| {
            assert_contains!(container.logs_wait().stderr, "PORT is set");
            let panic = panic_of(|| {
                let _ = container.address_for_port(8080);
            });
            assert_contains!(panic, "the app exited with status 101");
            assert_contains!(panic, "Container logs:\n\n## stderr:\n");
        });
    });
}

#[test]
fn eight_apps_listen_on_the_same_port_side_by_side() {
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let barrier = &barrier;
            scope.spawn(move || {
                TestRunner::default().build(server(), |context| {
                    let mut config = ContainerConfig::new();
                    config
                        .envs([("PORT", "8080".to_owned()), ("ME", number.to_string())])
                        .expose_port(8080);
                    context.start_container(config, |container| {
                        let address = container.address_for_port(8080);
                        let expected = format!("hello from the fixture\n{number} /\n");
                        assert_eq!(get(address, "/"), expected);
                        // All of them run now.
                        barrier.wait();
                        assert_eq!(get(address, "/"), expected);
                    });
                });
            });
        }
    });
}

#[test]
fn a_started_app_reaches_nothing_but_itself() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    TestRunner::default().build(greeting(), |context| {
        let output = context.run_shell_command(format!(
            "(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>&1 | grep -om1 'Connection refused' | head -1"
        ));
        assert_eq!(output.stdout, "Connection refused\n");
    });
}

#[test]
fn mounts_are_shared_between_started_apps() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    TestRunner::default().build(greeting(), |context| {
        for (command, expected) in [
            ("echo one > /workspace/data/file", ""),
            ("cat /workspace/data/file", "one\n"),
        ] {
            let mut config = ContainerConfig::new();
            config
                .entrypoint("launcher")
                .command([command])
                .bind_mount(&shared, "/workspace/data");
            context.start_container(config, |container| {
                let output = container.logs_wait();
                assert_eq!(output.stdout, expected, "{output}");
            });
        }
    });
    assert_eq!(
        std::fs::read_to_string(shared.join("file")).unwrap(),
        "one\n"
    );
}

#[test]
fn logs_can_be_read_while_the_app_runs() {
    TestRunner::default().build(greeting(), |context| {
        context.start_container(ContainerConfig::new().entrypoint("sleeper"), |container| {
            while container.logs_now().stdout != "started\n" {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    });
}
