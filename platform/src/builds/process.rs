//! The program that builds, as a process with all that it starts.
#![expect(
    unsafe_code,
    reason = "what a process asks of the system between its fork and its program"
)]

use super::share::Share;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpid, getppid};
use std::io::{self, PipeReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How often a session is looked through for what is left of it: a process may start others meanwhile.
const SWEEPS: usize = 20;

/// How long the end of the output is waited for after the end of the program.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A program that runs, in a session of its own.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Its leader, until it is waited for: nothing else has its number so long.
    leader: Arc<Mutex<Option<Pid>>>,
}

impl Process {
    /// Starts `command` without input, and hands what it prints to `printed`, both its streams as one.
    ///
    /// It ends with the server, however that ends: the system kills it with the thread that started it, which therefore
    /// lives as long as it. Returns when it runs; what is received later is how it ended, when nothing is left of its
    /// session.
    pub(super) fn start(
        mut command: Command,
        share: Option<Share>,
        printed: impl Fn(&[u8]) + Send + 'static,
    ) -> io::Result<(Self, oneshot::Receiver<io::Result<ExitStatus>>)> {
        let (reader, writer) = io::pipe()?;
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let (started, has_started) = std::sync::mpsc::sync_channel(1);
        let (ended, has_ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("build".into())
            .spawn(move || {
                let begun = begin(&mut command, share.as_ref());
                // It holds the writing ends of the pipe, which has to end with the program.
                drop(command);
                let mut child = match begun {
                    Ok(child) => child,
                    Err(error) => {
                        // Who started it waits.
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                let leader = Pid::from_raw(child.id().cast_signed());
                let process = Self {
                    leader: Arc::new(Mutex::new(Some(leader))),
                };
                let _ = started.send(Ok(process.clone()));
                let (copied, has_copied) = std::sync::mpsc::sync_channel::<()>(1);
                let copying = std::thread::Builder::new()
                    .name("build output".into())
                    .spawn(move || {
                        copy(reader, printed);
                        drop(copied);
                    });
                let status = process.wait(&mut child, leader, share.as_ref());
                // All that could still write is killed, but for what left the session and is nobody's any more.
                if copying.is_ok() {
                    let _ = has_copied.recv_timeout(LAST_WORDS);
                }
                drop(share);
                let _ = ended.send(status);
            })?;
        let process = has_started
            .recv()
            .map_err(|_| io::Error::other("the thread of the build ended"))??;
        Ok((process, has_ended))
    }

    /// Asks it to end. It has ended already where nothing is to be done.
    pub(super) fn terminate(&self) {
        self.signal(|leader| kill(leader, Signal::SIGTERM));
    }

    /// Ends it and all of its session at once.
    pub(super) fn kill(&self) {
        self.signal(|leader| {
            kill_session(leader);
            killpg(leader, Signal::SIGKILL)
        });
    }

    fn signal(&self, signal: impl Fn(Pid) -> nix::Result<()>) {
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = *leader {
            // What is gone needs no signal.
            let _ = signal(leader);
        }
    }

    /// Waits for the leader, and kills what it left behind before its number is free again.
    fn wait(
        &self,
        child: &mut Child,
        leader: Pid,
        share: Option<&Share>,
    ) -> io::Result<ExitStatus> {
        while let Err(errno) = waitid(Id::Pid(leader), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        {
            if errno != Errno::EINTR {
                return Err(errno.into());
            }
        }
        let mut known = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        kill_session(leader);
        // Those that made a session of their own, too.
        for _ in 0..SWEEPS {
            let members = share.map(Share::members).unwrap_or_default();
            if members.is_empty() {
                break;
            }
            for member in members {
                let _ = kill(Pid::from_raw(member), Signal::SIGKILL);
            }
        }
        *known = None;
        child.wait()
    }
}

/// Starts the program.
fn begin(command: &mut Command, share: Option<&Share>) -> io::Result<Child> {
    let server = getpid();
    let entrance = match share {
        Some(share) => Some(
            std::fs::OpenOptions::new()
                .write(true)
                .open(share.entrance())?,
        ),
        None => None,
    };
    let prepare = move || {
        if let Some(entrance) = &entrance {
            nix::unistd::write(entrance, b"0")?;
        }
        nix::unistd::setsid()?;
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The server may have ended before that.
        if getppid() != server {
            return Err(Errno::ESRCH.into());
        }
        Ok(())
    };
    // SAFETY: it allocates nothing, takes no lock and calls only async-signal-safe functions.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}

/// Whether a process can be moved to a group: one is that then becomes no program, since there is none of its name.
pub(super) fn enters(share: &Share) -> io::Result<()> {
    match begin(&mut Command::new("/proc/self/no-such-program"), Some(share)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && share.entrance().exists() => {
            Ok(())
        }
        Err(error) => Err(error),
        Ok(mut child) => child.wait().map(drop),
    }
}

/// Hands on what comes, until nobody can write any more.
fn copy(mut reader: PipeReader, printed: impl Fn(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => printed(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Kills every process of the session of `leader`.
fn kill_session(leader: Pid) {
    for _ in 0..SWEEPS {
        let members = members(leader);
        if members.is_empty() {
            return;
        }
        for member in members {
            // It may be gone meanwhile.
            let _ = kill(member, Signal::SIGKILL);
        }
    }
}

/// The processes of a session that live.
fn members(session: Pid) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process| session_of(*process) == Some(session.as_raw()))
        .map(Pid::from_raw)
        .collect()
}

/// The session of a process that is no zombie (`proc_pid_stat(5)`).
fn session_of(process: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in brackets, and may have any.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let session = fields.nth(2)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(session)
}
