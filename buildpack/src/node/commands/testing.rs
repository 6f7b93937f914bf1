//! An app for tests.

use crate::node::NodeSettings;
use crate::node::plan::{
    BuildScripts, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource, Modules,
    NodeApp, PlannedManager,
};
use crate::version::Version;
use slugbuilder_report::Origin;

/// An app of `manager`, with or without its lockfile.
pub(crate) fn app(manager: Manager, locked: bool) -> NodeApp {
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
