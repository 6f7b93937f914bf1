//! Where the programs of a build and of an app run: a sandbox of Linux namespaces, or one of its fallbacks.
//!
//! # How it works
//!
//! Nothing here forks a process that has threads: helpers are the running executable again under other names, see
//! [`serve_helper`]. A *holder* makes a user and a mount namespace (and a network namespace without network), builds a
//! root file system in it that shows only what [`HostView`] lists, and waits. Each program gets a *runner*, which joins
//! the holder's namespaces, makes a process and an IPC namespace, and starts the program in one more user namespace, as
//! an unprivileged uid without any capability, in a session and a session keyring of its own, cut off from abstract
//! sockets where the kernel can. The runner's first process is the namespace's init: when the program ends, or
//! slugbuilder dies, the kernel ends everything that the program started.
//!
//! It is the same for an ordinary user, whose uid the programs keep outside, and for root, whose programs become
//! [`BUILD_UID`].
//!
//! Where no namespace can be had, [`Direct`] runs programs in the open; it still ends all that they start.

mod attached;
mod background;
mod client_configuration;
mod direct;
mod door;
mod executor;
mod holder;
mod interrupt;
mod job;
mod mapped;
mod namespaced;
mod root;
mod runner;
mod seen;
mod system;
mod toolchain;
mod view;
mod wire;

pub use attached::{Attached, Console};
pub use background::Background;
pub use direct::Direct;
pub use door::Door;
pub use executor::{Environment, Executor, Invocation, Outcome, Program, SandboxError, Stream};
pub use interrupt::Interrupt;
pub(crate) use job::LONGEST_LINE;
pub use namespaced::{AppDirectory, Namespaced, SandboxOptions};
pub use view::{Credentials, HostView};

/// Makes `path` hide what an overlay has below it. Needs no privilege since Linux 5.8.
pub fn make_whiteout(path: &std::path::Path) -> std::io::Result<()> {
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    mknod(path, SFlag::S_IFCHR, Mode::empty(), makedev(0, 0)).map_err(Into::into)
}

/// Whether the folder, of the upper side of an overlay, hides all that the lower one has of its name.
pub(crate) fn marked_opaque(folder: &std::os::fd::OwnedFd) -> std::io::Result<bool> {
    // The name of the mark where an overlay is mounted with `userxattr`, as the holder does.
    system::attribute_is(folder, c"user.overlay.opaque", b"y")
}

/// The uid and gid that programs have outside of the sandbox when slugbuilder runs as root: between the ids that
/// systemd hands out (up to 65519) and those that Debian and the kernel use (65534), so that it is nobody's.
pub const BUILD_UID: u32 = 65521;

/// The uid and gid that programs see for themselves.
const INSIDE_UID: u32 = 1000;

/// The app directory of a sandbox: that of a dyno.
pub const APP_DIRECTORY: &str = "/app";

/// Serves as a helper process if `argv0` is the name of one; gives its exit code then. Every executable that uses
/// [`Namespaced`] or [`Direct`] has to call this first in `main`, before it starts a thread.
#[must_use]
pub fn serve_helper(argv0: &std::ffi::OsStr) -> Option<u8> {
    if argv0 == wire::HOLDER {
        Some(holder::main())
    } else if argv0 == wire::RUNNER {
        Some(runner::main())
    } else if argv0 == wire::DOOR {
        Some(door::main())
    } else if argv0 == wire::NOTHING {
        Some(0)
    } else {
        None
    }
}
