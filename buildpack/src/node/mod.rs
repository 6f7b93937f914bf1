//! Node.js apps: what is decided of them, and how they are built.

pub(crate) mod addons;
pub(crate) mod environment;
pub mod host;
mod plan;
pub(crate) mod toolchain;

pub use plan::{
    BuildScripts, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource, Modules,
    NodeApp, PlannedManager,
};
