//! Every endpoint, over the same router that the server has.

mod account;
mod apps;
mod config_vars;
mod formation;
mod offers;
mod platform;
mod releases;
mod schema;
mod slugs;
mod table;
