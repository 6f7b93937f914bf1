//! Processes of git that a killed server left: they would go on with repositories that the next one tidies up.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// As long as killed processes may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kills every process that was started with the home `home` by a server that is no more, and waits until there is none.
///
/// Whatever git is run here has this home, and so has what it starts: receive-pack, index-pack, the hook. Nothing else does.
///
/// # Errors
/// Some do not end.
pub(super) fn end(home: &Path) -> io::Result<()> {
    let mut variable = OsString::from("HOME=");
    variable.push(home);
    let started = Instant::now();
    // Again and again: those that were about to start others may have.
    loop {
        let left = processes_with(variable.as_bytes());
        if left.is_empty() {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            let text = format!("processes of git that the last server left do not end: {left:?}");
            return Err(io::Error::other(text));
        }
        for process in left {
            // It may be gone meanwhile.
            let _ = kill(process, Signal::SIGKILL);
        }
        sleep(Duration::from_millis(20));
    }
}

/// The processes that were started with a variable (`proc_pid_environ(5)`): none of other users, and none that have ended.
fn processes_with(variable: &[u8]) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let processes = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has_variable = |process: &i32| {
        std::fs::read(format!("/proc/{process}/environ"))
            .is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == variable))
    };
    processes.filter(has_variable).map(Pid::from_raw).collect()
}
