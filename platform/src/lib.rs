//! A Heroku-compatible platform on one machine.

pub mod blobs;
pub mod http;
pub mod signed_url;
pub mod store;
