//! A Heroku-compatible platform on one machine.

pub mod api;
pub mod http;
mod private;
pub mod range;
pub mod store;
pub mod users;
