//! Which version an app gets.

mod messages;

use super::*;
use crate::app::App;
use crate::catalogue::Catalogues;
use crate::date::Day;
use crate::runtime::Runtime;
use slugbuilder_report::{Diagnosis, Style};

fn folder_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}

fn settle_on(
    files: &[(&str, &str)],
    runtime: Runtime,
    today: &str,
) -> Result<Settled, VersionError> {
    let folder = folder_of(files);
    let app = App::open(folder.path()).unwrap();
    let catalogues = Catalogues::embedded().unwrap();
    settle(&app, runtime, catalogues.of(runtime), &Day::new(today))
}

fn settle_in(files: &[(&str, &str)], runtime: Runtime) -> Result<Settled, VersionError> {
    settle_on(files, runtime, "2026-11-21")
}

fn engines(range: &str) -> String {
    format!("{{\"engines\": {{\"node\": \"{range}\"}}}}")
}

fn version_of(files: &[(&str, &str)], runtime: Runtime) -> String {
    let resolved = settle_in(files, runtime).unwrap().resolved;
    format!("{} ({})", resolved.version, resolved.requested.origin)
}

fn error_of(files: &[(&str, &str)], runtime: Runtime) -> String {
    let error = Diagnosis::of(&settle_in(files, runtime).unwrap_err()).render(Style::Plain);
    // The catalogue moves on; its date and newest versions are not what is tested here.
    let catalogues = Catalogues::embedded().unwrap();
    let catalogue = catalogues.of(runtime);
    let newest = catalogue.versions.keys().next_back().unwrap();
    let default = settle_in(&[], runtime).unwrap().resolved.version;
    error
        .replace(&catalogue.snapshot, "[DAY]")
        .replace(&newest.to_string(), "[NEWEST]")
        .replace(&default.to_string(), "[DEFAULT]")
}

#[test]
fn the_order_of_precedence_is_fixed() {
    let node = [
        (
            "package.json",
            "{\"devEngines\": {\"runtime\": {\"name\": \"node\", \"version\": \"22.11.0\"}},\n\"engines\": {\"node\": \"22.12.0\"},\n\"volta\": {\"node\": \"22.10.0\"}}",
        ),
        (
            "package.json",
            "{\"volta\": {\"node\": \"22.10.0\"},\n\"devEngines\": {\"runtime\": {\"name\": \"node\", \"version\": \"22.11.0\"}}}",
        ),
        ("package.json", "{\"volta\": {\"node\": \"22.10.0\"}}"),
        (".nvmrc", "v20.10.0"),
        (".node-version", "18.20.0"),
        (".tool-versions", "ruby 3.2.1\nnodejs 16.20.0"),
    ];
    let expected = [
        "22.12.0 (package.json:2)",
        "22.11.0 (package.json:2)",
        "22.10.0 (package.json:1)",
        "20.10.0 (.nvmrc:1)",
        "18.20.0 (.node-version:1)",
        "16.20.0 (.tool-versions:2)",
    ];
    for (index, expected) in expected.into_iter().enumerate() {
        // Of two files of one name the first one is meant.
        let mut files: Vec<_> = node[index..].to_vec();
        files.reverse();
        assert_eq!(version_of(&files, Runtime::Node), expected);
    }
    let ruby = [
        ("Gemfile.lock", "GEM\nRUBY VERSION\n   ruby 3.3.9p170\n"),
        (".ruby-version", "ruby-3.2.2\n"),
        (".tool-versions", "ruby 3.1.4"),
    ];
    for (index, expected) in [
        "3.3.9 (Gemfile.lock:3)",
        "3.2.2 (.ruby-version:1)",
        "3.1.4 (.tool-versions:1)",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(version_of(&ruby[index..], Runtime::Ruby), expected);
    }
    let go = [
        (".go-version", "1.26.1"),
        (".tool-versions", "golang 1.26.2"),
    ];
    for (index, expected) in ["1.26.1 (.go-version:1)", "1.26.2 (.tool-versions:1)"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(version_of(&go[index..], Runtime::Go), expected);
    }
    for (module, expected) in [
        (
            "module a\n// +heroku goVersion go1.25.3\ngo 1.24.1\ntoolchain go1.24.2\n",
            "1.25.3 (go.mod:2)",
        ),
        (
            "module a\ngo 1.24.1\ntoolchain go1.24.2\n",
            "1.24.2 (go.mod:3)",
        ),
    ] {
        assert_eq!(
            version_of(
                &[("go.mod", module), (".go-version", "1.26.1")],
                Runtime::Go
            ),
            expected
        );
    }
}

#[test]
fn the_go_line_is_a_floor_in_its_line() {
    let resolved = settle_in(
        &[("go.mod", "module a\ngo 1.24.1\ntoolchain default\n")],
        Runtime::Go,
    )
    .unwrap()
    .resolved;
    assert_eq!((resolved.version.major, resolved.version.minor), (1, 24));
    assert!(resolved.version.patch >= 13);
}

#[test]
fn defaults_are_the_catalogues() {
    let catalogues = Catalogues::embedded().unwrap();
    for runtime in Runtime::ALL {
        let Settled {
            resolved,
            warnings,
            decision,
        } = settle_in(&[], runtime).unwrap();
        assert!(
            resolved
                .version
                .to_string()
                .starts_with(&catalogues.of(runtime).default),
            "{runtime}"
        );
        assert_eq!(warnings, [], "the default of {runtime} is supported");
        assert_eq!(decision.notes, [""; 0]);
        assert_eq!(decision.candidates[0].verdict, "is the default");
    }
}

#[test]
fn node_requests_of_every_syntax_resolve() {
    for (text, expected) in [
        ("20.10.0", "20.10.0"),
        ("v20.10.0", "20.10.0"),
        ("=20.10.0", "20.10.0"),
        ("20.10", "20.10.0"),
        ("~20.9.0", "20.9.0"),
        ("~=20.9.0", "20.9.0"),
        (">=20.9.0 <20.11.0", "20.10.0"),
        ("18.0.x || 20.10.x", "20.10.0"),
    ] {
        let package = engines(text);
        assert_eq!(
            version_of(&[("package.json", &package)], Runtime::Node),
            format!("{expected} (package.json:1)"),
            "{text}"
        );
    }
    for (text, major) in [
        ("lts/iron", 20),
        ("lts/Hydrogen", 18),
        ("LTS-jod", 22),
        ("20", 20),
        ("v18", 18),
        ("node-v18.20.1", 18),
        ("^20.1", 20),
    ] {
        let resolved = settle_in(&[(".nvmrc", text)], Runtime::Node)
            .unwrap()
            .resolved;
        assert_eq!(resolved.version.major, major, "{text}");
    }
    let newest = |text: &str| {
        let files = [(".nvmrc", text)];
        settle_in(&files, Runtime::Node).unwrap().resolved.version
    };
    let catalogues = Catalogues::embedded().unwrap();
    let catalogue = catalogues.of(Runtime::Node);
    let lines = catalogue.long_term_lines();
    assert_eq!(lines[..3], [12, 14, 16]);
    for text in ["# comment\n\nlts/*\n", "lts", "LTS/*"] {
        assert_eq!(newest(text).major, lines[lines.len() - 1]);
    }
    assert_eq!(newest("lts/-1").major, lines[lines.len() - 2]);
    for text in ["node", "stable", "latest", "current"] {
        assert_eq!(
            newest(text),
            *catalogue.versions.keys().next_back().unwrap()
        );
    }
    let asdf = [(".tool-versions", "# mine\nnodejs  latest:20 18.0.0 # x")];
    assert_eq!(
        settle_in(&asdf, Runtime::Node)
            .unwrap()
            .resolved
            .version
            .major,
        20
    );
}

#[test]
fn version_files_are_looked_for_upwards_and_the_nearest_one_wins() {
    let folder = folder_of(&[
        (".nvmrc", "18.20.0"),
        ("packages/.nvmrc", "20.10.0"),
        ("packages/api/.node-version", "22.10.0"),
        (".tool-versions", "nodejs 16.20.0"),
        ("packages/.tool-versions", "ruby 3.3.9"),
    ]);
    let app = App::open_folder(folder.path(), "packages/api").unwrap();
    let catalogues = Catalogues::embedded().unwrap();
    let requests = decide(&app, Runtime::Node, catalogues.of(Runtime::Node)).unwrap();
    let found: Vec<String> = requests
        .decision
        .candidates
        .iter()
        .map(|candidate| format!("{} {}", candidate.origin, candidate.value))
        .collect();
    assert_eq!(
        found[..4],
        [
            "packages/.nvmrc:1 20.10.0",
            ".nvmrc:1 18.20.0",
            "packages/api/.node-version:1 22.10.0",
            ".tool-versions:1 16.20.0",
        ]
    );
    // The whole source does not look into its packages.
    let app = App::open(folder.path()).unwrap();
    let requests = decide(&app, Runtime::Node, catalogues.of(Runtime::Node)).unwrap();
    assert_eq!(requests.winner.origin.to_string(), ".nvmrc:1");
}

#[test]
fn volta_extends_files_of_the_source() {
    let folder = folder_of(&[
        ("package.json", "{\n\"volta\": {\"node\": \"22.10.0\"}}"),
        (
            "base/package.json",
            "{\"volta\": {\"extends\": \"../package.json\"}}",
        ),
        (
            "packages/api/package.json",
            "{\"volta\": {\"extends\": \"../../base/package.json\"}}",
        ),
    ]);
    let catalogues = Catalogues::embedded().unwrap();
    let app = App::open_folder(folder.path(), "packages/api").unwrap();
    let requests = decide(&app, Runtime::Node, catalogues.of(Runtime::Node)).unwrap();
    assert_eq!(
        format!("{} {}", requests.winner.text, requests.winner.origin),
        "22.10.0 package.json:2"
    );
    let failure = |extends: &str| {
        let package = format!("{{\"volta\": {{\n\"extends\": \"{extends}\"}}}}");
        error_of(&[("package.json", &package)], Runtime::Node)
    };
    insta::assert_snapshot!(failure("../package.json"), @r"
    error[invalid-version]: package.json:2: the file `../package.json` that `volta.extends` names is not inside the source

      hint: Name a package.json of the source, relative to the file that names it.
    ");
    insta::assert_snapshot!(failure("base.json"), @r"
    error[invalid-version]: package.json:2: the file `base.json` that `volta.extends` names is not there

      hint: Name a package.json of the source, relative to the file that names it.
    ");
    insta::assert_snapshot!(failure("package.json"), @r"
    error[invalid-version]: package.json:2: the file `package.json` that `volta.extends` names leads from file to file without end

      hint: Name a package.json of the source, relative to the file that names it.
    ");
}

#[test]
fn losers_stay_in_the_decision() {
    let files = [
        (".nvmrc", "20.10.0"),
        (".node-version", "not a version"),
        (".tool-versions", "nodejs 18.20.0"),
    ];
    let decision = settle_in(&files, Runtime::Node).unwrap().decision;
    let text: Vec<String> = decision.candidates[..3]
        .iter()
        .map(|candidate| {
            format!(
                "{} {} {}",
                candidate.origin, candidate.value, candidate.verdict
            )
        })
        .collect();
    assert_eq!(
        text,
        [
            ".nvmrc:1 20.10.0 is the first in the order of precedence",
            ".node-version:1 not a version cannot be read, and is preceded by .nvmrc:1",
            ".tool-versions:1 18.20.0 is preceded by .nvmrc:1",
        ]
    );
    assert_eq!(decision.winner, Some(0));
    assert_eq!(decision.answer(), Some("20.10.0"));
    let sources: Vec<_> = decision
        .candidates
        .iter()
        .filter_map(|candidate| candidate.source.as_deref())
        .collect();
    assert_eq!(
        sources,
        [".nvmrc", ".node-version", ".tool-versions", "the default"]
    );
}

#[test]
fn an_exact_ruby_that_the_catalogue_does_not_know_is_tried() {
    let resolved = settle_in(&[(".ruby-version", "3.4.99")], Runtime::Ruby)
        .unwrap()
        .resolved;
    assert_eq!(
        (resolved.version, resolved.in_catalogue),
        (Version::new(3, 4, 99), false)
    );
}

#[test]
fn versions_are_three_numbers() {
    assert_eq!(Version::parse("24.1.0"), Some(Version::new(24, 1, 0)));
    for text in [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "v1.2.3",
        "1.2.x",
        "1.2.+3",
        "1..3",
        "1.2.99999999999999999999999",
    ] {
        assert_eq!(Version::parse(text), None, "{text}");
    }
}

#[test]
fn old_go_versions_drop_their_zero() {
    assert_eq!(Version::new(1, 20, 0).go_name(), "1.20");
    assert_eq!(Version::new(1, 20, 1).go_name(), "1.20.1");
    assert_eq!(Version::new(1, 21, 0).go_name(), "1.21.0");
}
