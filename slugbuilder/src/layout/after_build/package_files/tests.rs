use super::*;
use std::fmt::Write as _;

/// The codes of the classes that the entries of a folder belong to.
fn left_out(folder: &str, names: &[&str]) -> Vec<(String, &'static str)> {
    let mut sorted: Vec<&OsStr> = names
        .iter()
        .map(|name| OsStr::new(name.trim_end_matches('/')))
        .collect();
    sorted.sort_unstable();
    let siblings = Siblings::of_sorted(&sorted);
    let class = |name: &&str| {
        let path = Path::new(folder).join(name.trim_end_matches('/'));
        let class = class_of(&path, name.ends_with('/'), siblings)?;
        Some(((*name).to_owned(), CLASSES[class].code))
    };
    names.iter().filter_map(class).collect()
}

fn names_left_out(folder: &str, names: &[&str]) -> Vec<String> {
    let found = left_out(folder, names);
    found.into_iter().map(|(name, _)| name).collect()
}

const SETTINGS: &[&str] = &[".npmignore", "package.json", "LICENSE"];

#[test]
fn packages_are_what_follows_the_last_node_modules() {
    for folder in [
        "node_modules/a",
        "node_modules/@s/a",
        "node_modules/a/node_modules/b",
        "node_modules/.pnpm/a@1.0.0/node_modules/a",
        "node_modules/.pnpm/@s+a@1.0.0_x@2/node_modules/@s/a",
        "packages/api/node_modules/a",
        "node_modules/.prisma/x/node_modules/a",
    ] {
        assert_eq!(names_left_out(folder, SETTINGS), [".npmignore"], "{folder}");
    }
    for folder in [
        "",
        "packages/api",
        "node_modules",
        "node_modules/@s",
        "node_modules/.bin",
        "node_modules/.cache/a",
        "node_modules/.pnpm/a@1.0.0",
        "node_modules/a/template",
        "my_node_modules/a",
        "node_modules_old/a",
        "a/node_modulesx/b",
    ] {
        assert_eq!(names_left_out(folder, SETTINGS), [""; 0], "{folder}");
    }
}

#[test]
fn what_node_gyp_needed_to_build_is_left_out_and_what_it_built_stays() {
    let build = [
        "Makefile",
        "Release/",
        "addon.target.mk",
        "binding.Makefile",
        "config.gypi",
        "gyp-mac-tool",
        "index.js",
    ];
    assert_eq!(
        names_left_out("node_modules/a/build", &build),
        [
            "Makefile",
            "addon.target.mk",
            "binding.Makefile",
            "config.gypi",
            "gyp-mac-tool"
        ]
    );
    let release = [
        ".deps/",
        "addon.node",
        "addon.o",
        "lib.a",
        "lib.so",
        "obj.target/",
        "x.oo",
    ];
    assert_eq!(
        names_left_out("node_modules/@s/a/build/Release", &release),
        [".deps/", "addon.o", "lib.a", "obj.target/"]
    );
    assert_eq!(
        names_left_out("node_modules/a/build/Release/deep/er", &["x.o", "x.node"]),
        ["x.o"]
    );
    // Without node-gyp's own settings it is the package's business what its makefile is for.
    assert_eq!(
        names_left_out("node_modules/a/build", &["Makefile", "x.target.mk"]),
        [""; 0]
    );
    for folder in [
        "node_modules/a",
        "node_modules/a/lib/build/Release",
        "build/Release",
    ] {
        assert_eq!(
            names_left_out(folder, &["x.o", "x.a", "obj.target/", ".deps/"]),
            [""; 0],
            "{folder}"
        );
    }
}

#[test]
fn prebuilds_of_other_platforms_are_left_out_where_the_slugs_own_is_there() {
    let all = [
        "android-arm",
        "darwin-arm64",
        "darwin-x64+arm64",
        "linux-arm",
        "linux-x64",
        "linux-x64-musl",
        "linuxmusl-x64",
        "plan9-x64",
        "readme-first",
        "win32-ia32",
    ]
    .map(|name| format!("{name}/"));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let others = [
        "android-arm/",
        "darwin-arm64/",
        "darwin-x64+arm64/",
        "linux-arm/",
        "win32-ia32/",
    ];
    assert_eq!(names_left_out("node_modules/a/prebuilds", &all), others);
    let universal: Vec<&str> = all
        .iter()
        .map(|name| {
            if *name == "linux-x64/" {
                "linux-arm64+x64/"
            } else {
                name
            }
        })
        .collect();
    assert_eq!(
        names_left_out("node_modules/a/prebuilds", &universal),
        others
    );
    let without: Vec<&str> = all
        .iter()
        .filter(|name| **name != "linux-x64/")
        .copied()
        .collect();
    assert_eq!(
        names_left_out("node_modules/a/prebuilds", &without),
        [""; 0]
    );
    let own = "node_modules/a/prebuilds/linux-x64";
    assert_eq!(
        names_left_out(
            own,
            &["a.glibc.node", "a.musl.node", "b.musl.node", "c.node"]
        ),
        ["a.musl.node"]
    );
}

#[test]
fn settings_go_from_the_root_of_a_package_only_and_what_can_be_required_stays() {
    let names = [
        ".circleci/",
        ".editorconfig",
        ".eslintrc",
        ".eslintrc.cjs",
        ".eslintrc.js",
        ".eslintrc.json",
        ".eslintrc.yml",
        ".github/",
        ".npmrc",
        ".nycrc",
        ".nycrc.json",
        ".prettierrc",
        ".prettierrc.json",
        ".travis.yml",
        "tsconfig.json",
        "tsconfig.tsbuildinfo",
    ];
    let gone = [
        ".circleci/",
        ".editorconfig",
        ".eslintrc",
        ".eslintrc.yml",
        ".github/",
        ".nycrc",
        ".prettierrc",
        ".travis.yml",
        "tsconfig.tsbuildinfo",
    ];
    assert_eq!(names_left_out("node_modules/a", &names), gone);
    assert_eq!(names_left_out("node_modules/a/lib", &names), [""; 0]);
    let of_configuration = names_left_out("node_modules/@acme/eslint-config", &names);
    assert!(!of_configuration.iter().any(|name| name.contains("eslint")));
    assert!(of_configuration.contains(&".prettierrc".to_owned()));
}

#[test]
fn what_programs_load_and_licences_stay() {
    let names = [
        "COPYING",
        "LICENCE",
        "LICENSE",
        "LICENSE.txt",
        "NOTICE",
        "README.md",
        "index.d.ts",
        "index.js",
        "index.js.map",
        "index.ts",
        "src/",
        "test/",
        "docs/",
        "binding.gyp",
        "x.node",
        "x.so",
        "x.wasm",
    ];
    for folder in [
        "",
        "/build",
        "/build/Release",
        "/prebuilds",
        "/prebuilds/linux-x64",
    ] {
        let folder = format!("node_modules/a{folder}");
        assert_eq!(names_left_out(&folder, &names), [""; 0], "{folder}");
    }
}

#[test]
fn every_pattern_begins_with_a_name() {
    for first in PATTERNS.keys() {
        assert!(!first.is_empty() && !first.contains(&b'*') && !first.contains(&b'<'));
    }
}

/// The table of docs/slug.md.
fn table() -> String {
    let mut table = String::from(
        "| `what` in slug.json | files of a package | why no program misses them |\n|---|---|---|\n",
    );
    for class in &CLASSES {
        let alike = class.files.chunk_by(|one, other| one.when == other.when);
        let files = alike.map(|files| {
            let patterns: Vec<String> = files
                .iter()
                .map(|file| format!("`{}`", file.pattern))
                .collect();
            let when = match files[0].when {
                When::Always => String::new(),
                When::Beside(name) => format!(" beside a `{name}`"),
                When::BesideTarget => " beside that of linux-x64".into(),
                When::BesideGlibc => " beside the same for glibc".into(),
                When::NotNamed(tool) => {
                    format!(" except in packages with `{tool}` in their name")
                }
            };
            patterns.join(", ") + &when
        });
        let files: Vec<String> = files.collect();
        let PackageFiles {
            code, what, why, ..
        } = class;
        let files = files.join("; ");
        writeln!(table, "| `{code}`: {what} | {files} | {why} |").unwrap();
    }
    table
}

#[test]
fn the_documentation_has_the_table() {
    let documentation = include_str!("../../../../../docs/slug.md");
    let table = table();
    assert!(
        documentation.contains(&table),
        "docs/slug.md lacks this table:\n{table}"
    );
}
