use super::*;
use crate::app::App;
use crate::catalogue::Catalogues;
use crate::date::Day;
use crate::runtime::Runtime;
use slugbuilder_report::{Decision, Diagnosis, Style, Warning};

fn decide_in(
    files: &[(&str, &str)],
    runtime: Runtime,
) -> Result<(Resolved, Option<Warning>, Decision), VersionError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).unwrap();
    }
    let app = App::open(folder.path()).unwrap();
    let catalogues = Catalogues::embedded().unwrap();
    let catalogue = catalogues.of(runtime);
    let (requested, decision) = decide(&app, runtime, catalogue)?;
    let (resolved, warning) = resolve(&requested, catalogue, &Day::new("2026-11-21"))?;
    Ok((resolved, warning, decision))
}

fn version_of(files: &[(&str, &str)], runtime: Runtime) -> String {
    let (resolved, _, _) = decide_in(files, runtime).unwrap();
    format!("{} ({})", resolved.version, resolved.requested.origin)
}

fn error_of(files: &[(&str, &str)], runtime: Runtime) -> String {
    let error = Diagnosis::of(&decide_in(files, runtime).unwrap_err()).render(Style::Plain);
    // The catalogue moves on; its date and newest versions are not what is tested here.
    let catalogues = Catalogues::embedded().unwrap();
    let catalogue = catalogues.of(runtime);
    let newest = catalogue.versions.keys().next_back().unwrap();
    error
        .replace(&catalogue.snapshot, "[DAY]")
        .replace(&newest.to_string(), "[NEWEST]")
}

#[test]
fn the_order_of_precedence_is_fixed() {
    let node = [
        ("package.json", "{\"engines\": {\n\"node\": \"22.12.0\"}}"),
        (".nvmrc", "v20.10.0"),
        (".node-version", "18.20.0"),
        (".tool-versions", "ruby 3.2.1\nnodejs 16.20.0"),
    ];
    let expected = [
        "22.12.0 (package.json:2)",
        "20.10.0 (.nvmrc:1)",
        "18.20.0 (.node-version:1)",
        "16.20.0 (.tool-versions:2)",
    ];
    for (index, expected) in expected.into_iter().enumerate() {
        assert_eq!(version_of(&node[index..], Runtime::Node), expected);
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
    let (resolved, _, _) = decide_in(
        &[("go.mod", "module a\ngo 1.24.1\ntoolchain default\n")],
        Runtime::Go,
    )
    .unwrap();
    assert_eq!((resolved.version.major, resolved.version.minor), (1, 24));
    assert!(resolved.version.patch >= 13);
}

#[test]
fn defaults_are_the_catalogues() {
    let catalogues = Catalogues::embedded().unwrap();
    for runtime in Runtime::ALL {
        let (resolved, warning, decision) = decide_in(&[], runtime).unwrap();
        assert!(
            resolved
                .version
                .to_string()
                .starts_with(&catalogues.of(runtime).default),
            "{runtime}"
        );
        assert_eq!(warning, None, "the default of {runtime} is supported");
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
        let package = format!("{{\"engines\": {{\"node\": \"{text}\"}}}}");
        assert_eq!(
            version_of(&[("package.json", &package)], Runtime::Node),
            format!("{expected} (package.json:1)"),
            "{text}"
        );
    }
    for (text, major) in [
        ("lts/iron", 20),
        ("lts/Hydrogen", 18),
        ("20", 20),
        ("v18", 18),
    ] {
        let (resolved, _, _) = decide_in(&[(".nvmrc", text)], Runtime::Node).unwrap();
        assert_eq!(resolved.version.major, major, "{text}");
    }
    let (resolved, _, _) = decide_in(&[(".nvmrc", "# comment\n\nlts/*\n")], Runtime::Node).unwrap();
    assert!(resolved.version.major >= 24 && resolved.version.major % 2 == 0);
}

#[test]
fn losers_stay_in_the_decision() {
    let files = [
        (".nvmrc", "20.10.0"),
        (".node-version", "not a version"),
        (".tool-versions", "nodejs 18.20.0"),
    ];
    let (_, _, decision) = decide_in(&files, Runtime::Node).unwrap();
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
}

#[test]
fn the_end_of_life_is_told_by_date() {
    let warning = |files: &[(&str, &str)], runtime| {
        decide_in(files, runtime)
            .unwrap()
            .1
            .unwrap()
            .render(Style::Plain)
    };
    insta::assert_snapshot!(warning(&[(".nvmrc", "18.20.8")], Runtime::Node), @r"
    warning[end-of-life]: Node.js 18.20.8 (.nvmrc:1) gets no security fixes since 2025-04-30
      hint: Ask for Node.js 24.
    ");
    insta::assert_snapshot!(warning(&[(".ruby-version", "3.1.7")], Runtime::Ruby), @r"
    warning[end-of-life]: Ruby 3.1.7 (.ruby-version:1) gets no security fixes since 2025-03-26
      hint: Ask for Ruby 3.3.
    ");
    let catalogues = Catalogues::embedded().unwrap();
    let requested = decide_in(&[(".nvmrc", "18.20.8")], Runtime::Node)
        .unwrap()
        .0
        .requested;
    let (_, warning) = resolve(
        &requested,
        catalogues.of(Runtime::Node),
        &Day::new("2025-04-29"),
    )
    .unwrap();
    assert_eq!(warning, None, "one day before");
}

#[test]
fn an_exact_ruby_that_the_catalogue_does_not_know_is_tried() {
    let (resolved, _, _) = decide_in(&[(".ruby-version", "3.4.99")], Runtime::Ruby).unwrap();
    assert_eq!(
        (resolved.version, resolved.in_catalogue),
        (Version::new(3, 4, 99), false)
    );
}

#[test]
fn impossible_requests_name_file_and_line() {
    insta::assert_snapshot!(error_of(&[("package.json", "{\n\"engines\": {\n\"node\": \"99.1.x\"}}")], Runtime::Node), @r"
    error[unknown-version]: package.json:3: no version of Node.js matches `99.1.x`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing versions are `[NEWEST]`.
    ");
    insta::assert_snapshot!(error_of(&[("package.json", "{\"engines\": {\"node\": \"a lot\"}}")], Runtime::Node), @r"
    error[invalid-version]: package.json:1: `a lot` is not a Node.js version

      hint: Write a version or range such as `24.x`, `^22.4.0` or `24.1.0`.
    ");
    insta::assert_snapshot!(error_of(&[(".nvmrc", "\nlts/nickel")], Runtime::Node), @r"
    error[unknown-version]: .nvmrc:2: `lts/nickel` names no long-term support line of Node.js

      The names are erbium, fermium, gallium, hydrogen, iron, jod, krypton.

      hint: Write `lts/*` for the newest one, or a version such as `24`.
    ");
    insta::assert_snapshot!(error_of(&[(".nvmrc", "\n# nothing\n")], Runtime::Node), @r"
    error[invalid-version]: `.nvmrc` is there but names no version

      hint: Write a version into `.nvmrc`, or remove it.
    ");
    insta::assert_snapshot!(error_of(&[(".tool-versions", "ruby jruby-9.4.5.0")], Runtime::Ruby), @r"
    error[unsupported-ruby-engine]: .tool-versions:1: `jruby-9.4.5.0` asks for another Ruby than MRI

      hint: Write a version of MRI, such as `3.3.9`.
    ");
    insta::assert_snapshot!(error_of(&[(".ruby-version", "3.9")], Runtime::Ruby), @r"
    error[unknown-version]: .ruby-version:1: no version of Ruby matches `3.9`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing versions are `[NEWEST]`.
    ");
    insta::assert_snapshot!(error_of(&[("go.mod", "module a\n\ngo 1.99.1\n")], Runtime::Go), @r"
    error[unknown-version]: go.mod:3: no version of Go matches `1.99.1`

      This version of slugbuilder knows the releases up to [DAY].

      hint: The nearest existing versions are `[NEWEST]`.
    ");
    insta::assert_snapshot!(error_of(&[("go.mod", "module a\ngo 1.27rc1\n")], Runtime::Go), @r"
    error[invalid-version]: go.mod:2: `1.27rc1` is not a Go version

      hint: Write a version such as `1.26.1` or `1.26`.
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
