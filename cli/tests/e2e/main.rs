//! The `slugbuilder` command from outside, from source to a running app.
//!
//! Everything here runs without a network, as root and as an ordinary user: runtimes come from a mirror that the test
//! writes ([`mirror`]), and a test that runs as root is run a second time as nobody ([`context`]). What needs the
//! languages' real runtimes is in [`runtimes`], ignored unless asked for.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod archive;
mod arguments;
mod buildpack;
mod buildpacks;
mod builds;
mod cache;
mod cache_command;
mod compile;
mod context;
mod deploy;
mod determinism;
mod ending;
mod git_push;
mod invocation;
mod kept;
mod left_out;
mod lock;
mod mirror;
mod no_sandbox;
mod offline;
mod output;
mod plan;
mod plan_schema;
mod platform;
mod root;
mod run;
mod runtimes;
mod secrets;
mod serve;
mod server;
mod slug;
mod source;
mod staging;
mod stopping;
mod terminal;
mod vendor;
