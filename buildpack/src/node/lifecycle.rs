//! Scripts of the source's own packages that run while they are installed. They may read and change anything, so that they
//! have to run at every build, exactly once and by the package manager itself.

use super::failure::NodeBuildError;
use super::job::Job;
use super::package_json::{PackageJson, PackageJsonError};
use super::plan::Manager;
use super::scripts::OF_INSTALLATION;
use super::survey::Survey;
use crate::app::App;
use std::path::Path;

/// Those of them that Yarn 2 and later runs.
const OF_YARN: [&str; 3] = ["preinstall", "install", "postinstall"];

/// What pnpm runs of the root before anything else.
const OF_PNPM: &str = "pnpm:devPreinstall";

/// Why an installation may do something else than the last one, by a script of the app's own packages; nothing where they
/// have none.
pub(crate) fn of_the_app(job: &Job<'_>) -> Result<Option<String>, NodeBuildError> {
    let app = App::open(job.folder).map_err(PackageJsonError::from)?;
    for folder in [&job.app.root, &job.app.package] {
        if let Some(package) = PackageJson::read(&app, folder)?
            && let Some(name) = script(&package, job.manager())
        {
            let path = &package.path;
            return Ok(Some(format!(
                "`{path}` has `{name}`, which may change them"
            )));
        }
    }
    Ok(None)
}

/// The same of every other package of the source, which may be installed as a part of a workspace or as a folder. One that
/// cannot be read is a reason, too: it may be no package at all, such as an example of a broken one.
pub(crate) fn of_others(job: &Job<'_>, survey: &Survey) -> Result<Option<String>, NodeBuildError> {
    let app = App::open(job.folder).map_err(PackageJsonError::from)?;
    let root = Path::new(&job.app.root);
    for path in survey.manifests().filter(|path| path.starts_with(root)) {
        let shown = path.display();
        let Some(name) = path.to_str() else {
            return Ok(Some(format!("the path of `{shown}` is not UTF-8")));
        };
        match PackageJson::read_file(&app, name) {
            Ok(package) => {
                let found = package.and_then(|package| script(&package, job.manager()));
                if let Some(name) = found {
                    return Ok(Some(format!(
                        "`{shown}` has `{name}`, which may change them"
                    )));
                }
            }
            Err(error) => {
                return Ok(Some(format!("`{shown}` may have scripts, but: {error}")));
            }
        }
    }
    Ok(None)
}

fn script(package: &PackageJson, manager: Manager) -> Option<&'static str> {
    let names: Vec<&'static str> = match manager {
        Manager::Npm | Manager::YarnClassic => OF_INSTALLATION.to_vec(),
        Manager::YarnBerry => OF_YARN.to_vec(),
        Manager::Pnpm => [&[OF_PNPM], OF_INSTALLATION.as_slice()].concat(),
    };
    names.into_iter().find(|name| {
        let text = package.script(name);
        text.is_some_and(|text| !text.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manager: Manager, text: &str) -> Option<&'static str> {
        script(&PackageJson::parse("package.json", text).unwrap(), manager)
    }

    #[test]
    fn scripts_of_the_installation_are_found_as_each_manager_runs_them() {
        let husky = r#"{"scripts": {"prepare": "husky", "build": "x"}}"#;
        assert_eq!(found(Manager::Npm, husky), Some("prepare"));
        assert_eq!(found(Manager::YarnClassic, husky), Some("prepare"));
        assert_eq!(found(Manager::Pnpm, husky), Some("prepare"));
        assert_eq!(found(Manager::YarnBerry, husky), None);
        let postinstall = r#"{"scripts": {"postinstall": "patch-package"}}"#;
        for manager in Manager::ALL {
            assert_eq!(found(manager, postinstall), Some("postinstall"));
        }
        let of_pnpm = r#"{"scripts": {"pnpm:devPreinstall": "x"}}"#;
        assert_eq!(found(Manager::Pnpm, of_pnpm), Some(OF_PNPM));
        assert_eq!(found(Manager::Npm, of_pnpm), None);
        assert_eq!(found(Manager::Npm, r#"{"scripts": {"install": ""}}"#), None);
    }
}
