#![doc = include_str!("../README.md")]

pub mod app;
pub mod buildpack;
pub mod catalogue;
pub mod command;
pub mod date;
pub mod detect;
mod entry;
pub mod error;
mod installation;
mod launch;
pub mod layers;
pub mod lock;
pub mod manifest;
pub mod node;
pub mod output;
pub mod package;
pub mod precedence;
mod resolution;
pub mod runtime;
pub mod settings;
pub mod source;
pub mod target;
pub mod version;

pub use entry::{BUILDPACK_TOML, main};
