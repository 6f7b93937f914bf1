//! The server as a process: started, looked at, killed.

use super::client::Connection;
use super::ledger::Token;
use super::requests;
use crate::arguments::TiedArguments;
use crate::error::BenchError;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};
use std::cell::Cell;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// More than any run makes: what is measured is the server and not its rate limit.
const REQUESTS_PER_HOUR: u32 = u32::MAX;

/// A process that listens, and ends when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    killed: Cell<bool>,
    pub(super) address: SocketAddr,
}

/// What a process holds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// The most that it ever held.
    pub(super) peak: u64,
    /// What it holds now.
    pub(super) now: u64,
}

impl Server {
    /// Starts `slugbuilder serve` on the data folder `data`. What it says goes to the end of the file `log`, a line for each
    /// request, as it does for whoever operates one.
    pub(super) fn serve(
        bench: &Path,
        slugbuilder: &Path,
        data: &Path,
        log: &Path,
    ) -> Result<Self, BenchError> {
        let words = [
            slugbuilder.into(),
            "serve".into(),
            "--data".into(),
            data.into(),
            "--listen".into(),
            "127.0.0.1:0".into(),
            "--requests-per-hour".into(),
            REQUESTS_PER_HOUR.to_string().into(),
        ];
        Self::start(bench, &words, log)
    }

    /// Starts a program that prints `Listening on http://ADDRESS`; `bench` is this one.
    pub(super) fn start(bench: &Path, words: &[OsString], log: &Path) -> Result<Self, BenchError> {
        let log = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)?;
        let mut child = Command::new(bench)
            .arg("tied")
            .arg("--")
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.into_file())
            .spawn()?;
        let stdout = child.stdout.take();
        let mut server = Self {
            child,
            killed: Cell::new(false),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line.trim_end().strip_prefix("Listening on http://");
        server.address = address
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| BenchError::Failed {
                command: words
                    .join(std::ffi::OsStr::new(" "))
                    .to_string_lossy()
                    .into_owned(),
                reason: format!("it does not listen, and says {line:?}"),
            })?;
        Ok(server)
    }

    /// As [`Server::serve`]; how long it takes from the start of the process until a request is answered.
    pub(super) async fn serve_until_it_answers(
        bench: &Path,
        slugbuilder: &Path,
        data: &Path,
        log: &Path,
        token: &Token,
    ) -> Result<(Self, Duration), BenchError> {
        let started = Instant::now();
        let server = Self::serve(bench, slugbuilder, data, log)?;
        let mut connection = Connection::open(server.address).await?;
        let request = requests::get("/account", token, None)?;
        let answer = connection.send(request).await?;
        requests::expect("restart", &answer, &[200])?;
        Ok((server, started.elapsed()))
    }

    /// Ends it as `kill -9` does. It is waited for when this is dropped.
    pub(super) fn kill(&self) -> Result<(), BenchError> {
        let id = i32::try_from(self.child.id()).map_err(std::io::Error::other)?;
        kill(Pid::from_raw(id), Signal::SIGKILL).map_err(std::io::Error::from)?;
        self.killed.set(true);
        Ok(())
    }

    /// Whether it was killed.
    pub(super) fn is_killed(&self) -> bool {
        self.killed.get()
    }

    /// Its memory.
    pub(super) fn memory(&self) -> Result<Memory, BenchError> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs_err::read_to_string(&path)?;
        memory(&status).ok_or_else(|| unreadable(&path))
    }

    /// Processor time that it has used, user and system.
    pub(super) fn cpu(&self) -> Result<Duration, BenchError> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs_err::read_to_string(&path)?;
        let ticks = ticks(&stat).ok_or_else(|| unreadable(&path))?;
        let per_second = sysconf(SysconfVar::CLK_TCK)
            .ok()
            .flatten()
            .and_then(|ticks| u32::try_from(ticks).ok())
            .unwrap_or(100);
        Ok(Duration::from_secs(ticks) / per_second.max(1))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unreadable(path: &str) -> BenchError {
    std::io::Error::other(format!("`{path}` is not as expected")).into()
}

/// The memory in /proc/PID/status, which counts in units of 1,024 bytes.
fn memory(status: &str) -> Option<Memory> {
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some(Memory {
        peak: of("VmHWM:")?,
        now: of("VmRSS:")?,
    })
}

/// The processor time in /proc/PID/stat: fields 14 and 15 (proc(5)), counted from behind the name, which may have blanks.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// `tied`: becomes the program, which the kernel ends when the benchmark is gone, however that went.
pub(crate) fn tied(arguments: &TiedArguments) -> Result<(), BenchError> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(std::io::Error::from)?;
    // The benchmark blocks signals that the program may want to hear.
    SigSet::all()
        .thread_unblock()
        .map_err(std::io::Error::from)?;
    let [program, rest @ ..] = arguments.program.as_slice() else {
        return Ok(());
    };
    let error = Command::new(program).args(rest).exec();
    Err(BenchError::Failed {
        command: program.to_string_lossy().into_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        let status = "Name:\tslugbuilder\nVmPeak:\t 9 kB\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n";
        let expected = Memory {
            peak: 2 << 20,
            now: 1 << 20,
        };
        assert_eq!(memory(status), Some(expected));
        assert_eq!(memory("Name:\tx\n"), None);
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a"), None);
    }
}
