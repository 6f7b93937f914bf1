//! Whole phases, with runtimes from a local server in the layout of the languages' own sites.

#![expect(clippy::unwrap_used, reason = "a test")]

use libcnb::Buildpack as _;
use libcnb::build::BuildContext;
use libcnb::data::buildpack_plan::BuildpackPlan;
use libcnb::generic::GenericPlatform;
use sha2::{Digest as _, Sha256};
use slugbuilder_buildpack::BUILDPACK_TOML;
use slugbuilder_buildpack::buildpack::SlugbuilderBuildpack;
use slugbuilder_buildpack::catalogue::Catalogues;
use slugbuilder_buildpack::command::Environment;
use slugbuilder_buildpack::date::Day;
use slugbuilder_buildpack::error::BuildpackError;
use slugbuilder_buildpack::output::Lines;
use slugbuilder_buildpack::runtime::Runtime;
use slugbuilder_buildpack::source::Sites;
use slugbuilder_fetch::test_server::{Answer, TestServer};
use slugbuilder_report::{Diagnosis, Explain as _, PhaseReport, Style};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// An entry of an archive: name, content (nothing for a link), mode, and where a link leads.
enum Entry {
    File(&'static str, &'static str, u32),
    Link(&'static str, &'static str),
}

fn tar_gz(entries: &[Entry]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        match entry {
            Entry::File(name, content, mode) => {
                // Set by hand: the library refuses the names that hostile archives have.
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_size(content.len() as u64);
                header.set_mode(*mode);
                header.set_cksum();
                archive.append(&header, content.as_bytes()).unwrap();
            }
            Entry::Link(name, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                header.set_mode(0o777);
                archive.append_link(&mut header, name, target).unwrap();
            }
        }
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    server: TestServer,
    variables: Vec<(String, String)>,
}

impl Fixture {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app", "layers", "platform"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        for (name, text) in files {
            fs_err::write(folder.path().join("app").join(name), text).unwrap();
        }
        let report = folder.path().join("report.json").display().to_string();
        Self {
            folder,
            server: TestServer::start().unwrap(),
            variables: vec![
                ("PATH".into(), "/nonexistent".into()),
                ("SLUGBUILDER_REPORT".into(), report),
            ],
        }
    }

    fn layers(&self) -> PathBuf {
        self.folder.path().join("layers")
    }

    /// Serves a Ruby archive in Heroku's layout.
    fn serve_ruby(&self, version: &str, archive: Vec<u8>) {
        self.server.answer(
            &format!("/ruby/heroku-24/amd64/ruby-{version}.tgz"),
            [Answer::ok(archive)],
        );
    }

    fn build(&self) -> (Result<(), BuildpackError>, String) {
        let output = Shared::default();
        let sites = Sites {
            node: self.server.url("/node"),
            go: self.server.url("/go"),
            ruby: self.server.url("/ruby"),
        };
        let buildpack = SlugbuilderBuildpack::new(
            Environment::new(self.variables.clone()),
            Day::new("2026-11-21"),
            sites,
            Box::new(Lines::new(output.clone(), output.clone())),
        );
        let context = BuildContext {
            layers_dir: self.layers(),
            app_dir: self.folder.path().join("app"),
            buildpack_dir: self.folder.path().to_owned(),
            target: libcnb::Target {
                os: "linux".into(),
                arch: "amd64".into(),
                arch_variant: None,
                distro_name: "ubuntu".into(),
                distro_version: "24.04".into(),
            },
            platform: GenericPlatform::new(libcnb::Env::new()),
            buildpack_plan: BuildpackPlan {
                entries: Vec::new(),
            },
            buildpack_descriptor: toml::from_str(BUILDPACK_TOML).unwrap(),
            store: None,
        };
        let result = match buildpack.build(context) {
            Ok(_) => Ok(()),
            Err(libcnb::Error::BuildpackError(error)) => Err(error),
            Err(other) => panic!("{other}"),
        };
        let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        (result, text)
    }

    fn report(&self) -> PhaseReport {
        serde_json::from_slice(&fs_err::read(self.folder.path().join("report.json")).unwrap())
            .unwrap()
    }

    /// What the lifecycle does between two builds.
    fn restore(&self) {
        for entry in fs_err::read_dir(self.layers()).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let mut table: toml::Table =
                    toml::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
                table.remove("types");
                fs_err::write(path, toml::to_string(&table).unwrap()).unwrap();
            }
        }
    }
}

fn ruby_archive() -> Vec<u8> {
    tar_gz(&[
        Entry::File("bin/ruby", "#!/bin/sh\necho ruby\n", 0o755),
        Entry::Link("bin/ruby3.3", "ruby"),
        Entry::File("lib/ruby/3.3.0/json.rb", "", 0o644),
        Entry::File("lib/libruby-static.a", "static", 0o644),
        Entry::File("include/ruby.h", "header", 0o644),
    ])
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = walk(folder, folder);
    names.sort();
    names
}

fn walk(root: &Path, folder: &Path) -> Vec<String> {
    fs_err::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                walk(root, &entry.path())
            } else {
                vec![
                    entry
                        .path()
                        .strip_prefix(root)
                        .unwrap()
                        .display()
                        .to_string(),
                ]
            }
        })
        .collect()
}

const RUBY_APP: [(&str, &str); 2] = [("web.rb", "puts 1"), (".ruby-version", "3.3.9")];

#[test]
fn a_runtime_becomes_a_layer_that_the_next_build_keeps() {
    let fixture = Fixture::new(&RUBY_APP);
    fixture.serve_ruby("3.3.9", ruby_archive());
    let (result, output) = fixture.build();
    result.unwrap();
    insta::assert_snapshot!(output, @r"
    Ruby 3.3.9 (.ruby-version:1) → 3.3.9
      Layer ruby: new
      Ruby 3.3.9 from Heroku
    ");
    let layer = fixture.layers().join("ruby");
    assert_eq!(
        names_in(&layer),
        ["bin/ruby", "bin/ruby3.3", "lib/ruby/3.3.0/json.rb"]
    );
    assert_eq!(
        layer
            .join("bin/ruby")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o755
    );
    let checksum = format!("sha256:{}", hex::encode(Sha256::digest(ruby_archive())));
    let metadata = fs_err::read_to_string(fixture.layers().join("ruby.toml")).unwrap();
    let metadata = metadata
        .replace(&checksum, "[CHECKSUM]")
        .replace(&fixture.server.url("/ruby"), "[SITE]");
    insta::assert_snapshot!(metadata, @r#"
    [types]
    launch = true
    build = true
    cache = true

    [metadata.key]
    format = "1"
    machine = "amd64"
    mirror = ""
    requested = "3.3.9"
    runtime = "ruby"
    stack = "heroku-24"
    version = "3.3.9"

    [metadata.runtime]
    name = "ruby"
    version = "3.3.9"

    [metadata.origin]
    source = "Heroku"
    checksum = "[CHECKSUM]"
    verified-by = "pinned on first use"
    location = "[SITE]/heroku-24/amd64/ruby-3.3.9.tgz"
    "#);
    let language = fixture.report().languages.remove(0);
    assert_eq!(language.version.as_deref(), Some("3.3.9"));
    assert_eq!(language.checksum, Some(checksum));
    assert!(
        !fs_err::read_dir(fixture.layers()).unwrap().any(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with('.')
        }),
        "no temporary folder stays"
    );

    fixture.restore();
    let asked = fixture.server.requests().len();
    let (result, output) = fixture.build();
    result.unwrap();
    insta::assert_snapshot!(output, @r"
    Ruby 3.3.9 (.ruby-version:1) → 3.3.9
      Layer ruby: kept from the last build
      Ruby 3.3.9 from Heroku
    ");
    assert_eq!(fixture.server.requests().len(), asked, "nobody is asked");
    let types: toml::Table =
        toml::from_str(&fs_err::read_to_string(fixture.layers().join("ruby.toml")).unwrap())
            .unwrap();
    assert_eq!(types["types"]["launch"].as_bool(), Some(true));
}

#[test]
fn another_version_makes_the_layer_anew() {
    let fixture = Fixture::new(&RUBY_APP);
    fixture.serve_ruby("3.3.9", ruby_archive());
    fixture.serve_ruby("3.4.1", ruby_archive());
    fixture.build().0.unwrap();
    fixture.restore();
    fs_err::write(fixture.layers().join("ruby/left-over"), "").unwrap();
    fs_err::write(fixture.folder.path().join("app/.ruby-version"), "3.4.1").unwrap();
    let (result, output) = fixture.build();
    result.unwrap();
    assert!(
        output.contains(
            "Layer ruby: made anew, requested was 3.3.9, is 3.4.1, version was 3.3.9, is 3.4.1"
        ),
        "{output}"
    );
    assert!(!fixture.layers().join("ruby/left-over").exists());
}

#[test]
fn a_layer_that_was_not_finished_is_made_anew() {
    let fixture = Fixture::new(&RUBY_APP);
    fs_err::create_dir(fixture.layers().join("ruby")).unwrap();
    fs_err::write(fixture.layers().join("ruby/half"), "").unwrap();
    fs_err::write(
        fixture.layers().join("ruby.toml"),
        "[types]\nlaunch = true\nbuild = true\ncache = true\n",
    )
    .unwrap();
    fs_err::create_dir(fixture.layers().join(".slugbuilder-old")).unwrap();
    fixture.serve_ruby("3.3.9", ruby_archive());
    let (result, output) = fixture.build();
    result.unwrap();
    assert!(
        output.contains("Layer ruby: made anew, the last build did not finish it"),
        "{output}"
    );
    assert!(!fixture.layers().join("ruby/half").exists());
    assert!(!fixture.layers().join(".slugbuilder-old").exists());
}

#[test]
fn hostile_archives_are_refused_and_leave_no_layer() {
    let cases: [(&str, Entry); 3] = [
        ("climbs", Entry::File("../outside", "x", 0o644)),
        ("absolute", Entry::File("/tmp/outside", "x", 0o644)),
        ("link out", Entry::Link("lib/link", "/etc/passwd")),
    ];
    for (what, hostile) in cases {
        let fixture = Fixture::new(&RUBY_APP);
        fixture.serve_ruby(
            "3.3.9",
            tar_gz(&[Entry::File("bin/ruby", "x", 0o755), hostile]),
        );
        let (result, _) = fixture.build();
        let error = result.unwrap_err();
        assert_eq!(error.code(), "unpack-refused", "{what}");
        assert!(
            names_in(&fixture.layers().join("ruby")).is_empty(),
            "{what}"
        );
        let metadata = fs_err::read_to_string(fixture.layers().join("ruby.toml")).unwrap();
        assert!(!metadata.contains("metadata"), "{what}: {metadata}");
        assert!(!fixture.layers().join("outside").exists());
        if what == "climbs" {
            insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
            error[unpack-refused]: the archive from Heroku cannot be used
              caused by: the archive holds `../outside`, which climbs with `..`

              hint: Nothing of it was kept. If you made the archive, leave that entry out; if not, do not trust it.
            ");
        }
    }
}

#[test]
fn an_archive_of_something_else_is_refused() {
    for archive in [
        tar_gz(&[Entry::File("readme", "x", 0o644)]),
        b"<html>not found</html>".to_vec(),
        ruby_archive()[..40].to_vec(),
    ] {
        let fixture = Fixture::new(&RUBY_APP);
        fixture.serve_ruby("3.3.9", archive);
        let error = fixture.build().0.unwrap_err();
        assert!(error.code().starts_with("unpack-"), "{}", error.code());
    }
}

#[test]
fn the_cache_serves_another_app_without_network() {
    let fixture = Fixture::new(&RUBY_APP);
    fixture.serve_ruby("3.3.9", ruby_archive());
    let cache = fixture.folder.path().join("cache").display().to_string();
    let mut first = fixture;
    first
        .variables
        .push(("SLUGBUILDER_CACHE".into(), cache.clone()));
    first.build().0.unwrap();
    let asked = first.server.requests().len();
    fs_err::remove_dir_all(first.layers()).unwrap();
    fs_err::create_dir(first.layers()).unwrap();
    first
        .variables
        .push(("SLUGBUILDER_OFFLINE".into(), "1".into()));
    first.build().0.unwrap();
    assert_eq!(first.server.requests().len(), asked);
}

#[test]
fn an_installed_go_of_the_right_version_is_used_where_it_is() {
    let catalogues = Catalogues::embedded().unwrap();
    let newest = catalogues
        .of(Runtime::Go)
        .versions
        .keys()
        .next_back()
        .unwrap()
        .to_string();
    let go_file = "package main\nfunc main() {}\n";
    let mut fixture = Fixture::new(&[
        ("web.go", go_file),
        ("worker.go", go_file),
        (".go-version", &newest),
    ]);
    // It writes what it was called with to the output that it was given.
    let root = fixture.folder.path().join("goroot");
    fs_err::create_dir_all(root.join("bin")).unwrap();
    let script = format!(
        "#!/bin/sh\ncase $1 in\nenv) echo go{newest}; echo {};;\nbuild)\n while [ \"$1\" != -o ]; do shift; done\n /bin/mkdir -p bin; echo \"$3 $GOOS/$GOARCH cgo=$CGO_ENABLED $GOTOOLCHAIN\" > $2;;\n*) echo no network >&2; exit 1;;\nesac\n",
        root.display()
    );
    fs_err::write(root.join("bin/go"), script).unwrap();
    fs_err::set_permissions(root.join("bin/go"), std::fs::Permissions::from_mode(0o755)).unwrap();
    fixture.variables[0].1 = root.join("bin").display().to_string();
    let (result, output) = fixture.build();
    result.unwrap_or_else(|error| panic!("{error:?}\n{output}"));
    let built = fs_err::read_to_string(fixture.folder.path().join("app/bin/worker")).unwrap();
    assert_eq!(built, "worker.go linux/amd64 cgo=0 local\n");
    let language = fixture.report().languages.remove(0);
    assert_eq!(language.obtained_from.as_deref(), Some("the installed go"));
}

#[test]
fn a_go_program_that_does_not_build_shows_why() {
    let catalogues = Catalogues::embedded().unwrap();
    let newest = catalogues
        .of(Runtime::Go)
        .versions
        .keys()
        .next_back()
        .unwrap()
        .to_string();
    let mut fixture = Fixture::new(&[("web.go", "package main\nfunc main() { x }\n")]);
    let root = fixture.folder.path().join("goroot");
    fs_err::create_dir_all(root.join("bin")).unwrap();
    let script = format!(
        "#!/bin/sh\ncase $1 in env) echo go{newest}; echo {};; *) echo './web.go:2:15: undefined: x' >&2; exit 1;; esac\n",
        root.display()
    );
    fs_err::write(root.join("bin/go"), script).unwrap();
    fs_err::set_permissions(root.join("bin/go"), std::fs::Permissions::from_mode(0o755)).unwrap();
    fixture.variables[0].1 = root.join("bin").display().to_string();
    let error = fixture.build().0.unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[go-build-failed]: the Go program `web` does not build
      caused by: `go` failed (exit status: 1):
        ./web.go:2:15: undefined: x

      hint: Run `CGO_ENABLED=0 go build` in the app's folder to see the same.
    ");
}

#[test]
fn the_descriptor_is_a_component_buildpack() {
    let descriptor: libcnb::data::buildpack::ComponentBuildpackDescriptor =
        toml::from_str(BUILDPACK_TOML).unwrap();
    assert_eq!(descriptor.buildpack.id.as_str(), "slugbuilder/slugbuilder");
    assert_eq!(
        descriptor.buildpack.version.to_string(),
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(
        descriptor.buildpack.description.as_deref(),
        Some(env!("CARGO_PKG_DESCRIPTION"))
    );
    let licences: Vec<_> = descriptor
        .buildpack
        .licenses
        .iter()
        .map(|licence| licence.r#type.as_deref())
        .collect();
    assert_eq!(licences, [Some(env!("CARGO_PKG_LICENSE"))]);
    assert_eq!(descriptor.api.to_string(), "0.10");
    assert_eq!(descriptor.targets.len(), 1);
    assert!(descriptor.targets[0].distros.is_empty());
}
