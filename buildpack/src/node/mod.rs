//! Node.js apps: what is decided of them, and how they are built.

pub(crate) mod build;
mod caches;
mod client_settings;
mod commands;
pub(crate) mod environment;
pub mod failure;
pub mod host;
mod installed;
mod job;
mod json;
mod leftovers;
pub mod package_json;
mod plan;
mod survey;
pub(crate) mod toolchain;
mod trees;
mod yaml;

pub use failure::NodeBuildError;
pub use json::{Kind, Located};
pub use package_json::{PackageJson, PackageJsonError};
pub use plan::{
    BuildScripts, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource, Modules,
    NodeApp, PlannedManager,
};
