//! The platform role against mock buildpacks: every rule of sections 2.3 to 2.7 of the reference.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod build;
mod detect;
mod host;
mod hostile;
mod launch;
mod restore;
mod runtime;
