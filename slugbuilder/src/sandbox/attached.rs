//! A program that runs in the foreground: the app of `slugbuilder run`.

use super::direct::Direct;
use super::executor::{Invocation, Outcome, SandboxError};
use super::interrupt::Interrupt;
use super::job::{Job, Streams};
use super::namespaced::Namespaced;
use super::{system, wire};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How often a change of the terminal's size is looked for.
const SIZE_INTERVAL_MS: u16 = 250;

/// What a foreground program has as stdin, stdout and stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// An empty stdin, our stdout and stderr: a process of the formation.
    Formation,
    /// Our own three streams: a one-off program in a pipe.
    Streams,
    /// A terminal of its own, connected to ours: a one-off program at a terminal.
    Terminal,
}

/// A foreground program.
pub struct Attached {
    job: Job,
    program: PathBuf,
    terminal: Option<OwnedFd>,
}

impl Namespaced {
    /// Starts `invocation` in the foreground.
    pub fn attach(
        &self,
        invocation: &Invocation,
        console: Console,
    ) -> Result<Attached, SandboxError> {
        attach(
            &self.order(invocation, console == Console::Terminal),
            console,
        )
    }
}

impl Direct {
    /// Starts `invocation` in the foreground.
    pub fn attach(
        &self,
        invocation: &Invocation,
        console: Console,
    ) -> Result<Attached, SandboxError> {
        attach(
            &self.order(invocation, console == Console::Terminal),
            console,
        )
    }
}

fn attach(order: &wire::Order, console: Console) -> Result<Attached, SandboxError> {
    let program = PathBuf::from(order.program.as_ref().unwrap_or(&order.argv0));
    let start = || -> io::Result<(Job, Option<OwnedFd>)> {
        let inherited = |input| Streams {
            input,
            output: Stdio::inherit(),
            error: Stdio::inherit(),
        };
        Ok(match console {
            Console::Formation => (Job::start(order, inherited(Stdio::null()))?, None),
            Console::Streams => (Job::start(order, inherited(Stdio::inherit()))?, None),
            Console::Terminal => {
                let pair = openpty(None, None)?;
                // The pair is made without close-on-exec, and our side must not leak into programs.
                nix::fcntl::fcntl(
                    &pair.master,
                    nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC),
                )?;
                system::copy_terminal_size(io::stdin().as_fd(), pair.master.as_fd())?;
                let streams = Streams {
                    input: pair.slave.try_clone()?.into(),
                    output: pair.slave.try_clone()?.into(),
                    error: pair.slave.into(),
                };
                (Job::start(order, streams)?, Some(pair.master))
            }
        })
    };
    let (job, terminal) = start().map_err(|source| SandboxError::SetUp {
        step: "starting a program".into(),
        source,
    })?;
    Ok(Attached {
        job,
        program,
        terminal,
    })
}

impl Attached {
    /// Waits for the program. Once `stop` is raised every process of it gets SIGTERM, and SIGKILL after `grace`
    /// (slugs-and-dynos.md 1.9: SIGTERM to all, 30 s, SIGKILL), or at once when `force` is raised; `stopping` is told
    /// of both.
    pub fn wait(
        self,
        stop: &Interrupt,
        force: &Interrupt,
        grace: Duration,
        stopping: &mut dyn FnMut(&str),
    ) -> Result<Outcome, SandboxError> {
        let failed = |source: io::Error| SandboxError::SetUp {
            step: "waiting for a program".into(),
            source,
        };
        let raw = match &self.terminal {
            Some(_) => Some(RawTerminal::enter().map_err(failed)?),
            None => None,
        };
        let mut kill_at = None;
        let mut input_open = true;
        loop {
            if stop.raised() && kill_at.is_none() {
                stopping("Stopping all processes with SIGTERM");
                self.job.command(wire::TERMINATE);
                kill_at = Some(Instant::now() + grace);
            }
            if force.raised() || kill_at.is_some_and(|at| Instant::now() >= at) {
                stopping("Stopping remaining processes with SIGKILL");
                self.job.command(wire::KILL);
                break;
            }
            let ended = match &self.terminal {
                Some(terminal) => self.relay(terminal, stop, kill_at.is_some(), &mut input_open),
                None if kill_at.is_some() => self.job.wait(kill_at, &[&force.descriptor()]),
                None => self.job.wait(None, &[&stop.descriptor()]),
            };
            if ended.map_err(failed)? {
                break;
            }
        }
        if let Some(terminal) = &self.terminal {
            drain(terminal);
        }
        drop(raw);
        self.job.finish(&self.program)
    }

    /// Carries bytes between the two terminals until something else wants attention; true when the program has ended.
    fn relay(
        &self,
        terminal: &OwnedFd,
        stop: &Interrupt,
        stopping: bool,
        input_open: &mut bool,
    ) -> io::Result<bool> {
        system::copy_terminal_size(io::stdin().as_fd(), terminal.as_fd())?;
        let input = io::stdin();
        let mut descriptors = vec![PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        if *input_open {
            descriptors.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
        }
        if !stopping {
            descriptors.push(PollFd::new(stop.descriptor(), PollFlags::POLLIN));
        }
        match poll(&mut descriptors, PollTimeout::from(SIZE_INTERVAL_MS)) {
            Err(Errno::EINTR) => return Ok(false),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let ready = |index: usize| {
            descriptors[index]
                .revents()
                .is_some_and(|events| !events.is_empty())
        };
        if ready(0) && !copy(terminal.as_fd(), io::stdout().as_fd())? {
            return Ok(true);
        }
        if *input_open && ready(1) {
            *input_open = copy(input.as_fd(), terminal.as_fd())?;
        }
        self.job.wait(Some(Instant::now()), &[])
    }
}

/// What the program wrote last.
fn drain(terminal: &OwnedFd) {
    loop {
        let mut descriptors = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        match poll(&mut descriptors, PollTimeout::ZERO) {
            Ok(1) => {}
            _ => return,
        }
        if !copy(terminal.as_fd(), io::stdout().as_fd()).unwrap_or(false) {
            return;
        }
    }
}

/// Copies what is there to be read; false at the end.
fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<bool> {
    let mut buffer = [0u8; 8192];
    let length = match nix::unistd::read(from, &mut buffer) {
        // EIO is how a terminal says that nobody has its other side open.
        Ok(0) | Err(Errno::EIO) => return Ok(false),
        Ok(length) => length,
        Err(Errno::EINTR | Errno::EAGAIN) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let mut rest = &buffer[..length];
    while !rest.is_empty() {
        match nix::unistd::write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::EINTR) => {}
            Err(Errno::EIO) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Our terminal, passing every byte on, until it is dropped.
struct RawTerminal(Termios);

impl RawTerminal {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
