//! `docs/testing-buildpacks.md`, followed to the letter.

use std::path::{Path, PathBuf};
use std::process::Command;

const GUIDE: &str = include_str!("../../docs/testing-buildpacks.md");

/// The files of the guide with their contents: a code block below a line that begins with a path in backticks.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut path: Option<&str> = None;
    let mut content: Option<String> = None;
    for line in GUIDE.lines() {
        match (&mut content, line.strip_prefix("```")) {
            (Some(text), Some(_)) => {
                if let Some(path) = path.take() {
                    files.push((PathBuf::from(path), std::mem::take(text)));
                }
                content = None;
            }
            (Some(text), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, Some(_)) => content = Some(String::new()),
            (None, None) if line.starts_with('`') && line.ends_with(':') => {
                path = line.split('`').nth(1);
            }
            (None, None) => {}
        }
    }
    files
}

#[test]
fn it_has_the_files_that_it_counts() {
    let names: Vec<PathBuf> = files().into_iter().map(|(path, _)| path).collect();
    let expected = [
        "Cargo.toml",
        "buildpack.toml",
        "src/main.rs",
        "src/bin/server.rs",
        "tests/fixtures/site/index.html",
        "tests/buildpack.rs",
        ".github/workflows/test.yml",
    ];
    assert_eq!(names, expected.map(PathBuf::from));
}

#[test]
#[ignore = "needs cargo with its registry, and compiles for minutes"]
fn whoever_follows_it_has_tests_that_pass() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::os::unix::fs::symlink(root, folder.path().join("slugbuilder")).unwrap();
    let project = folder.path().join("hello-buildpack");
    for (path, content) in files() {
        let path = project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    // The versions that are tested here.
    std::fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.arg("test").current_dir(&project);
    for (name, _) in std::env::vars_os() {
        // What Cargo has told this test of itself, which is not for another project's.
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CI" {
            cargo.env_remove(&*name);
        }
    }
    // Kept, so that the second time is a matter of seconds.
    cargo.env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide"),
    );
    let output = cargo.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(
        text.contains("test result: ok. 3 passed"),
        "{text}\n{errors}"
    );
}
