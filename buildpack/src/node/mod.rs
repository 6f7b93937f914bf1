//! Node.js apps: what is decided of them, and how they are built.

pub(crate) mod addons;
pub(crate) mod build;
mod caches;
mod client_settings;
mod commands;
mod decide;
mod development;
pub(crate) mod environment;
mod error;
pub mod failure;
pub mod host;
mod installed;
mod job;
mod json;
mod leftovers;
mod lifecycle;
mod linker;
mod lockfile;
pub mod manager;
pub mod package_json;
mod plan;
pub mod processes;
pub mod scripts;
mod start_program;
mod survey;
pub(crate) mod toolchain;
mod trees;
pub(crate) mod workspace;
mod yaml;

pub use decide::{Decided, decide};
pub use error::{NodeError, OtherNode};
pub use failure::NodeBuildError;
pub use json::{Kind, Located};
pub use package_json::{PackageJson, PackageJsonError};
pub use plan::{
    BuildScripts, BuiltEntry, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource,
    Modules, NodeApp, PlannedManager,
};
pub use scripts::NodeSettings;
pub(crate) use start_program::needs_development_dependency;
pub use yaml::YamlError;

#[cfg(test)]
mod tests;
