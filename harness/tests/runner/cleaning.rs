//! Nothing is left behind, however a test ends; and a machine that cannot run tests says so.

use crate::support::{greeting, panic_of};
use slugbuilder_test::{ContainerConfig, TestRunner, assert_contains};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The processes with `marker` in their environment.
fn processes_with(marker: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| {
            let environment = entry.ok()?.path().join("environ");
            let content = std::fs::read(&environment).ok()?;
            let found = content
                .split(|byte| *byte == 0)
                .any(|one| one == marker.as_bytes());
            found.then_some(environment)
        })
        .collect()
}

#[test]
fn a_panic_ends_the_app_and_removes_the_folder() {
    let marker = format!("MARKER=slugbuilder-test-{}", std::process::id());
    let (name, value) = marker.split_once('=').unwrap();
    let seen = std::sync::Mutex::new(None);
    let panic = panic_of(|| {
        TestRunner::default().build(greeting(), |mut context| {
            let folder = context.write_slug().0.parent().unwrap().to_owned();
            *seen.lock().unwrap() = Some(folder);
            let mut config = ContainerConfig::new();
            config
                .entrypoint("sleeper")
                .env(name, value)
                .expose_port(80);
            context.start_container(config, |container| {
                while container.logs_now().stdout.is_empty() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                assert!(!processes_with(&marker).is_empty());
                panic!("as a failing assertion does");
            });
        });
    });
    assert_contains!(panic, "as a failing assertion does");
    let folder = seen.into_inner().unwrap().unwrap();
    assert!(!folder.exists(), "{}", folder.display());
    let give_up = Instant::now() + Duration::from_mins(1);
    while !processes_with(&marker).is_empty() {
        assert!(Instant::now() < give_up, "{:?}", processes_with(&marker));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_machine_without_namespaces_fails_the_test_and_says_what_to_do() {
    let without = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "bash", "-c", without, "-"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "running::logs_can_be_read_while_the_app_runs"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_contains!(text, "tests of buildpacks need user namespaces");
    assert_contains!(text, "sysctl user.max_user_namespaces=10000");
    assert_contains!(text, "0 passed; 1 failed");
}
