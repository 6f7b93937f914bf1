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
fn an_open_range_gets_the_default_line_and_a_warning() {
    let of = |range: &str| {
        let package = engines(range);
        let settled = settle_in(&[("package.json", &package)], Runtime::Node).unwrap();
        let warnings: Vec<_> = settled
            .warnings
            .iter()
            .map(|warning| warning.code.clone())
            .collect();
        (settled.resolved.version, warnings)
    };
    let default = settle_in(&[], Runtime::Node).unwrap().resolved.version;
    for range in [
        "*",
        "",
        "x",
        "latest",
        ">=18",
        ">18.0.0",
        "18 || >=20",
        ">=24.0.0-rc.1",
    ] {
        assert_eq!(of(range), (default, vec!["wide-range".into()]), "{range}");
    }
    for range in ["^24", "24.x", ">=24 <25"] {
        assert_eq!(of(range), (default, vec![]), "{range}");
    }
    let (version, warnings) = of(">=25");
    assert!(
        version.major >= 25 && warnings == ["wide-range"],
        "{version}"
    );
    // With an upper bound the newest one is meant, whatever it is.
    assert_eq!(of(">=18 <=25").0.major, 25);
    let text = |range: &str| {
        let package = format!("{{\n\"engines\": {{\"node\": \"{range}\"}}}}");
        settle_in(&[("package.json", &package)], Runtime::Node)
            .unwrap()
            .warnings[0]
            .render(Style::Plain)
            .replace(&default.to_string(), "[DEFAULT]")
    };
    insta::assert_snapshot!(text(">=18"), @r"
    warning[wide-range]: package.json:2: `>=18` accepts every future Node.js; [DEFAULT] is taken, of the default line
      hint: Write `24.x`, so that a new major version comes when you say so.
    ");
}

#[test]
fn files_that_disagree_are_told() {
    let warning = |files: &[(&str, &str)], runtime| {
        settle_in(files, runtime)
            .unwrap()
            .warnings
            .iter()
            .map(|warning| warning.render(Style::Plain))
            .collect::<String>()
    };
    let package = engines("22.12.0");
    insta::assert_snapshot!(
        warning(
            &[("package.json", &package), (".nvmrc", "20"), (".tool-versions", "nodejs 22.1.0"), (".node-version", "22")],
            Runtime::Node
        ),
        @r"
    warning[version-sources-disagree]: Node.js 22.12.0 is chosen by `22.12.0` (package.json:1), but .nvmrc:1 asks for `20`, and .tool-versions:1 asks for `22.1.0`
      hint: package.json:1 counts. Let the files agree, or keep one of them.
    "
    );
    for agreeing in ["22", "v22.12.0", "lts/jod", "node", "not a version"] {
        let files = [("package.json", package.as_str()), (".nvmrc", agreeing)];
        assert_eq!(warning(&files, Runtime::Node), "", "{agreeing}");
    }
    // The `go` line is the oldest Go that will do.
    let module = "module a\ngo 1.24.1\ntoolchain go1.26.2\n";
    assert_eq!(warning(&[("go.mod", module)], Runtime::Go), "");
    insta::assert_snapshot!(
        warning(&[("go.mod", module), (".go-version", "1.25.1")], Runtime::Go),
        @r"
    warning[version-sources-disagree]: Go 1.26.2 is chosen by `go1.26.2` (go.mod:3), but .go-version:1 asks for `1.25.1`
      hint: go.mod:3 counts. Let the files agree, or keep one of them.
    "
    );
}

#[test]
fn versions_without_long_term_support_get_a_note() {
    let notes = |range: &str, today: &str| {
        let package = engines(range);
        settle_on(&[("package.json", &package)], Runtime::Node, today)
            .unwrap()
            .decision
            .notes
            .join("\n")
    };
    insta::assert_snapshot!(notes("23.1.0", "2024-12-01"), @"Node.js 23 is an odd major version, which gets no long-term support; 24 has it.");
    insta::assert_snapshot!(notes("24.1.0", "2025-06-01"), @"Node.js 24 gets long-term support from 2025-10-28 on.");
    assert_eq!(notes("24.1.0", "2026-11-21"), "");
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
fn the_end_of_life_is_told_by_date() {
    let warning = |files: &[(&str, &str)], runtime, today| {
        settle_on(files, runtime, today)
            .unwrap()
            .warnings
            .iter()
            .map(|warning| warning.render(Style::Plain))
            .collect::<String>()
    };
    let today = "2026-11-21";
    insta::assert_snapshot!(warning(&[(".nvmrc", "18.20.8")], Runtime::Node, today), @r"
    warning[end-of-life]: Node.js 18.20.8 (.nvmrc:1) gets no security fixes since 2025-04-30
      hint: Ask for Node.js 24.
    ");
    insta::assert_snapshot!(warning(&[(".ruby-version", "3.1.7")], Runtime::Ruby, today), @r"
    warning[end-of-life]: Ruby 3.1.7 (.ruby-version:1) gets no security fixes since 2025-03-26
      hint: Ask for Ruby 3.3.
    ");
    insta::assert_snapshot!(warning(&[(".nvmrc", "18.20.8")], Runtime::Node, "2025-03-31"), @r"
    warning[end-of-life]: Node.js 18.20.8 (.nvmrc:1) will get no security fixes from 2025-04-30 on
      hint: Ask for Node.js 24.
    ");
    assert_eq!(
        warning(&[(".nvmrc", "18.20.8")], Runtime::Node, "2025-03-30"),
        "",
        "31 days before"
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
fn requests_that_cannot_be_met_name_file_and_line() {
    let node = |range: &str| {
        let package = format!("{{\n\"engines\": {{\n\"node\": \"{range}\"}}}}");
        error_of(&[("package.json", &package)], Runtime::Node)
    };
    let nvm = |text: &str| error_of(&[(".nvmrc", text)], Runtime::Node);
    insta::assert_snapshot!(node("99.1.x"), @r"
    error[unknown-version]: package.json:3: no version of Node.js matches `99.1.x`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing versions are `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(node("20.99.0"), @r"
    error[unknown-version]: package.json:3: no version of Node.js matches `20.99.0`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing versions are `20.20.2`, `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(node(">=20 <18"), @r"
    error[impossible-version]: package.json:3: no version of Node.js can ever match `>=20 <18`

      Its parts exclude each other: a blank between two means that both have to be met.

      hint: Write `||` between parts of which one is enough.
      hint: The nearest existing versions are `20.20.2`, `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(node("24.0.0-rc.1"), @r"
    error[unknown-version]: package.json:3: no version of Node.js matches `24.0.0-rc.1`

      Pre-releases are not built with.

      hint: The nearest existing versions are `24.0.2`, `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(node("twenty"), @r"
    error[invalid-version]: package.json:3: `twenty` is not a Node.js version

      `twenty` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`).

      hint: Write a version or range such as `24.x`, `^22.4.0` or `24.1.0`.
      hint: The nearest existing versions are `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(node(">=18, <21"), @r"
    error[invalid-version]: package.json:3: `>=18, <21` is not a Node.js version

      `,` does not join versions; a blank does where both have to be met, `||` where one is enough.

      hint: Write a version or range such as `24.x`, `^22.4.0` or `24.1.0`.
      hint: The nearest existing versions are `18.20.8`, `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(node("lts/*"), @r"
    error[invalid-version]: package.json:3: `lts/*` is not a Node.js version

      `lts/*` is a word of `.nvmrc`, not of package.json.

      hint: Write a version or range such as `24.x`, `^22.4.0` or `24.1.0`.
      hint: The nearest existing versions are `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(nvm("\nlts/nickel"), @r"
    error[unknown-version]: .nvmrc:2: `lts/nickel` names no long-term support line of Node.js

      The names are erbium, fermium, gallium, hydrogen, iron, jod, krypton.

      hint: Write `lts/*` for the newest one, or a version such as `24`.
    ");
    insta::assert_snapshot!(nvm("lts/-40"), @r"
    error[unknown-version]: .nvmrc:1: `lts/-40` names no long-term support line of Node.js

      The names are erbium, fermium, gallium, hydrogen, iron, jod, krypton.

      hint: Write `lts/*` for the newest one, or a version such as `24`.
    ");
    insta::assert_snapshot!(nvm("\n# nothing\n"), @r"
    error[invalid-version]: .nvmrc is there but names no version

      hint: Write a version into .nvmrc, or remove it.
    ");
    insta::assert_snapshot!(nvm("system"), @r"
    error[invalid-version]: .nvmrc:1: `system` asks for the Node.js of the machine

      A slug brings its own Node.js, so that it is the same wherever it is built.

      hint: Write a version such as `24.x`, `^22.4.0` or `24.1.0`.
    ");
    insta::assert_snapshot!(nvm("iojs-v3.3.1"), @r"
    error[unsupported-engine]: .nvmrc:1: `iojs-v3.3.1` asks for io.js, which became Node.js 4

      hint: Write a version such as `24.x`, `^22.4.0` or `24.1.0`.
    ");
    insta::assert_snapshot!(nvm("ref:main"), @r"
    error[invalid-version]: .nvmrc:1: `ref:main` is not a Node.js version

      `ref:main` is neither a version (`24`, `24.x`, `24.1.0`) nor one with an operator (`^`, `~`, `>=`, `>`, `<=`, `<`, `=`).

      hint: Write a version or range such as `24.x`, `^22.4.0` or `24.1.0`.
      hint: The nearest existing versions are `[DEFAULT]`, `[NEWEST]`.
    ");
    insta::assert_snapshot!(error_of(&[(".tool-versions", "\nnodejs")], Runtime::Node), @r"
    error[invalid-version]: .tool-versions:2 is there but names no version

      hint: Write a version into .tool-versions:2, or remove it.
    ");
    insta::assert_snapshot!(error_of(&[(".tool-versions", "ruby jruby-9.4.5.0")], Runtime::Ruby), @r"
    error[unsupported-ruby-engine]: .tool-versions:1: `jruby-9.4.5.0` asks for another Ruby than MRI

      hint: Write a version such as `3.3.9` or `3.3`.
    ");
    insta::assert_snapshot!(error_of(&[(".ruby-version", "3.9")], Runtime::Ruby), @r"
    error[unknown-version]: .ruby-version:1: no version of Ruby matches `3.9`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing versions are `[NEWEST]`, `[DEFAULT]`.
    ");
    insta::assert_snapshot!(error_of(&[("go.mod", "module a\n\ngo 1.99.1\n")], Runtime::Go), @r"
    error[unknown-version]: go.mod:3: no version of Go matches `1.99.1`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing version is `[NEWEST]`.
    ");
    insta::assert_snapshot!(error_of(&[("go.mod", "module a\ngo 1.27rc1\n")], Runtime::Go), @r"
    error[invalid-version]: go.mod:2: `1.27rc1` is not a Go version

      hint: Write a version such as `1.26.1` or `1.26`.
      hint: The nearest existing version is `[NEWEST]`.
    ");
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
