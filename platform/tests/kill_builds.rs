//! Kills a server with `kill -9` while it builds: the build's processes end with it, the next start begins the build anew, and
//! there is one release of it; what ends the server again and again is given up.
//!
//! The process that is killed is this program with the argument `--serve FOLDER`: it writes its address, and serves.

#![expect(
    clippy::panic_in_result_fn,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test, which clippy does not see without the usual harness"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use slugbuilder_platform::{Builder, Server, ServerError, Settings, Users};
use slugbuilder_report::Silent;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::Agent;

const TOKEN: &str = "0d5a6b0e-3f53-4c9c-a1a1-2f0c3a7a2f11";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, serve, folder] = &*arguments
        && serve == "--serve"
    {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let error = runtime.block_on(serve_for_ever(Path::new(folder)));
        eprintln!("{error:?}");
        return ExitCode::FAILURE;
    }
    let tests = [
        ("a_build_outlives_its_server", outlive as fn() -> _),
        ("a_build_that_ends_its_server_is_given_up", give_up),
    ];
    let tests = tests.map(|(name, test)| Trial::test(name, move || test().map_err(Failed::from)));
    libtest_mimic::run(&Arguments::from_args(), tests.into()).exit_code()
}

/// The process that is killed; returns only with an error.
async fn serve_for_ever(folder: &Path) -> ServerError {
    let builder = Builder {
        arguments: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/builder.sh").into()],
        environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        ..Builder::new("/bin/sh")
    };
    let settings = Settings {
        users: Some(Users::parse(&format!("ann@example.com:{TOKEN}"), "`users`").unwrap()),
        builder: Some(builder),
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

/// A server, which does not outlive the test.
struct Process {
    child: Child,
    url: String,
    agent: Agent,
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--serve")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut url).unwrap();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None);
        Self {
            child,
            url: url.trim_end().to_owned(),
            agent: agent.build().into(),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request
            .header("Accept", "application/vnd.heroku+json; version=3")
            .header("Authorization", format!("Bearer {TOKEN}"));
        let mut answer = request.send(body.to_string()).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn get(&self, path: &str) -> Value {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = request
            .header("Accept", "application/vnd.heroku+json; version=3")
            .header("Authorization", format!("Bearer {TOKEN}"));
        let mut answer = request.call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Begins a build of this script; the path of the build.
    fn build(&self, script: &str) -> String {
        self.post("/apps", &json!({"name": "example"}));
        let source = self.post("/sources", &json!({}))["source_blob"].clone();
        // Addresses name the port of the server that gave them out.
        let put = source["put_url"].as_str().unwrap();
        let answer = self.agent.put(put).send(archive(script)).unwrap();
        assert_eq!(answer.status(), 200);
        let body = json!({"source_blob": {"url": source["get_url"]}});
        let build = self.post("/apps/example/builds", &body);
        format!("/apps/example/builds/{}", build["id"].as_str().unwrap())
    }

    /// The build, when it has ended.
    fn ended(&self, build: &str) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(build);
            if found["status"] != "pending" {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "{found}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn archive(script: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(script.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive
        .append_data(&mut header, "build", script.as_bytes())
        .unwrap();
    archive.into_inner().unwrap()
}

/// Waits for a file of lines, and reads it.
fn appears(path: &Path, lines: usize) -> String {
    let begun = Instant::now();
    loop {
        let text = fs_err::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= lines {
            return text;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "{}",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_alive(process: &str) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Waits until a process has ended.
fn ends(process: &str) {
    let begun = Instant::now();
    while is_alive(process) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{process} lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn outlive() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (data, begun) = (folder.path().join("data"), folder.path().join("begun"));
    // The first time for ever, with a process that nobody waits for.
    let script = format!(
        "echo once; [ -e '{0}' ] || {{ sleep 1000 & echo \"$$ $!\" > '{0}'; wait; }}",
        begun.display()
    );
    let server = Process::start(&data);
    let build = server.build(&script);
    let processes = appears(&begun, 1);
    let mut processes = processes.split_whitespace();
    let (leader, child) = (processes.next().unwrap(), processes.next().unwrap());
    assert!(is_alive(leader) && is_alive(child));
    drop(server);
    ends(leader);
    let server = Process::start(&data);
    // What the system did not kill with the server, the next one has.
    ends(child);
    let ended = server.ended(&build);
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let releases = server.get("/apps/example/releases");
    let releases = releases.as_array().unwrap();
    assert_eq!(releases.len(), 3, "{releases:?}");
    let release = server.get("/apps/example/releases/3");
    assert_eq!(release["id"], ended["release"]["id"]);
    assert_eq!(release["slug"]["id"], ended["slug"]["id"]);
    let url = ended["output_stream_url"].as_str().unwrap();
    let mut answer = server.agent.get(url).call().unwrap();
    let output = answer.body_mut().read_to_string().unwrap();
    assert!(output.contains("the build begins anew"), "{output}");
    assert_eq!(output.matches("once").count(), 2, "{output}");
    assert_eq!(output.matches("Released").count(), 1, "{output}");
    Ok(())
}

fn give_up() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (data, begun) = (folder.path().join("data"), folder.path().join("begun"));
    let script = format!("echo begun >> '{}'; sleep 1000", begun.display());
    let server = Process::start(&data);
    let build = server.build(&script);
    appears(&begun, 1);
    drop(server);
    let server = Process::start(&data);
    appears(&begun, 2);
    drop(server);
    let server = Process::start(&data);
    let ended = server.ended(&build);
    assert_eq!(ended["status"], "failed");
    assert_eq!(ended["release"], Value::Null);
    assert_eq!(
        server
            .get("/apps/example/releases")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(appears(&begun, 2).lines().count(), 2);
    Ok(())
}
