use super::testing::app;
use super::*;
use std::fmt::Write as _;

fn shown(invocation: &Invocation) -> String {
    let mut text = String::new();
    for (name, value) in &invocation.variables {
        let _ = write!(text, "{name}={value} ");
    }
    text + &invocation.arguments.join(" ")
}

/// Every command line of a manager at a version: installed, installed without a lockfile or network, pruned.
fn all(manager: Manager, major: u64) -> String {
    let version = Version::new(major, 0, 0);
    let (locked, open) = (app(manager, true), app(manager, false));
    let mut text = String::new();
    for (what, invocation) in [
        ("locked", install(&locked, version, false)),
        ("offline", install(&locked, version, true)),
        ("open", install(&open, version, false)),
        ("slug", install_for_slug(&locked, version, false)),
    ] {
        let _ = writeln!(text, "{what}: {}", shown(&invocation));
    }
    for app in [&locked, &open] {
        for invocation in prune(app, version) {
            let _ = writeln!(text, "prune: {}", shown(&invocation));
        }
    }
    text
}

#[test]
fn npm_installs_frozen_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::Npm, 11), @r"
    locked: ci --include=dev --prefer-offline
    offline: ci --include=dev --offline
    open: install --include=dev --no-save --no-package-lock --prefer-offline
    slug: ci --omit=dev --prefer-offline
    prune: prune --omit=dev --ignore-scripts --no-save
    prune: prune --omit=dev --ignore-scripts --no-save --no-package-lock
    ");
    insta::assert_snapshot!(all(Manager::Npm, 6), @r"
    locked: ci --production=false --prefer-offline
    offline: ci --production=false --offline
    open: install --production=false --no-save --no-package-lock --prefer-offline
    slug: ci --production --prefer-offline
    prune: prune --production --ignore-scripts --no-save
    prune: prune --production --ignore-scripts --no-save --no-package-lock
    ");
    // `npm ci` of npm 5 is not sound.
    insta::assert_snapshot!(all(Manager::Npm, 5), @r"
    locked: install --production=false --no-save --prefer-offline
    offline: install --production=false --no-save --offline
    open: install --production=false --no-save --no-package-lock --prefer-offline
    slug: install --production --no-save --prefer-offline
    prune: prune --production --ignore-scripts --no-save
    prune: prune --production --ignore-scripts --no-save --no-package-lock
    ");
}

#[test]
fn yarn_classic_installs_frozen_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::YarnClassic, 1), @r"
    locked: install --production=false --frozen-lockfile --ignore-engines --non-interactive --no-progress
    offline: install --production=false --frozen-lockfile --ignore-engines --non-interactive --no-progress --offline
    open: install --production=false --no-lockfile --ignore-engines --non-interactive --no-progress
    slug: install --production --frozen-lockfile --ignore-engines --non-interactive --no-progress
    prune: install --production --ignore-scripts --frozen-lockfile --ignore-engines --non-interactive --no-progress --prefer-offline
    prune: install --production --ignore-scripts --no-lockfile --ignore-engines --non-interactive --no-progress --prefer-offline
    ");
}

#[test]
fn yarn_installs_immutably_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::YarnBerry, 4), @r"
    locked: install --immutable
    offline: YARN_ENABLE_NETWORK=0 install --immutable
    open: YARN_ENABLE_IMMUTABLE_INSTALLS=0 install
    slug: slugbuilder prune
    prune: slugbuilder prune
    prune: slugbuilder prune
    ");
    let mut zero_install = app(Manager::YarnBerry, true);
    zero_install.linker = Linker::PlugAndPlay { zero_install: true };
    let version = Version::new(4, 0, 0);
    insta::assert_snapshot!(shown(&install(&zero_install, version, false)), @"install --immutable --immutable-cache");
    // Its scripts are what unplugs a package.
    insta::assert_snapshot!(shown(&prune(&zero_install, version)[0]), @"slugbuilder prune");
}

#[test]
fn pnpm_installs_frozen_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::Pnpm, 10), @r"
    locked: install --prod=false --frozen-lockfile --reporter=append-only --prefer-offline
    offline: install --prod=false --frozen-lockfile --reporter=append-only --offline
    open: install --prod=false --no-lockfile --reporter=append-only --prefer-offline
    slug: install --prod --frozen-lockfile --reporter=append-only --prefer-offline
    prune: install --prod --ignore-scripts --frozen-lockfile --offline --reporter=append-only --config.modules-cache-max-age=0 --config.confirm-modules-purge=false
    prune: install --prod --ignore-scripts --no-lockfile --prefer-offline --reporter=append-only --config.modules-cache-max-age=0 --config.confirm-modules-purge=false
    ");
}

#[test]
fn a_part_of_a_workspace_gets_what_it_needs() {
    let mut part = app(Manager::YarnBerry, true);
    part.is_workspace = true;
    part.package = "packages/api".into();
    part.name = Some("@acme/api".into());
    let version = Version::new(4, 0, 0);
    insta::assert_snapshot!(shown(&prune(&part, version)[0]), @"SLUGBUILDER_FOCUS=@acme/api slugbuilder prune");
}

#[test]
fn use_npm_install_is_heard() {
    let mut app = app(Manager::Npm, true);
    app.settings.use_npm_install = Some("true".into());
    insta::assert_snapshot!(shown(&install(&app, Version::new(10, 0, 0), false)), @"install --include=dev --no-save --prefer-offline");
}

#[test]
fn flags_follow_the_script() {
    let run = |manager, flags: &[&str]| shown(&script(manager, "build", flags));
    assert_eq!(run(Manager::Npm, &[]), "run build");
    assert_eq!(
        run(Manager::Npm, &["--prod", "-v"]),
        "run build -- --prod -v"
    );
    assert_eq!(run(Manager::Pnpm, &["--prod"]), "run build --prod");
}

#[test]
fn nothing_is_removed_from_packages_of_the_source() {
    let mut app = app(Manager::Npm, true);
    app.modules = Modules::CheckedIn;
    assert!(prune(&app, Version::new(10, 0, 0)).is_empty());
}
