//! What is said of versions.

use super::*;

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
fn two_versions_in_one_file_are_an_error_with_both_lines() {
    insta::assert_snapshot!(error_of(&[(".nvmrc", "# ours\n18\n\n20 # soon\n")], Runtime::Node), @r"
    error[invalid-version]: .nvmrc:2 names the version `18`, and .nvmrc:4 `20`

      hint: Keep the line that is meant.
    ");
    assert!(
        error_of(&[(".node-version", "18\n20")], Runtime::Node).starts_with(
            "error[invalid-version]: .node-version:1 names the version `18`, and .node-version:2 `20`"
        )
    );
    // Comments and nvm's settings are no versions; of `.tool-versions` each line is for another tool.
    for file in [
        (".nvmrc", "# 18\nfuture = 1\n20.10.0 # not 22\n\n"),
        (".nvmrc", "20.10.0\nfuture=1"),
        (".tool-versions", "ruby 3.3.9\nnodejs 20.10.0 18.20.0\n"),
    ] {
        assert!(version_of(&[file], Runtime::Node).starts_with("20.10.0 "));
    }
    assert!(version_of(&[(".nvmrc", ">=20")], Runtime::Node).ends_with("(.nvmrc:1)"));
}
