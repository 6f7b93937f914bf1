//! The variables that Node.js and package managers run with.

use super::plan::Manager;
use crate::command::Environment;
use crate::version::Version;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// From here on pnpm reads its settings from `pnpm_config_…`, and no longer from `npm_config_…`.
const PNPM_WITH_OWN_VARIABLES: u64 = 11;

/// Variables that every manager runs with, in the build and where a process starts it: it is quiet about itself, and is
/// never replaced by another version of itself that it downloads.
#[must_use]
pub(super) fn of_manager(
    manager: Manager,
    version: Version,
    is_vendored: bool,
) -> Vec<(&'static str, &'static str)> {
    // Packages ask for other managers than the app's, and scripts call npm in any app.
    let mut variables = vec![
        ("npm_config_update_notifier", "false"),
        ("npm_config_fund", "false"),
        ("npm_config_audit", "false"),
        // pnpm 9 and Corepack's shims compare themselves with `packageManager`, which was done already.
        ("COREPACK_ENABLE_STRICT", "0"),
        ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
    ];
    match manager {
        Manager::Npm => {}
        Manager::Pnpm if version.major >= PNPM_WITH_OWN_VARIABLES => variables.extend([
            ("pnpm_config_pm_on_fail", "ignore"),
            ("pnpm_config_update_notifier", "false"),
            // `pnpm start` would install first, where development dependencies are gone.
            ("pnpm_config_verify_deps_before_run", "false"),
        ]),
        Manager::Pnpm => variables.extend([
            ("npm_config_manage_package_manager_versions", "false"),
            ("npm_config_verify_deps_before_run", "false"),
        ]),
        Manager::YarnClassic => variables.push(("YARN_IGNORE_PATH", "1")),
        Manager::YarnBerry => {
            variables.push(("YARN_ENABLE_TELEMETRY", "0"));
            if !is_vendored {
                variables.push(("YARN_IGNORE_PATH", "1"));
            }
        }
    }
    variables
}

/// The same for a process that starts the manager; what the user sets wins.
pub(crate) fn of_launch(manager: Manager, version: Version, is_vendored: bool) -> LayerEnv {
    of_manager(manager, version, is_vendored).into_iter().fold(
        LayerEnv::new(),
        |environment, (name, value)| {
            environment.chainable_insert(Scope::Launch, ModificationBehavior::Default, name, value)
        },
    )
}

/// Variables of the build alone.
///
/// Not among them is `NODE_OPTIONS`, which classic sets to `--max-old-space-size=2560` for Heroku's build dynos: on a
/// machine with more memory that would lower the limit that Node.js sets itself.
pub(super) fn of_build(
    user: &Environment,
    headers: Option<&Path>,
) -> Vec<(&'static str, OsString)> {
    // node-gyp's `.pyc` files would differ from build to build.
    let mut variables: Vec<(&'static str, OsString)> =
        vec![("PYTHONDONTWRITEBYTECODE", "1".into())];
    if user.get("NODE_ENV").is_none_or(OsStr::is_empty) {
        variables.push(("NODE_ENV", "production".into()));
    }
    if let Some(headers) = headers {
        // node-gyp 11.4 and later prefer the second name; packages with a node-gyp of their own know the first alone.
        variables.push(("npm_config_nodedir", headers.into()));
        variables.push(("npm_package_config_node_gyp_nodedir", headers.into()));
    }
    variables
}

/// `folders`, then those of the user's PATH.
pub(super) fn path(folders: &[PathBuf], user: &Environment) -> OsString {
    let mut path = OsString::new();
    for folder in folders {
        if !path.is_empty() {
            path.push(":");
        }
        path.push(folder);
    }
    if let Some(rest) = user.get("PATH").filter(|rest| !rest.is_empty()) {
        path.push(":");
        path.push(rest);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(manager: Manager, major: u64, is_vendored: bool, name: &str) -> Option<&'static str> {
        of_manager(manager, Version::new(major, 0, 0), is_vendored)
            .into_iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| value)
    }

    #[test]
    fn no_manager_replaces_itself() {
        let old = "npm_config_manage_package_manager_versions";
        assert_eq!(value(Manager::Pnpm, 10, false, old), Some("false"));
        assert_eq!(value(Manager::Pnpm, 11, false, old), None);
        let new = "pnpm_config_pm_on_fail";
        assert_eq!(value(Manager::Pnpm, 11, false, new), Some("ignore"));
        assert_eq!(value(Manager::Pnpm, 10, false, new), None);
        for (manager, is_vendored, expected) in [
            (Manager::YarnClassic, false, Some("1")),
            (Manager::YarnBerry, false, Some("1")),
            (Manager::YarnBerry, true, None),
            (Manager::Npm, false, None),
        ] {
            assert_eq!(value(manager, 4, is_vendored, "YARN_IGNORE_PATH"), expected);
        }
    }

    #[test]
    fn the_users_node_env_stays() {
        let of = |environment| -> Vec<&str> {
            of_build(&environment, None)
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert!(of(Environment::default()).contains(&"NODE_ENV"));
        assert!(of(Environment::new([("NODE_ENV", "")])).contains(&"NODE_ENV"));
        assert!(!of(Environment::new([("NODE_ENV", "staging")])).contains(&"NODE_ENV"));
    }

    #[test]
    fn our_folders_come_before_the_users() {
        let user = Environment::new([("PATH", "/usr/bin:/bin")]);
        let folders = ["/l/yarn/bin".into(), "/l/node/bin".into()];
        assert_eq!(
            path(&folders, &user),
            "/l/yarn/bin:/l/node/bin:/usr/bin:/bin"
        );
        assert_eq!(path(&folders[..1], &Environment::default()), "/l/yarn/bin");
    }
}
