//! What is told of an app because it would surprise somebody later.

use super::*;
use slugbuilder_report::Decision;

/// The candidates of a decision but for a default of the catalogue, which moves on: value, source, place and verdict.
fn candidates_of(plan: &AppPlan, subject: &str) -> String {
    let is_it = |decision: &&Decision| decision.subject == subject;
    let decision = plan.decisions.iter().find(is_it).unwrap();
    decision
        .candidates
        .iter()
        .filter(|one| !one.origin.to_string().starts_with("default of"))
        .map(|one| {
            format!(
                "{} | {} | {} | {}",
                one.value,
                one.source.as_deref().unwrap_or_default(),
                one.origin,
                one.verdict
            )
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The warning of this code, nothing where there is none.
fn warning_of(plan: &AppPlan, code: &str) -> String {
    plan.warnings
        .iter()
        .filter(|warning| warning.code == code)
        .map(|warning| warning.render(Style::Plain))
        .collect()
}

#[test]
fn several_managers_in_engines_are_named_by_their_fields() {
    let plan = plan_of(&[(
        "package.json",
        "{\"engines\":{\"npm\":\"10.x\",\n\"yarn\":\">=1.22\"}}",
    )]);
    insta::assert_snapshot!(candidates_of(&plan, "package manager"), @r"
    yarn >=1.22 | engines.yarn of package.json | package.json:2 | is the first in the order of precedence
    npm 10.x | engines.npm of package.json | package.json:1 | is preceded by package.json:2
    npm | the default | the one that comes with Node.js | is preceded by package.json:2
    ");
    insta::assert_snapshot!(warning_of(&plan, "several-managers"), @r#"
    warning[several-managers]: the package manager is yarn by `engines.yarn` (package.json:2); another one is asked for by `engines.npm` (package.json:1)
      hint: Commit the lockfile of the one that is meant, or write `packageManager` such as `"yarn@VERSION"` into package.json.
    "#);
    for quiet in [
        r#"{"engines": {"npm": "10.x"}}"#,
        r#"{"engines": {"npm": "please-use-yarn", "yarn": ">=1.22"}}"#,
        r#"{"engines": {"npm": "10.x", "yarn": ">=1.22"}, "packageManager": "npm@10.9.0"}"#,
    ] {
        let plan = plan_of(&[("package.json", quiet)]);
        assert_eq!(warning_of(&plan, "several-managers"), "", "{quiet}");
    }
}

#[test]
fn an_empty_engine_is_any_version_and_shown() {
    let plan = plan_of(&[("package.json", r#"{"engines": {"node": "", "npm": ""}}"#)]);
    assert!(candidates_of(&plan, "node version").starts_with(
        "\"\" | engines.node of package.json | package.json:1 | is the first in the order of precedence"
    ));
    assert!(candidates_of(&plan, "package manager").starts_with("npm \"\" | "));
    assert!(
        warning_of(&plan, "wide-range").contains("package.json:1: `\"\"` accepts every future")
    );
    assert!(!warnings_of(&plan).contains("``"));
}

#[test]
fn versions_of_the_workspace_count_after_those_of_the_package() {
    let of = |own: &str, root: &str| {
        plan_with(
            &[
                ("packages/api/package.json", own),
                ("packages/api/server.js", ""),
                ("package.json", root),
                (".nvmrc", "18.20.0"),
            ],
            "packages/api",
            &[],
        )
        .unwrap()
    };
    let root = "{\"workspaces\": [\"packages/*\"],\n\"engines\": {\"node\": \"22.12.0\"},\n\"devEngines\": {\"runtime\": {\"name\": \"node\", \"version\": \"22.11.0\"}},\n\"volta\": {\"node\": \"22.10.0\"}}";
    insta::assert_snapshot!(candidates_of(&of("{\"name\": \"api\",\n\"main\": \"server.js\"}", root), "node version"), @r"
    22.12.0 | engines.node of package.json | package.json:2 | is the first in the order of precedence
    22.11.0 | devEngines.runtime of package.json | package.json:3 | is preceded by package.json:2
    22.10.0 | volta.node of package.json | package.json:4 | is preceded by package.json:2
    18.20.0 | .nvmrc | .nvmrc:1 | is preceded by package.json:2
    ");
    let plan = of(
        "{\"main\": \"server.js\",\n\"engines\": {\"node\": \"20.x\"},\n\"volta\": {\"extends\": \"../../package.json\"}}",
        root,
    );
    insta::assert_snapshot!(candidates_of(&plan, "node version"), @r"
    20.x | engines.node of package.json | packages/api/package.json:2 | is the first in the order of precedence
    22.12.0 | engines.node of package.json | package.json:2 | is preceded by packages/api/package.json:2
    22.11.0 | devEngines.runtime of package.json | package.json:3 | is preceded by packages/api/package.json:2
    22.10.0 | volta.node of package.json | package.json:4 | is preceded by packages/api/package.json:2
    18.20.0 | .nvmrc | .nvmrc:1 | is preceded by packages/api/package.json:2
    ");
    // A folder above that is no workspace of the package says nothing.
    let other = root.replace("packages/*", "apps/*");
    assert!(
        candidates_of(&of("{\"main\": \"server.js\"}", &other), "node version")
            .starts_with("18.20.0 | .nvmrc")
    );
}

#[test]
fn links_out_of_the_source_are_refused_without_their_text() {
    let outside = tempfile::tempdir().unwrap();
    fs_err::write(outside.path().join("secret"), "hunter2\n").unwrap();
    for file in [
        ".nvmrc",
        ".node-version",
        ".tool-versions",
        "package.json",
        "Procfile",
        "yarn.lock",
        "pnpm-workspace.yaml",
        ".yarnrc.yml",
    ] {
        let source = tempfile::tempdir().unwrap();
        if file != "package.json" {
            let package = r#"{"main": "server.js", "dependencies": {"a": "1"}}"#;
            fs_err::write(source.path().join("package.json"), package).unwrap();
        }
        std::os::unix::fs::symlink(outside.path().join("secret"), source.path().join(file))
            .unwrap();
        let error = plan(
            &App::open(source.path()).unwrap(),
            &Catalogues::embedded().unwrap(),
            Machine::Amd64,
            &Day::new("2026-11-21"),
            &NodeSettings::default(),
        )
        .unwrap_err();
        let text = Diagnosis::of(&error).render(Style::Plain);
        assert!(
            text.starts_with(&format!(
                "error[link-out-of-source]: `{file}` is a link that leads out of the source"
            )),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_start_program_of_a_development_dependency_is_warned_of() {
    let code = "start-needs-development-dependency";
    let package = |start: &str, more: &str| {
        format!(
            "{{\"scripts\": {{\"start\": \"{start}\"}},\n\"devDependencies\": {{\"nodemon\": \"3\", \"cross-env\": \"7\", \"node\": \"22\"}}{more}}}"
        )
    };
    let text = package("nodemon server.js", "");
    let plan = plan_of(&[("package.json", &text)]);
    insta::assert_snapshot!(warning_of(&plan, code), @r"
    warning[start-needs-development-dependency]: package.json:1: the web process starts `nodemon`, which is a development dependency (package.json:2) and removed after the build
      hint: Move `nodemon` from `devDependencies` to `dependencies`, or start the app without it.
    ");
    for (start, more, procfile, expected) in [
        (
            "cross-env A=b node a.js",
            "",
            None,
            "package.json:1: the web process starts `cross-env`",
        ),
        (
            "A=b nodemon a.js",
            "",
            Some("web: npm start"),
            "package.json:1: the web process starts `nodemon`",
        ),
        (
            "node a.js",
            "",
            Some("web: nodemon a.js"),
            "Procfile:1: the web process starts `nodemon`",
        ),
        ("nodemon a.js", "", Some("web: node a.js"), ""),
        (
            "nodemon a.js",
            "",
            Some("web: node a.js\ndev: npm start"),
            "",
        ),
        (
            "nodemon a.js",
            ", \"dependencies\": {\"nodemon\": \"3\"}",
            None,
            "",
        ),
        ("node a.js && echo nodemon", "", None, ""),
    ] {
        let package = package(start, more);
        let mut files = vec![("package.json", package.as_str())];
        files.extend(procfile.map(|text| ("Procfile", text)));
        let warning = warning_of(&plan_of(&files), code);
        assert_eq!(
            warning.is_empty(),
            expected.is_empty(),
            "{start}: {warning}"
        );
        assert!(warning.contains(expected), "{start}: {warning}");
    }
    for files in [
        vec![("package.json", text.as_str())],
        vec![
            ("package.json", text.as_str()),
            ("node_modules/nodemon/package.json", "{}"),
        ],
    ] {
        let variables: &[_] = if files.len() == 1 {
            &[("NPM_CONFIG_PRODUCTION", "false")]
        } else {
            &[]
        };
        let plan = plan_with(&files, "", variables).unwrap();
        assert_eq!(warning_of(&plan, code), "");
    }
}
