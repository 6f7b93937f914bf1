//! A Heroku-compatible platform on one machine.

pub mod range;
pub mod store;
