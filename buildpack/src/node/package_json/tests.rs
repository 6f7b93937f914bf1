use super::*;
use slugbuilder_report::{Diagnosis, Style};

fn parse(text: &str) -> PackageJson {
    PackageJson::parse("package.json", text).unwrap()
}

fn failure(text: &str) -> String {
    let error = PackageJson::parse("packages/api/package.json", text).unwrap_err();
    Diagnosis::of(&error).render(Style::Plain)
}

fn at(value: &str, line: usize) -> Located<String> {
    Located {
        value: value.to_owned(),
        line,
    }
}

fn flat(texts: &Texts) -> Vec<(&str, &str, usize)> {
    texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.value.as_str(), text.line))
        .collect()
}

#[test]
fn every_field_has_its_line() {
    let package = parse(
        r#"{
  "name": "@shop/api",
  "version": "1.2.3", "private": true,
  "main":
    "lib/index.js",
  "type": "module",
  "bin": "cli.js",
  "engines": { "npm": "11",
    "node": "22.x" },
  "devEngines": {
    "runtime": { "name": "node", "version": "^24", "onFail": "download" },
    "packageManager": [
      { "name": "pnpm", "version": "10.x" },
      { "name": "npm", "onFail": "ignore" }
    ]
  },
  "volta": { "node": "22.1.0", "extends": "../../package.json" },
  "packageManager": "pnpm@10.1.0",
  "scripts": {
    "start": "node server.js",
    "//": ["a comment"],
    "build": "tsc"
  },
  "dependencies": {
    "express": "^5.0.0"
  },
  "devDependencies": { "typescript": "*" },
  "workspaces": { "packages": ["a", "b/*"] },
  "cacheDirectories": [".next/cache"],
  "pnpm": { "overrides": { "a": "1" } },
  "os": "linux",
  "cpu": ["x64", "arm64"],
  "x": [1, {"engines": 5}]
}"#,
    );
    assert_eq!(package.name, Some(at("@shop/api", 2)));
    assert_eq!(package.version, Some(at("1.2.3", 3)));
    assert!(package.private);
    assert_eq!(package.main, Some(at("lib/index.js", 5)));
    assert_eq!(package.module_type, Some(at("module", 6)));
    assert_eq!(flat(&package.bin), [("api", "cli.js", 7)]);
    assert_eq!(package.engines.npm, Some(at("11", 8)));
    assert_eq!(package.engines.node, Some(at("22.x", 9)));
    assert_eq!(
        package.dev_engines.runtime,
        [DevEngine {
            name: at("node", 11),
            version: Some(at("^24", 11)),
            on_fail: Some(OnFail::Download)
        }]
    );
    let managers: Vec<_> = package
        .dev_engines
        .package_manager
        .iter()
        .map(|one| (one.name.clone(), one.version.is_some(), one.on_fail))
        .collect();
    assert_eq!(
        managers,
        [
            (at("pnpm", 13), true, None),
            (at("npm", 14), false, Some(OnFail::Ignore))
        ]
    );
    assert_eq!(package.volta.node, Some(at("22.1.0", 17)));
    assert_eq!(package.volta.extends, Some(at("../../package.json", 17)));
    assert_eq!(package.package_manager, Some(at("pnpm@10.1.0", 18)));
    assert_eq!(
        flat(&package.scripts),
        [("build", "tsc", 22), ("start", "node server.js", 20)]
    );
    assert_eq!(flat(&package.dependencies), [("express", "^5.0.0", 25)]);
    assert_eq!(flat(&package.dev_dependencies), [("typescript", "*", 27)]);
    assert_eq!(package.workspaces, Some(vec![at("a", 28), at("b/*", 28)]));
    assert_eq!(package.cache_directories, [at(".next/cache", 29)]);
    assert_eq!(package.pnpm.unwrap().value["overrides"]["a"], "1");
    assert_eq!(package.os, [at("linux", 31)]);
    assert_eq!(package.cpu, [at("x64", 32), at("arm64", 32)]);
    assert_eq!(package.duplicates, []);
}

#[test]
fn it_is_read_from_a_folder_of_the_app() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(folder.path().join("packages/api")).unwrap();
    fs_err::write(
        folder.path().join("packages/api/package.json"),
        "\u{feff}{\"name\": \"api\"}",
    )
    .unwrap();
    let app = App::open(folder.path()).unwrap();
    assert_eq!(PackageJson::read(&app, "").unwrap(), None);
    let package = PackageJson::read(&app, "packages/api").unwrap().unwrap();
    assert_eq!(package.path, "packages/api/package.json");
    assert_eq!(package.name, Some(at("api", 1)));
}

#[test]
fn what_nobody_reads_may_be_anything_and_null_is_nothing() {
    let package = parse(
        r#"{"main": ["a"], "type": 5, "private": "true", "bin": 1, "files": 3, "engines": {"vscode": 1, "node": null},
            "scripts": {"lint": 5, "start": null}, "volta": null, "workspaces": null, "author": {"engines": []}}"#,
    );
    assert!(package.private);
    assert!(!package.says_something(), "{package:?}");
    assert!(parse("{\"workspaces\": []}").says_something());
    assert!(!parse("  \n").says_something());
    for text in ["false", "null", "\"\"", "0"] {
        assert!(
            !parse(&format!("{{\"private\": {text}}}")).private,
            "{text}"
        );
    }
}

#[test]
fn of_a_name_that_is_there_twice_the_last_one_counts() {
    let package = parse(
        "{\"engines\": {\"node\": \"18\"},\n\"engines\": {\"node\": \"20\",\n\"node\": \"22\"},\n\"scripts\": {\"start\": \"a\", \"start\": null}}",
    );
    assert_eq!(package.engines.node, Some(at("22", 3)));
    assert_eq!(package.script("start"), None);
    let names: Vec<_> = package.duplicates;
    assert_eq!(
        names,
        [
            at("engines", 2),
            at("engines.node", 3),
            at("scripts.start", 4)
        ]
    );
}

#[test]
fn hostile_texts_end_in_time() {
    let deep = 1 << 20;
    let text = format!("{{\"x\": {}{}}}", "[".repeat(deep), "]".repeat(deep));
    assert_eq!(parse(&text).name, None);
    // Unclosed: an error instead of a full stack.
    assert!(PackageJson::parse("package.json", &"{\"x\":".repeat(deep)).is_err());
    let pnpm = format!(
        "{{\"pnpm\": {{\"x\": {}{}}}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    assert!(PackageJson::parse("package.json", &pnpm).is_err());
    let many: Vec<String> = (0..100_000)
        .map(|n| format!("\"d{}\":\n\"1\"", n / 2))
        .collect();
    let package = parse(&format!("{{\"dependencies\": {{{}}}}}", many.join(",")));
    assert_eq!(package.dependencies.len(), 50_000);
    assert_eq!(package.duplicates.len(), 50_000);
    assert_eq!(package.dependencies["d49999"].line, 100_001);
}

#[test]
fn errors_name_file_line_and_field() {
    insta::assert_snapshot!(failure("{\n  \"name\": \"x\"\n  \"version\": 1\n}"), @r"
    error[invalid-package-json]: `packages/api/package.json` line 3: not JSON
      caused by: expected `,` or `}` at line 3 column 3

      hint: `npm pkg get name` in that folder shows whether npm can read it.
    ");
    insta::assert_snapshot!(failure("\n[]"), @r"
    error[invalid-package-json]: `packages/api/package.json` line 2: an array is no package

      hint: Write `{}` at least.
    ");
    insta::assert_snapshot!(failure("{\n\"engines\": {\n\"node\": 22}}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 3: `engines.node` is a number

      hint: Write a string such as "24.x".
    "#);
    insta::assert_snapshot!(failure("{\"engines\": [\"node >= 0.8\"]}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 1: `engines` is an array

      hint: Write an object such as {"node": "24.x"}.
    "#);
    insta::assert_snapshot!(failure("{\"scripts\": {\n\"start\": [\"node\"]}}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 2: `scripts.start` is an array

      hint: Write a string such as "node server.js".
    "#);
    insta::assert_snapshot!(failure("{\"dependencies\": {\"a\": {}}}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 1: `dependencies.a` is an object

      hint: Write a string such as "^5.0.0".
    "#);
    insta::assert_snapshot!(failure("{\"devEngines\": {\"runtime\": [{\"version\": \"24\"}]}}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 1: `devEngines.runtime[0]` has no `name`

      hint: Write a name such as "node" into it.
    "#);
    insta::assert_snapshot!(failure("{\"devEngines\": {\"runtime\": {\"name\": \"node\",\n\"onFail\": \"shrug\"}}}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 2: `devEngines.runtime.onFail` is `shrug`

      hint: Write one of "ignore", "warn", "error" and "download".
    "#);
    insta::assert_snapshot!(failure("{\"workspaces\": [\"a\",\n5]}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 2: `workspaces[1]` is a number

      hint: Write a list such as ["packages/*"].
    "#);
    insta::assert_snapshot!(failure("{\"workspaces\": \"a\"}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 1: `workspaces` is a string

      hint: Write a list such as ["packages/*"].
    "#);
    insta::assert_snapshot!(failure("{\"packageManager\": \"\\ud800\"}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 1: `packageManager` has half a surrogate pair

      hint: Write a string such as "pnpm@10.0.0".
    "#);
    insta::assert_snapshot!(failure("{\"pnpm\": true}"), @r#"
    error[invalid-package-json]: `packages/api/package.json` line 1: `pnpm` is a boolean

      hint: Write an object such as {"overrides": {}}.
    "#);
    insta::assert_snapshot!(failure("{\"name\": \"x\"} // no"), @r"
    error[invalid-package-json]: `packages/api/package.json` line 1: not JSON
      caused by: trailing characters at line 1 column 15

      hint: `npm pkg get name` in that folder shows whether npm can read it.
    ");
}
