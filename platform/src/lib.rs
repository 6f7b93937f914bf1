//! A Heroku-compatible platform on one machine.

pub mod api;
pub mod http;
pub mod range;
pub mod store;
