//! The program as a platform calls it, with a clear environment and an empty HOME.
//!
//! What needs a client of the machine and the network is ignored by default:
//! `cargo test -p slugbuilder-buildpack --test program -- --ignored`.

#![expect(clippy::unwrap_used, reason = "a test")]

use slugbuilder_report::{Origin, PhaseReport};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

struct Build {
    folder: tempfile::TempDir,
}

impl Build {
    fn of(files: &[(&str, &str)]) -> Self {
        let build = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["app", "layers", "platform", "home", "buildpack"] {
            fs_err::create_dir(build.path(name)).unwrap();
        }
        fs_err::write(
            build.path("buildpack/buildpack.toml"),
            slugbuilder_buildpack::BUILDPACK_TOML,
        )
        .unwrap();
        for (name, text) in files {
            fs_err::write(build.path("app").join(name), text).unwrap();
        }
        build
    }

    fn of_test_app(name: &str) -> Self {
        let build = Self::of(&[]);
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../test-apps")
            .join(name);
        for entry in fs_err::read_dir(source).unwrap() {
            let entry = entry.unwrap();
            fs_err::copy(entry.path(), build.path("app").join(entry.file_name())).unwrap();
        }
        build
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a phase. Returns its exit code and everything that it printed.
    fn run(&self, phase: &str, variables: &[(&str, &Path)]) -> (i32, String) {
        fs_err::write(self.path("plan.toml"), "").unwrap();
        let arguments = match phase {
            "detect" => vec![self.path("platform"), self.path("plan.toml")],
            _ => vec![
                self.path("layers"),
                self.path("platform"),
                self.path("plan.toml"),
            ],
        };
        let output = Command::new(env!("CARGO_BIN_EXE_slugbuilder-buildpack"))
            .arg0(format!("/cnb/buildpacks/slugbuilder/bin/{phase}"))
            .args(arguments)
            .current_dir(self.path("app"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("CNB_BUILDPACK_DIR", self.path("buildpack"))
            .env("CNB_TARGET_OS", "linux")
            .env("CNB_TARGET_ARCH", "amd64")
            .env("CNB_TARGET_DISTRO_NAME", "ubuntu")
            .env("CNB_TARGET_DISTRO_VERSION", "24.04")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    fn report(&self) -> PhaseReport {
        serde_json::from_slice(&fs_err::read(self.path("report.json")).unwrap()).unwrap()
    }
}

#[test]
fn an_app_is_detected_and_the_plan_carries_the_decisions() {
    let build = Build::of_test_app("node-bare");
    let (code, output) = build.run(
        "detect",
        &[("SLUGBUILDER_REPORT", &build.path("report.json"))],
    );
    assert_eq!((code, output.as_str()), (0, ""));
    let report = build.report();
    assert_eq!(report.languages[0].name, "node");
    let plan: toml::Table =
        toml::from_str(&fs_err::read_to_string(build.path("plan.toml")).unwrap()).unwrap();
    let metadata = plan["requires"][0]["metadata"].clone();
    assert_eq!(metadata.try_into::<PhaseReport>().unwrap(), report);
    let web = report
        .decisions
        .iter()
        .find(|decision| decision.subject == "process web")
        .unwrap();
    assert_eq!(web.winning().unwrap().origin, Origin::file("web.js"));
}

#[test]
fn detection_fails_quietly_where_there_is_no_language() {
    let build = Build::of(&[("README.md", "")]);
    assert_eq!(build.run("detect", &[]), (100, String::new()));
    let (code, output) = build.run(
        "detect",
        &[("SLUGBUILDER_REPORT", &build.path("report.json"))],
    );
    assert_eq!((code, output.as_str()), (100, ""));
    assert_eq!(build.report().error.unwrap().code, "no-language");
}

#[test]
fn an_error_is_printed_unless_a_report_takes_it() {
    let build = Build::of(&[("web.js", ""), ("web.rb", "")]);
    let (code, output) = build.run("detect", &[]);
    assert_eq!(code, 1);
    assert!(
        output.starts_with("error[ambiguous-web-process]: both `web.js` and `web.rb`"),
        "{output}"
    );

    let (code, output) = build.run(
        "detect",
        &[("SLUGBUILDER_REPORT", &build.path("report.json"))],
    );
    assert_eq!(code, 1);
    assert_eq!(
        output,
        "  error: both `web.js` and `web.rb` could be the web process\n"
    );
    assert_eq!(build.report().error.unwrap().code, "ambiguous-web-process");
}

#[test]
fn settings_may_come_from_the_platform() {
    let build = Build::of(&[("web.js", "")]);
    fs_err::create_dir(build.path("platform/env")).unwrap();
    fs_err::write(build.path("platform/env/SLUGBUILDER_OFFLINE"), "perhaps").unwrap();
    let report = build.path("report.json");
    fs_err::write(
        build.path("platform/env/SLUGBUILDER_REPORT"),
        report.to_str().unwrap(),
    )
    .unwrap();
    assert_eq!(build.run("detect", &[]).0, 1);
    assert_eq!(build.report().error.unwrap().code, "invalid-setting");
}

#[test]
fn without_network_and_cache_the_error_names_every_source() {
    let build = Build::of(&[("web.js", "")]);
    let (code, output) = build.run("build", &[("SLUGBUILDER_OFFLINE", Path::new("1"))]);
    assert_eq!(code, 1);
    assert!(output.contains("error[not-there-offline]"), "{output}");
    assert!(
        output.contains("- nodejs.org: ") && output.contains("- the user's npm: needs the network"),
        "{output}"
    );
}

/// The running web process of an app; ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds a test app, starts its web process with the layers' environment only, and asks it.
fn serve(app: &str, port: u16, greeting: &str) {
    let build = Build::of_test_app(app);
    let report = build.path("report.json");
    for phase in ["detect", "build"] {
        let (code, output) = build.run(phase, &[("SLUGBUILDER_REPORT", &report)]);
        assert_eq!(code, 0, "{output}");
    }
    let launch: toml::Table =
        toml::from_str(&fs_err::read_to_string(build.path("layers/launch.toml")).unwrap()).unwrap();
    let web = launch["processes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|process| process["type"].as_str() == Some("web"))
        .unwrap();
    let words: Vec<&str> = ["command", "args"]
        .iter()
        .filter_map(|key| web.get(key)?.as_array())
        .flatten()
        .filter_map(|word| word.as_str())
        .collect();
    // The layers are moved first: nothing may depend on where they were built.
    fs_err::rename(build.path("layers"), build.path("moved")).unwrap();
    let mut path = OsString::new();
    for layer in ["node", "ruby"] {
        path.push(build.path("moved").join(layer).join("bin"));
        path.push(":");
    }
    path.push("/usr/bin:/bin");
    let child = Command::new("bash")
        .args(["-c", "exec \"$@\"", "bash"])
        .args(words)
        .current_dir(build.path("app"))
        .env_clear()
        .env("PATH", path)
        .env("RUBYLIB", build.path("moved/webrick/ruby"))
        .env("PORT", port.to_string())
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let deadline = Instant::now() + Duration::from_mins(2);
    let answer = loop {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            break answer;
        }
        assert_eq!(server.0.try_wait().unwrap(), None, "{app} has ended");
        assert!(Instant::now() < deadline, "{app} does not answer");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(answer.contains(&format!("{greeting} ")), "{answer}");
}

#[test]
#[ignore = "needs nodejs.org or the user's npm"]
fn node_bare_answers() {
    serve("node-bare", 47_101, "hello from node-bare");
}

#[test]
#[ignore = "needs nodejs.org or the user's npm"]
fn node_bare_procfile_answers() {
    serve(
        "node-bare-procfile",
        47_102,
        "hello from node-bare-procfile",
    );
}

#[test]
#[ignore = "needs Heroku's bucket or the user's apt"]
fn ruby_bare_answers() {
    serve("ruby-bare", 47_103, "hello from ruby-bare");
}

#[test]
#[ignore = "needs Heroku's bucket or the user's apt"]
fn ruby_bare_procfile_answers() {
    serve(
        "ruby-bare-procfile",
        47_104,
        "hello from ruby-bare-procfile",
    );
}

#[test]
#[ignore = "needs go.dev or the user's go"]
fn go_bare_answers() {
    serve("go-bare", 47_105, "hello from go-bare");
}

#[test]
#[ignore = "needs go.dev or the user's go"]
fn go_bare_procfile_answers() {
    serve("go-bare-procfile", 47_106, "hello from go-bare-procfile");
}
