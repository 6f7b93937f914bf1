//! A Heroku-compatible platform on one machine.

pub mod api;
pub mod store;
