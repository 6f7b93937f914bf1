use super::*;
use crate::node::{DevDependencies, Linker, Modules};
use slugbuilder_report::Origin;

#[test]
fn packages_get_there_as_in_the_table() {
    for (files, modules, needs_manager) in [
        (
            vec![("package.json", r#"{"main": "web.js"}"#)],
            Modules::None,
            false,
        ),
        (
            vec![("package.json", r#"{"scripts": {"start": "node web.js"}}"#)],
            Modules::None,
            false,
        ),
        (
            vec![(
                "package.json",
                r#"{"scripts": {"start": "node web.js | cat"}}"#,
            )],
            Modules::None,
            true,
        ),
        (
            vec![("package.json", r#"{"dependencies": {"a": "1"}}"#)],
            Modules::Installed,
            true,
        ),
        (
            vec![("package.json", r#"{"devDependencies": {"a": "1"}}"#)],
            Modules::Installed,
            true,
        ),
        (
            vec![("package.json", r#"{"optionalDependencies": {"a": "1"}}"#)],
            Modules::Installed,
            true,
        ),
        (
            vec![("package.json", r#"{"scripts": {"build": "make"}}"#)],
            Modules::Installed,
            true,
        ),
        (
            vec![(
                "package.json",
                r#"{"scripts": {"build": ""}, "main": "web.js"}"#,
            )],
            Modules::None,
            false,
        ),
        (
            vec![("package.json", r#"{"scripts": {"postinstall": "make"}}"#)],
            Modules::Installed,
            true,
        ),
        (
            vec![
                ("package.json", r#"{"dependencies": {"a": "1"}}"#),
                ("node_modules/a/index.js", ""),
            ],
            Modules::CheckedIn,
            true,
        ),
        (
            vec![
                ("package.json", r#"{"dependencies": {"a": "1"}}"#),
                ("node_modules/.cache/x", ""),
                ("node_modules/.package-lock.json", ""),
            ],
            Modules::Installed,
            true,
        ),
        // Yarn runs no script of an app that it has not installed.
        (
            vec![(
                "package.json",
                r#"{"scripts": {"start": "x"}, "packageManager": "yarn@4.5.0"}"#,
            )],
            Modules::Installed,
            true,
        ),
    ] {
        let mut files = files;
        files.push(("web.js", ""));
        let node = node_of(&files);
        assert_eq!(node.modules, modules, "{files:?}");
        assert_eq!(node.needs_manager(), needs_manager, "{files:?}");
    }
}

#[test]
fn bare_apps_have_nothing_of_this() {
    assert_eq!(plan_of(&[("web.js", "")]).node, None);
    assert_eq!(
        plan_of(&[("web.js", ""), ("package.json", "{}")]).node,
        None
    );
}

#[test]
fn node_modules_in_the_source_are_warned_of() {
    let files = [
        ("package.json", r#"{"dependencies": {"a": "1"}}"#),
        ("node_modules/a/index.js", ""),
        ("web.js", ""),
    ];
    insta::assert_snapshot!(warnings_of(&plan_of(&files)), @r"
    warning[node-modules-checked-in]: `node_modules` is part of the source, and is kept instead of being installed
      hint: Add `node_modules` to `.gitignore` and run `git rm -r --cached node_modules`, so that packages are installed for the slug.
    ");
}

#[test]
fn scripts_are_run_in_the_classic_order() {
    for (scripts, prebuild, build, cleanup) in [
        (r#"{"build": "x"}"#, None, Some("build"), None),
        (
            r#"{"build": "x", "heroku-postbuild": "y"}"#,
            None,
            Some("heroku-postbuild"),
            None,
        ),
        (
            r#"{"build": "x", "heroku-build": "y"}"#,
            None,
            Some("heroku-build"),
            None,
        ),
        (
            r#"{"heroku-prebuild": "x", "heroku-cleanup": "y"}"#,
            Some("heroku-prebuild"),
            None,
            Some("heroku-cleanup"),
        ),
        (r#"{"test": "x", "build": "  "}"#, None, None, None),
    ] {
        let node = node_of(&[("package.json", &format!("{{\"scripts\": {scripts}}}"))]);
        assert_eq!(node.scripts.prebuild, prebuild, "{scripts}");
        assert_eq!(node.scripts.build, build, "{scripts}");
        assert_eq!(node.scripts.cleanup, cleanup, "{scripts}");
    }
}

#[test]
fn config_vars_keep_development_dependencies() {
    for (manager, variable, value, keeps) in [
        ("npm@10.8.2", "NODE_ENV", "development", true),
        ("npm@10.8.2", "NODE_ENV", "production", false),
        ("npm@10.8.2", "NODE_ENV", "", false),
        ("npm@10.8.2", "NPM_CONFIG_PRODUCTION", "false", true),
        ("npm@10.8.2", "NPM_CONFIG_PRODUCTION", "true", false),
        ("npm@10.8.2", "PNPM_SKIP_PRUNING", "true", false),
        ("yarn@1.22.22", "YARN_PRODUCTION", "false", true),
        ("yarn@4.5.0", "YARN2_SKIP_PRUNING", "true", true),
        ("yarn@4.5.0", "YARN2_SKIP_PRUNING", "false", false),
        ("yarn@4.5.0", "YARN_PRODUCTION", "false", false),
        ("pnpm@9.1.0", "PNPM_SKIP_PRUNING", "true", true),
        ("pnpm@9.1.0", "NODE_ENV", "test", true),
    ] {
        let package = package(&format!(r#""packageManager": "{manager}""#));
        let plan = plan_with(&[("package.json", &package)], "", &[(variable, value)]).unwrap();
        let expected = if keeps {
            DevDependencies::Kept(Origin::Env(variable.into()))
        } else {
            DevDependencies::Removed
        };
        let node = plan.node.unwrap();
        assert_eq!(
            node.dev_dependencies, expected,
            "{manager} {variable}={value}"
        );
    }
}

#[test]
fn other_config_vars_travel_along() {
    let plan = plan_with(
        &[("package.json", &package(""))],
        "",
        &[
            ("NODE_MODULES_CACHE", "false"),
            ("USE_NPM_INSTALL", "true"),
            ("NODE_BUILD_FLAGS", "--max_old_space_size=2000"),
        ],
    )
    .unwrap();
    let settings = plan.node.unwrap().settings;
    assert!(!settings.uses_cache());
    assert!(settings.uses_npm_install());
    assert_eq!(
        settings.node_build_flags.as_deref(),
        Some("--max_old_space_size=2000")
    );
    assert!(NodeSettings::default().uses_cache());
    assert!(!NodeSettings::default().uses_npm_install());
}

#[test]
fn the_linker_is_that_of_yarns_settings() {
    for (settings, files, linker) in [
        (
            None,
            vec![],
            Linker::PlugAndPlay {
                zero_install: false,
            },
        ),
        (
            Some("nodeLinker: pnp\n"),
            vec![(".yarn/cache/a.zip", "")],
            Linker::PlugAndPlay { zero_install: true },
        ),
        (
            Some("cacheFolder: ./vendor\n"),
            vec![("vendor/a.zip", "")],
            Linker::PlugAndPlay { zero_install: true },
        ),
        (
            Some("cacheFolder: ../vendor\n"),
            vec![],
            Linker::PlugAndPlay {
                zero_install: false,
            },
        ),
        (
            Some("nodeLinker: node-modules\n"),
            vec![(".yarn/cache/a.zip", "")],
            Linker::NodeModules,
        ),
        (Some("nodeLinker: \"pnpm\"\n"), vec![], Linker::Pnpm),
    ] {
        let package = package("");
        let mut all = vec![
            ("package.json", package.as_str()),
            ("yarn.lock", BERRY_LOCK),
        ];
        all.extend(settings.map(|text| (".yarnrc.yml", text)));
        all.extend(files);
        assert_eq!(node_of(&all).linker, linker, "{settings:?}");
    }
    // The settings of Yarn 2 and later are nothing to Yarn classic.
    let package = package("");
    let classic = [
        ("package.json", package.as_str()),
        ("yarn.lock", CLASSIC_LOCK),
        (".yarnrc.yml", "nodeLinker: pnp\n"),
    ];
    assert_eq!(node_of(&classic).linker, Linker::NodeModules);
}
