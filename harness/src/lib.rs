//! Tests of Cloud Native Buildpacks without Docker, in the vocabulary of `libcnb-test`.
//!
//! A test that was written for `libcnb-test` 0.30 moves over by changing its import:
//!
//! ```no_run
//! use slugbuilder_test::{assert_contains, BuildConfig, ContainerConfig, TestRunner};
//!
//! TestRunner::default().build(
//!     BuildConfig::new("heroku/builder:24", "tests/fixtures/app"),
//!     |context| {
//!         assert_contains!(context.pack_stdout, "Installing");
//!         context.start_container(
//!             ContainerConfig::new().env("PORT", "8080").expose_port(8080),
//!             |container| {
//!                 let address = container.address_for_port(8080);
//!                 // Ask it over HTTP.
//!             },
//!         );
//!     },
//! );
//! ```
//!
//! # What is different
//!
//! | with `pack` and Docker | here |
//! |---|---|
//! | a builder image | this machine's system folders, in a sandbox of namespaces; the builder's name says which stack is meant |
//! | the app at `/workspace`, layers at `/layers` | the app at `/app`, layers below it, as in a slug; started apps see both names |
//! | a container | a dyno: its own processes, files and network; nothing but loopback is in that network |
//! | `address_for_port`, and then wait for the app | the first connection waits for the app |
//! | the buildpack cross-compiled for musl | compiled for this machine, unless the test names a target |
//! | an app without any file is detected | it is refused before that |
//! | a build that fails keeps the layers of the one before | a build that fails keeps none |
//!
//! What only this harness can tell is in [`TestContext`]: [the cache's hits and misses](TestContext::layers), the
//! [build plan](TestContext::plan), the [launch environment](TestContext::launch_environment), the
//! [files](TestContext::files), the [slug](TestContext::write_slug); [`BuildConfig::network`] switches the network off.
//!
//! # What it needs
//!
//! Linux with user namespaces, glibc as the test's own C library, `bash`, and nothing else. Where no namespace can be had
//! a test panics and says what to do; it is never skipped. As in `libcnb-test`, failures are panics.

#![expect(
    clippy::missing_panics_doc,
    reason = "whatever a test does not expect is a panic, as in libcnb-test"
)]

mod app_copy;
mod build_config;
mod builder;
mod buildpacks;
mod cache;
mod cargo;
mod container;
mod container_config;
mod context;
mod files;
mod folder;
mod forward;
mod helper;
mod image;
mod log;
mod macros;
mod pack_output;
mod plan;
mod process;
mod runner;
mod sbom;

pub use build_config::{BuildConfig, BuildpackReference, CargoProfile, PackResult};
pub use cache::{CacheOutcome, Layer, Layers, Miss};
pub use container::ContainerContext;
pub use container_config::ContainerConfig;
pub use context::TestContext;
pub use files::Files;
pub use log::LogOutput;
pub use plan::BuildPlan;
pub use runner::TestRunner;
pub use sbom::{SbomFiles, SbomType};
pub use slugbuilder::compile::{AppEntry, AppEntryKind};
pub use slugbuilder::slug::Manifest;

/// For the macros.
#[doc(hidden)]
pub mod private {
    pub use regex::Regex;
}
