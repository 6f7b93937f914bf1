//! What is decided of a Node.js app before its processes are known.

use super::error::NodeError;
use super::lockfile::Found;
use super::manager::{Inputs, install_command};
use super::yaml::Yaml;
use super::{
    DevDependencies, Linker, Manager, Modules, NodeApp, NodeSettings, PackageJson, linker,
    lockfile, manager, scripts, workspace,
};
use crate::app::{App, join};
use crate::version::Resolved;
use slugbuilder_report::{Candidate, Decision, Origin, Warning};

/// A decided app, with how that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The app; no process is known yet.
    pub app: NodeApp,
    /// Every decision.
    pub decisions: Vec<Decision>,
    /// Every warning but that of a missing lockfile, see [`Decided::finish`].
    pub warnings: Vec<Warning>,
    /// The warning of a missing lockfile.
    no_lockfile: Option<Warning>,
}

/// Decides how the app with `package` is built. `app` is its folder.
pub fn decide(
    app: &App,
    package: &PackageJson,
    node: &Resolved,
    settings: &NodeSettings,
) -> Result<Decided, NodeError> {
    let source = &app.whole_source()?;
    let mut decisions = Vec::new();
    let mut warnings = Vec::new();

    let (root, decision) = workspace::root_of(source, app.folder(), package)?;
    decisions.extend(decision);
    let of_root = if root == app.folder() {
        None
    } else {
        PackageJson::read(source, &root)?
    };
    let packages: Vec<&PackageJson> = std::iter::once(package).chain(&of_root).collect();
    let lockfile = lockfile::find(source, &root)?;
    let yarn = Yaml::read(source, &join(&root, linker::FILE))?;
    let (planned, of_manager, warning) = manager::decide(&Inputs {
        source,
        root: &root,
        packages: &packages,
        yarn: yarn.as_ref(),
        lockfile: lockfile.as_ref(),
        node,
        locked: &settings.locked,
    })?;
    decisions.extend(of_manager);
    warnings.extend(warning);
    let manager = planned.manager;

    let linker = match manager {
        Manager::YarnBerry => linker::of(source, &root, yarn.as_ref())?,
        _ => Linker::NodeModules,
    };
    let is_workspace = workspace::declared(source, &root, packages.last().copied())?
        .iter()
        .any(|workspace| workspace.is_pnpm == (manager == Manager::Pnpm));
    let (scripts, decision) = scripts::of(package);
    decisions.extend(decision);
    let (modules, decision) = modules(
        source,
        &root,
        app.folder(),
        &packages,
        is_workspace || !scripts.is_empty(),
        &mut warnings,
    )?;
    decisions.push(decision);
    let dev_dependencies = settings.dev_dependencies(manager);
    decisions.extend(of_dev_dependencies(&dev_dependencies));
    // Without dependencies there are no versions that could change; other packages of a workspace may have some.
    let has_versions = is_workspace || packages.iter().any(|package| has_dependencies(package));
    let no_lockfile = (lockfile.is_none() && has_versions).then(|| no_lockfile(&packages, manager));

    Ok(Decided {
        app: NodeApp {
            root,
            package: app.folder().to_owned(),
            name: package.name.as_ref().map(|name| name.value.clone()),
            lockfile: lockfile.map(|found: Found| found.planned(manager)),
            manager: planned,
            linker,
            modules,
            is_workspace,
            scripts,
            dev_dependencies,
            launches_manager: false,
            built_entry: None,
            settings: settings.clone(),
        },
        decisions,
        warnings,
        no_lockfile,
    })
}

impl Decided {
    /// The app whose processes run the package manager or not. Yarn 2 and later runs no script of an app that it has not
    /// installed.
    #[must_use]
    pub fn finish(mut self, launches_manager: bool) -> (NodeApp, Vec<Decision>, Vec<Warning>) {
        self.app.launches_manager = launches_manager;
        if launches_manager
            && self.app.modules == Modules::None
            && self.app.manager.manager == Manager::YarnBerry
        {
            self.app.modules = Modules::Installed;
        }
        if self.app.modules == Modules::Installed {
            self.warnings.extend(self.no_lockfile);
        }
        (self.app, self.decisions, self.warnings)
    }
}

/// Whether `package` names packages that an installation would get.
pub(super) fn has_dependencies(package: &PackageJson) -> bool {
    [
        &package.dependencies,
        &package.dev_dependencies,
        &package.optional_dependencies,
        // npm and pnpm install these, too.
        &package.peer_dependencies,
    ]
    .into_iter()
    .any(|texts| !texts.is_empty())
}

/// How the packages get there: `needs` says whether anything else than dependencies needs an installation.
fn modules(
    source: &App,
    root: &str,
    folder: &str,
    packages: &[&PackageJson],
    needs: bool,
    warnings: &mut Vec<Warning>,
) -> Result<(Modules, Decision), NodeError> {
    let runs = |package: &&PackageJson| {
        scripts::OF_INSTALLATION
            .iter()
            .any(|name| package.scripts.contains_key(*name))
    };
    let needed = needs
        || packages
            .iter()
            .any(|package| has_dependencies(package) || runs(package));
    let mut folders = vec![join(root, "node_modules")];
    if folder != root {
        folders.push(join(folder, "node_modules"));
    }
    let mut checked_in = None;
    for folder in folders {
        let names = source.names_in(&folder)?;
        let has_package = names.iter().any(|name| {
            !name.to_string_lossy().starts_with('.')
                && source.is_folder(&format!("{folder}/{}", name.to_string_lossy()))
        });
        if has_package {
            checked_in = Some(folder);
            break;
        }
    }
    let (modules, value, origin, verdict) = if let Some(folder) = checked_in {
        warnings.push(checked_in_warning(&folder));
        (
            Modules::CheckedIn,
            "checked in",
            Origin::file(folder),
            "holds packages",
        )
    } else if needed {
        (
            Modules::Installed,
            "installed",
            Origin::file(&packages[0].path),
            "has dependencies, or scripts that the build runs",
        )
    } else {
        (
            Modules::None,
            "none",
            Origin::file(&packages[0].path),
            "has neither dependencies nor scripts that the build runs",
        )
    };
    let decision = Decision {
        subject: "node packages".into(),
        rule: "Packages in the source are kept, else they are installed where there are any."
            .into(),
        candidates: vec![Candidate::new(value, origin, verdict)],
        winner: Some(0),
        ..Decision::default()
    };
    Ok((modules, decision))
}

fn checked_in_warning(folder: &str) -> Warning {
    Warning::new(
        "node-modules-checked-in",
        format!("`{folder}` is part of the source, and is kept instead of being installed"),
    )
    .hint(format!(
        "Add `node_modules` to `.gitignore` and run `git rm -r --cached {folder}`, so that packages are installed for the slug."
    ))
}

fn of_dev_dependencies(decided: &DevDependencies) -> Option<Decision> {
    match decided {
        DevDependencies::Removed => None,
        DevDependencies::Kept(origin) => Some(Decision {
            subject: "development dependencies".into(),
            rule: "They are removed after the build, unless a config var keeps them.".into(),
            candidates: vec![Candidate::new("kept", origin.clone(), "keeps them")],
            winner: Some(0),
            ..Decision::default()
        }),
    }
}

fn no_lockfile(packages: &[&PackageJson], manager: Manager) -> Warning {
    let path = packages
        .last()
        .map_or("package.json", |package| package.path.as_str());
    let file = match manager {
        Manager::Npm => "package-lock.json",
        Manager::YarnClassic | Manager::YarnBerry => "yarn.lock",
        Manager::Pnpm => "pnpm-lock.yaml",
    };
    Warning::new(
        "no-lockfile",
        format!(
            "there is no lockfile beside `{path}`, so that every build may get other versions of its packages"
        ),
    )
    .hint(format!(
        "Run `{}` and commit `{file}`.",
        install_command(manager.program())
    ))
}
