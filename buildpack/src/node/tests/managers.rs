use super::*;
use crate::node::{Manager, ManagerSource};
use crate::version::Version;

/// The manager with its version, and where it comes from.
fn manager_of(files: &[(&str, &str)]) -> (Manager, String, String) {
    let planned = node_of(files).manager;
    let source = match &planned.source {
        ManagerSource::Bundled => "bundled".to_owned(),
        ManagerSource::Package(bundle) => format!(
            "{}{}{}",
            bundle.package,
            if bundle.integrity.is_some() {
                " known"
            } else {
                ""
            },
            if bundle.corepack_hash.is_some() {
                " hash"
            } else {
                ""
            }
        ),
        ManagerSource::Vendored(path) => path.clone(),
    };
    (planned.manager, planned.version.to_string(), source)
}

/// Other members of package.json, other files, and what comes of it; a version that ends in a dot is a beginning.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Manager, &'a str, &'a str);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn managers_are_those_of_the_table() {
    let yarn_file = ".yarn/releases/yarn-4.5.0.cjs";
    let yarn_path = "yarnPath: .yarn/releases/yarn-4.5.0.cjs\n";
    let cases: [Case; 31] = [
        ("", &[], Manager::Npm, "11.", "bundled"),
        (
            "",
            &[("package-lock.json", NPM_LOCK)],
            Manager::Npm,
            "11.",
            "bundled",
        ),
        (
            "",
            &[("npm-shrinkwrap.json", NPM_LOCK)],
            Manager::Npm,
            "11.",
            "bundled",
        ),
        (
            "",
            &[("yarn.lock", CLASSIC_LOCK)],
            Manager::YarnClassic,
            "1.22.22",
            "yarn known",
        ),
        (
            "",
            &[("yarn.lock", "")],
            Manager::YarnClassic,
            "1.22.22",
            "yarn known",
        ),
        (
            "",
            &[("yarn.lock", BERRY_LOCK)],
            Manager::YarnBerry,
            "4.",
            "@yarnpkg/cli-dist known",
        ),
        (
            "",
            &[("yarn.lock", "__metadata:\n  version: 6\n")],
            Manager::YarnBerry,
            "3.8.7",
            "@yarnpkg/cli-dist known",
        ),
        (
            "",
            &[("yarn.lock", "__metadata:\n  version: 5\n")],
            Manager::YarnBerry,
            "3.1.1",
            "@yarnpkg/cli-dist known",
        ),
        (
            "",
            &[("yarn.lock", "__metadata:\n  version: 4\n")],
            Manager::YarnBerry,
            "3.0.2",
            "@yarnpkg/cli-dist known",
        ),
        (
            "",
            &[(
                "yarn.lock",
                "__metadata:\n  version: 8\n\n\"a@npm:1\":\n  checksum: 5da4\n",
            )],
            Manager::YarnBerry,
            "4.0.2",
            "@yarnpkg/cli-dist known",
        ),
        (
            "",
            &[("pnpm-lock.yaml", PNPM_LOCK)],
            Manager::Pnpm,
            "10.",
            "pnpm known",
        ),
        (
            "",
            &[("pnpm-lock.yaml", "lockfileVersion: '6.0'\n")],
            Manager::Pnpm,
            "8.",
            "pnpm known",
        ),
        (
            "",
            &[("pnpm-lock.yaml", "lockfileVersion: 5.4\n")],
            Manager::Pnpm,
            "7.",
            "pnpm known",
        ),
        (
            "",
            &[("pnpm-lock.yaml", "lockfileVersion: 5.3\n")],
            Manager::Pnpm,
            "7.",
            "pnpm known",
        ),
        (
            r#""packageManager": "pnpm@9.1.0""#,
            &[("pnpm-lock.yaml", PNPM_LOCK)],
            Manager::Pnpm,
            "9.1.0",
            "pnpm known",
        ),
        (
            r#""packageManager": "pnpm@9.1.0+sha1.0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a""#,
            &[],
            Manager::Pnpm,
            "9.1.0",
            "pnpm known hash",
        ),
        (
            r#""packageManager": "pnpm@10.999.0""#,
            &[],
            Manager::Pnpm,
            "10.999.0",
            "pnpm",
        ),
        (
            r#""packageManager": "yarn@4.5.0""#,
            &[("yarn.lock", BERRY_LOCK)],
            Manager::YarnBerry,
            "4.5.0",
            "@yarnpkg/cli-dist known",
        ),
        (
            r#""packageManager": "yarn@1.22.19""#,
            &[("yarn.lock", CLASSIC_LOCK)],
            Manager::YarnClassic,
            "1.22.19",
            "yarn known",
        ),
        (
            r#""packageManager": "npm@10.8.2""#,
            &[("package-lock.json", NPM_LOCK)],
            Manager::Npm,
            "10.8.2",
            "npm known",
        ),
        // The file is run, whatever else is said.
        (
            r#""packageManager": "yarn@4.4.0""#,
            &[
                ("yarn.lock", BERRY_LOCK),
                (".yarnrc.yml", yarn_path),
                (yarn_file, ""),
            ],
            Manager::YarnBerry,
            "4.5.0",
            yarn_file,
        ),
        (
            "",
            &[(".yarnrc.yml", yarn_path), (yarn_file, "")],
            Manager::YarnBerry,
            "4.5.0",
            yarn_file,
        ),
        (
            "",
            &[
                ("yarn.lock", BERRY_LOCK),
                (".yarnrc.yml", "yarnPath: ./y.cjs\n"),
                ("y.cjs", ""),
            ],
            Manager::YarnBerry,
            "4.",
            "y.cjs",
        ),
        (
            r#""devEngines": {"packageManager": {"name": "pnpm", "version": "9.1.x"}}"#,
            &[("pnpm-lock.yaml", PNPM_LOCK)],
            Manager::Pnpm,
            "9.1.4",
            "pnpm known",
        ),
        (
            r#""devEngines": {"packageManager": [{"name": "bun"}, {"name": "npm"}, {"name": "pnpm"}]}"#,
            &[("pnpm-lock.yaml", PNPM_LOCK)],
            Manager::Pnpm,
            "10.",
            "pnpm known",
        ),
        // Versions of several managers: the lockfile says which one it is.
        (
            r#""engines": {"npm": "please-use-yarn", "yarn": ">=1.22"}"#,
            &[("yarn.lock", CLASSIC_LOCK)],
            Manager::YarnClassic,
            "1.22.22",
            "yarn known",
        ),
        (
            r#""engines": {"npm": ">=8"}"#,
            &[("yarn.lock", CLASSIC_LOCK)],
            Manager::YarnClassic,
            "1.22.22",
            "yarn known",
        ),
        (
            r#""engines": {"npm": ">=8"}, "volta": {"yarn": "1.22.19"}"#,
            &[("yarn.lock", CLASSIC_LOCK)],
            Manager::YarnClassic,
            "1.22.19",
            "yarn known",
        ),
        // Without a lockfile they choose.
        (
            r#""engines": {"npm": "please-use-pnpm", "pnpm": "9.x"}"#,
            &[],
            Manager::Pnpm,
            "9.",
            "pnpm known",
        ),
        (
            r#""engines": {"npm": ">=8"}"#,
            &[],
            Manager::Npm,
            "11.",
            "bundled",
        ),
        (
            r#""engines": {"npm": "10.x"}"#,
            &[],
            Manager::Npm,
            "10.",
            "npm known",
        ),
    ];
    for (members, files, manager, version, source) in cases {
        let package = package(members);
        let mut all = vec![("package.json", package.as_str())];
        all.extend(files);
        let found = manager_of(&all);
        assert_eq!(found.0, manager, "{members} {files:?}");
        assert!(
            found.1 == version || (version.ends_with('.') && found.1.starts_with(version)),
            "{members} {files:?}: {} instead of {version}",
            found.1
        );
        assert_eq!(found.2, source, "{members} {files:?}");
    }
}

#[test]
fn a_range_keeps_to_the_lockfile_and_to_node() {
    let version = |members: &str, lock: &str| {
        let package = package(members);
        node_of(&[("package.json", &package), ("pnpm-lock.yaml", lock)])
            .manager
            .version
    };
    let of_lock = version(r#""engines": {"pnpm": ">=7"}"#, "lockfileVersion: '6.0'\n");
    assert_eq!(of_lock.major, 8);
    // pnpm 11 needs Node.js 22.13.
    let of_node = version(
        r#""engines": {"pnpm": "9 - 11", "node": "20.x"}"#,
        "lockfileVersion: '9.0'\n",
    );
    assert_eq!(of_node.major, 10);
    let without_node = version(
        r#""engines": {"pnpm": "9 - 11"}"#,
        "lockfileVersion: '9.0'\n",
    );
    assert_eq!(without_node.major, 11);
}

#[test]
fn the_npm_of_a_node_is_the_bundled_one() {
    for (node, npm) in [
        ("16.20.2", Version::new(8, 19, 4)),
        ("18.20.8", Version::new(10, 8, 2)),
        ("20.11.1", Version::new(10, 2, 4)),
        ("22.12.0", Version::new(10, 9, 0)),
        ("24.19.0", Version::new(11, 17, 0)),
    ] {
        let package = package(&format!(r#""engines": {{"node": "{node}"}}"#));
        assert_eq!(
            node_of(&[("package.json", &package)]).manager.version,
            npm,
            "{node}"
        );
    }
}

#[test]
fn every_candidate_is_recorded() {
    let package = package(
        "\"packageManager\": \"pnpm@9.1.0\",\n\"engines\": {\n\"npm\": \">=8\",\n\"pnpm\": \">=9\"}",
    );
    let plan = plan_of(&[("package.json", &package), ("pnpm-lock.yaml", PNPM_LOCK)]);
    insta::assert_snapshot!(decision_of(&plan, "package manager"), @r"
    * pnpm@9.1.0 (package.json:3) is the first in the order of precedence
      pnpm-lock.yaml (pnpm-lock.yaml:1) agrees
      pnpm >=9 (package.json:6) agrees
      npm >=8 (package.json:5) is preceded by package.json:3
      npm (the one that comes with Node.js) is preceded by package.json:3
    ");
    insta::assert_snapshot!(decision_of(&plan, "pnpm version"), @r"
    * pnpm@9.1.0 (package.json:3) gives 9.1.0
      >=9 (package.json:6) is preceded by package.json:3
      10 (pnpm-lock.yaml:1) is preceded by package.json:3
    ");
}

#[test]
fn managers_that_cannot_be_had_have_an_error_each() {
    let with = |members: &str, files: &[(&str, &str)]| {
        let package = package(members);
        let mut all = vec![("package.json", package.as_str())];
        all.extend(files);
        error_of(&all)
    };
    insta::assert_snapshot!(with("", &[("package-lock.json", NPM_LOCK), ("yarn.lock", CLASSIC_LOCK)]), @r"
    error[two-lockfiles]: both `package-lock.json` and `yarn.lock` are there

      Each lists versions of packages, and only one list can be installed.

      hint: Keep the one that is up to date, and remove the other: `git rm package-lock.json` or `git rm yarn.lock`.
    ");
    insta::assert_snapshot!(with("", &[("package-lock.json", NPM_LOCK), ("npm-shrinkwrap.json", NPM_LOCK)]), @r"
    error[two-lockfiles]: both `npm-shrinkwrap.json` and `package-lock.json` are there

      Each lists versions of packages, and only one list can be installed.

      hint: Keep the one that is up to date, and remove the other: `git rm npm-shrinkwrap.json` or `git rm package-lock.json`.
    ");
    insta::assert_snapshot!(with("", &[("bun.lock", "{}")]), @r"
    error[unknown-package-manager]: `bun.lock` is a lockfile of Bun, which slugbuilder does not have

      hint: Run `npm install`, which writes a `package-lock.json`, and remove `bun.lock`.
    ");
    insta::assert_snapshot!(with(r#""packageManager": "yarn@4.5.0""#, &[("package-lock.json", NPM_LOCK)]), @r"
    error[lockfile-of-another-manager]: package.json:3 asks for yarn, but package-lock.json is a lockfile of npm

      hint: Ask for npm, which wrote it; or replace it by what yarn writes: `yarn install`.
    ");
    insta::assert_snapshot!(with(r#""packageManager": "yarn@4.5.0""#, &[("yarn.lock", CLASSIC_LOCK)]), @r"
    error[lockfile-of-another-manager]: package.json:3 asks for Yarn 4.5.0, but yarn.lock:2 is a lockfile of Yarn classic

      hint: Ask for Yarn classic, which wrote it; or replace it by what Yarn 4.5.0 writes: `yarn install`.
    ");
    insta::assert_snapshot!(with(r#""packageManager": "bun@1.2.0""#, &[]), @r"
    error[unknown-package-manager]: package.json:3: slugbuilder has no package manager `bun`

      hint: Write `npm`, `yarn` or `pnpm`.
    ");
    insta::assert_snapshot!(with(r#""packageManager": "pnpm@^9""#, &[]), @r#"
    error[invalid-package-manager]: package.json:3: `packageManager` is `pnpm@^9`: `^9` is no exact version of a stable release

      hint: Write a name and an exact version: `"packageManager": "pnpm@10.0.0"`, perhaps with a hash, as `corepack use` does.
    "#);
    insta::assert_snapshot!(with(r#""packageManager": "pnpm@9.1.0+sha512.00""#, &[]), @r#"
    error[invalid-package-manager]: package.json:3: `packageManager` is `pnpm@9.1.0+sha512.00`: the hash has not the hexadecimal digits of sha512

      hint: Write a name and an exact version: `"packageManager": "pnpm@10.0.0"`, perhaps with a hash, as `corepack use` does.
    "#);
    insta::assert_snapshot!(with(r#""engines": {"npm": "please-use-yarn"}"#, &[]), @r"
    error[invalid-version]: package.json:3: `please-use-yarn` is not a version or range of npm

      hint: Write a version or range such as `10.x`, `^9.1.0` or `9.1.0`.
    ");
    insta::assert_snapshot!(with(r#""engines": {"pnpm": "99.x"}"#, &[("pnpm-lock.yaml", PNPM_LOCK)]), @r"
    error[unknown-version]: package.json:3: no version of pnpm matches `99.x`

      This version of slugbuilder knows the releases up to 2026-11-21.

      hint: The nearest existing versions are `12.21.0`.
    ");
    insta::assert_snapshot!(with("\"engines\": {\"node\": \"16.x\"},\n\"packageManager\": \"pnpm@10.0.0\"", &[]), @r"
    error[manager-needs-another-node]: package.json:4 asks for pnpm 10.0.0, which does not run on Node.js 16.20.2 (package.json:3)

      pnpm 10.0.0 needs Node.js >=18.12.

      hint: Ask for another Node.js with `engines.node` in package.json.
      hint: Or ask for pnpm 8.15.9, which runs on it.
    ");
    insta::assert_snapshot!(with("\"packageManager\": \"pnpm@8.3.0\"", &[]), @r"
    error[manager-needs-another-node]: package.json:3 asks for pnpm 8.3.0, which does not run on Node.js 24.21.0 (default of 2026-11-21)

      pnpm 8.3.0 needs Node.js >=16.14 and <20.

      hint: Ask for another Node.js with `engines.node` in package.json.
      hint: Or ask for pnpm 8.15.9, which runs on it.
    ");
    insta::assert_snapshot!(with("", &[("pnpm-lock.yaml", "lockfileVersion: '17.0'\n")]), @r#"
    error[invalid-lockfile]: pnpm-lock.yaml:1: no known pnpm writes lockfiles of version 17.0

      hint: Name the pnpm that wrote it: `"packageManager": "pnpm@10.0.0"` in package.json.
    "#);
    insta::assert_snapshot!(with("", &[("yarn.lock", "<<<<<<< HEAD\n")]), @r"
    error[invalid-lockfile]: yarn.lock:1: the lockfile does not say which format it has

      hint: Let the package manager write the lockfile anew.
    ");
    insta::assert_snapshot!(with("", &[(".yarnrc.yml", "yarnPath: .yarn/releases/yarn-4.5.0.cjs\n")]), @r"
    error[invalid-yarn-path]: .yarnrc.yml:1: `yarnPath` is `.yarn/releases/yarn-4.5.0.cjs`, and there is no such file

      hint: Commit the file that `yarn set version` writes, or remove the line.
    ");
    insta::assert_snapshot!(with("", &[(".yarnrc.yml", "yarnPath: ../yarn.cjs\n")]), @r"
    error[invalid-yarn-path]: .yarnrc.yml:1: `yarnPath` is `../yarn.cjs`, which is not inside the app

      hint: Commit the file that `yarn set version` writes, or remove the line.
    ");
    insta::assert_snapshot!(with("", &[(".yarnrc.yml", "nodeLinker: hoisted\n"), ("yarn.lock", BERRY_LOCK)]), @r"
    error[unknown-node-linker]: .yarnrc.yml:1: `nodeLinker` is `hoisted`

      hint: Write `pnp`, `node-modules` or `pnpm`.
    ");
    insta::assert_snapshot!(with("", &[(".yarnrc.yml", "a: [\n"), ("yarn.lock", BERRY_LOCK)]), @r"
    error[invalid-yaml]: `.yarnrc.yml` line 2: not YAML: while parsing a node, did not find expected node content

      hint: Correct `.yarnrc.yml`.
    ");
}

#[test]
fn lockfiles_of_any_size_are_read() {
    let lock = format!("{BERRY_LOCK}{}", "# x\n".repeat(2 << 20));
    assert!(lock.len() > 8 << 20);
    let package = package("");
    let found = manager_of(&[("package.json", &package), ("yarn.lock", &lock)]);
    assert_eq!(found.0, Manager::YarnBerry);
}

#[test]
fn a_missing_lockfile_is_warned_of() {
    insta::assert_snapshot!(warnings_of(&plan_of(&[("package.json", &package("")), ("web.js", "")])), @r"
    warning[no-lockfile]: there is no lockfile beside `package.json`, so that every build may get other versions of its packages
      hint: Run `npm install` and commit `package-lock.json`.
    ");
    let pnpm = package(r#""packageManager": "pnpm@9.1.0""#);
    insta::assert_snapshot!(warnings_of(&plan_of(&[("package.json", &pnpm), ("web.js", "")])), @r"
    warning[no-lockfile]: there is no lockfile beside `package.json`, so that every build may get other versions of its packages
      hint: Run `pnpm install` and commit `pnpm-lock.yaml`.
    ");
}
