//! The whole flow: source to slug.
//!
//! ```text
//! survey ─► work folder ─► place (sandbox) ─► detect ─► restore ─► build ─► lay out ─► check ─► archive ─► slug.json
//! ```
//!
//! A build of what has not changed is not run: the app of the last one is kept (the module `kept`).
//!
//! The source is never written; an earlier slug stays as it was until the new one is whole; what a build needs on disk
//! lies in its work folder and is gone afterwards.

mod app_directory;
mod begun;
mod built;
mod detect;
mod downloads;
mod entries;
mod error;
mod identity;
mod kept;
pub(crate) mod lock;
mod losses;
mod missing_program;
mod record;
mod resolve;
mod slug_source;

pub use crate::secrets::SecretsInSlug;
pub use built::BuiltApp;
pub use detect::{Detected, detect};
pub use entries::{AppEntry, AppEntryKind};
pub use error::{CompileError, RedactedError};
pub use resolve::{Resolution, resolve};

use crate::app_root::{self, AppRoot};
use crate::archive::{Compression, Layout, Placement, Siblings};
use crate::buildpacks::InUse;
#[cfg(doc)]
use crate::cache::CacheFolder;
use crate::cnb::{Build, Order, Platform};
use crate::layout::after_build::AfterBuild;
use crate::layout::{self, AppLayout};
use crate::lock::Locking;
use crate::place::Place;
use crate::sandbox::{AppDirectory, Credentials, Environment, HostView, Interrupt, SandboxOptions};
use crate::secrets::{OfSource, Redacting, Secrets, Sources};
use crate::slug::{Manifest, ProcessType, SlugError};
use crate::stack::{Machine, Stack};
use crate::stage::{self, Survey, SurveyOptions};
use crate::stop::Stop;
use crate::workspace::{Workspace, WorkspaceError};
use begun::Begun;
use downloads::Downloads;
use kept::Look;
use record::Outcome;
use slugbuilder_report::{Diagnosis, Explain as _, Reporter, Warning};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What slugs are built for. Heroku's dynos of the Cedar generation, which run slugs, are of this kind only.
pub(crate) const MACHINE: Machine = Machine::X86_64;

/// Where a buildpack comes from.
#[derive(Debug, Clone)]
pub enum BuildpackSource {
    /// The running executable, started as `bin/detect` and `bin/build`; this is its buildpack.toml.
    Embedded(&'static str),
    /// A buildpack directory.
    Directory(PathBuf),
    /// A buildpack directory that was unpacked.
    Unpacked {
        /// The archive: what the user knows it by.
        archive: PathBuf,
        /// Where it is now.
        directory: PathBuf,
        /// Keeps it there.
        in_use: InUse,
    },
}

/// What of the last build of an app may serve the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    /// The built app itself, where nothing has changed; else its layers and its slug.
    #[default]
    App,
    /// Its layers and its slug: the buildpacks run in any case.
    Layers,
    /// Nothing: all of it is forgotten.
    Nothing,
}

/// What to build, and how.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent questions of yes or no, as the command line asks them"
)]
pub struct CompileOptions {
    /// The app's source.
    pub source: PathBuf,
    /// The app's folder in it, where that is not all of it.
    pub root: Option<AppRoot>,
    /// Where the slug goes.
    pub output: PathBuf,
    /// Where slug.json goes.
    pub manifest: PathBuf,
    /// What it will run on.
    pub stack: Stack,
    /// The buildpacks.
    pub buildpacks: Vec<BuildpackSource>,
    /// Which of them to try together; all of them, as one group, if there is nothing.
    pub order: Option<Order>,
    /// The folder for caches and builds.
    pub cache_dir: PathBuf,
    /// Bytes that the cache may hold; see [`CacheFolder::max_size`].
    pub cache_max_size: u64,
    /// What of the last build serves this one.
    pub reuse: Reuse,
    /// Whether to keep files that git ignores.
    pub all_files: bool,
    /// Whether files of installed packages that no program can load stay in the slug; see
    /// [`after_build::CLASSES`](crate::layout::after_build::CLASSES).
    pub keep_package_files: bool,
    /// Whether the source is of someone who must not reach what this machine has: it is built in a sandbox or not at all.
    pub untrusted: bool,
    /// Config vars of the build.
    pub config_vars: Environment,
    /// Names of those whose values nobody may see: they are replaced in all that is told, and may not be in the slug.
    pub secrets: BTreeSet<OsString>,
    /// `SLUGBUILDER_*` variables for the buildpacks.
    pub platform_variables: Environment,
    /// The user's environment, of which only [`HostView`]'s list passes.
    pub host_environment: Environment,
    /// Which credentials pass.
    pub credentials: Credentials,
    /// How the lock of the source counts.
    pub locking: Locking,
    /// Whether the build has a network.
    pub network: bool,
    /// When the build is ended.
    pub deadline: Instant,
    /// Ends the build when raised.
    pub interrupt: Interrupt,
    /// The value of `SOURCE_DATE_EPOCH`, where it is set: the time of the app's own files.
    pub source_date_epoch: Option<String>,
    /// How hard to compress.
    pub compression: Compression,
    /// Bytes above which a slug is an error.
    pub max_size: u64,
    /// Bytes above which a slug is a warning.
    pub warn_size: u64,
}

impl CompileOptions {
    fn stop(&self) -> Stop {
        Stop::new(&self.interrupt, Some(self.deadline))
    }

    /// The app's folder in the source, relative to that.
    fn root_folder(&self) -> Option<&Path> {
        let root = self.root.as_ref();
        root.map(|root| Path::new(root.as_str()))
    }
}

/// A slug that was built.
#[derive(Debug)]
pub struct Compiled {
    /// What slug.json says.
    pub manifest: Manifest,
    /// What was left out of the build.
    pub survey: Survey,
}

/// Builds a slug.
pub fn compile(
    options: &CompileOptions,
    reporter: &dyn Reporter,
) -> Result<Compiled, CompileError> {
    let secrets = Arc::new(secrets_of(options)?);
    let compiled = compile_with(options, &secrets, &Redacting::new(&secrets, reporter));
    compiled.map_err(|error| error.redacted(&secrets))
}

fn compile_with(
    options: &CompileOptions,
    secrets: &Arc<Secrets>,
    reporter: &dyn Reporter,
) -> Result<Compiled, CompileError> {
    let begun = Begun::begin(options, secrets, reporter)?;
    let mut look = Look::at(options, &begun)?;
    look.tell(reporter);
    if let Some(record) = look.kept() {
        return kept::compile(look, record, begun, options);
    }
    let mut app = BuiltApp::build_begun(options, begun)?;
    let remembered = look.remember(options, app.survey(), reporter);
    let slug = match app.archive(options, reporter) {
        Ok(slug) => slug,
        Err(error) => {
            // A slug that may not be is no reason to build the layers again.
            app.keep(reporter);
            return Err(error);
        }
    };
    // The slug is whole: what cannot be kept for the next build makes that one slower, and this one no failure.
    match remembered {
        Some(remembered) => app.keep_app(remembered, reporter),
        None => app.keep(reporter),
    }
    let manifest = slug.publish()?;
    let survey = app.end(options, reporter);
    Ok(Compiled { manifest, survey })
}

fn not_kept(what: &str, error: &CompileError) -> Warning {
    let why = Diagnosis::of(error).one_line();
    let text = format!("{what} could not be kept for the next build ({why})");
    error
        .hints()
        .into_iter()
        .fold(Warning::new("not-kept-for-next-build", text), Warning::hint)
}

fn left_behind(error: &WorkspaceError) -> Warning {
    let why = Diagnosis::of(error).one_line();
    Warning::new(
        "work-folder-left",
        format!("the folder of this build could not be removed ({why})"),
    )
    .hint("The next build of this app tries again.")
}

fn sandbox_options(
    options: &CompileOptions,
    workspace: &Workspace,
    downloads: &Downloads,
) -> SandboxOptions {
    SandboxOptions {
        // Decided when the source is staged.
        app: AppDirectory::Directory(workspace.build().join("app")),
        scratch: workspace.build(),
        home_is_app: false,
        cache: Some(downloads.incoming.clone()),
        shared_cache: Some(downloads.shared_root.clone()),
        buildpacks: Vec::new(),
        view: host_view(options),
        network: options.network,
        deadline: Some(options.deadline),
        interrupt: options.interrupt.clone(),
    }
}

/// The secrets that the programs of a build may know.
fn secrets_of(options: &CompileOptions) -> Result<Secrets, CompileError> {
    let of_source = OfSource::read(&options.source, options.root_folder());
    let mut secrets = Secrets::of(&Sources {
        config_vars: &options.config_vars,
        named: &options.secrets,
        platform_variables: &options.platform_variables,
        view: &host_view(options),
        of_source: &of_source,
    })?;
    if of_source.has_literal() {
        // Few sources have one, and only one that enters the build is worth a word. What is wrong with the source the build
        // itself tells.
        let surveyed = stage::outline(
            &options.source,
            &SurveyOptions {
                all_files: options.all_files,
                outputs: vec![options.cache_dir.clone()],
                stop: options.stop(),
            },
        );
        if let Ok(survey) = surveyed {
            let staged = survey.staged_files();
            secrets.warn(of_source.warnings(|file| staged.contains_key(file)));
        }
    }
    Ok(secrets)
}

/// What programs see of this machine.
fn host_view(options: &CompileOptions) -> HostView {
    mirrors(options).fold(
        HostView::of(&options.host_environment, options.credentials),
        |view, folder| view.with_folder(&folder),
    )
}

/// The folders of the mirrors that are on this machine.
fn mirrors(options: &CompileOptions) -> impl Iterator<Item = PathBuf> {
    options
        .platform_variables
        .values()
        .filter_map(|value| slugbuilder_fetch::file_of_url(value.to_str()?))
}

/// The platform that runs buildpacks in `place`, which was made of `sandbox`.
fn platform<'a>(
    options: &CompileOptions,
    place: &'a Place,
    sandbox: &SandboxOptions,
    reporter: &'a dyn Reporter,
) -> Platform<'a> {
    Platform {
        executor: place.executor(),
        target: options.stack.target(MACHINE),
        user_environment: options.config_vars.clone(),
        platform_variables: platform_variables(options, place, sandbox),
        reporter,
    }
}

/// The variables for buildpacks that do not depend on where they run.
fn stable_platform_variables(options: &CompileOptions) -> Environment {
    let mut variables = options.platform_variables.clone();
    variables.insert(
        "SLUGBUILDER_STACK".into(),
        options.stack.name.clone().into(),
    );
    if let Some(root) = &options.root {
        variables.insert(app_root::VARIABLE.into(), root.as_str().into());
    }
    if !options.network {
        variables.insert("SLUGBUILDER_OFFLINE".into(), "1".into());
    }
    variables
}

fn platform_variables(
    options: &CompileOptions,
    place: &Place,
    sandbox: &SandboxOptions,
) -> Environment {
    let mut variables = stable_platform_variables(options);
    let cache = match place {
        Place::Sandbox(sandbox) => Some(sandbox.cache_dir().to_owned()),
        Place::Open { .. } => sandbox.cache.clone(),
    };
    if let Some(cache) = cache {
        variables.insert("SLUGBUILDER_CACHE".into(), cache.into());
    }
    variables
}

/// The app without what leaves the slug after the build, and without what is being written into its source: an overlay
/// shows that, too.
struct SlugLayout<'a> {
    layout: &'a AppLayout,
    after_build: &'a AfterBuild,
    survey: &'a Survey,
}

impl Layout for SlugLayout<'_> {
    fn place(&self, path: &Path, directory: bool) -> Placement {
        self.place_among(path, directory, Siblings::default())
    }

    fn place_among(&self, path: &Path, directory: bool, siblings: Siblings<'_>) -> Placement {
        if self.survey.is_output(path) {
            return Placement::Skip;
        }
        let Self {
            layout,
            after_build,
            ..
        } = self;
        after_build.place(*layout, path, directory, siblings)
    }
}

/// The app as it goes into the slug.
struct LaidOut {
    layout: AppLayout,
    process_types: BTreeMap<ProcessType, String>,
    warnings: Vec<Warning>,
}

impl LaidOut {
    /// Lays the built app out, and writes the launch environment into it.
    fn of(
        build: &Build,
        platform: &Platform<'_>,
        root: Option<&AppRoot>,
    ) -> Result<Self, CompileError> {
        let app_dir = platform.executor.app_dir();
        let process_types = layout::ProcessTypes::of(&build.processes, app_dir);
        let profile = layout::profile_script(&build.launch_environment, &process_types, app_dir);
        if let Some(content) = &profile.content {
            platform.write_into_app(Path::new(layout::PROFILE_SCRIPT_PATH), content)?;
        }
        let outside = platform.executor.outside(app_dir);
        if let Some(script) = root.and_then(|root| layout::root_profile_script(root, &outside)) {
            let path = Path::new(layout::ROOT_PROFILE_SCRIPT_PATH);
            platform.write_into_app(path, script.as_bytes())?;
        }
        if !build.launch_environment.exec_d.is_empty() {
            let helper = layout::EXEC_D_HELPER.as_bytes();
            platform.write_into_app(Path::new(layout::EXEC_D_HELPER_PATH), helper)?;
        }
        let mut warnings = process_types.warnings;
        warnings.extend(profile.warnings);
        let process_types = process_types
            .types
            .into_iter()
            .map(|one| Ok((ProcessType::try_from(one.name)?, one.command)))
            .collect::<Result<_, SlugError>>()?;
        Ok(Self {
            layout: AppLayout::new(build, app_dir),
            process_types,
            warnings,
        })
    }
}
