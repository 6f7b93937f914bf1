//! A server, Ann and Bob, and a work tree of Ann's.

use serde_json::{Value, json};
use slugbuilder_platform::git::{GitProgram, find_program};
use slugbuilder_platform::settings::Builder;
use slugbuilder_platform::store::StoreError;
use slugbuilder_platform::{Running, Server, ServerError, Settings, Users};
use slugbuilder_report::{Event, Reporter, Style};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use ureq::http::{Method, Request};

pub(crate) const ANN: &str = "11111111-ann-1111-1111-111111111111";
pub(crate) const BOB: &str = "22222222-bob-2222-2222-222222222222";

/// A builder in sh: what the source's `build` says, then a slug.
const PROGRAM: &str = r#"
cd "$2" && . ./build && cd .. || exit 1
printf slug > slug.tgz
echo "{\"slug\": {\"process_types\": {\"web\": \"node .\"}, \"stack\": \"heroku-24\",
  \"checksum\": \"SHA256:$(sha256sum < slug.tgz | cut -d' ' -f1)\"},
  \"build\": {\"size\": 4, \"diff_id\": \"\", \"format\": 1, \"slugbuilder\": \"0\"}}" > slug.json
"#;

/// Hears everything.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<String>>);

impl Reporter for Lines {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Note(note) => note.to_owned(),
            Event::Warning(warning) => warning.render(Style::Plain),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// What a git command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) succeeded: bool,
    /// What it wrote, both streams.
    pub(crate) text: String,
}

pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) server: Option<Running>,
    pub(crate) lines: Arc<Lines>,
    url: String,
}

impl Scene {
    /// A server with an app of Ann's, `example`, and a work tree on `main` without a commit.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut scene = Self {
            folder,
            server: None,
            lines: Arc::default(),
            url: String::new(),
        };
        scene.start(change).await;
        scene
            .git_ok(["init", "--quiet", "--initial-branch=main"])
            .await;
        scene.git_ok(["config", "user.name", "Ann"]).await;
        scene
            .git_ok(["config", "user.email", "ann@example.test"])
            .await;
        let made = scene
            .api(Method::POST, "/apps", json!({"name": "example"}))
            .await;
        assert_eq!(made["name"], "example");
        scene
    }

    /// Starts the server on the data folder.
    pub(crate) async fn start(&mut self, change: impl FnOnce(&mut Settings)) {
        let program = self.folder.path().join("builder");
        std::fs::write(&program, PROGRAM).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let users = format!("ann@example.test:{ANN}\nbob@example.test:{BOB}");
        let mut settings = Settings {
            users: Some(Users::parse(&users, "`users`").unwrap()),
            builder: Some(Builder {
                arguments: vec![program.into()],
                environment: vec![("PATH".into(), path.clone())],
                ..Builder::new("/bin/sh")
            }),
            git: Some(GitProgram {
                program: find_program("git", &path).unwrap(),
                search_path: path,
            }),
            ..Settings::new(self.data())
        };
        change(&mut settings);
        // What a server that was stopped still does may hold the folder for a moment.
        for _ in 0..200 {
            match Server::start(settings.clone(), self.lines.clone()).await {
                Err(ServerError::Store(StoreError::InUse { .. })) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                started => {
                    let server = started.unwrap();
                    server.url().clone_into(&mut self.url);
                    self.server = Some(server);
                    return;
                }
            }
        }
        panic!("the folder stays in use");
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// What the server said.
    pub(crate) fn said(&self) -> String {
        self.lines.0.lock().unwrap().join("\n")
    }

    /// The address of an app's repository, with a token.
    pub(crate) fn address(&self, token: &str, app: &str) -> String {
        let rest = self.url.strip_prefix("http://").unwrap();
        format!("http://x:{token}@{rest}/{app}.git")
    }

    /// The address of an app's repository without one.
    pub(crate) fn bare_address(&self, app: &str) -> String {
        format!("{}/{app}.git", self.url)
    }

    /// Git in the work tree, with nothing of the configuration of this machine.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn git<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Done {
        let output = self.command(arguments).output();
        let Output {
            status,
            stdout,
            stderr,
        } = tokio::time::timeout(Duration::from_mins(2), output)
            .await
            .unwrap()
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        Done {
            succeeded: status.success(),
            text,
        }
    }

    /// What a git command that succeeds writes.
    pub(crate) async fn git_ok<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> String {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|a| a.as_ref().to_owned())
            .collect();
        let done = self.git(&arguments).await;
        assert!(done.succeeded, "{arguments:?}: {}", done.text);
        done.text.trim().to_owned()
    }

    /// Commits a `build` that does this.
    pub(crate) async fn commit(&self, build: &str) -> String {
        std::fs::write(self.work().join("build"), build).unwrap();
        self.commit_all(build).await
    }

    /// Commits what is there; the commit.
    pub(crate) async fn commit_all(&self, message: &str) -> String {
        self.git_ok(["add", "--all"]).await;
        self.git_ok(["commit", "--quiet", "--allow-empty", "--message", message])
            .await;
        self.git_ok(["rev-parse", "HEAD"]).await
    }

    /// Ann's push of these references to `example`.
    pub(crate) async fn push(&self, references: &[&str]) -> Done {
        let address = self.address(ANN, "example");
        let arguments = ["push", &address]
            .into_iter()
            .chain(references.iter().copied());
        self.git(arguments).await
    }

    /// A call of the API by Ann; the body of the answer.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Value) -> Value {
        self.api_as(ANN, method, path, body).await.1
    }

    /// A call of the API; status and body.
    pub(crate) async fn api_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Accept", "application/vnd.heroku+json; version=3")
            .header("Authorization", format!("Bearer {token}"))
            .body(body.to_string())
            .unwrap();
        send(request).await
    }

    /// The releases of `example`.
    pub(crate) async fn releases(&self) -> usize {
        let releases = self
            .api(Method::GET, "/apps/example/releases", json!({}))
            .await;
        releases.as_array().unwrap().len()
    }

    /// The references of the repository of `example`, as the server has them.
    pub(crate) async fn references(&self) -> String {
        let text = self
            .git_ok(["ls-remote", &self.address(ANN, "example")])
            .await;
        text.replace('\t', " ")
    }

    /// The one repository of the server.
    pub(crate) fn repository(&self) -> PathBuf {
        let mut all = entries(&self.data().join("repositories"));
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Sees that nothing of pushes is left but what counts.
    pub(crate) async fn assert_tidy(&self) {
        for _ in 0..200 {
            let left: Vec<_> = [
                entries(&self.data().join("git")),
                entries(&self.repository().join("objects")),
                entries(&self.data().join("builds/incoming")),
            ]
            .concat()
            .into_iter()
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                !(name.len() == 2 || ["home", "hooks", "info", "pack"].contains(&&*name))
            })
            .collect();
            if left.is_empty() {
                let checked = self.in_repository(["fsck", "--strict"]).await;
                assert!(checked.succeeded, "{}", checked.text);
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("something is left");
    }

    /// Git in the repository of the server.
    pub(crate) async fn in_repository<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Done {
        let mut all = vec![OsString::from("--git-dir"), self.repository().into()];
        all.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self.git(all).await
    }
}

/// Any request; status and body.
pub(crate) async fn send<B: ureq::AsSendBody + Send + 'static>(
    request: Request<B>,
) -> (u16, Value) {
    tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut answer = ureq::Agent::from(config).run(request).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&body).unwrap_or(Value::String(body)),
        )
    })
    .await
    .unwrap()
}

/// What a folder has, nothing where it is not there.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|entry| entry.unwrap().path()).collect(),
    )
}
