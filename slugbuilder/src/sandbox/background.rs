//! A program that runs beside us: an app that a test asks something.

use super::executor::{Executor as _, Invocation, Outcome, SandboxError};
use super::job::{Job, Streams, give_pipe};
use super::namespaced::Namespaced;
use super::wire;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

/// A running program. Dropping it kills it and everything that it started.
pub struct Background {
    job: Option<Job>,
    program: PathBuf,
}

impl Namespaced {
    /// Starts `invocation`, with an empty stdin; gives it with what can be read of its stdout and its stderr, both of
    /// which end when all that it started has ended.
    pub fn start_in_background(
        &self,
        invocation: &Invocation,
    ) -> Result<(Background, File, File), SandboxError> {
        let order = self.order(invocation, false);
        let program = PathBuf::from(order.program.as_ref().unwrap_or(&order.argv0));
        let start = || -> io::Result<_> {
            let (output, output_end) = pipe2(OFlag::O_CLOEXEC)?;
            let (error, error_end) = pipe2(OFlag::O_CLOEXEC)?;
            give_pipe(&output_end, self.owner())?;
            give_pipe(&error_end, self.owner())?;
            let streams = Streams {
                input: Stdio::null(),
                output: output_end.into(),
                error: error_end.into(),
            };
            let job = Some(Job::start(&order, streams)?);
            Ok((Background { job, program }, output.into(), error.into()))
        };
        start().map_err(failed)
    }
}

impl Background {
    /// How the program ended, waiting for that until `deadline`, for ever without one; nothing while it runs, and once
    /// its end was told.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<Option<Outcome>, SandboxError> {
        let Some(job) = &self.job else {
            return Ok(None);
        };
        if !job.wait(deadline, &[]).map_err(failed)? {
            return Ok(None);
        }
        match self.job.take() {
            Some(job) => job.finish(&self.program).map(Some),
            None => Ok(None),
        }
    }

    /// Sends SIGTERM to it and to everything that it started.
    pub fn terminate(&self) {
        if let Some(job) = &self.job {
            job.command(wire::TERMINATE);
        }
    }
}

fn failed(source: io::Error) -> SandboxError {
    SandboxError::SetUp {
        step: "running a program in the background".into(),
        source,
    }
}
