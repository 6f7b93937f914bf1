//! A Heroku-compatible platform on one machine.

pub mod api;
pub mod blobs;
pub mod http;
mod private;
pub mod range;
pub mod signed_url;
pub mod store;
pub mod users;
