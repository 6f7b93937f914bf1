//! Every endpoint, over the same router that the server has.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod account;
mod accounts;
mod apps;
mod collaborators;
mod colleagues;
mod config_vars;
mod fixture;
mod formation;
mod offers;
mod platform;
mod releases;
mod schema;
mod slugs;
mod strangers;
mod table;
mod tokens;
