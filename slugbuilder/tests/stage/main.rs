//! What of a source is staged, and what is said of sources that cannot be.

#![expect(clippy::unwrap_used, reason = "tests may panic, their helpers too")]

mod copying;
mod git;
mod keeping;
mod refusals;
mod rules;
mod support;
