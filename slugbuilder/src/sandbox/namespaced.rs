//! The sandbox of namespaces.

use super::door::Door;
use super::executor::{Environment, Executor, Invocation, Outcome, Program, SandboxError, Stream};
use super::interrupt::Interrupt;
use super::job::run_to_end;
use super::view::HostView;
use super::wire::{HOLDER, Identity, Mapped, Mount, NOTHING, Order, Ready, SetUp};
use super::{APP_DIRECTORY, BUILD_UID, INSIDE_UID};
use crate::stop::Stop;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Where programs find the folder that they exchange files with the platform in.
const WORK: &str = "/run/slugbuilder";
/// Where they find the cache of downloads.
const CACHE: &str = "/var/cache/slugbuilder";
/// Where buildpacks are (the CNB specification leaves it to the platform; this is where `pack` has them).
const BUILDPACKS: &str = "/cnb/buildpacks";

/// How the app directory comes to be.
#[derive(Debug, Clone)]
pub enum AppDirectory {
    /// This directory itself.
    Directory(PathBuf),
    /// `upper` over `lower`, which is never written.
    Overlay {
        /// The source.
        lower: PathBuf,
        /// Takes what changes.
        upper: PathBuf,
        /// An empty directory on the file system of `upper`.
        work: PathBuf,
        /// The user and group id that everything in `lower` belongs to, where it has to look as if it belonged to
        /// [`SandboxOptions::owner`]. [`Namespaced::start`] fails where the kernel or the file system cannot do that.
        mapped_owner: Option<(u32, u32)>,
    },
}

/// What a sandbox is made of. All paths are of the host; directories exist and belong to whom [`SandboxOptions::owner`]
/// says, or to the caller.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The app directory.
    pub app: AppDirectory,
    /// A folder for the sandbox's own needs: it makes `mount`, `tmp`, `home` and `exchange` in it.
    pub scratch: PathBuf,
    /// The app directory as home, as in a dyno, instead of one beside it.
    pub home_is_app: bool,
    /// The build's own cache of downloads, written by it.
    pub cache: Option<PathBuf>,
    /// The user's cache of downloads, which is only read.
    pub shared_cache: Option<PathBuf>,
    /// Buildpack directories, with the names that they get below `/cnb/buildpacks`.
    pub buildpacks: Vec<(PathBuf, OsString)>,
    /// What shows of the host.
    pub view: HostView,
    /// Whether programs reach the network.
    pub network: bool,
    /// When every program is killed.
    pub deadline: Option<Instant>,
    /// Kills every program when raised.
    pub interrupt: Interrupt,
}

impl SandboxOptions {
    /// Whom the files of a build have to belong to: [`BUILD_UID`] for root, nobody in particular for others. Root of a
    /// container that has no such uid builds as itself.
    #[must_use]
    pub fn owner() -> Option<(u32, u32)> {
        let maps = |name: &str| {
            fs::read_to_string(format!("/proc/self/{name}"))
                .is_ok_and(|map| is_mapped(&map, BUILD_UID))
        };
        let usable = nix::unistd::geteuid().is_root() && maps("uid_map") && maps("gid_map");
        usable.then_some((BUILD_UID, BUILD_UID))
    }
}

/// Whether `id` exists in the user namespace with this map (`user_namespaces(7)`: first, first outside, count).
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut columns = line.split_ascii_whitespace().map(str::parse::<u32>);
        match (columns.next(), columns.nth(1)) {
            (Some(Ok(first)), Some(Ok(count))) => id >= first && id - first < count,
            _ => false,
        }
    })
}

/// A running sandbox. Dropping it ends everything in it.
#[derive(Debug)]
pub struct Namespaced {
    holder: Child,
    base: Environment,
    app: PathBuf,
    work: PathBuf,
    outside: Vec<(PathBuf, PathBuf)>,
    deadline: Option<Instant>,
    interrupt: Interrupt,
    identity: Identity,
}

impl Namespaced {
    /// Sets a sandbox up. [`SandboxError::SetUp`] where this machine cannot have one, with the step that failed.
    pub fn start(options: &SandboxOptions) -> Result<Self, SandboxError> {
        let owner = SandboxOptions::owner();
        let identity = Identity {
            inside: INSIDE_UID,
            outside: owner.map_or_else(|| nix::unistd::geteuid().as_raw(), |(uid, _)| uid),
            root: owner.is_some(),
        };
        let folder = |name: &str, mode: u32| make_folder(&options.scratch, name, mode, owner);
        let root = folder("mount", 0o755)?;
        let temporary = folder("tmp", 0o1777)?;
        let exchange = folder("exchange", 0o700)?;

        let mut mounts = options.view.mounts.clone();
        mounts.push(Mount::Devices);
        let mut outside = vec![(PathBuf::from(WORK), exchange.clone())];
        mounts.push(bind(&temporary, "/tmp", true));
        mounts.push(bind(&temporary, "/var/tmp", true));
        mounts.push(bind(&exchange, WORK, true));
        let home = if options.home_is_app {
            PathBuf::from(APP_DIRECTORY)
        } else {
            let home = folder("home", 0o755)?;
            write_home_files(&home, options, owner)?;
            mounts.push(bind(&home, "/home/app", true));
            PathBuf::from("/home/app")
        };
        match &options.app {
            AppDirectory::Directory(directory) => mounts.push(bind(directory, APP_DIRECTORY, true)),
            AppDirectory::Overlay {
                lower,
                upper,
                work,
                mapped_owner,
            } => {
                let mapped = match mapped_owner {
                    None => None,
                    Some(owner) => Some(Mapped {
                        owner: *owner,
                        at: folder("source", 0o700)?.into(),
                    }),
                };
                mounts.push(Mount::Overlay {
                    lower: lower.into(),
                    upper: upper.into(),
                    work: work.into(),
                    to: APP_DIRECTORY.into(),
                    mapped,
                });
            }
        }
        if let Some(cache) = &options.cache {
            mounts.push(bind(cache, CACHE, true));
            if let Some(shared) = &options.shared_cache {
                fs::create_dir_all(cache.join("upstream"))
                    .map_err(|source| set_up("making the cache", source))?;
                mounts.push(bind(shared, &format!("{CACHE}/upstream"), false));
            }
        }
        for (directory, name) in &options.buildpacks {
            let inside = Path::new(BUILDPACKS).join(name);
            mounts.push(Mount::Bind {
                from: directory.into(),
                to: inside.clone().into(),
                writable: false,
            });
            outside.push((inside, directory.clone()));
        }
        mounts.extend(options.view.folders.iter().cloned());

        let mut base = options.view.environment.clone();
        base.insert("HOME".into(), home.into());
        let request = SetUp {
            root: root.into(),
            mounts,
            network: options.network,
            identity,
        };
        let holder = start_holder(&request)?;
        outside.push((
            PathBuf::from(APP_DIRECTORY),
            // The merged view of an overlay exists in the holder's mount namespace only.
            match &options.app {
                AppDirectory::Directory(directory) => directory.clone(),
                AppDirectory::Overlay { .. } => {
                    PathBuf::from(format!("/proc/{}/root/app", holder.id()))
                }
            },
        ));
        let sandbox = Self {
            holder,
            base,
            app: APP_DIRECTORY.into(),
            work: WORK.into(),
            outside,
            deadline: options.deadline,
            interrupt: options.interrupt.clone(),
            identity,
        };
        sandbox.try_out()?;
        Ok(sandbox)
    }

    /// Runs a program that does nothing: a container that hides parts of `/proc` refuses a new one, which only the first
    /// process of a process namespace meets.
    fn try_out(&self) -> Result<(), SandboxError> {
        let nothing = Program::Itself {
            argv0: NOTHING.into(),
        };
        match self.run(&Invocation::new(nothing, "/"), &mut |_| {})? {
            Outcome::Exited(0) | Outcome::TimedOut | Outcome::Interrupted => Ok(()),
            other => Err(set_up(
                "running a first program",
                io::Error::other(format!("it {other}")),
            )),
        }
    }

    /// Where programs find the cache of downloads.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        Path::new(CACHE)
    }

    /// Where programs find the buildpack that was given the name `name`.
    #[must_use]
    pub fn buildpack_dir(&self, name: &std::ffi::OsStr) -> PathBuf {
        Path::new(BUILDPACKS).join(name)
    }

    /// A way into the network of a sandbox without network.
    pub fn door(&self) -> Result<Door, SandboxError> {
        Door::open(self.holder.id()).map_err(|source| set_up("opening a door", source))
    }

    pub(super) fn order(&self, invocation: &Invocation, terminal: bool) -> Order {
        order(
            invocation,
            Some(self.holder.id()),
            Some(self.identity),
            terminal,
        )
    }
}

/// The order that runs `invocation`.
pub(super) fn order(
    invocation: &Invocation,
    holder: Option<u32>,
    identity: Option<Identity>,
    terminal: bool,
) -> Order {
    let (program, argv0) = match &invocation.program {
        Program::File(path) => (
            Some(path.clone().into_os_string()),
            path.clone().into_os_string(),
        ),
        Program::Itself { argv0 } => (None, argv0.clone().into_os_string()),
    };
    Order {
        holder: holder.and_then(|pid| i32::try_from(pid).ok()),
        identity,
        program,
        argv0,
        arguments: invocation.arguments.clone(),
        environment: invocation
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        directory: invocation.directory.clone().into(),
        terminal,
    }
}

impl Executor for Namespaced {
    fn app_dir(&self) -> &Path {
        &self.app
    }

    fn outside(&self, inside: &Path) -> PathBuf {
        self.outside
            .iter()
            .find_map(|(from, to)| Some(to.join(inside.strip_prefix(from).ok()?)))
            .unwrap_or_else(|| inside.to_owned())
    }

    fn work_dir(&self) -> &Path {
        &self.work
    }

    fn base_environment(&self) -> &Environment {
        &self.base
    }

    fn owner(&self) -> Option<(u32, u32)> {
        SandboxOptions::owner()
    }

    fn stop(&self) -> Stop {
        Stop::new(&self.interrupt, self.deadline)
    }

    fn run(
        &self,
        invocation: &Invocation,
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<Outcome, SandboxError> {
        run_to_end(
            &self.order(invocation, false),
            self.deadline,
            &self.interrupt,
            self.owner(),
            false,
            &mut |_, line| output(line),
        )
    }

    fn run_apart(
        &self,
        invocation: &Invocation,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Outcome, SandboxError> {
        run_to_end(
            &self.order(invocation, false),
            self.deadline,
            &self.interrupt,
            self.owner(),
            true,
            output,
        )
    }
}

impl Drop for Namespaced {
    fn drop(&mut self) {
        // The end of its stdin ends the holder; the mounts go with its namespaces.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn bind(from: &Path, to: &str, writable: bool) -> Mount {
    Mount::Bind {
        from: from.into(),
        to: to.into(),
        writable,
    }
}

fn set_up(step: &str, source: io::Error) -> SandboxError {
    SandboxError::SetUp {
        step: step.to_owned(),
        source,
    }
}

pub(super) fn make_folder(
    scratch: &Path,
    name: &str,
    mode: u32,
    owner: Option<(u32, u32)>,
) -> Result<PathBuf, SandboxError> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = scratch.join(name);
    let make = || {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(&path)?;
        // The umask may have taken something away.
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        match owner {
            Some((uid, gid)) => std::os::unix::fs::chown(&path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    };
    make().map_err(|source| set_up(&format!("making {}", path.display()), source))?;
    Ok(path)
}

pub(super) fn write_home_files(
    home: &Path,
    options: &SandboxOptions,
    owner: Option<(u32, u32)>,
) -> Result<(), SandboxError> {
    for (relative, contents) in &options.view.home_files {
        let path = home.join(relative);
        let write = || {
            let mut folder = home.to_owned();
            for part in relative.parent().into_iter().flat_map(Path::components) {
                folder.push(part);
                match fs::create_dir(&folder) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => {}
                }
                if let Some((uid, gid)) = owner {
                    std::os::unix::fs::chown(&folder, Some(uid), Some(gid))?;
                }
            }
            fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)?
                .write_all(contents)?;
            match owner {
                Some((uid, gid)) => std::os::unix::fs::chown(&path, Some(uid), Some(gid)),
                None => Ok(()),
            }
        };
        write().map_err(|source| set_up(&format!("writing {}", path.display()), source))?;
    }
    Ok(())
}

fn start_holder(request: &SetUp) -> Result<Child, SandboxError> {
    let failed = |source| set_up("starting its holder", source);
    let mut holder = Command::new("/proc/self/exe")
        .arg0(HOLDER)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    match greet(&mut holder, request) {
        Ok(()) => Ok(holder),
        Err(error) => {
            let _ = holder.kill();
            let _ = holder.wait();
            Err(error)
        }
    }
}

fn greet(holder: &mut Child, request: &SetUp) -> Result<(), SandboxError> {
    let failed = |source| set_up("speaking with its holder", source);
    let mut text = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let gone = || failed(io::ErrorKind::BrokenPipe.into());
    holder
        .stdin
        .as_mut()
        .ok_or_else(gone)?
        .write_all(&text)
        .map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(holder.stdout.take().ok_or_else(gone)?)
        .read_line(&mut answer)
        .map_err(failed)?;
    match serde_json::from_str(&answer) {
        Ok(Ready::Yes) => Ok(()),
        Ok(Ready::No {
            step,
            errno,
            refused,
        }) => {
            let source = io::Error::from_raw_os_error(errno);
            Err(if refused {
                SandboxError::Refused { step, source }
            } else {
                SandboxError::SetUp { step, source }
            })
        }
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_looked_up_in_the_map() {
        assert!(is_mapped("         0          0 4294967295\n", BUILD_UID));
        assert!(is_mapped("0 1000 1\n1 100000 65535\n", BUILD_UID));
        assert!(!is_mapped("0 1000 1\n", BUILD_UID));
        assert!(!is_mapped("0 100000 65521\n", BUILD_UID));
        assert!(!is_mapped("", BUILD_UID));
    }
}
