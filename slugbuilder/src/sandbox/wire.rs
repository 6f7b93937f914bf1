//! What this process tells the helper processes of a sandbox, as JSON.
//!
//! Paths and environments may hold any bytes, so they travel as [`OsString`], which serde writes as a byte list.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// `argv[0]` of the process that builds the namespaces and keeps them alive.
pub(super) const HOLDER: &str = "slugbuilder-sandbox";

/// `argv[0]` of the process that runs one program, inside the namespaces of a holder or without any.
pub(super) const RUNNER: &str = "slugbuilder-run";

/// `argv[0]` of the process that makes sockets in the network namespace of a holder.
pub(super) const DOOR: &str = "slugbuilder-door";

/// `argv[0]` of a program that does nothing, which tells whether programs can run in a sandbox.
pub(super) const NOTHING: &str = "slugbuilder-nothing";

/// Byte on the control descriptor: send SIGTERM to every process.
pub(super) const TERMINATE: u8 = b'T';
/// Byte on the control descriptor: send SIGKILL to every process.
pub(super) const KILL: u8 = b'K';

/// Whom the programs run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The uid and gid that programs see for themselves.
    pub(super) inside: u32,
    /// The uid and gid that they are outside of the sandbox.
    pub(super) outside: u32,
    /// Whether slugbuilder itself is root, and so has to become `outside` first.
    pub(super) root: bool,
}

/// That a folder has to look as if it belonged to [`Identity::outside`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mapped {
    /// The user and group id that it belongs to.
    pub(super) owner: (u32, u32),
    /// An empty directory to show it at.
    pub(super) at: OsString,
}

/// One step of building the root file system; all paths `to` are inside, absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Mount {
    /// A directory or file of the host.
    Bind {
        from: OsString,
        to: OsString,
        writable: bool,
    },
    /// The staged source: `upper` over `lower`.
    Overlay {
        lower: OsString,
        upper: OsString,
        work: OsString,
        to: OsString,
        mapped: Option<Mapped>,
    },
    /// An empty folder, over whatever has its name.
    Hide { to: OsString },
    /// A file of the root itself, with these contents.
    File { to: OsString, contents: Vec<u8> },
    /// A symbolic link of the root itself.
    Link { to: OsString, target: OsString },
    /// An empty directory of the root itself.
    Directory { to: OsString },
    /// `/dev` with the devices that programs need and a terminal multiplexer of its own.
    Devices,
}

/// What a holder sets up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SetUp {
    /// An empty directory to build the root on.
    pub(super) root: OsString,
    /// In order.
    pub(super) mounts: Vec<Mount>,
    /// Without it programs have a network of their own with nothing but loopback in it.
    pub(super) network: bool,
    pub(super) identity: Identity,
}

/// What a holder answers, one line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ready {
    Yes,
    No {
        step: String,
        errno: i32,
        /// Whether the kernel refuses namespaces as such, rather than something that we do in them.
        refused: bool,
    },
}

/// What a runner runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// The holder to join; nothing to run outside of any namespace.
    pub(super) holder: Option<i32>,
    /// Nothing to stay who we are.
    pub(super) identity: Option<Identity>,
    /// Nothing for the running executable itself.
    pub(super) program: Option<OsString>,
    pub(super) argv0: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) directory: OsString,
    /// Whether stdin is a terminal that becomes the program's controlling terminal.
    pub(super) terminal: bool,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    Exited(u8),
    Signalled(i32),
    /// The program could not be started.
    NotStarted(i32),
    /// The namespaces could not be joined, or the process namespace not be made.
    NotJoined(i32),
}
