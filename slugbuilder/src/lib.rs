//! From source to slug: each stage of the flow is a module that takes a value, returns a value, and can be called alone.
//!
//! `stage` ─► `sandbox` + `cnb` ─► `layout` ─► `stack` ─► `archive` ─► `slug`
//!
//! The library knows nothing of languages: buildpacks do, behind the Cloud Native Buildpacks contract. It never prints,
//! exits or reads the environment: it takes parameters and a [`slugbuilder_report::Reporter`].

pub mod api;
pub mod app_root;
pub mod archive;
pub mod archive_folder;
pub mod buildpacks;
pub mod cache;
pub mod cnb;
pub mod compile;
mod contents;
pub mod dyno;
pub mod layout;
pub mod lock;
mod place;
pub mod plan;
mod publish;
mod real_app;
pub mod sandbox;
mod secrets;
pub mod slug;
pub mod stack;
pub mod stage;
pub mod stop;
mod temporary;
mod tree;
pub mod vendor;
pub mod workspace;
