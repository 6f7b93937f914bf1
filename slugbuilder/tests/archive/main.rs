//! The slug's format, as read by the `tar` crate, and what happens when something goes wrong.

#![expect(clippy::unwrap_used, reason = "tests may panic, their helpers too")]

mod cache;
mod changing;
mod format;
mod left_out;
mod limits;
mod model;
mod properties;
mod same_bytes;
mod support;
mod trouble;
