//! A Heroku-compatible platform on one machine.

pub mod backup;
pub mod blobs;
pub mod http;
pub mod range;
pub mod signed_url;
pub mod store;
