//! The program that the web process starts, where the slug will not have it.

use super::{DevDependencies, Modules, NodeApp, PackageJson};
use crate::detect::{PlannedProcess, commands};
use slugbuilder_report::{Origin, Warning};

/// The warning that the web process, or the start script that it runs, starts a program that only a development dependency
/// brings: a package of the program's name, as with nodemon. Development dependencies are gone when the app runs.
///
/// A package can be there for another reason, or bring programs of other names: that only an installation tells.
pub(crate) fn needs_development_dependency(
    package: &PackageJson,
    app: &NodeApp,
    web: &PlannedProcess,
) -> Option<Warning> {
    if app.modules != Modules::Installed || app.dev_dependencies != DevDependencies::Removed {
        return None;
    }
    let script = package
        .scripts
        .get("start")
        .filter(|_| runs_start_script(&web.command))
        .map(|script| (script.value.as_str(), package.origin(script.line)));
    let (name, origin) = [(web.command.as_str(), web.origin.clone())]
        .into_iter()
        .chain(script)
        .find_map(|(command, origin)| Some((first_development(package, command)?, origin)))?;
    let dependency = package.dev_dependencies.get(name)?;
    Some(warning(name, &origin, &package.origin(dependency.line)))
}

fn warning(name: &str, origin: &Origin, dependency: &Origin) -> Warning {
    Warning::new(
        "start-needs-development-dependency",
        format!(
            "{origin}: the web process starts `{name}`, which is a development dependency ({dependency}) and removed after the build"
        ),
    )
    .hint(format!(
        "Move `{name}` from `devDependencies` to `dependencies`, or start the app without it."
    ))
}

/// The first program of `command` that only a development dependency brings.
fn first_development<'a>(package: &PackageJson, command: &'a str) -> Option<&'a str> {
    commands::programs(command).into_iter().find(|program| {
        package.dev_dependencies.contains_key(*program)
            // The package `node` and its like: the slug has those anyway.
            && commands::runtime_of(program).is_none()
            && ![
                &package.dependencies,
                &package.optional_dependencies,
                &package.peer_dependencies,
            ]
            .into_iter()
            .any(|there| there.contains_key(*program))
    })
}

/// Whether `command` has a package manager run the script `start`: `npm start`, `yarn run start`.
fn runs_start_script(command: &str) -> bool {
    let words: Vec<&str> = command
        .split_whitespace()
        .filter(|word| !word.starts_with('-'))
        .collect();
    words.iter().enumerate().any(|(index, word)| {
        matches!(*word, "npm" | "yarn" | "yarnpkg" | "pnpm")
            && matches!(
                &words[index + 1..],
                ["start", ..] | ["run" | "run-script", "start", ..]
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_run_the_start_script() {
        for (command, expected) in [
            ("npm start", true),
            ("npm run start -- --port 1", true),
            ("PORT=1 yarn --silent start", true),
            ("pnpm run migrate && pnpm start", true),
            ("npm run serve", false),
            ("npm run start:dev", false),
            ("node start", false),
            ("npm", false),
        ] {
            assert_eq!(runs_start_script(command), expected, "{command}");
        }
    }
}
