//! A Heroku-compatible platform on one machine.

pub mod store;
