//! SIGINT, SIGTERM and SIGHUP as requests that the library understands.

use nix::sys::signal::{SigSet, Signal};
use slugbuilder::sandbox::Interrupt;
use std::io;

/// The requests to stop that this process has got.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    /// Raised by the first signal.
    pub(crate) stop: Interrupt,
    /// Raised by the second one.
    pub(crate) force: Interrupt,
}

/// Takes the three signals over, for this thread and every thread that it starts from now on. Programs that are
/// started get them unblocked again.
pub(crate) fn watch() -> io::Result<Requests> {
    let requests = Requests {
        stop: Interrupt::new()?,
        force: Interrupt::new()?,
    };
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    let watched = requests.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while signals.wait().is_ok() {
                if watched.stop.raised() {
                    watched.force.raise();
                }
                watched.stop.raise();
            }
        })?;
    Ok(requests)
}
