//! A program that runs in the foreground: the app of `slugbuilder run`.
//!
//! It never gets our own terminal, which it could read from, reconfigure or type into: its output comes through pipes, and
//! a one-off program at a terminal gets a terminal of its own.

use super::direct::Direct;
use super::executor::{Executor as _, Invocation, Outcome, SandboxError};
use super::interrupt::Interrupt;
use super::job::{Job, Streams, give_pipe};
use super::namespaced::Namespaced;
use super::{system, wire};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::pipe2;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How often a change of the terminal's size is looked for, in milliseconds.
const SIZE_INTERVAL: u16 = 250;

/// How long the last output of a program that has ended may take when everything is to end at once.
const LAST_WORDS: Duration = Duration::from_millis(200);

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
    side: Side,
}

/// Our side of its streams.
enum Side {
    /// One message from each stream when it has ended.
    Pipes(Receiver<()>),
    Terminal(OwnedFd),
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
            self.owner(),
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
            self.owner(),
        )
    }
}

fn attach(
    order: &wire::Order,
    console: Console,
    owner: Option<(u32, u32)>,
) -> Result<Attached, SandboxError> {
    let program = PathBuf::from(order.program.as_ref().unwrap_or(&order.argv0));
    let started = match console {
        Console::Terminal => with_terminal(order),
        Console::Formation => with_pipes(order, Stdio::null(), owner),
        Console::Streams => input(owner).and_then(|input| with_pipes(order, input, owner)),
    };
    let (job, side) = started.map_err(|source| SandboxError::SetUp {
        step: "starting a program".into(),
        source,
    })?;
    Ok(Attached { job, program, side })
}

fn with_pipes(
    order: &wire::Order,
    input: Stdio,
    owner: Option<(u32, u32)>,
) -> io::Result<(Job, Side)> {
    let (ended, ends) = channel();
    let output = relayed(io::stdout().as_fd(), &ended, owner)?;
    let error = relayed(io::stderr().as_fd(), &ended, owner)?;
    let streams = Streams {
        input,
        output: output.into(),
        error: error.into(),
    };
    Ok((Job::start(order, streams)?, Side::Pipes(ends)))
}

/// A pipe whose contents a thread passes on to `to`.
fn relayed(
    to: BorrowedFd<'_>,
    ended: &Sender<()>,
    owner: Option<(u32, u32)>,
) -> io::Result<OwnedFd> {
    let to = to.try_clone_to_owned()?;
    let (from, pipe) = pipe2(OFlag::O_CLOEXEC)?;
    give_pipe(&pipe, owner)?;
    let ended = ended.clone();
    std::thread::Builder::new()
        .name("output".into())
        .spawn(move || {
            while copy(from.as_fd(), to.as_fd()).unwrap_or(false) {}
            // Whoever waits for it may have given up.
            let _ = ended.send(());
        })?;
    Ok(pipe)
}

/// Our stdin; where it is a terminal, what is typed there.
fn input(owner: Option<(u32, u32)>) -> io::Result<Stdio> {
    if !io::stdin().is_terminal() {
        return Ok(Stdio::inherit());
    }
    let from = io::stdin().as_fd().try_clone_to_owned()?;
    let (pipe, to) = pipe2(OFlag::O_CLOEXEC)?;
    give_pipe(&pipe, owner)?;
    // Ends with the process: nothing can end its wait for a key.
    std::thread::Builder::new()
        .name("input".into())
        .spawn(
            move || {
                while copy(from.as_fd(), to.as_fd()).unwrap_or(false) {}
            },
        )?;
    Ok(pipe.into())
}

fn with_terminal(order: &wire::Order) -> io::Result<(Job, Side)> {
    let pair = openpty(None, None)?;
    // The pair is made without close-on-exec, and our side must not leak into programs; nor may a program that does not
    // read hold us up.
    fcntl(&pair.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fcntl(&pair.slave, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    system::copy_terminal_size(io::stdin().as_fd(), pair.master.as_fd())?;
    let streams = Streams {
        input: pair.slave.try_clone()?.into(),
        output: pair.slave.try_clone()?.into(),
        error: pair.slave.into(),
    };
    Ok((Job::start(order, streams)?, Side::Terminal(pair.master)))
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
        let raw = match &self.side {
            Side::Terminal(_) => Some(RawTerminal::enter().map_err(failed)?),
            Side::Pipes(_) => None,
        };
        let mut typed = Typed::default();
        let mut kill_at = None;
        loop {
            // First the command and then the words: a reader that is stuck must not keep the program alive.
            if force.raised() || kill_at.is_some_and(|at| Instant::now() >= at) {
                self.job.command(wire::KILL);
                stopping("Stopping remaining processes with SIGKILL");
                break;
            }
            if stop.raised() && kill_at.is_none() {
                self.job.command(wire::TERMINATE);
                kill_at = Some(Instant::now() + grace);
                stopping("Stopping all processes with SIGTERM");
            }
            let next = if kill_at.is_some() { force } else { stop };
            let ended = match &self.side {
                Side::Terminal(terminal) => typed.relay(terminal, next).and_then(|open| {
                    let ended = self.job.wait(Some(Instant::now()), &[])?;
                    Ok(ended || !open)
                }),
                Side::Pipes(_) => self.job.wait(kill_at, &[&next.descriptor()]),
            };
            if ended.map_err(failed)? {
                break;
            }
        }
        let outcome = self.job.finish(&self.program);
        match &self.side {
            Side::Terminal(terminal) => drain(terminal),
            Side::Pipes(ends) => await_ends(ends, force),
        }
        drop(raw);
        outcome
    }
}

/// Waits until stdout and stderr are passed on, unless everything is to end at once.
fn await_ends(ends: &Receiver<()>, force: &Interrupt) {
    for _ in 0..2 {
        while let Err(error) = ends.recv_timeout(LAST_WORDS) {
            if force.raised() || error == std::sync::mpsc::RecvTimeoutError::Disconnected {
                return;
            }
        }
    }
}

/// What was typed and not taken yet.
#[derive(Default)]
struct Typed {
    pending: Vec<u8>,
    ended: bool,
}

impl Typed {
    /// Carries bytes between the two terminals until something else wants attention; false when the program's side of
    /// its terminal is closed.
    fn relay(&mut self, terminal: &OwnedFd, interrupt: &Interrupt) -> io::Result<bool> {
        system::copy_terminal_size(io::stdin().as_fd(), terminal.as_fd())?;
        let input = io::stdin();
        let mut wanted = PollFlags::POLLIN;
        if !self.pending.is_empty() {
            wanted |= PollFlags::POLLOUT;
        }
        let mut descriptors = vec![
            PollFd::new(terminal.as_fd(), wanted),
            PollFd::new(interrupt.descriptor(), PollFlags::POLLIN),
        ];
        if self.pending.is_empty() && !self.ended {
            descriptors.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut descriptors, PollTimeout::from(SIZE_INTERVAL)) {
            Err(Errno::EINTR) => return Ok(true),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let events = |index: usize| {
            descriptors
                .get(index)
                .and_then(PollFd::revents)
                .unwrap_or(PollFlags::empty())
        };
        if events(0).intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
            && !copy(terminal.as_fd(), io::stdout().as_fd())?
        {
            return Ok(false);
        }
        if !events(2).is_empty() {
            self.pending.resize(4096, 0);
            let length = match nix::unistd::read(&input, &mut self.pending) {
                Ok(length) => length,
                Err(Errno::EINTR | Errno::EAGAIN) => 0,
                // Our terminal is gone.
                Err(Errno::EIO) => {
                    self.ended = true;
                    0
                }
                Err(error) => return Err(error.into()),
            };
            self.pending.truncate(length);
            self.ended |= length == 0;
        }
        if !self.pending.is_empty() {
            match nix::unistd::write(terminal, &self.pending) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(Errno::EIO) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
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
