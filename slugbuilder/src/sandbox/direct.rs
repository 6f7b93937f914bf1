//! Running programs in the open, where no namespace can be had.

use super::executor::{Environment, Executor, Invocation, Outcome, SandboxError};
use super::interrupt::Interrupt;
use super::job::run_to_end;
use super::namespaced::{SandboxOptions, make_folder, order, write_home_files};
use super::wire::{Identity, Order};
use crate::stop::Stop;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Programs that see the machine as it is. What they start still ends with them, root still becomes
/// [`super::BUILD_UID`], and the environment is as clean as in a sandbox; but files, processes and the network of the
/// user are in reach, so only buildpacks that are trusted may run here.
#[derive(Debug)]
pub struct Direct {
    app: PathBuf,
    work: PathBuf,
    base: Environment,
    deadline: Option<Instant>,
    interrupt: Interrupt,
    identity: Option<Identity>,
}

impl Direct {
    /// Prepares running programs with `app` as the app directory, which exists and belongs to
    /// [`SandboxOptions::owner`]. Of `options`, `app`, `cache`, `buildpacks` and `network` mean nothing here.
    pub fn start(app: &Path, options: &SandboxOptions) -> Result<Self, SandboxError> {
        // A program can kill its runner here; what it leaves then comes to us.
        let _ = nix::sys::prctl::set_child_subreaper(true);
        let owner = SandboxOptions::owner();
        let folder = |name: &str, mode: u32| make_folder(&options.scratch, name, mode, owner);
        let temporary = folder("tmp", 0o1777)?;
        let work = folder("exchange", 0o700)?;
        let home = if options.home_is_app {
            app.to_owned()
        } else {
            let home = folder("home", 0o755)?;
            write_home_files(&home, options, owner)?;
            home
        };
        let mut base = options.view.environment.clone();
        base.insert("HOME".into(), home.into());
        base.insert("TMPDIR".into(), temporary.into());
        Ok(Self {
            app: app.to_owned(),
            work,
            base,
            deadline: options.deadline,
            interrupt: options.interrupt.clone(),
            identity: owner.map(|(outside, _)| Identity {
                inside: outside,
                outside,
                root: true,
            }),
        })
    }

    /// Runs programs of our own, which only read: as who we are, with `work` to write to and nothing in their environment.
    #[must_use]
    pub fn reading(app: &Path, work: &Path, deadline: Instant, interrupt: Interrupt) -> Self {
        Self {
            app: app.to_owned(),
            work: work.to_owned(),
            base: Environment::new(),
            deadline: Some(deadline),
            interrupt,
            identity: None,
        }
    }

    pub(super) fn order(&self, invocation: &Invocation, terminal: bool) -> Order {
        order(invocation, None, self.identity, terminal)
    }
}

impl Executor for Direct {
    fn app_dir(&self) -> &Path {
        &self.app
    }

    fn outside(&self, inside: &Path) -> PathBuf {
        inside.to_owned()
    }

    fn work_dir(&self) -> &Path {
        &self.work
    }

    fn base_environment(&self) -> &Environment {
        &self.base
    }

    fn owner(&self) -> Option<(u32, u32)> {
        self.identity
            .map(|identity| (identity.outside, identity.outside))
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
}
