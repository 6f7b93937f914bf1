//! Pushes and clones with the git of the machine, against a whole server, whose builder is a small script.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod access;
mod hostile;
mod life;
mod push;
mod scene;
mod webhook;
