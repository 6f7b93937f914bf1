//! Kills a whole server at random instants, while clients publish and release: what was answered is there afterwards, once,
//! with its bytes, and nothing else is.
//!
//! The process that is killed is this program with the argument `--serve FOLDER`: it writes its address, and serves.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test, which clippy does not see without the usual harness"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slugbuilder_platform::store::Store;
use slugbuilder_platform::{Server, ServerError, Settings, Users};
use slugbuilder_report::Silent;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Method, Request};

/// How often the server is killed.
const ROUNDS: usize = 12;
/// Apps that are released to at once.
const APPS: [&str; 2] = ["first", "second"];
/// Clients of each app.
const CLIENTS: usize = 3;
const TOKEN: &str = "0d5a6b0e-3f53-4c9c-a1a1-2f0c3a7a2f11";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, serve, folder] = &*arguments
        && serve == "--serve"
    {
        let error = runtime().block_on(serve_for_ever(Path::new(folder)));
        eprintln!("{error:?}");
        return ExitCode::FAILURE;
    }
    let test = Trial::test("a_killed_server_has_what_it_answered", || {
        kill_and_look().map_err(Failed::from)
    });
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit_code()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// The process that is killed; returns only with an error.
async fn serve_for_ever(folder: &Path) -> ServerError {
    let settings = Settings {
        users: Some(Users::parse(&format!("ann@example.com:{TOKEN}"), "`users`").unwrap()),
        requests_per_hour: 1_000_000.try_into().unwrap(),
        ..Settings::new(folder)
    };
    match Server::start(settings, Arc::new(Silent)).await {
        Ok(server) => {
            println!("{}", server.url());
            std::future::pending().await
        }
        Err(error) => error,
    }
}

/// The process, which does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server; its process and address.
fn start(folder: &Path) -> Result<(Process, String), String> {
    let text = |error: std::io::Error| error.to_string();
    let program = std::env::current_exe().map_err(text)?;
    let mut server = Command::new(program)
        .arg("--serve")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(text)?;
    let out = server.stdout.take().ok_or("the server has no output")?;
    let server = Process(server);
    let mut url = String::new();
    BufReader::new(out).read_line(&mut url).map_err(text)?;
    if url.is_empty() {
        return Err("the server did not start".into());
    }
    Ok((server, url.trim_end().to_owned()))
}

/// A client, which asks once: what fails is not known to have been done or not.
#[derive(Clone)]
struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self {
            agent: config.into(),
            url: url.to_owned(),
        }
    }

    /// A call of the API: status and body, or nothing where the server is dead.
    fn call(&self, method: Method, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Accept", "application/vnd.heroku+json; version=3")
            .header("Authorization", format!("Bearer {TOKEN}"))
            .header("Range", "version ..; max=1000")
            .body(body.to_string())
            .ok()?;
        let (status, bytes) = self.run(request)?;
        Some((status, serde_json::from_slice(&bytes).ok()?))
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let answer = self.call(Method::GET, path, &json!({}));
        match answer {
            Some((200 | 206, body)) => Ok(body),
            other => Err(format!("GET {path}: {other:?}")),
        }
    }

    fn run(&self, request: Request<impl ureq::AsSendBody>) -> Option<(u16, Vec<u8>)> {
        self.try_to_run(request).ok()
    }

    fn try_to_run(
        &self,
        request: Request<impl ureq::AsSendBody>,
    ) -> Result<(u16, Vec<u8>), ureq::Error> {
        let mut answer = self.agent.run(request)?;
        let bytes = answer.body_mut().read_to_vec()?;
        Ok((answer.status().as_u16(), bytes))
    }
}

/// A release that was answered.
struct Answered {
    app: &'static str,
    version: u64,
    id: String,
    slug: String,
    sha256: String,
}

/// Publishes and releases until the server is dead, or says something that it must not.
fn release_to(client: &Client, app: &'static str) -> Result<Vec<Answered>, String> {
    let mut answered = Vec::new();
    while let Some(outcome) = release_once(client, app) {
        answered.push(outcome?);
    }
    Ok(answered)
}

/// One slug: its record, its bytes, its release. Nothing where the server is dead.
fn release_once(client: &Client, app: &'static str) -> Option<Result<Answered, String>> {
    let unexpected = |what: &str, answer: String| Some(Err(format!("{what}: {answer}")));
    let bytes = uuid::Uuid::new_v4().as_bytes().repeat(2000);
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let slug = json!({"process_types": {"web": "serve"}, "checksum": format!("SHA256:{sha256}")});
    let (status, slug) = client.call(Method::POST, &format!("/apps/{app}/slugs"), &slug)?;
    let (201, Some(id), Some(url)) = (status, slug["id"].as_str(), slug["blob"]["url"].as_str())
    else {
        return unexpected("slug", slug.to_string());
    };
    let upload = client.run(Request::put(url).body(bytes).ok()?)?;
    if upload.0 != 200 {
        return unexpected("upload", format!("{upload:?}"));
    }
    let create = json!({"slug": id});
    let (status, release) = client.call(Method::POST, &format!("/apps/{app}/releases"), &create)?;
    match (status, release["version"].as_u64(), release["id"].as_str()) {
        (201, Some(version), Some(release)) => Some(Ok(Answered {
            app,
            version,
            id: release.to_owned(),
            slug: id.to_owned(),
            sha256,
        })),
        _ => unexpected("release", release.to_string()),
    }
}

fn kill_and_look() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut answered = Vec::new();
    for round in 0..ROUNDS {
        let looked = answered.len();
        let (mut server, url) = start(folder.path())?;
        let client = Client::new(&url);
        look(&client, &answered, looked.saturating_sub(20))
            .map_err(|error| format!("round {round}: {error}"))?;
        for app in APPS {
            // There already, but in the first round.
            client.call(Method::POST, "/apps", &json!({"name": app}));
        }
        let clients: Vec<_> = (0..APPS.len() * CLIENTS)
            .map(|number| {
                let client = client.clone();
                let app = APPS[number % APPS.len()];
                std::thread::spawn(move || release_to(&client, app))
            })
            .collect();
        let [a, b, ..] = *uuid::Uuid::new_v4().as_bytes();
        let delay = 20 + u64::from(u16::from_be_bytes([a, b])) % 200;
        std::thread::sleep(Duration::from_millis(delay));
        server.0.kill().map_err(|error| error.to_string())?;
        server.0.wait().map_err(|error| error.to_string())?;
        for client in clients {
            answered.extend(client.join().map_err(|_| "a client panicked")??);
        }
    }
    let (server, url) = start(folder.path())?;
    look(
        &Client::new(&url),
        &answered,
        answered.len().saturating_sub(100),
    )?;
    drop(server);
    nothing_else(folder.path())?;
    if answered.len() < ROUNDS {
        return Err(format!(
            "only {} releases were answered: the test shows nothing",
            answered.len()
        ));
    }
    Ok(())
}

/// Sees that every release that was answered is there once, with its slug; downloads those slugs from the one with the
/// index `from` on.
fn look(client: &Client, answered: &[Answered], from: usize) -> Result<(), String> {
    if answered.is_empty() {
        return Ok(());
    }
    let mut found: BTreeMap<String, Vec<(&str, u64, String)>> = BTreeMap::new();
    for app in APPS {
        let releases = client.get(&format!("/apps/{app}/releases"))?;
        let releases = releases.as_array().ok_or("the releases are no list")?;
        for (number, release) in (1..).zip(releases) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let version = release["version"].as_u64().unwrap_or_default();
            if version != number {
                return Err(format!("{app} has v{version} as its release {number}"));
            }
            let slug = text(&release["slug"]["id"]);
            let all = found.entry(text(&release["id"])).or_default();
            all.push((app, version, slug));
        }
    }
    for release in answered {
        let expected = (release.app, release.version, release.slug.clone());
        if found.get(&release.id) != Some(&vec![expected]) {
            let there = found.get(&release.id);
            return Err(format!(
                "v{} was answered; there is {there:?}",
                release.version
            ));
        }
    }
    for release in &answered[from..] {
        let slug = client.get(&format!("/apps/{}/slugs/{}", release.app, release.slug))?;
        let url = slug["blob"]["url"].as_str().ok_or("the slug has no blob")?;
        let request = Request::get(url)
            .body(())
            .map_err(|error| error.to_string())?;
        let downloaded = client.try_to_run(request);
        let (status, bytes) = downloaded.map_err(|error| format!("{url}: {error:?}"))?;
        if status != 200 || hex::encode(Sha256::digest(&bytes)) != release.sha256 {
            return Err(format!(
                "the slug of v{} is answered with {status}",
                release.version
            ));
        }
    }
    Ok(())
}

/// Sees that the ledger and the folder of blobs have the same slugs.
fn nothing_else(folder: &Path) -> Result<(), String> {
    let recorded = runtime().block_on(async {
        let store = Store::open(folder)?;
        store.uploaded_slugs().await
    });
    let recorded = recorded.map_err(|error| format!("{error:?}"))?;
    let recorded: BTreeSet<_> = recorded.iter().map(ToString::to_string).collect();
    let mut files = BTreeSet::new();
    for shard in fs_err::read_dir(folder.join("blobs")).map_err(|error| error.to_string())? {
        let shard = shard.map_err(|error| error.to_string())?.path();
        for file in fs_err::read_dir(shard).map_err(|error| error.to_string())? {
            let name = file.map_err(|error| error.to_string())?.file_name();
            files.insert(name.to_string_lossy().into_owned());
        }
    }
    if files == recorded {
        return Ok(());
    }
    let other: Vec<_> = files.symmetric_difference(&recorded).collect();
    Err(format!(
        "in the ledger or the folder, and not in both: {other:?}"
    ))
}
