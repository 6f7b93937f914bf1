//! The slug's format, as read by the `tar` crate, and what happens when something goes wrong.

#![expect(clippy::unwrap_used, reason = "tests may panic, their helpers too")]

mod cache;
mod format;
mod model;
mod properties;
mod support;
mod trouble;
