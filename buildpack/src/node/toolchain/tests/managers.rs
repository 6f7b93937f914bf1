//! The layers of Node.js and of each manager.

use super::*;

#[test]
fn the_npm_of_nodes_archive_gets_a_layer_of_its_own() {
    let fixture = Fixture::new();
    let toolchain = fixture.prepare(&bundled());
    insta::assert_snapshot!(fixture.said(), @r"
    Layer node: new
    Layer node-headers: new
    Layer npm: new
    npm 11.6.2 from the mirror
    ");
    // The version that is there, not the one that was expected.
    assert_eq!(toolchain.manager.version, Version::new(11, 6, 2));
    assert_eq!(toolchain.manager.origin.source, "the mirror");
    insta::assert_snapshot!(fixture.called(&toolchain), @r"
    [ROOT]/layers/npm/lib/node_modules/npm/bin/npm-cli.js
    install
    HOME=[ROOT]/home
    NODE_ENV=production
    PATH=[ROOT]/layers/npm/bin:[ROOT]/layers/node/bin:/usr/bin:/bin
    npm_config_nodedir=[ROOT]/layers/node-headers
    npm_package_config_node_gyp_nodedir=[ROOT]/layers/node-headers
    ");
    assert!(
        fixture
            .path("layers/node-headers/include/node/node.h")
            .is_file()
    );
    assert!(!fixture.path("layers/node/include").exists());
    assert!(
        !fixture
            .path("layers/npm/lib/node_modules/npm/docs")
            .exists()
    );
    let npx = fixture.path("layers/npm/bin/npx");
    assert_eq!(
        fs_err::read_link(npx).unwrap(),
        Path::new("../lib/node_modules/npm/bin/npx-cli.js")
    );
    assert_eq!(fixture.launched(), ["node"]);
}

#[test]
fn a_second_build_keeps_every_layer() {
    let fixture = Fixture::new();
    let app = package("pnpm", None);
    fixture.prepare(&app);
    fixture.said();
    for name in ["node", "npm"] {
        fs_err::remove_dir_all(fixture.path(name)).unwrap();
    }
    fixture.prepare(&app);
    insta::assert_snapshot!(fixture.said(), @r"
    Layer node: kept from the last build
    Layer node-headers: kept from the last build
    Layer npm: kept from the last build
    Layer pnpm: kept from the last build
    pnpm 9.1.0 from the mirror
    ");
}

#[test]
fn every_package_manager_is_found_in_its_package() {
    for (name, script) in [
        ("pnpm", "layers/pnpm/lib/node_modules/pnpm/bin/pnpm.cjs"),
        ("yarn", "layers/yarn/lib/node_modules/yarn/bin/yarn.js"),
        (
            "@yarnpkg/cli-dist",
            "layers/yarn/lib/node_modules/@yarnpkg/cli-dist/bin/yarn.js",
        ),
    ] {
        let fixture = Fixture::new();
        let mut app = package(name, None);
        app.launches_manager = true;
        let toolchain = fixture.prepare(&app);
        assert_eq!(toolchain.manager.script, fixture.path(script));
        let program = app.manager.manager.program();
        let link = toolchain.manager.bin.join(program);
        assert_eq!(
            fs_err::canonicalize(&link).unwrap(),
            fs_err::canonicalize(fixture.path(script)).unwrap()
        );
        assert!(fs_err::read_link(&link).unwrap().is_relative());
        assert_eq!(link.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fixture.launched(), ["node", program]);
    }
}

#[test]
fn a_second_app_takes_the_package_from_the_cache() {
    let fixture = Fixture::new();
    fixture.prepare(&package("pnpm", None));
    fs_err::remove_dir_all(fixture.path("layers")).unwrap();
    fs_err::create_dir(fixture.path("layers")).unwrap();
    for name in ["node", "npm"] {
        fs_err::remove_dir_all(fixture.path(name)).unwrap();
    }
    fixture.prepare(&package("pnpm", None));
}

#[test]
fn the_hash_of_package_manager_is_checked() {
    let archive = |fixture: &Fixture, name: &str| {
        fs_err::read(fixture.path(&format!("npm/{name}.tgz"))).unwrap()
    };
    let of = |algorithm, bytes: &[u8]| Checksum::of(algorithm, bytes).unwrap();
    // Of the archive, in any algorithm.
    for algorithm in Algorithm::ALL {
        let fixture = Fixture::new();
        let hash = of(algorithm, &archive(&fixture, "pnpm-9.1.0"));
        let toolchain = fixture.prepare(&package("pnpm", Some(hash)));
        assert_eq!(toolchain.manager.origin.verified_by, "packageManager");
    }
    // Of the program in it, for Yarn 2 and later.
    let fixture = Fixture::new();
    let hash = of(Algorithm::Sha224, b"berry");
    fixture.prepare(&package("@yarnpkg/cli-dist", Some(hash)));

    // A wrong one, also where the package was taken without one before.
    for name in ["pnpm", "@yarnpkg/cli-dist"] {
        let fixture = Fixture::new();
        fixture.prepare(&package(name, None));
        let wrong = of(Algorithm::Sha1, b"something else");
        let text = fixture.error(&package(name, Some(wrong)));
        if name == "pnpm" {
            insta::assert_snapshot!(text, @r"
            error[package-manager-hash-mismatch]: package.json:7: the hash of `packageManager` is not that of pnpm 9.1.0

              expected sha1:637828c03aae38af639cc721200f2584864e8797
                 found sha1:b3ca659b5875a985c7108933df881a0b7ae049a7

              hint: If the version is the one that is meant, let `corepack use` write its hash anew.
              hint: If the hash was right before, somebody has changed the package: do not use it.
            ");
        }
        assert!(text.contains("package-manager-hash-mismatch"), "{text}");
        // It is not there either when the build is tried once more.
        let text = fixture.error(&package(name, Some(wrong)));
        assert!(text.contains("package-manager-hash-mismatch"), "{text}");
    }
}

#[test]
fn the_catalogues_integrity_comes_first() {
    let fixture = Fixture::new();
    let mut app = package("pnpm", None);
    fixture.prepare(&app);
    let ManagerSource::Package(bundle) = &mut app.manager.source else {
        panic!("a package")
    };
    bundle.integrity = Some(format!("sha512-{}==", "A".repeat(86)));
    let text = fixture.error(&app);
    assert!(
        text.contains("error[fetch-checksum]: pnpm 9.1.0 from the mirror"),
        "{text}"
    );
}

#[test]
fn a_mirror_without_the_package_or_its_checksum_is_named() {
    let fixture = Fixture::new();
    fs_err::remove_file(fixture.path("npm/pnpm-9.1.0.tgz.sha256")).unwrap();
    insta::assert_snapshot!(fixture.error(&package("pnpm", None)), @r"
    error[runtime-not-available]: cannot get pnpm 9.1.0

      Tried in this order:
      - the mirror: `file://[ROOT]/npm/pnpm-9.1.0.tgz.sha256` does not exist

      hint: Check the address of the mirror: while one is set, nothing else is tried.
    ");
}

#[test]
fn hostile_packages_are_refused() {
    for (description, problem) in [
        (
            r#"{"version": "9.1.0", "bin": {"pnpm": "../../../../app/x"}}"#,
            "names `../../../../app/x` as program `pnpm`",
        ),
        (
            r#"{"version": "9.1.0", "bin": {"../node": "bin/pnpm.cjs"}}"#,
            "names `bin/pnpm.cjs` as program `../node`",
        ),
        (
            r#"{"version": "9.1.0", "bin": {"pn": "bin/pnpm.cjs"}}"#,
            "it has no program `pnpm`",
        ),
        (
            r#"{"version": "9.1.0", "bin": 1}"#,
            "package.json cannot be read",
        ),
        (
            r#"{"version": "latest", "bin": {"pnpm": "bin/pnpm.cjs"}}"#,
            "`latest` is not a version",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.serve_package(
            "pnpm-9.1.0",
            &[("package.json", description), ("bin/pnpm.cjs", "pnpm")],
        );
        let text = fixture.error(&package("pnpm", None));
        assert!(text.contains(problem), "{text}");
    }
}

#[test]
fn a_vendored_yarn_is_run_from_the_app() {
    let fixture = Fixture::new();
    let path = ".yarn/releases/yarn-4'5.cjs";
    let mut app = app(
        Manager::YarnBerry,
        Version::new(4, 5, 0),
        ManagerSource::Vendored(path.into()),
    );
    app.root = "web".into();
    app.launches_manager = true;
    let file = fixture.path("app/web").join(path);
    fs_err::create_dir_all(file.parent().unwrap()).unwrap();
    fs_err::write(&file, "").unwrap();
    let toolchain = fixture.prepare(&app);
    assert_eq!(toolchain.manager.script, file);
    assert!(!fixture.called(&toolchain).contains("YARN_IGNORE_PATH"));
    assert_eq!(fixture.launched(), ["node", "yarn"]);

    // The program in the slug finds it from where the process starts, wherever the app is.
    let moved = fixture.path("moved");
    fs_err::rename(fixture.path("app"), &moved).unwrap();
    let below = moved.join("web/packages/api");
    fs_err::create_dir_all(&below).unwrap();
    let shim = fixture.path("layers/yarn/bin/yarn");
    let run = |folder: &Path| {
        std::process::Command::new(&shim)
            .args(["start", "a b"])
            .current_dir(folder)
            .env_clear()
            .env(
                "PATH",
                format!(
                    "{}:/usr/bin:/bin",
                    fixture.path("layers/node/bin").display()
                ),
            )
            .output()
            .unwrap()
    };
    let output = run(&below);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = format!("{}\nstart\na b\n", moved.join("web").join(path).display());
    assert!(text.starts_with(&expected), "{text}");
    let output = run(&fixture.path("home"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("yarn: there is no .yarn/releases/yarn-4'5.cjs in "),
        "{said}"
    );
}

#[test]
fn without_npm_on_the_machine_the_one_of_node_packs() {
    let mut fixture = Fixture::new();
    fixture.settings.npm_mirror = None;
    fixture.settings.offline = false;
    fixture.settings.environment = Environment::new([("PATH", "/bin-without-npm")]);
    let package_file = fixture.path("npm/pnpm-9.1.0.tgz");
    // What the program of the archive calls for `npm pack`.
    let pack = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n[ \"$3\" = pnpm@9.1.0 ] || exit 9\ncp '{}' .\nprintf '[{{\"integrity\": \"sha512-%s\"}}]' \"$(openssl dgst -sha512 -binary pnpm-9.1.0.tgz | base64 -w0)\"\n",
        package_file.display()
    );
    let mut files = NODE_FILES.to_vec();
    files.push(("lib/node_modules/npm/bin/pack", &pack));
    fs_err::remove_file(fixture.path("node/v24.1.0/SHASUMS256.txt")).unwrap();
    fixture.serve_node("linux-x64", &files);
    let toolchain = fixture.prepare(&package("pnpm", None));
    assert_eq!(toolchain.manager.origin.source, "the npm of Node.js");
}
