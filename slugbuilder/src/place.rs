//! Where an app is built or run: a sandbox where one can be had, else the best that this machine offers.

use crate::real_app::RealApp;
use crate::sandbox::{
    APP_DIRECTORY, AppDirectory, Attached, Console, Direct, Executor, Invocation, Namespaced,
    SandboxError, SandboxOptions,
};
use crate::temporary::TemporaryFolder;
use slugbuilder_report::Warning;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A place, ready to run programs in.
pub(crate) enum Place {
    Sandbox(Namespaced),
    Open {
        // Declared before what it runs in: programs end first.
        direct: Direct,
        _real: Option<RealApp>,
        _scratch: Option<TemporaryFolder>,
        warning: Warning,
    },
}

impl Place {
    pub(crate) fn executor(&self) -> &dyn Executor {
        match self {
            Self::Sandbox(sandbox) => sandbox,
            Self::Open { direct, .. } => direct,
        }
    }

    pub(crate) fn attach(
        &self,
        invocation: &Invocation,
        console: Console,
    ) -> Result<Attached, SandboxError> {
        match self {
            Self::Sandbox(sandbox) => sandbox.attach(invocation, console),
            Self::Open { direct, .. } => direct.attach(invocation, console),
        }
    }

    /// What the user should know of it.
    pub(crate) fn warning(&self) -> Option<&Warning> {
        match self {
            Self::Sandbox(_) => None,
            Self::Open { warning, .. } => Some(warning),
        }
    }

    /// A place without namespaces. `fill` puts the app into the directory that it is given, which is empty; `refused`
    /// is why there is no sandbox.
    pub(crate) fn open<E: From<SandboxError>>(
        options: &mut SandboxOptions,
        refused: &SandboxError,
        fill: impl Fn(&Path) -> Result<(), E>,
    ) -> Result<Self, E> {
        let owner = SandboxOptions::owner();
        let failed = |step: &str, source: std::io::Error| SandboxError::SetUp {
            step: step.to_owned(),
            source,
        };
        let real = if owner.is_some() {
            // Next to what it describes, and like it gone with the container.
            RealApp::take(
                Path::new(APP_DIRECTORY),
                Path::new("/var/lib/.slugbuilder-app"),
                owner,
            )
            .ok()
        } else {
            None
        };
        let scratch = match owner {
            Some(owner) => Some(
                move_within_reach(options, owner)
                    .map_err(|error| failed("making a temporary folder", error))?,
            ),
            None => None,
        };
        let app: PathBuf = match (&real, &options.app) {
            (Some(real), _) => real.path().to_owned(),
            (None, AppDirectory::Directory(directory)) if scratch.is_none() => directory.clone(),
            (None, _) => options.scratch.join("app"),
        };
        if !app.exists() {
            std::fs::create_dir(&app).map_err(|error| failed("making the app directory", error))?;
        }
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(&app, Some(uid), Some(gid))
                .map_err(|error| failed("giving the app directory away", error))?;
        }
        fill(&app)?;
        let place = if real.is_some() {
            "the real `/app`"
        } else {
            "a folder of its own"
        };
        let warning = Warning::new(
            "no-sandbox",
            format!(
                "{}; the app's programs run in {place} and can reach what you can",
                slugbuilder_report::Diagnosis::of(refused).one_line()
            ),
        )
        .hint("Allow unprivileged user namespaces, for example with `sysctl user.max_user_namespaces=10000`.");
        Ok(Self::Open {
            direct: Direct::start(&app, options)?,
            _real: real,
            _scratch: scratch,
            warning,
        })
    }
}

/// Puts what `options` name in the cache folder, which is root's alone, where `owner` reaches it: a temporary folder.
/// Only our own buildpack runs in the open, and its folder holds nothing but buildpack.toml.
fn move_within_reach(
    options: &mut SandboxOptions,
    owner: (u32, u32),
) -> io::Result<TemporaryFolder> {
    let temporary = TemporaryFolder::make(&std::env::temp_dir(), "slugbuilder-open-")?;
    let make = |path: &Path| {
        fs::create_dir_all(path)?;
        // Not left to the umask.
        fs::set_permissions(path, Permissions::from_mode(0o711))
    };
    make(temporary.path())?;
    options.scratch = temporary.path().join("scratch");
    make(&options.scratch)?;
    if let Some(cache) = &mut options.cache {
        *cache = options.scratch.join("cache");
        make(cache)?;
        std::os::unix::fs::chown(cache, Some(owner.0), Some(owner.1))?;
    }
    for (folder, name) in &mut options.buildpacks {
        let reachable = temporary.path().join("buildpacks").join(name);
        make(&temporary.path().join("buildpacks"))?;
        make(&reachable)?;
        let file = reachable.join("buildpack.toml");
        fs::copy(folder.join("buildpack.toml"), &file)?;
        fs::set_permissions(&file, Permissions::from_mode(0o644))?;
        *folder = reachable;
    }
    Ok(temporary)
}
