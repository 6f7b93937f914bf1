//! Sources to stage.

use slugbuilder::stage::{Reason, Survey, SurveyOptions, survey};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a source, removed in the end.
pub(crate) struct Source {
    temporary: tempfile::TempDir,
}

impl Source {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let source = Self {
            temporary: tempfile::tempdir().unwrap(),
        };
        for (path, content) in files {
            source.put(path, content);
        }
        source
    }

    pub(crate) fn path(&self) -> &Path {
        self.temporary.path()
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn put(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Runs git with nothing of the machine's or the user's configuration.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "protocol.file.allow=always",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("HOME", "/nonexistent"),
            ])
            .envs([
                ("GIT_AUTHOR_NAME", "A"),
                ("GIT_AUTHOR_EMAIL", "a@example.com"),
            ])
            .envs([
                ("GIT_COMMITTER_NAME", "C"),
                ("GIT_COMMITTER_EMAIL", "c@example.com"),
            ])
            .envs([
                ("GIT_AUTHOR_DATE", "1500000000 +0200"),
                ("GIT_COMMITTER_DATE", "1600000000 +0200"),
            ])
            .output()
            .expect("these tests need git");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    pub(crate) fn survey(&self) -> Survey {
        survey(self.path(), &SurveyOptions::default()).unwrap()
    }
}

/// What is left out, as text.
pub(crate) fn left_out(survey: &Survey) -> Vec<String> {
    let mut all: Vec<String> = survey
        .left_out
        .iter()
        .map(|left_out| format!("{} {:?}", left_out.path.display(), left_out.reason))
        .collect();
    all.sort();
    all
}

/// What is left out for `reason`.
pub(crate) fn left_out_by(survey: &Survey, reason: Reason) -> Vec<&str> {
    let mut all: Vec<&str> = survey
        .left_out
        .iter()
        .filter(|left_out| left_out.reason == reason)
        .map(|left_out| left_out.path.to_str().unwrap())
        .collect();
    all.sort_unstable();
    all
}

/// The codes and messages of the warnings, with the source's path replaced.
pub(crate) fn warnings(survey: &Survey) -> Vec<String> {
    let root = survey.root.to_str().unwrap();
    survey
        .warnings
        .iter()
        .map(|warning| {
            format!(
                "{}: {}",
                warning.code,
                warning.message.replace(root, "<source>")
            )
        })
        .collect()
}

/// Every path below `folder` with what matters of it, sorted.
pub(crate) fn tree(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut all: Vec<String> = walkdir::WalkDir::new(folder)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let path = entry.path().strip_prefix(folder).unwrap().display();
            let mode = metadata.mode();
            let modified = (metadata.mtime(), metadata.mtime_nsec());
            let content = if metadata.is_symlink() {
                fs::read_link(entry.path()).unwrap().display().to_string()
            } else if metadata.is_file() {
                String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned()
            } else {
                String::new()
            };
            format!("{path} {mode:o} {modified:?} {content}")
        })
        .collect();
    all.sort();
    all
}
