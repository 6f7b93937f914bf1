#![doc = include_str!("../README.md")]

pub mod app;
pub mod catalogue;
pub mod command;
pub mod date;
pub mod detect;
pub mod manifest;
pub mod runtime;
pub mod target;
pub mod version;
