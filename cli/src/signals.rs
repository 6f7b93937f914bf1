//! SIGINT, SIGTERM and SIGHUP as requests that the library understands.

use nix::sys::signal::{SigSet, Signal};
use slugbuilder::sandbox::Interrupt;
use slugbuilder_report::{Diagnosis, Fault, Style};
use std::io::{self, Write as _};
use std::time::Duration;

/// How long a run has for its end after a second signal, and a call to another machine after the first.
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

/// How often [`end_what_waits`] looks.
const GLANCE: Duration = Duration::from_millis(100);

/// Ends the process with `last_words` if it has not ended by itself [`PATIENCE`] after `interrupt` was raised: who waits for
/// the answer of another machine does not look at it. Nothing may be under way that has to be cleaned up: a download looks,
/// and has no file while it waits for its first bytes.
pub(crate) fn end_what_waits(interrupt: &Interrupt, last_words: Diagnosis) -> io::Result<()> {
    let interrupt = interrupt.clone();
    std::thread::Builder::new()
        .name("patience".into())
        .spawn(move || {
            while !interrupt.raised() {
                std::thread::sleep(GLANCE);
            }
            std::thread::sleep(PATIENCE);
            let mut stderr = io::stderr().lock();
            // There is nowhere to report that there is nowhere to report to.
            let _ = stderr.write_all(last_words.render(Style::Plain).as_bytes());
            exit();
        })?;
    Ok(())
}

/// Ends the process, unless it ends by itself before it has to.
fn end(forced: Forced) -> ! {
    if forced == Forced::Soon {
        std::thread::sleep(PATIENCE);
    }
    exit()
}

#[expect(
    clippy::exit,
    reason = "someone asked for it, and the main thread may be in a call that does not return"
)]
fn exit() -> ! {
    std::process::exit(i32::from(Fault::TryLater.exit_code()))
}
