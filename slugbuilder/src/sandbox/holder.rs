//! The process that builds the namespaces of a sandbox, reports, and keeps them alive until its stdin ends.

use super::root::{Root, name_of};
use super::wire::{Mount, Ready, SetUp};
use super::{mapped, system};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, umask};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A step that failed.
struct Failed {
    step: String,
    source: io::Error,
    refused: bool,
}

trait Step<T>: Sized {
    fn step(self, step: impl FnOnce() -> String) -> Result<T, Failed>;

    /// A step that a kernel without namespaces for us refuses.
    fn needs_namespaces(self, step: &str) -> Result<T, Failed> {
        self.step(|| step.to_owned()).map_err(|failed| Failed {
            refused: means_no_namespaces(&failed.source),
            ..failed
        })
    }
}

/// What `unshare`, the id maps and mounts answer where namespaces are switched off, forbidden by a security module or a
/// container, used up, or not known (`unshare(2)`, `user_namespaces(7)`).
fn means_no_namespaces(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(
        number,
        Some(
            Errno::EPERM
                | Errno::EACCES
                | Errno::ENOSYS
                | Errno::EINVAL
                | Errno::ENOSPC
                | Errno::EUSERS
        )
    )
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl FnOnce() -> String) -> Result<T, Failed> {
        self.map_err(|source| Failed {
            step: step(),
            source: source.into(),
            refused: false,
        })
    }
}

/// Reads a [`SetUp`] from the first line of stdin, sets it up, writes a [`Ready`] to stdout and waits for the end of
/// stdin. Its return value is the exit code.
pub(super) fn main() -> u8 {
    // The folders of the new root are for a program with another uid, whatever the umask of the user is.
    umask(Mode::from_bits_truncate(0o022));
    // An executable that its user may run but not read makes processes whose /proc files are root's.
    let _ = nix::sys::prctl::set_dumpable(true);
    let mut stdin = io::stdin().lock();
    let mut line = Vec::new();
    if stdin.read_until(b'\n', &mut line).is_err() {
        return 1;
    }
    let Ok(set_up) = serde_json::from_slice::<SetUp>(&line) else {
        return 1;
    };
    let ready = match build(&set_up) {
        Ok(()) => Ready::Yes,
        Err(failed) => Ready::No {
            step: failed.step,
            errno: failed.source.raw_os_error().unwrap_or(Errno::EIO as i32),
            refused: failed.refused,
        },
    };
    let failed = matches!(ready, Ready::No { .. });
    let Ok(mut answer) = serde_json::to_vec(&ready) else {
        return 1;
    };
    answer.push(b'\n');
    let mut stdout = io::stdout().lock();
    if stdout
        .write_all(&answer)
        .and_then(|()| stdout.flush())
        .is_err()
        || failed
    {
        return 1;
    }
    // The end of stdin says that slugbuilder is done with the sandbox, or dead.
    let _ = stdin.read_to_end(&mut Vec::new());
    0
}

fn build(set_up: &SetUp) -> Result<(), Failed> {
    map_owners(set_up)?;
    enter_namespaces(set_up)?;
    let root = Path::new(&set_up.root);
    detach_from_host().needs_namespaces("detaching from the mounts of the host")?;
    mount(
        Some("slugbuilder"),
        root,
        Some("tmpfs"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Some("mode=0755,size=64m"),
    )
    .needs_namespaces("mounting the root")?;
    let new = Root::open(root).step(|| "opening the root".into())?;
    for step in &set_up.mounts {
        add(&new, step).map_err(|source| Failed {
            step: describe(step),
            source,
            refused: false,
        })?;
    }
    // A new `/proc` for each program's process namespace may only be mounted where one is visible already; this one
    // ends up underneath it, locked.
    let proc = new
        .folder(OsStr::new("/proc"))
        .step(|| "making /proc".into())?;
    mount(
        Some("/proc"),
        &name_of(&proc),
        None::<&str>,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        None::<&str>,
    )
    .needs_namespaces("binding /proc")?;
    pivot(root).step(|| "changing the root".into())?;
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REMOUNT
            | MsFlags::MS_BIND
            | MsFlags::MS_RDONLY
            | MsFlags::MS_NOSUID
            | MsFlags::MS_NODEV,
        None::<&str>,
    )
    .step(|| "making the root read-only".into())?;
    Ok(())
}

/// Keeps mounts that are made from now on from the mount namespace that this one was copied from.
fn detach_from_host() -> nix::Result<()> {
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_SLAVE,
        None::<&str>,
    )
}

/// Mounts what has to look as if it belonged to the programs. That takes root's rights outside of the user namespace, so
/// it comes before; the mount namespace that comes with that has a copy of these mounts.
fn map_owners(set_up: &SetUp) -> Result<(), Failed> {
    let mut mapped = set_up.mounts.iter().filter_map(|step| match step {
        Mount::Overlay { lower, mapped, .. } => Some((lower, mapped.as_ref()?)),
        _ => None,
    });
    let Some((lower, mapped)) = mapped.next() else {
        return Ok(());
    };
    unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| detach_from_host())
        .step(|| "making a mount namespace".into())?;
    mapped::show(
        Path::new(lower),
        Path::new(&mapped.at),
        mapped.owner,
        set_up.identity.outside,
    )
    .step(|| format!("mapping the owner of {}", lower.display()))
}

fn enter_namespaces(set_up: &SetUp) -> Result<(), Failed> {
    let mut flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS;
    if !set_up.network {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    if set_up.identity.root {
        unshare_keeping_ids(flags)?;
    } else {
        let uid = nix::unistd::getuid();
        let gid = nix::unistd::getgid();
        unshare(flags).needs_namespaces("making namespaces")?;
        write_map("/proc/self/setgroups", "deny").needs_namespaces("denying setgroups")?;
        write_map("/proc/self/uid_map", &format!("0 {uid} 1\n"))
            .needs_namespaces("mapping the uid")?;
        write_map("/proc/self/gid_map", &format!("0 {gid} 1\n"))
            .needs_namespaces("mapping the gid")?;
    }
    if !set_up.network {
        system::raise_loopback().step(|| "raising the loopback interface".into())?;
    }
    Ok(())
}

/// Root keeps the ids that it has, or it could not read what others own. Such a map has to be written from outside of
/// the new namespace (`user_namespaces(7)`), so a child that stays there does it.
fn unshare_keeping_ids(flags: CloneFlags) -> Result<(), Failed> {
    let map = |name: &str| {
        let path = format!("/proc/self/{name}");
        fs::read_to_string(&path)
            .map(|text| identity_map(&text))
            .step(|| format!("reading {path}"))
    };
    let (uids, gids) = (map("uid_map")?, map("gid_map")?);
    let holder = std::process::id();
    let (unshared, tell) = nix::unistd::pipe2(OFlag::O_CLOEXEC).step(|| "making a pipe".into())?;
    if let Some(child) = system::fork().step(|| "forking".into())? {
        drop(unshared);
        let made = unshare(flags).needs_namespaces("making namespaces");
        // The end of the pipe is the signal.
        drop(tell);
        let status = nix::sys::wait::waitpid(child, None).needs_namespaces("mapping ids")?;
        made?;
        match status {
            nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
            nix::sys::wait::WaitStatus::Exited(_, errno) => {
                Err(io::Error::from_raw_os_error(errno)).needs_namespaces("mapping ids")
            }
            _ => Err(io::Error::from(Errno::EIO)).needs_namespaces("mapping ids"),
        }
    } else {
        drop(tell);
        let mut byte = [0u8];
        let _ = nix::unistd::read(&unshared, &mut byte);
        let write = || -> io::Result<()> {
            write_map(&format!("/proc/{holder}/uid_map"), &uids)?;
            write_map(&format!("/proc/{holder}/gid_map"), &gids)
        };
        let errno = write()
            .err()
            .map_or(0, |error| error.raw_os_error().unwrap_or(Errno::EIO as i32));
        system::end_child(errno)
    }
}

/// The map that keeps every id of the current namespace: its own first and third columns, `first first count`.
fn identity_map(current: &str) -> String {
    current
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let first = columns.next()?;
            let count = columns.nth(1)?;
            Some(format!("{first} {first} {count}\n"))
        })
        .collect()
}

pub(super) fn write_map(path: &str, text: &str) -> io::Result<()> {
    // One write each: the kernel takes a map once only.
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

fn describe(step: &Mount) -> String {
    let show = |path: &OsStr| path.display().to_string();
    match step {
        Mount::Bind { from, to, .. } => format!("binding {} at {}", show(from), show(to)),
        Mount::Overlay { lower, to, .. } => {
            format!("laying an overlay over {} at {}", show(lower), show(to))
        }
        Mount::Hide { to } => format!("hiding {}", show(to)),
        Mount::File { to, .. } => format!("writing {}", show(to)),
        Mount::Link { to, .. } => format!("linking {}", show(to)),
        Mount::Directory { to } => format!("making {}", show(to)),
        Mount::Devices => "making /dev".to_owned(),
    }
}

fn add(root: &Root, step: &Mount) -> io::Result<()> {
    match step {
        Mount::Bind { from, to, writable } => bind(root, Path::new(from), to, *writable, false),
        Mount::Overlay {
            lower,
            upper,
            work,
            to,
            mapped,
        } => {
            let to = root.folder(to)?;
            let lower = mapped.as_ref().map_or(lower, |mapped| &mapped.at);
            overlay(
                Path::new(lower),
                Path::new(upper),
                Path::new(work),
                &name_of(&to),
            )
        }
        Mount::Hide { to } => {
            mount(
                Some("slugbuilder"),
                &name_of(&root.folder(to)?),
                Some("tmpfs"),
                MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_RDONLY,
                Some("mode=0755,size=4k"),
            )?;
            Ok(())
        }
        Mount::File { to, contents } => root.write(to, contents),
        Mount::Link { to, target } => root.link(to, target),
        Mount::Directory { to } => root.folder(to).map(drop),
        Mount::Devices => devices(root),
    }
}

fn bind(root: &Root, from: &Path, to: &OsStr, writable: bool, devices: bool) -> io::Result<()> {
    let mount = system::clone_mount(from, true)?;
    system::restrict_mount(&mount, !writable, devices)?;
    let to = if fs::metadata(name_of(&mount))?.is_dir() {
        root.folder(to)?
    } else {
        root.file(to)?
    };
    system::attach_mount(&mount, &to)
}

/// Mounts `upper` over `lower`. The directories are named by descriptor, because `,`, `:` and `\` mean something in the
/// options of an overlay.
///
/// Without `volatile` (Linux 5.10, older than overlays without privileges) the kernel writes the whole file system of
/// `upper` to disk when the overlay is taken down, with whatever others have written there.
fn overlay(lower: &Path, upper: &Path, work: &Path, to: &Path) -> io::Result<()> {
    let open = |path: &Path| {
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
            .open(path)
    };
    let (lower, upper, work) = (open(lower)?, open(upper)?, open(work)?);
    let options = format!(
        "lowerdir=/proc/self/fd/{},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{},userxattr,volatile",
        lower.as_raw_fd(),
        upper.as_raw_fd(),
        work.as_raw_fd()
    );
    mount(
        Some("slugbuilder"),
        to,
        Some("overlay"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Some(options.as_str()),
    )?;
    Ok(())
}

fn devices(root: &Root) -> io::Result<()> {
    let dev = Path::new("/dev");
    let folder = |path: &Path| {
        root.folder(path.as_os_str())
            .map(|folder| (name_of(&folder), folder))
    };
    mount(
        Some("slugbuilder"),
        &folder(dev)?.0,
        Some("tmpfs"),
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        Some("mode=0755,size=64k"),
    )?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let device = dev.join(name);
        bind(root, &device, device.as_os_str(), true, true)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        root.link(dev.join(name).as_os_str(), OsStr::new(target))?;
    }
    mount(
        Some("devpts"),
        &folder(&dev.join("pts"))?.0,
        Some("devpts"),
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        Some("newinstance,ptmxmode=0666,mode=0620"),
    )?;
    mount(
        Some("slugbuilder"),
        &folder(&dev.join("shm"))?.0,
        Some("tmpfs"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Some("mode=1777,size=1g"),
    )?;
    mount(
        None::<&str>,
        &folder(dev)?.0,
        None::<&str>,
        MsFlags::MS_REMOUNT
            | MsFlags::MS_BIND
            | MsFlags::MS_RDONLY
            | MsFlags::MS_NOSUID
            | MsFlags::MS_NOEXEC,
        None::<&str>,
    )?;
    Ok(())
}

fn pivot(root: &Path) -> io::Result<()> {
    // pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is taken off again.
    nix::unistd::chdir(root)?;
    nix::unistd::pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    nix::unistd::chdir("/")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_keeps_the_ids_it_has() {
        assert_eq!(
            identity_map("         0          0 4294967295\n"),
            "0 0 4294967295\n"
        );
        assert_eq!(
            identity_map("0 100000 1000\n1000 5000 1\n"),
            "0 0 1000\n1000 1000 1\n"
        );
    }
}
