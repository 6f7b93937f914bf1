//! SIGINT, SIGTERM and SIGHUP as requests that the library understands.

use nix::sys::signal::{SigSet, Signal};
use slugbuilder::sandbox::Interrupt;
use slugbuilder_report::Fault;
use std::io;
use std::time::Duration;

/// How long a run has for its end after a second signal.
const PATIENCE: Duration = Duration::from_secs(2);

/// How soon a second signal ends the process, whatever it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forced {
    /// Before the next thing happens.
    AtOnce,
    /// When what [`Requests::force`] asks for is not done in [`PATIENCE`].
    Soon,
}

/// The requests to stop that this process has got.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    /// Raised by the first signal.
    pub(crate) stop: Interrupt,
    /// Raised by the second one.
    pub(crate) force: Interrupt,
}

/// Takes the three signals over, for this thread and every thread that it starts from now on. Programs that are
/// started get them unblocked again, and they end when this process does.
pub(crate) fn watch(forced: Forced) -> io::Result<Requests> {
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
                    end(forced);
                }
                watched.stop.raise();
            }
        })?;
    Ok(requests)
}

/// Ends the process, unless it ends by itself before it has to.
#[expect(
    clippy::exit,
    reason = "someone asked twice, and the main thread may be in a call that never returns"
)]
fn end(forced: Forced) -> ! {
    if forced == Forced::Soon {
        std::thread::sleep(PATIENCE);
    }
    std::process::exit(i32::from(Fault::TryLater.exit_code()))
}
