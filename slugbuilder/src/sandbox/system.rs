//! The system calls that no crate of ours wraps, and the `unsafe` that running programs takes.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper; each block says why it is sound"
)]

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

/// Gives every signal its default action again, for a program that is about to start: an ignored signal stays ignored
/// through `execve(2)`.
pub(super) fn default_signal_actions() -> io::Result<()> {
    for signal in Signal::iterator() {
        if matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
            continue;
        }
        // SAFETY: the default action runs no code of this process.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
    }
    Ok(())
}

/// Makes a mount of [`clone_mount`], and every mount below it, read-only or not, without setuid programs and devices
/// (`mount_setattr(2)`, Linux 5.12).
pub(super) fn restrict_mount(mount: &OwnedFd, read_only: bool, devices: bool) -> io::Result<()> {
    let mut set = libc::MOUNT_ATTR_NOSUID;
    if read_only {
        set |= libc::MOUNT_ATTR_RDONLY;
    }
    if !devices {
        set |= libc::MOUNT_ATTR_NODEV;
    }
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: `attributes` lives through the call, and the size is that of the structure; the path is empty.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// The mount of `path` once more, from there on, with the mounts below it if `recursive`, attached to nothing
/// (`open_tree(2)`, Linux 5.2).
pub(super) fn clone_mount(path: &Path, recursive: bool) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut flags = libc::OPEN_TREE_CLONE | libc::O_CLOEXEC.cast_unsigned();
    if recursive {
        flags |= libc::AT_RECURSIVE.cast_unsigned();
    }
    // SAFETY: `path` lives through the call.
    let mount = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    let mount = RawFd::try_from(Errno::result(mount)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given us this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(mount) })
}

/// Makes a mount of [`clone_mount`] read-only and shows ids in it as the map of the user namespace `ids` says.
pub(super) fn map_owner(mount: &OwnedFd, ids: &File) -> io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP
            | libc::MOUNT_ATTR_RDONLY
            | libc::MOUNT_ATTR_NOSUID
            | libc::MOUNT_ATTR_NODEV,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::from(ids.as_raw_fd().unsigned_abs()),
    };
    // SAFETY: `attributes` lives through the call, and the size is that of the structure; the path is empty.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Attaches a mount of [`clone_mount`] at an open file or folder (`move_mount(2)`).
pub(super) fn attach_mount(mount: &OwnedFd, at: &OwnedFd) -> io::Result<()> {
    // SAFETY: both paths are empty.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            at.as_raw_fd(),
            c"".as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH,
        )
    };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Whether the extended attribute `name` of an open file has this value.
pub(super) fn attribute_is(file: &OwnedFd, name: &CStr, value: &[u8]) -> io::Result<bool> {
    let mut found = [0u8; 16];
    // SAFETY: `name` and `found` live through the call, and the length is that of `found`.
    let length = unsafe {
        libc::fgetxattr(
            file.as_raw_fd(),
            name.as_ptr(),
            found.as_mut_ptr().cast(),
            found.len(),
        )
    };
    match Errno::result(length) {
        Ok(length) => Ok(found.get(..length.unsigned_abs()) == Some(value)),
        // It has none, the file system knows none, or it is longer than `found`.
        Err(Errno::ENODATA | Errno::EOPNOTSUPP | Errno::ERANGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Joins a new, empty session keyring, so that the keys of the user's session are out of reach.
pub(super) fn new_session_keyring() {
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: the arguments are plain numbers. Failure means a kernel without keyrings, which has nothing to hide.
    unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0usize) };
}

/// Cuts the calling process off from abstract Unix sockets and from signalling processes outside of its domain
/// (Landlock ABI 6, Linux 6.12). Says whether the kernel can.
pub(super) fn scope_to_domain() -> bool {
    #[repr(C)]
    struct RulesetAttributes {
        handled_access_fs: u64,
        handled_access_net: u64,
        scoped: u64,
    }
    const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1;
    const SCOPE_SIGNAL: u64 = 2;
    let attributes = RulesetAttributes {
        handled_access_fs: 0,
        handled_access_net: 0,
        scoped: SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL,
    };
    // SAFETY: `attributes` lives through the call and the size is its own.
    let ruleset = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attributes,
            size_of::<RulesetAttributes>(),
            0,
        )
    };
    let Ok(ruleset) = RawFd::try_from(ruleset) else {
        return false;
    };
    if ruleset < 0 {
        return false;
    }
    // SAFETY: the kernel has just given us this descriptor.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset) };
    // SAFETY: the arguments are plain numbers.
    unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) == 0 }
}

/// Gives up every capability, also those that programs with file capabilities could get back.
pub(super) fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    for capability in 0..=63 {
        // SAFETY: the arguments are plain numbers. Numbers above the kernel's last capability fail with EINVAL.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            break;
        }
    }
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let none = [0u32; 6];
    // SAFETY: version 3 reads two structures of three `u32` each, which `none` is.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Brings the loopback interface of the current network namespace up.
pub(super) fn raise_loopback() -> io::Result<()> {
    let socket = nix::sys::socket::socket(
        nix::sys::socket::AddressFamily::Inet,
        nix::sys::socket::SockType::Datagram,
        nix::sys::socket::SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    // SAFETY: an all-zero `ifreq` is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo\0") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(i16::MAX);
    // SAFETY: `request` lives through the call and is what SIOCSIFFLAGS reads.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Splits this process, which must have one thread only, in two; gives the child's pid to the parent and nothing to
/// the child.
pub(super) fn fork() -> io::Result<Option<nix::unistd::Pid>> {
    // SAFETY: helper processes have one thread, so the child may do whatever the parent may.
    Ok(match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Some(child),
        nix::unistd::ForkResult::Child => None,
    })
}

/// Ends a forked child without running anything that the parent has yet to run.
pub(super) fn end_child(status: i32) -> ! {
    // SAFETY: `_exit` takes a number and does not return.
    unsafe { libc::_exit(status) }
}

/// Has `prepare` run in the child between fork and exec.
pub(super) fn before_exec(
    command: &mut Command,
    prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the callers are helper processes with one thread, so no lock can be held by a thread that the fork
    // left behind.
    unsafe { command.pre_exec(prepare) };
}

/// Hands descriptors to the child of `command`, under the numbers that they have here.
pub(super) fn pass_descriptors(command: &mut Command, descriptors: Vec<OwnedFd>) {
    use std::os::unix::process::CommandExt;
    let pass = move || {
        for descriptor in &descriptors {
            // SAFETY: plain numbers; fcntl is async-signal-safe.
            if unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFD, 0) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: `pass` allocates nothing, takes no lock and calls only async-signal-safe functions.
    unsafe { command.pre_exec(pass) };
}

/// Keeps every descriptor but stdin, stdout and stderr from the program that this process becomes or starts: whoever
/// started slugbuilder may have left some open, and one of a folder would be a way out of the sandbox.
pub(super) fn close_others_on_exec() -> io::Result<()> {
    const CLOSE_ON_EXEC: libc::c_uint = 4;
    // SAFETY: plain numbers.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, CLOSE_ON_EXEC) };
    if Errno::result(result).is_ok() {
        return Ok(());
    }
    // Linux before 5.11.
    for entry in std::fs::read_dir("/proc/self/fd")? {
        if let Some(number) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<RawFd>().ok())
            && number > 2
        {
            // SAFETY: plain numbers; a descriptor that is gone by now is none to close.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

/// Makes the terminal on stdin the controlling terminal of a new session of this process.
pub(super) fn take_terminal() -> io::Result<()> {
    nix::unistd::setsid()?;
    // SAFETY: plain numbers; stdin is open.
    let result = unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Takes over a descriptor that the parent of this process promised as `number`, and keeps it from our own children.
pub(super) fn inherited(number: &str) -> io::Result<OwnedFd> {
    let number: RawFd = number.parse().map_err(io::Error::other)?;
    if number < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: plain numbers; a descriptor that is not there is reported.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, as just seen, and only this function takes it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Asks for `signal` when the parent dies.
pub(super) fn die_with_parent() -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(Into::into)
}

/// Copies the terminal size of `from` to `to`.
pub(super) fn copy_terminal_size(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: an all-zero `winsize` is valid, and both calls get a pointer to it.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        Errno::result(libc::ioctl(
            from.as_raw_fd(),
            libc::TIOCGWINSZ,
            &raw mut size,
        ))?;
        Errno::result(libc::ioctl(
            to.as_raw_fd(),
            libc::TIOCSWINSZ,
            &raw const size,
        ))?;
    }
    Ok(())
}

/// Sends a descriptor, or why there is none: one message of the number of an error, zero for none.
pub(super) fn send_descriptor(to: &OwnedFd, what: Result<OwnedFd, Errno>) -> nix::Result<()> {
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
    let (number, descriptor) = match what {
        Ok(descriptor) => (0, Some(descriptor)),
        Err(error) => (error as i32, None),
    };
    let number = number.to_ne_bytes();
    let descriptors: Vec<RawFd> = descriptor.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let control = if descriptors.is_empty() {
        &[][..]
    } else {
        &rights[..]
    };
    sendmsg::<()>(
        to.as_raw_fd(),
        &[io::IoSlice::new(&number)],
        control,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    Ok(())
}

/// Takes what [`send_descriptor`] sent.
pub(super) fn receive_descriptor(from: &OwnedFd) -> io::Result<OwnedFd> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    let mut number = [0u8; 4];
    let mut space = nix::cmsg_space!(RawFd);
    let mut descriptor = None;
    let length = {
        let mut buffers = [io::IoSliceMut::new(&mut number)];
        let message = loop {
            match recvmsg::<()>(
                from.as_raw_fd(),
                &mut buffers,
                Some(&mut space),
                MsgFlags::MSG_CMSG_CLOEXEC,
            ) {
                Err(Errno::EINTR) => {}
                result => break result?,
            }
        };
        for part in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = part {
                for number in numbers {
                    // SAFETY: the kernel has just given us this descriptor.
                    descriptor = Some(unsafe { OwnedFd::from_raw_fd(number) });
                }
            }
        }
        message.bytes
    };
    if length != number.len() {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    match i32::from_ne_bytes(number) {
        0 => descriptor.ok_or_else(|| io::ErrorKind::InvalidData.into()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}
