//! The process that runs one program to its end: it joins the namespaces of a holder, makes a process namespace of its
//! own, and takes everything down with the program. Without a holder it does the latter by adopting orphans.

use super::system;
use super::wire::{self, Ending, Identity, Order};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Runs an [`Order`] and reports its [`Ending`]. The three arguments are the numbers of descriptors: where the order can
/// be read, where commands of one byte come from, whose end means that slugbuilder is gone and everything must die, and
/// where the ending goes. The return value is the exit code, which says only whether the ending could be written.
pub(super) fn main() -> u8 {
    let mut numbers = std::env::args().skip(1);
    let mut next = || system::inherited(&numbers.next().unwrap_or_default());
    let (Ok(order), Ok(control), Ok(result)) = (next(), next(), next()) else {
        return 70;
    };
    let _ = nix::sys::prctl::set_dumpable(true);
    let mut text = Vec::new();
    if File::from(order).read_to_end(&mut text).is_err() {
        return 70;
    }
    let Ok(order) = serde_json::from_slice::<Order>(&text) else {
        return 70;
    };
    drop(text);
    let mut result = File::from(result);
    let ending = if let Some(holder) = order.holder {
        match join(holder) {
            Ok(()) => return in_new_process_namespace(&order, control, &mut result),
            Err(error) => Ending::NotJoined(number(&error)),
        }
    } else {
        // Orphans come to us: that is how the end of the program finds them.
        let _ = nix::sys::prctl::set_child_subreaper(true);
        supervise(&order, &control)
    };
    report(&mut result, ending)
}

fn report(result: &mut File, ending: Ending) -> u8 {
    match serde_json::to_vec(&ending).map(|text| result.write_all(&text)) {
        Ok(Ok(())) => 0,
        _ => 70,
    }
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(Errno::EIO as i32)
}

fn join(holder: i32) -> io::Result<()> {
    let open = |name: &str| File::open(format!("/proc/{holder}/ns/{name}"));
    let (user, mounts, network) = (open("user")?, open("mnt")?, open("net")?);
    let own_network = same_namespace(&network, Path::new("/proc/self/ns/net"))?;
    setns(user, CloneFlags::CLONE_NEWUSER)?;
    setns(mounts, CloneFlags::CLONE_NEWNS)?;
    if !own_network {
        setns(network, CloneFlags::CLONE_NEWNET)?;
    }
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWNS)?;
    Ok(())
}

fn same_namespace(one: &File, other: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (one, other) = (one.metadata()?, std::fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn in_new_process_namespace(order: &Order, control: OwnedFd, result: &mut File) -> u8 {
    // Its end tells the first process of the namespace that we are gone, also where the signal that it asks for is lost
    // because we died before it asked.
    let Ok((alive, hold)) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC) else {
        return report(result, Ending::NotJoined(Errno::EMFILE as i32));
    };
    match system::fork() {
        Ok(Some(first)) => {
            drop(control);
            drop(alive);
            let _ = system::die_with_parent();
            while waitpid(first, None) == Err(Errno::EINTR) {}
            drop(hold);
            0
        }
        Ok(None) => {
            drop(hold);
            let ending = match first_process(&alive) {
                Ok(()) => supervise(order, &control),
                Err(error) => Ending::NotJoined(number(&error)),
            };
            // The end of this process, the first of its namespace, ends every other one. Whoever reads the report waits for
            // its end, too.
            report(result, ending)
        }
        Err(error) => report(result, Ending::NotJoined(number(&error))),
    }
}

fn first_process(alive: &OwnedFd) -> io::Result<()> {
    system::die_with_parent()?;
    let mut descriptors = [PollFd::new(alive.as_fd(), PollFlags::POLLIN)];
    if poll(&mut descriptors, PollTimeout::ZERO)? != 0 {
        return Err(io::Error::from_raw_os_error(Errno::ESRCH as i32));
    }
    nix::mount::mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        nix::mount::MsFlags::MS_NOSUID
            | nix::mount::MsFlags::MS_NODEV
            | nix::mount::MsFlags::MS_NOEXEC,
        None::<&str>,
    )?;
    Ok(())
}

/// Starts the program, passes signals on, reaps orphans, and kills whatever is left when the program has ended.
fn supervise(order: &Order, control: &OwnedFd) -> Ending {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    if signals.thread_block().is_err() {
        return Ending::NotJoined(Errno::EIO as i32);
    }
    let Ok(children) =
        SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    else {
        return Ending::NotJoined(Errno::EIO as i32);
    };
    let program = match command(order).spawn() {
        Ok(child) => Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)),
        Err(error) => return Ending::NotStarted(number(&error)),
    };
    let everyone = Everyone {
        namespace: order.holder.is_some(),
        program,
    };
    let ending = loop {
        let mut descriptors = [
            PollFd::new(children.as_fd(), PollFlags::POLLIN),
            PollFd::new(control.as_fd(), PollFlags::POLLIN),
        ];
        if let Err(error) = poll(&mut descriptors, PollTimeout::NONE)
            && error != Errno::EINTR
        {
            break Ending::Signalled(Signal::SIGKILL as i32);
        }
        let commanded = descriptors[1]
            .revents()
            .is_some_and(|events| !events.is_empty());
        while let Ok(Some(_)) = children.read_signal() {}
        if let Some(ending) = reap(program) {
            break ending;
        }
        if commanded && !obey(control, &everyone) {
            everyone.signal(Signal::SIGKILL);
            break Ending::Signalled(Signal::SIGKILL as i32);
        }
    };
    everyone.end();
    ending
}

/// Collects every child that has ended; the program's ending if it is among them.
fn reap(program: Pid) -> Option<Ending> {
    let mut ending = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == program => {
                ending = Some(Ending::Exited(
                    u8::try_from(status & 0xff).unwrap_or(u8::MAX),
                ));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => {
                ending = Some(Ending::Signalled(signal as i32));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return ending,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return ending.or(Some(Ending::Signalled(Signal::SIGKILL as i32))),
        }
    }
}

/// Carries out one command; false when slugbuilder is gone.
fn obey(control: &OwnedFd, everyone: &Everyone) -> bool {
    let mut byte = [0u8];
    match nix::unistd::read(control, &mut byte) {
        Ok(0) => return false,
        Ok(_) => {}
        Err(error) => return error == Errno::EINTR || error == Errno::EAGAIN,
    }
    match byte[0] {
        wire::TERMINATE => everyone.signal(Signal::SIGTERM),
        wire::KILL => everyone.signal(Signal::SIGKILL),
        _ => {}
    }
    true
}

/// Every process that the program has started, and itself.
struct Everyone {
    namespace: bool,
    program: Pid,
}

impl Everyone {
    fn signal(&self, signal: Signal) {
        if self.namespace {
            // Everyone but the caller, which as the namespace's first process is out of reach of the others.
            let _ = kill(Pid::from_raw(-1), signal);
        } else {
            for pid in descendants() {
                let _ = kill(pid, signal);
            }
            let _ = kill(self.program, signal);
        }
    }

    fn end(&self) {
        if self.namespace {
            // The kernel kills the rest of the namespace when the caller, its first process, ends.
            return;
        }
        end_descendants();
    }
}

/// Kills every process below the calling one, which has made itself the one that orphans come to; what forks between two
/// looks is found by the next one.
pub(super) fn end_descendants() {
    loop {
        for pid in descendants() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        match waitpid(None, None) {
            Err(Errno::EINTR) | Ok(_) => {}
            // Nobody is left.
            Err(_) => return,
        }
    }
}

/// Every process below the calling one (proc(5), `children`).
fn descendants() -> Vec<Pid> {
    let mut found = Vec::new();
    let mut open = vec![std::process::id().cast_signed()];
    while let Some(parent) = open.pop() {
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{parent}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let Ok(children) = std::fs::read_to_string(task.path().join("children")) else {
                continue;
            };
            for child in children
                .split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
            {
                found.push(Pid::from_raw(child));
                open.push(child);
            }
        }
    }
    found
}

/// The program of `order`.
fn command(order: &Order) -> Command {
    let program = order
        .program
        .as_deref()
        .unwrap_or("/proc/self/exe".as_ref());
    let mut command = Command::new(program);
    command
        .arg0(&order.argv0)
        .args(&order.arguments)
        .env_clear()
        .envs(order.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&order.directory);
    let (identity, terminal, sandboxed) = (order.identity, order.terminal, order.holder.is_some());
    system::before_exec(&mut command, move || {
        // Both are inherited, from us and from whoever started slugbuilder: what a shell starts in the background ignores
        // SIGINT, and no shell that it starts in turn can trap it.
        system::default_signal_actions()?;
        SigSet::empty().thread_set_mask()?;
        if terminal {
            system::take_terminal()?;
        } else {
            nix::unistd::setsid()?;
        }
        // What a build makes must not depend on whoever starts it.
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
        if let Some(identity) = identity {
            become_program(identity, sandboxed)?;
        }
        if sandboxed {
            system::new_session_keyring();
        }
        // Without it Landlock is for the privileged only.
        nix::sys::prctl::set_no_new_privs()?;
        if sandboxed {
            system::scope_to_domain();
        }
        // Not closed: the standard library reports a failing exec through one.
        system::close_others_on_exec()?;
        Ok(())
    });
    command
}

fn become_program(identity: Identity, sandboxed: bool) -> io::Result<()> {
    if identity.root {
        let (uid, gid) = (
            Uid::from_raw(identity.outside),
            Gid::from_raw(identity.outside),
        );
        nix::unistd::setgroups(&[])?;
        nix::unistd::setresgid(gid, gid, gid)?;
        nix::unistd::setresuid(uid, uid, uid)?;
        // A change of uid makes a process's own /proc files root's.
        nix::sys::prctl::set_dumpable(true)?;
    }
    if sandboxed {
        // Ids of the parent namespace: afterwards they read as nobody's.
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        unshare(CloneFlags::CLONE_NEWUSER)?;
        let write = |name: &str, text: &str| {
            std::fs::OpenOptions::new()
                .write(true)
                .open(format!("/proc/self/{name}"))?
                .write_all(text.as_bytes())
        };
        write("setgroups", "deny")?;
        write("uid_map", &format!("{} {uid} 1\n", identity.inside))?;
        write("gid_map", &format!("{} {gid} 1\n", identity.inside))?;
    }
    system::drop_capabilities()
}
