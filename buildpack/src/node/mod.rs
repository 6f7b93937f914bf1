//! Node.js apps: what is decided of them, and how they are built.

mod plan;
mod survey;
mod trees;

pub use plan::{
    BuildScripts, Bundle, DevDependencies, Linker, Lockfile, Manager, ManagerSource, Modules,
    NodeApp, PlannedManager,
};
