//! A folder with another owner: an ID-mapped mount.
//!
//! Root's programs run as nobody's uid, which owns nothing. So that they can use a source as if it were theirs, it is
//! mounted once more with its owner's ids shown as theirs (`mount_setattr(2)`, "ID-mapped mounts"; Linux 5.12, as the
//! lower folder of an overlay 5.19). Nothing changes on disk. What belongs to anyone else is shown as nobody's: who may
//! read it is up to its permissions for others, and nobody can change it.

use super::holder::write_map;
use super::system;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, read, write};
use std::fs::File;
use std::io;
use std::path::Path;

/// Shows the folder `source` at `at`, read-only, with what belongs to `owner` (user and group id) as `shown`'s.
///
/// Needs root's rights over the file system of `source`, and one thread. Mounts below `source` are not shown.
pub(super) fn show(source: &Path, at: &Path, owner: (u32, u32), shown: u32) -> io::Result<()> {
    let ids = user_namespace(owner, shown)?;
    let mount = system::clone_mount(source, false)?;
    system::map_owner(&mount, &ids)?;
    system::attach_mount(&mount, &File::open(at)?.into())
}

/// A user namespace in which `owner` stands for `shown`. Only a process makes one, and it ends right afterwards.
fn user_namespace(owner: (u32, u32), shown: u32) -> io::Result<File> {
    let (made, tell) = pipe2(OFlag::O_CLOEXEC)?;
    let (done, hold) = pipe2(OFlag::O_CLOEXEC)?;
    let Some(child) = system::fork()? else {
        drop((made, hold));
        if let Err(errno) = unshare(CloneFlags::CLONE_NEWUSER) {
            system::end_child(errno as i32);
        }
        let _ = write(&tell, &[0]);
        // Its end says that the namespace is held by someone else, or that nobody wants it any more.
        let _ = read(&done, &mut [0]);
        system::end_child(0)
    };
    drop((tell, done));
    let namespace = match read(&made, &mut [0]) {
        Ok(1) => map_and_open(child, owner, shown),
        _ => Err(io::ErrorKind::Other.into()),
    };
    drop(hold);
    match waitpid(child, None)? {
        WaitStatus::Exited(_, errno) if errno != 0 => Err(io::Error::from_raw_os_error(errno)),
        _ => namespace,
    }
}

fn map_and_open(child: Pid, (user, group): (u32, u32), shown: u32) -> io::Result<File> {
    write_map(
        &format!("/proc/{child}/uid_map"),
        &format!("{user} {shown} 1\n"),
    )?;
    write_map(
        &format!("/proc/{child}/gid_map"),
        &format!("{group} {shown} 1\n"),
    )?;
    File::open(format!("/proc/{child}/ns/user"))
}
