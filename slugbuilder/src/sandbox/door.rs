//! A way into the network of a sandbox that has none but its own.
//!
//! A socket belongs to the network namespace that it was made in, whoever uses it. So a helper joins the sandbox, makes
//! sockets there, and passes them out; connecting and all the rest is then done here. Only a process with one thread may
//! join a user namespace (`setns(2)`), which is why it takes a helper.

use super::system;
use super::wire::DOOR;
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, connect, setsockopt,
    socket, socketpair, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Asks for a socket of IPv4.
const VERSION_4: u8 = b'4';
/// Asks for a socket of IPv6.
const VERSION_6: u8 = b'6';

/// How long a program may take to let a connection in that its kernel cannot queue, in seconds.
const PATIENCE: i64 = 10;

/// A way into the network of a sandbox.
#[derive(Debug)]
pub struct Door {
    /// Our end; its end ends the helper.
    requests: Option<Mutex<OwnedFd>>,
    helper: Child,
}

impl Door {
    /// A door to the sandbox of the holder with the process id `holder`.
    pub(super) fn open(holder: u32) -> io::Result<Self> {
        let (requests, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(DOOR)
            .arg(theirs.as_raw_fd().to_string())
            .arg(holder.to_string())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        system::pass_descriptors(&mut command, vec![theirs]);
        let helper = command.spawn()?;
        // What the command holds of the other end has to go, or the end of the helper would not be seen.
        drop(command);
        let door = Self {
            requests: Some(Mutex::new(requests)),
            helper,
        };
        // Whether it works shows now, and not when somebody connects.
        door.socket(VERSION_4)?;
        Ok(door)
    }

    /// A connection to whoever listens on `port` of the loopback interface: 127.0.0.1, else `::1`. It is refused
    /// ([`io::ErrorKind::ConnectionRefused`]) where nobody does.
    pub fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let address = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
        match self.connect_to(VERSION_4, &address) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                let address = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0));
                // A kernel without IPv6 has nobody there.
                self.connect_to(VERSION_6, &address).map_err(|_| error)
            }
            result => result,
        }
    }

    fn connect_to(&self, version: u8, address: &dyn SockaddrLike) -> io::Result<TcpStream> {
        let socket = self.socket(version)?;
        let patience =
            |seconds| setsockopt(&socket, sockopt::SendTimeout, &TimeVal::seconds(seconds));
        patience(PATIENCE)?;
        connect(socket.as_raw_fd(), address)?;
        patience(0)?;
        Ok(TcpStream::from(socket))
    }

    /// A socket of the sandbox.
    fn socket(&self, version: u8) -> io::Result<OwnedFd> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        let requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
        nix::sys::socket::send(
            requests.as_raw_fd(),
            &[version],
            nix::sys::socket::MsgFlags::MSG_NOSIGNAL,
        )?;
        system::receive_descriptor(&requests)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.helper.wait();
    }
}

/// The helper. Its arguments are the number of its socket and the process id of the holder.
pub(super) fn main() -> u8 {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (number, holder) = (next(), next());
    let Ok(requests) = system::inherited(&number) else {
        return 70;
    };
    let joined = join(&holder);
    loop {
        let mut version = [0u8];
        match nix::unistd::read(&requests, &mut version) {
            Err(Errno::EINTR) => continue,
            // slugbuilder is done with it, or dead.
            Ok(0) | Err(_) => return 0,
            Ok(_) => {}
        }
        let made = match &joined {
            Ok(()) => make(version[0]),
            Err(error) => Err(*error),
        };
        if system::send_descriptor(&requests, made).is_err() {
            return 70;
        }
    }
}

fn join(holder: &str) -> Result<(), Errno> {
    let open = |name: &str| {
        File::open(format!("/proc/{holder}/ns/{name}"))
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))
    };
    let (user, network) = (open("user")?, open("net")?);
    setns(user, CloneFlags::CLONE_NEWUSER)?;
    setns(network, CloneFlags::CLONE_NEWNET)
}

fn make(version: u8) -> Result<OwnedFd, Errno> {
    let family = if version == VERSION_6 {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
}
