//! Every endpoint, over the same router that the server has.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod absent;
mod account;
mod accounts;
mod apps;
mod buildpacks;
mod builds;
mod collaborators;
mod colleagues;
mod config_vars;
mod domains;
mod drains;
mod dynos;
mod features;
mod fixture;
mod formation;
mod offers;
mod pipelines;
mod platform;
mod promotions;
mod releases;
mod schema;
mod slugs;
mod strangers;
mod table;
mod tokens;
