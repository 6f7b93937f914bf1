//! The benchmark on small generated trees: every row works, every check passes, and a run that ends early leaves nothing.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_slugbuilder-bench");

fn bench(work: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--work").arg(work).args(arguments);
    command
}

fn text(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// All series but `compile`, which needs a runtime from a registry.
#[test]
fn every_row_works_on_small_trees() {
    let work = tempfile::tempdir().unwrap();
    let json = work.path().join("results.json");
    let mut command = bench(work.path(), &["--quick", "--skip-missing-peers", "--json"]);
    command.arg(&json);
    for series in ["cold-big", "one-core", "node", "go", "warm", "unpack"] {
        command.args(["--only", series]);
    }
    let output = command.output().unwrap();
    let (stdout, stderr) = text(&output);
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.contains("Every row works."), "{stdout}");
    let results: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let rows = |series: &str| -> Vec<&str> {
        let series = results
            .as_array()
            .unwrap()
            .iter()
            .find(|found| found["name"] == series);
        let rows = series.unwrap()["rows"].as_array().unwrap();
        rows.iter()
            .map(|row| row["key"].as_str().unwrap())
            .collect()
    };
    assert!(rows("cold-big").ends_with(&["default", "fast", "best", "filling"]));
    assert_eq!(rows("one-core"), ["tar", "default"]);
    assert!(rows("node").ends_with(&["default", "fast"]));
    assert!(rows("go").ends_with(&["default", "fast"]));
    assert_eq!(
        rows("warm"),
        [
            "tar",
            "nothing",
            "line",
            "commit",
            "dependency",
            "package",
            "checkout",
            "sha256sum"
        ]
    );
    assert_eq!(rows("unpack"), ["tar", "slugbuilder"]);
}

#[test]
fn a_missing_peer_is_an_error_that_names_its_package() {
    let work = tempfile::tempdir().unwrap();
    // Nothing but what is needed to see that the first peer is missing.
    let path = tempfile::tempdir().unwrap();
    for program in ["tar", "gzip", "sha256sum"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join(program))
            .find(|path| path.is_file());
        std::os::unix::fs::symlink(found.unwrap(), path.path().join(program)).unwrap();
    }
    let mut command = bench(work.path(), &["--quick", "--only", "cold-big"]);
    let output = command.env("PATH", path.path()).output().unwrap();
    let (_, stderr) = text(&output);
    assert_eq!(output.status.code(), Some(69), "{stderr}");
    assert!(
        stderr.contains("error[missing-tool]: `pigz` is not installed"),
        "{stderr}"
    );
    assert!(stderr.contains("`apt-get install pigz`"), "{stderr}");
}

#[test]
fn a_program_that_fails_ends_the_run() {
    let measure = |words: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(["measure", "--"])
            .args(words)
            .output();
        output.unwrap()
    };
    assert!(measure(&["true", "|", "true"]).status.success());
    for words in [
        &["false"][..],
        &["false", "|", "true"],
        &["no-such-program"],
        &["|"],
    ] {
        let output = measure(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(
            text(&output).1.contains("error[program-failed]"),
            "{words:?}"
        );
    }
}

#[test]
fn a_pipeline_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("output");
    let output = Command::new(PROGRAM)
        .args(["measure", "--one-core", "--output"])
        .arg(&path)
        .args(["--", "sh", "-c", "sleep 0.2; nproc", "|", "cat"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output).1);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "1\n");
    let measured: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let wall = measured["wall"].as_f64().unwrap();
    assert!((0.2..60.0).contains(&wall), "{measured}");
    assert!(measured["cpu"].as_f64().unwrap() < wall, "{measured}");
    assert!(measured["peak"].as_u64().unwrap() > 500_000, "{measured}");
}

/// SIGTERM to the benchmark's process `measure`, as the benchmark sends it, ends the whole pipeline.
#[test]
fn an_interrupted_run_leaves_no_process() {
    let mut measure = Command::new(PROGRAM)
        .args(["measure", "--", "sh", "-c", "echo $$ >&2; exec sleep 600"])
        .process_group(0)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(measure.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    let sleeping = Pid::from_raw(line.trim().parse().unwrap());
    kill(sleeping, None).unwrap();
    let this = Pid::from_raw(i32::try_from(measure.id()).unwrap());
    kill(this, Signal::SIGTERM).unwrap();
    assert!(!measure.wait().unwrap().success());
    assert!(ends(sleeping));
}

/// SIGINT, as Ctrl-C sends it to the benchmark, ends what it is running, and with it the benchmark.
#[test]
fn an_interrupted_benchmark_says_so() {
    let work = tempfile::tempdir().unwrap();
    let mut command = bench(work.path(), &["--quick", "--only", "unpack"]);
    let mut running = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(running.stderr.take().unwrap());
    let mut text = String::new();
    stderr.read_line(&mut text).unwrap();
    let this = Pid::from_raw(i32::try_from(running.id()).unwrap());
    kill(this, Signal::SIGINT).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(75));
    // All who write to it have ended.
    stderr.read_to_string(&mut text).unwrap();
    assert!(text.contains("error[interrupted]"), "{text}");
}

/// Whether the process ends soon. Who has lost its parent may stay as a zombie for as long as nobody asks for it.
fn ends(process: Pid) -> bool {
    let status = format!("/proc/{process}/status");
    (0..1000).any(|_| {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let ended = text.is_empty() || text.contains("State:\tZ");
        if !ended {
            std::thread::sleep(Duration::from_millis(10));
        }
        ended
    })
}
