//! Building on another machine than the slug's.

use super::*;

#[test]
fn on_another_machine_a_second_node_runs_and_the_slugs_packages_are_selected() {
    let fixture = Fixture::on_arm();
    let toolchain = fixture.prepare(&bundled());
    insta::assert_snapshot!(fixture.said(), @r"
    Layer node: new
    Layer npm: new
    Layer node-host: new
    npm 11.6.2 from the mirror
    ");
    insta::assert_snapshot!(fixture.called(&toolchain), @r"
    [ROOT]/layers/npm/lib/node_modules/npm/bin/npm-cli.js
    install
    HOME=[ROOT]/home
    NODE_ENV=production
    PATH=[ROOT]/layers/npm/bin:[ROOT]/layers/node-host/bin:/usr/bin:/bin
    npm_config_cpu=x64
    npm_config_libc=glibc
    npm_config_os=linux
    ");
    assert_eq!(fixture.launched(), ["node"]);

    let mut app = package("pnpm", None);
    app.manager.version = Version::new(10, 14, 0);
    fixture.serve_package(
        "pnpm-10.14.0",
        &[
            (
                "package.json",
                r#"{"version": "10.14.0", "bin": {"pnpm": "bin/pnpm.cjs"}}"#,
            ),
            ("bin/pnpm.cjs", "pnpm"),
        ],
    );
    let called = fixture.called(&fixture.prepare(&app));
    assert!(
        called.contains("\ninstall\n--os=linux\n--cpu=x64\n--libc=glibc\n"),
        "{called}"
    );
}

#[test]
fn yarn_finds_the_architecture_in_its_home() {
    let fixture = Fixture::on_arm();
    fs_err::write(fixture.path("home/.yarnrc.yml"), "npmRegistryServer: x").unwrap();
    let toolchain = fixture.prepare(&package("@yarnpkg/cli-dist", None));
    let text = fixture.with(|session| {
        let client = toolchain.install_command(session, &["install"]).unwrap();
        let output = client.folder(&fixture.path("app")).output().unwrap();
        let output = String::from_utf8(output).unwrap();
        let home = output
            .lines()
            .find_map(|line| line.strip_prefix("HOME="))
            .unwrap()
            .to_owned();
        fs_err::read_to_string(Path::new(&home).join(".yarnrc.yml")).unwrap()
    });
    insta::assert_snapshot!(text, @r"
    npmRegistryServer: x
    supportedArchitectures:
      os: [linux]
      cpu: [x64]
      libc: [glibc]
    ");
}

#[test]
fn managers_that_cannot_install_for_another_machine_say_so() {
    let fixture = Fixture::on_arm();
    let text = |app: &NodeApp| {
        let toolchain = fixture.prepare(app);
        fixture.with(|session| {
            let error = toolchain
                .install_command(session, &["install"])
                .unwrap_err();
            Diagnosis::of(&error).render(Style::Plain)
        })
    };
    insta::assert_snapshot!(text(&package("yarn", None)), @r"
    error[cross-install-unsupported]: Yarn 1.22.22 cannot install packages for another machine

      hint: Move to Yarn 4 (`yarn set version stable`), npm or pnpm, which can.
      hint: Or build on Linux of the slug's machine with glibc.
    ");
    insta::assert_snapshot!(text(&package("pnpm", None)), @r"
    error[cross-install-unsupported]: pnpm 9.1.0 cannot install packages for another machine

      hint: Ask for pnpm 10.14.0 or later with `packageManager` in package.json.
      hint: Or build on Linux of the slug's machine with glibc.
    ");
}

#[test]
fn addons_that_were_not_compiled_for_the_slug_are_an_error_on_another_machine() {
    let fixture = Fixture::on_arm();
    let toolchain = fixture.prepare(&bundled());
    let addon = fixture.path("app/node_modules/addon");
    fs_err::create_dir_all(&addon).unwrap();
    fs_err::write(addon.join("package.json"), "{}").unwrap();
    fs_err::write(addon.join("binding.gyp"), "{}").unwrap();
    let check = |toolchain: &Toolchain| {
        fixture.with(|session| toolchain.check_addons(session, &fixture.path("app")))
    };
    let error = check(&toolchain).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[cross-native-addons]: the native addon in `node_modules/addon` cannot be built for another machine

      - node_modules/addon
      This machine is linux/arm64 with glibc; they bring no compiled file for the slug's.

      hint: Use versions of these packages that bring compiled files for Linux.
      hint: Or build on Linux of the slug's machine with glibc.
    ");
    let here = Toolchain {
        cross: None,
        ..toolchain
    };
    assert!(check(&here).is_ok());
}

#[test]
fn where_nobody_publishes_node_the_installed_one_runs() {
    let mut fixture = Fixture::new();
    fixture.host.libc = Libc::Other;
    fixture.settings.environment = Environment::new([("PATH", "/nonexistent")]);
    insta::assert_snapshot!(fixture.error(&bundled()), @r"
    error[runtime-not-available]: cannot get Node.js 24.1.0 for linux/x64 without glibc

      Tried in this order:
      - the installed Node.js: `node` is not installed

      hint: Check the network, or install the language's own client (npm, go or apt) and set it up.
      hint: SLUGBUILDER_MIRROR_NODE, _NPM, _GO and _RUBY name a mirror.
    ");
    let programs = fixture.path("bin");
    fs_err::create_dir(&programs).unwrap();
    fs_err::write(programs.join("node"), PROGRAM).unwrap();
    fs_err::set_permissions(
        programs.join("node"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    fixture.settings.environment = Environment::new([("PATH", &programs)]);
    let toolchain = fixture.prepare(&bundled());
    assert_eq!(toolchain.node_bin, programs.join("node"));
    assert!(toolchain.headers.is_none());
}
