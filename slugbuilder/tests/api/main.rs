//! The client of the Platform API against a server that does what servers do on bad days.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helper fails by a panic, as the test itself does"
)]

mod calls;
mod deploying;
mod following;
mod promoting;
mod publishing;
mod pulling;
mod releasing;
mod support;
