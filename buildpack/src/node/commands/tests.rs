use super::*;
use crate::node::NodeSettings;
use crate::node::plan::{BuildScripts, Bundle, Lockfile, ManagerSource, PlannedManager};
use slugbuilder_report::Origin;
use std::fmt::Write as _;

fn app(manager: Manager, locked: bool) -> NodeApp {
    NodeApp {
        root: String::new(),
        package: String::new(),
        name: Some("app".into()),
        manager: PlannedManager {
            manager,
            version: Version::new(1, 0, 0),
            requested: String::new(),
            origin: Origin::file("package.json"),
            source: ManagerSource::Package(Bundle {
                package: "npm",
                integrity: None,
                corepack_hash: None,
            }),
        },
        lockfile: locked.then(|| Lockfile {
            path: "lock".into(),
            manager,
        }),
        linker: Linker::NodeModules,
        modules: Modules::Installed,
        is_workspace: false,
        scripts: BuildScripts::default(),
        dev_dependencies: DevDependencies::Removed,
        launches_manager: false,
        built_entry: None,
        settings: NodeSettings::default(),
    }
}

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
    insta::assert_snapshot!(all(Manager::Npm, 11), @"");
    insta::assert_snapshot!(all(Manager::Npm, 6), @"");
    // `npm ci` of npm 5 is not sound.
    insta::assert_snapshot!(all(Manager::Npm, 5), @"");
}

#[test]
fn yarn_classic_installs_frozen_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::YarnClassic, 1), @"");
}

#[test]
fn yarn_installs_immutably_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::YarnBerry, 4), @"");
    let mut zero_install = app(Manager::YarnBerry, true);
    zero_install.linker = Linker::PlugAndPlay { zero_install: true };
    let version = Version::new(4, 0, 0);
    insta::assert_snapshot!(shown(&install(&zero_install, version, false)), @"");
    // Its scripts are what unplugs a package.
    insta::assert_snapshot!(shown(&prune(&zero_install, version)[0]), @"");
}

#[test]
fn pnpm_installs_frozen_with_development_dependencies() {
    insta::assert_snapshot!(all(Manager::Pnpm, 10), @"");
}

#[test]
fn a_part_of_a_workspace_gets_what_it_needs() {
    let mut part = app(Manager::YarnBerry, true);
    part.is_workspace = true;
    part.package = "packages/api".into();
    part.name = Some("@acme/api".into());
    let version = Version::new(4, 0, 0);
    insta::assert_snapshot!(shown(&prune(&part, version)[0]), @"");
}

#[test]
fn use_npm_install_is_heard() {
    let mut app = app(Manager::Npm, true);
    app.settings.use_npm_install = Some("true".into());
    insta::assert_snapshot!(shown(&install(&app, Version::new(10, 0, 0), false)), @"");
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
