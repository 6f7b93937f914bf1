//! Tests of buildpacks, as a third party would write them: with mock buildpacks in bash, and one crate without dependencies.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod building;
mod caching;
mod cleaning;
mod running;
mod support;
