//! A request to stop that every wait of a build notices.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Once raised it stays raised. Clones share their state.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<State>);

#[derive(Debug)]
struct State {
    raised: AtomicBool,
    // Readable once raised, since nobody ever reads the byte.
    readable: OwnedFd,
    writable: OwnedFd,
}

impl Interrupt {
    /// A request that nobody has made yet. Fails where no pipe can be made.
    pub fn new() -> io::Result<Self> {
        let (readable, writable) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        Ok(Self(Arc::new(State {
            raised: AtomicBool::new(false),
            readable,
            writable,
        })))
    }

    /// Asks everything to stop. Safe to call from any thread and more than once.
    pub fn raise(&self) {
        if !self.0.raised.swap(true, Ordering::SeqCst) {
            // A pipe that takes no byte would have to be full or broken, and this is its only byte.
            let _ = nix::unistd::write(&self.0.writable, b"!");
        }
    }

    /// Whether it was raised.
    #[must_use]
    pub fn raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// A descriptor that becomes readable, and stays so, once it is raised.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.readable.as_fd()
    }
}
