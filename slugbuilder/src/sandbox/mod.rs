//! Where the programs of a build and of an app run.

mod executor;

pub use executor::{Environment, Executor, Invocation, Outcome, Program, SandboxError};
