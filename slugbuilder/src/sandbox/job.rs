//! A running program, seen from this side: the runner process, its control pipe and its result.

use super::interrupt::Interrupt;
use super::system;
use super::wire::{self, Ending, Order, RUNNER};
use super::{Outcome, SandboxError, Stream};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::pipe2;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest line that is passed on in one piece; longer ones come in several, so that memory stays bounded.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// The stdio of a program.
pub(super) struct Streams {
    pub(super) input: Stdio,
    pub(super) output: Stdio,
    pub(super) error: Stdio,
}

/// Lets the programs open a pipe of theirs again, as `/dev/stdout` does: it has to belong to them.
pub(super) fn give_pipe(pipe: &OwnedFd, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => std::os::unix::fs::fchown(pipe, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// How long everything may take to end after it was killed, before the runner is taken for one that cannot do it.
const END: Duration = Duration::from_secs(5);

/// A program that was started. Dropping it kills it and everything that it started.
pub(super) struct Job {
    runner: Child,
    control: OwnedFd,
    result: File,
    ended: bool,
}

impl Job {
    /// Starts the program of `order`.
    pub(super) fn start(order: &Order, streams: Streams) -> io::Result<Self> {
        let mut text = File::from(memfd_create(c"slugbuilder-order", MFdFlags::MFD_CLOEXEC)?);
        text.write_all(&serde_json::to_vec(order)?)?;
        text.rewind()?;
        let (control_end, control) = pipe2(OFlag::O_CLOEXEC)?;
        let (result, result_end) = pipe2(OFlag::O_CLOEXEC)?;
        let passed = vec![text.into(), control_end, result_end];
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(RUNNER)
            .args(
                passed
                    .iter()
                    .map(|one: &OwnedFd| one.as_raw_fd().to_string()),
            )
            .env_clear()
            .stdin(streams.input)
            .stdout(streams.output)
            .stderr(streams.error)
            // A Ctrl-C at the terminal is for slugbuilder, which ends its jobs in its own way.
            .process_group(0);
        system::pass_descriptors(&mut command, passed);
        let runner = command.spawn()?;
        Ok(Self {
            runner,
            control,
            result: result.into(),
            ended: false,
        })
    }

    /// Sends a command byte of [`wire`] to the runner.
    pub(super) fn command(&self, byte: u8) {
        // A runner that is gone needs no command.
        let _ = nix::unistd::write(&self.control, &[byte]);
    }

    /// Waits until the program has ended, at most until `deadline`; nothing if it still runs then. `extra` are
    /// descriptors whose readiness ends the wait, too.
    pub(super) fn wait(
        &self,
        deadline: Option<Instant>,
        extra: &[&dyn std::os::fd::AsFd],
    ) -> io::Result<bool> {
        loop {
            let mut descriptors = vec![PollFd::new(self.result.as_fd(), PollFlags::POLLIN)];
            descriptors.extend(
                extra
                    .iter()
                    .map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN)),
            );
            match poll(&mut descriptors, time_left(deadline)) {
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            return Ok(descriptors[0]
                .revents()
                .is_some_and(|events| !events.is_empty()));
        }
    }

    /// How the program ended; waits for the end of everything that it had started.
    pub(super) fn finish(mut self, program: &std::path::Path) -> Result<Outcome, SandboxError> {
        self.ended = true;
        let mut text = Vec::new();
        let read = self.result.read_to_end(&mut text);
        let waited = self.runner.wait();
        read.and(waited).map_err(|source| SandboxError::SetUp {
            step: "waiting for a program".into(),
            source,
        })?;
        match serde_json::from_slice(&text) {
            Ok(Ending::Exited(status)) => Ok(Outcome::Exited(status)),
            Ok(Ending::Signalled(signal)) => Ok(Outcome::Signalled(signal)),
            Ok(Ending::NotStarted(errno)) => Err(SandboxError::Start {
                program: program.to_owned(),
                source: io::Error::from_raw_os_error(errno),
            }),
            Ok(Ending::NotJoined(errno)) => Err(SandboxError::Refused {
                step: "making a process namespace".into(),
                source: io::Error::from_raw_os_error(errno),
            }),
            // Someone has killed the runner: where there are no namespaces, the program itself can.
            Err(_) => {
                end_strays();
                Ok(Outcome::Signalled(libc::SIGKILL))
            }
        }
    }
}

impl Job {
    /// Ends a runner that does not do as it is told, because it was stopped, and all that it leaves.
    fn end_by_force(&mut self) {
        let _ = self.runner.kill();
        let _ = self.runner.wait();
        end_strays();
    }
}

/// Kills what has come to us because its runner died. In a sandbox there is nothing: the namespace has ended.
fn end_strays() {
    if nix::sys::prctl::get_child_subreaper().unwrap_or(false) {
        super::runner::end_descendants();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.ended {
            self.command(wire::KILL);
            // The end of the control pipe ends the namespace; the runner reports and goes.
            let Ok((_, closed)) = pipe2(OFlag::O_CLOEXEC) else {
                return;
            };
            drop(std::mem::replace(&mut self.control, closed));
            let _ = self.runner.wait();
        }
    }
}

fn time_left(deadline: Option<Instant>) -> PollTimeout {
    match deadline {
        None => PollTimeout::NONE,
        Some(deadline) => {
            // Rounded up, so that the deadline has passed when the poll returns.
            let left =
                deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        }
    }
}

/// Runs `order` to its end with an empty stdin, passing on each line of its stdout and stderr. Unless they are wanted
/// `apart`, they come in the order in which they were written, as stdout's.
pub(super) fn run_to_end(
    order: &Order,
    deadline: Option<Instant>,
    interrupt: &Interrupt,
    owner: Option<(u32, u32)>,
    apart: bool,
    output: &mut dyn FnMut(Stream, &[u8]),
) -> Result<Outcome, SandboxError> {
    let program = std::path::PathBuf::from(order.program.as_ref().unwrap_or(&order.argv0));
    let set_up = |source: io::Error| SandboxError::SetUp {
        step: "starting a program".into(),
        source,
    };
    let pipe = || -> io::Result<(OwnedFd, OwnedFd)> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        give_pipe(&writer, owner)?;
        Ok((reader, writer))
    };
    let (reader, writer) = pipe().map_err(set_up)?;
    let mut readers = vec![Source::new(Stream::Output, reader)];
    let error = if apart {
        let (reader, writer) = pipe().map_err(set_up)?;
        readers.push(Source::new(Stream::Error, reader));
        writer
    } else {
        writer.try_clone().map_err(set_up)?
    };
    let mut job = Job::start(
        order,
        Streams {
            input: Stdio::null(),
            output: writer.into(),
            error: error.into(),
        },
    )
    .map_err(set_up)?;
    let mut buffer = vec![0u8; 32 * 1024];
    let mut forced = None;
    let mut reported = false;
    // Until everyone who could write has ended.
    while !readers.is_empty() {
        let mut descriptors: Vec<_> = readers
            .iter()
            .map(|source| PollFd::new(source.reader.as_fd(), PollFlags::POLLIN))
            .collect();
        if forced.is_none() {
            descriptors.push(PollFd::new(interrupt.descriptor(), PollFlags::POLLIN));
        }
        if !reported {
            descriptors.push(PollFd::new(job.result.as_fd(), PollFlags::POLLIN));
        }
        let limit = time_left(match &forced {
            None => deadline,
            Some((_, at)) => Some(*at + END),
        });
        match poll(&mut descriptors, limit) {
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(set_up(error.into())),
            Ok(_) => {}
        }
        if !reported
            && let Some(events) = descriptors.last().and_then(PollFd::revents)
            && !events.is_empty()
        {
            if !events.contains(PollFlags::POLLIN) {
                // It ended without a word: someone has killed it, and what is left holds the output open.
                job.end_by_force();
                end_all(&mut readers, output);
                return Ok(Outcome::Signalled(libc::SIGKILL));
            }
            reported = true;
        }
        if forced.is_none() {
            if interrupt.raised() {
                forced = Some((Outcome::Interrupted, Instant::now()));
            } else if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                forced = Some((Outcome::TimedOut, Instant::now()));
            }
            if forced.is_some() {
                job.command(wire::KILL);
            }
        } else if let Some((outcome, at)) = forced
            && Instant::now() >= at + END
        {
            job.end_by_force();
            end_all(&mut readers, output);
            return Ok(outcome);
        }
        let ready: Vec<bool> = descriptors
            .iter()
            .take(readers.len())
            .map(|one| one.revents().is_some_and(|events| !events.is_empty()))
            .collect();
        for (source, ready) in readers.iter_mut().zip(ready) {
            if ready {
                source.read(&mut buffer, output).map_err(set_up)?;
            }
        }
        readers.retain(|source| !source.ended);
    }
    let outcome = job.finish(&program)?;
    Ok(forced.map_or(outcome, |(forced, _)| forced))
}

/// The reading end of a pipe that a program writes to.
struct Source {
    stream: Stream,
    reader: OwnedFd,
    lines: Lines,
    ended: bool,
}

impl Source {
    fn new(stream: Stream, reader: OwnedFd) -> Self {
        Self {
            stream,
            reader,
            lines: Lines::default(),
            ended: false,
        }
    }

    /// Passes on what is there to be read.
    fn read(&mut self, buffer: &mut [u8], output: &mut dyn FnMut(Stream, &[u8])) -> io::Result<()> {
        let stream = self.stream;
        let mut output = |line: &[u8]| output(stream, line);
        match nix::unistd::read(&self.reader, buffer) {
            Ok(0) => {
                self.lines.end(&mut output);
                self.ended = true;
            }
            Ok(length) => {
                self.lines
                    .take(buffer.get(..length).unwrap_or_default(), &mut output);
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Passes on what came without the end of its line.
fn end_all(sources: &mut [Source], output: &mut dyn FnMut(Stream, &[u8])) {
    for source in sources {
        let stream = source.stream;
        source.lines.end(&mut |line| output(stream, line));
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Default)]
struct Lines {
    open: Vec<u8>,
}

impl Lines {
    fn take(&mut self, mut bytes: &[u8], output: &mut dyn FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.open.extend_from_slice(&bytes[..end]);
            self.pass_on(output);
            bytes = &bytes[end + 1..];
        }
        self.open.extend_from_slice(bytes);
        if self.open.len() > LONGEST_LINE {
            self.pass_on(output);
        }
    }

    fn pass_on(&mut self, output: &mut dyn FnMut(&[u8])) {
        let line = self.open.strip_suffix(b"\r").unwrap_or(&self.open);
        output(line);
        self.open.clear();
    }

    fn end(&mut self, output: &mut dyn FnMut(&[u8])) {
        if !self.open.is_empty() {
            self.pass_on(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        let mut seen = Vec::new();
        let mut take = |line: &[u8]| seen.push(String::from_utf8_lossy(line).into_owned());
        let mut lines = Lines::default();
        for piece in ["on", "e\ntwo\r\n", "\nlast"] {
            lines.take(piece.as_bytes(), &mut take);
        }
        lines.end(&mut take);
        assert_eq!(seen, ["one", "two", "", "last"]);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let mut total = 0;
        let mut longest = 0;
        let mut take = |line: &[u8]| {
            total += line.len();
            longest = longest.max(line.len());
        };
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.take(&[b'x'; 10_000], &mut take);
        }
        lines.end(&mut take);
        assert_eq!(total, 1_000_000);
        assert!(longest <= LONGEST_LINE + 10_000, "{longest}");
    }
}
