//! Ending work that runs no program: walks, copies and archives look at a [`Stop`] between two pieces of it.

use crate::sandbox::Interrupt;
use slugbuilder_report::Fault;
use std::io::{Error, Read};
use std::time::Instant;

/// When to end before the work is done. The default is never.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    interrupt: Option<Interrupt>,
    deadline: Option<Instant>,
}

impl Stop {
    /// Once `interrupt` is raised, or `deadline`, where there is one, has passed.
    #[must_use]
    pub fn new(interrupt: &Interrupt, deadline: Option<Instant>) -> Self {
        Self {
            interrupt: Some(interrupt.clone()),
            deadline,
        }
    }

    /// Fails if the work has to end. Takes no time to speak of.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.interrupt.as_ref().is_some_and(Interrupt::raised) {
            Err(Stopped::Interrupted)
        } else if self.deadline.is_some_and(|at| Instant::now() >= at) {
            Err(Stopped::TimedOut)
        } else {
            Ok(())
        }
    }
}

/// Why work ended before it was done. `Display` is the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Someone asked for it.
    #[error("was interrupted")]
    Interrupted,
    /// The time limit has passed.
    #[error("ran out of time")]
    TimedOut,
}

impl Stopped {
    /// The code of errors that tell of it; programs of a build that end so have the same.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::TimedOut => "timed-out",
        }
    }

    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Interrupted => Fault::TryLater,
            Self::TimedOut => Fault::App,
        }
    }

    pub(crate) fn hint(self) -> String {
        match self {
            Self::Interrupted => "Run the same command again; it starts afresh.".into(),
            Self::TimedOut => "Allow more time with `--timeout`.".into(),
        }
    }
}

/// Reads on until it has to stop; then reading fails.
pub(crate) struct Stoppable<'a, R> {
    pub(crate) inner: R,
    pub(crate) stop: &'a Stop,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.stop.check().map_err(Error::other)?;
        self.inner.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_stops_when_asked_or_when_the_time_is_over() {
        assert_eq!(Stop::default().check(), Ok(()));
        let interrupt = Interrupt::new().unwrap();
        let later = Instant::now() + Duration::from_mins(10);
        let stop = Stop::new(&interrupt, Some(later));
        assert_eq!(stop.check(), Ok(()));
        assert_eq!(
            Stop::new(&interrupt, Some(Instant::now())).check(),
            Err(Stopped::TimedOut)
        );
        interrupt.raise();
        assert_eq!(stop.check(), Err(Stopped::Interrupted));
    }
}
