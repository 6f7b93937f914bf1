//! Fair shares of the machine's cores.
//!
//! Each build runs in a control group of its own, so that one with a hundred busy processes gets no more than one with a
//! single one, whatever sessions they make. The groups are below the one that the server runs in: `cpu.shares` of version 1
//! or `cpu.weight` of version 2 (`cgroups(7)`), all of the same, default weight.
//!
//! Where no groups can be made, sessions share the cores: Linux groups processes by session, unless that is switched off or a
//! group of the service's own comes before it (`sched(7)`, "The autogroup feature"). A build that makes more sessions then
//! gets more. Where there is not even that, one build runs at a time.

use super::process;
use fs_err as fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// What the groups of servers are called, before their process.
const PREFIX: &str = "slugbuilder-";
/// What the group of a server may be called whose parent is for it and its builds (systemd's `DelegateSubgroup=`).
const SUBGROUP: &str = "server";

/// How builds share the cores.
#[derive(Debug, Clone)]
pub(super) enum Shares {
    /// Each has a group in this folder.
    Groups(Arc<Groups>),
    /// Each has a session.
    Sessions,
    /// Not at all.
    Nothing,
}

/// The group of all builds of this server; it goes with this.
#[derive(Debug)]
pub(super) struct Groups(PathBuf);

/// The group of one build; it goes with this, when nothing runs in it any longer.
#[derive(Debug)]
pub(super) struct Share {
    folder: PathBuf,
}

impl Shares {
    /// What this machine offers. Ends what killed servers left running in such groups.
    pub(super) fn find() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (groups, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mountinfo"));
        for place in places(&groups, &mounts) {
            end_others(&place);
            if let Ok(groups) = Groups::make(&place) {
                return Self::Groups(Arc::new(groups));
            }
        }
        // A group of the service's own comes before sessions.
        let grouped = group_of(&groups, "cpu").or_else(|| group_of(&groups, ""));
        if read("/proc/sys/kernel/sched_autogroup_enabled").trim() == "1"
            && grouped.is_none_or(|group| group == "/")
        {
            Self::Sessions
        } else {
            Self::Nothing
        }
    }

    /// Whether several builds can run at once without one taking the cores from the others.
    pub(super) fn are_fair(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// The group of a build, where it has one.
    pub(super) fn of(&self, build: Uuid) -> io::Result<Option<Share>> {
        let Self::Groups(groups) = self else {
            return Ok(None);
        };
        let folder = groups.0.join(build.to_string());
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(Some(Share { folder })),
        }
    }
}

impl Groups {
    fn make(place: &Path) -> io::Result<Self> {
        let groups = Self(place.join(format!(
            "{PREFIX}{}-{}",
            std::process::id(),
            Uuid::new_v4().simple()
        )));
        let second = place.join("cgroup.controllers").exists();
        if second {
            fs::write(place.join("cgroup.subtree_control"), "+cpu")?;
        }
        fs::create_dir(&groups.0)?;
        if second {
            fs::write(groups.0.join("cgroup.subtree_control"), "+cpu")?;
        }
        // It is no good where nothing can be moved into it.
        let trial = Share {
            folder: groups.0.join("trial"),
        };
        fs::create_dir(&trial.folder)?;
        // Version 2 asks for permission when something is moved (`cgroups(7)`, "Cgroups delegation"), not before.
        process::enters(&trial)?;
        Ok(groups)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        // What still runs in it ends with the server; the next one removes the rest.
        let _ = std::fs::remove_dir(&self.0);
    }
}

impl Share {
    /// The file that a process writes `0` to in order to get in.
    pub(super) fn entrance(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// The processes in it.
    pub(super) fn members(&self) -> Vec<i32> {
        members(&self.folder)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // The kernel may still be at the last process.
        for _ in 0..20 {
            match std::fs::remove_dir(&self.folder) {
                Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                _ => return,
            }
        }
    }
}

/// The processes in a group and those below it.
fn members(folder: &Path) -> Vec<i32> {
    let own = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    // Those of other namespaces are listed as 0, which would stand for this very group of processes.
    let own = own.lines().filter_map(|line| line.parse().ok());
    let mut found: Vec<i32> = own.filter(|process| *process > 0).collect();
    for below in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if below.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(members(&below.path()));
        }
    }
    found
}

/// Where groups of builds can be, the best first: below the group that the server is in.
fn places(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for controller in ["cpu", ""] {
        let Some(group) = group_of(groups, controller) else {
            continue;
        };
        let Some(own) = folder_of(mounts, controller, group) else {
            continue;
        };
        let parent = own.parent().map(Path::to_owned);
        let is_subgroup = own.file_name().is_some_and(|name| name == SUBGROUP);
        places.push(own);
        places.extend(parent.filter(|_| is_subgroup && controller.is_empty()));
    }
    places
}

/// The group that `/proc/self/cgroup` names for a controller of version 1, or for version 2 where it is empty.
fn group_of<'a>(groups: &'a str, controller: &str) -> Option<&'a str> {
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let is_it = controllers.split(',').any(|one| one == controller);
        is_it.then_some(group)
    })
}

/// The folder of a group, as `/proc/self/mountinfo` has the file systems of groups (`proc_pid_mountinfo(5)`).
fn folder_of(mounts: &str, controller: &str, group: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let kind = system.next()?;
        let options = system.nth(1)?;
        let is_it = match controller {
            "" => kind == "cgroup2",
            controller => kind == "cgroup" && options.split(',').any(|option| option == controller),
        };
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let below = Path::new(group).strip_prefix(root).ok()?;
        is_it.then(|| Path::new(point).join(below))
    })
}

/// Ends what servers left running that were killed, and removes their groups.
fn end_others(place: &Path) {
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let server = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let server = server.and_then(|server| server.split_once('-')?.0.parse::<u32>().ok());
        if server.is_none_or(|server| Path::new(&format!("/proc/{server}")).exists()) {
            continue;
        }
        for member in members(&entry.path()) {
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(member),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
        for below in std::fs::read_dir(entry.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            drop(Share {
                folder: below.path(),
            });
        }
        drop(Groups(entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_what_the_kernel_says() {
        let groups = "9:name=systemd:/\n2:cpu,cpuacct:/docker/abc/x\n0::/user.slice/server\n";
        assert_eq!(group_of(groups, "cpu"), Some("/docker/abc/x"));
        assert_eq!(group_of(groups, ""), Some("/user.slice/server"));
        assert_eq!(group_of(groups, "memory"), None);
        let mounts = "25 1 0:1 / / rw - ext4 /dev/x rw\n\
            30 25 0:26 /docker/abc /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
            31 25 0:27 / /sys/fs/cgroup/unified rw,relatime shared:5 - cgroup2 cgroup2 rw\n";
        let expected = ["cpu/x", "unified/user.slice/server", "unified/user.slice"];
        assert_eq!(
            places(groups, mounts),
            expected.map(|path| Path::new("/sys/fs/cgroup").join(path))
        );
    }
}
