//! Node.js apps: what is decided of them, and how they are built.

mod json;
pub mod package_json;
mod yaml;
mod plan;

pub use json::{Kind, Located};
pub use package_json::{PackageJson, PackageJsonError};
pub use plan::{
    BuildScripts, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource, Modules,
    NodeApp, PlannedManager,
};
