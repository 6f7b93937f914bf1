//! Node.js apps: what is decided of them, and how they are built.

mod decide;
mod error;
mod json;
mod linker;
mod lockfile;
pub mod manager;
pub mod package_json;
mod plan;
pub mod processes;
pub mod scripts;
mod workspace;
mod yaml;

pub use decide::{Decided, decide};
pub use error::{NodeError, OtherNode};
pub use json::{Kind, Located};
pub use package_json::{PackageJson, PackageJsonError};
pub use plan::{
    BuildScripts, BuiltEntry, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource,
    Modules, NodeApp, PlannedManager,
};
pub use scripts::NodeSettings;
pub use yaml::YamlError;

#[cfg(test)]
mod tests;
