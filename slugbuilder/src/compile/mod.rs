//! The whole flow: source to slug.
//!
//! ```text
//! survey ─► work folder ─► place (sandbox) ─► detect ─► restore ─► build ─► lay out ─► check ─► archive ─► slug.json
//! ```
//!
//! The source is never written; an earlier slug stays as it was until the new one is whole; what a build needs on disk
//! lies in its work folder and is gone afterwards.

mod app_directory;
mod detect;
mod downloads;
mod error;
mod identity;
mod losses;
mod record;

pub use detect::{Detected, detect};
pub use error::CompileError;

use crate::archive::{self, ArchiveError, ArchiveOptions, Compression, Layout, Placement};
use crate::cache::{CacheFolder, after_build};
use crate::cnb::{Build, Buildpack, Order, Platform};
use crate::layout::{self, AppLayout};
use crate::place::Place;
use crate::publish::publish;
use crate::sandbox::{AppDirectory, Credentials, Environment, HostView, Interrupt, SandboxOptions};
use crate::slug::{self, Manifest, ProcessType, SlugError};
use crate::stack::{self, Machine, Stack};
use crate::stage::{self, Survey, SurveyOptions};
use crate::stop::Stop;
use crate::workspace::{Workspace, WorkspaceError};
use downloads::Downloads;
use record::record;
use slugbuilder_report::{Diagnosis, Event, Explain as _, Reporter, Warning};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    },
}

/// What to build, and how.
#[derive(Debug)]
pub struct CompileOptions {
    /// The app's source.
    pub source: PathBuf,
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
    /// Whether to forget the layers and the slug of the last build.
    pub clear_cache: bool,
    /// Whether to keep files that git ignores.
    pub all_files: bool,
    /// Config vars of the build.
    pub config_vars: Environment,
    /// `SLUGBUILDER_*` variables for the buildpacks.
    pub platform_variables: Environment,
    /// The user's environment, of which only [`HostView`]'s list passes.
    pub host_environment: Environment,
    /// Which credentials pass.
    pub credentials: Credentials,
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
    Workspace::check_cache_dir(&options.cache_dir, &options.source)?;
    let outputs = vec![
        options.output.clone(),
        options.manifest.clone(),
        options.cache_dir.clone(),
    ];
    let survey = stage::survey(
        &options.source,
        &SurveyOptions {
            all_files: options.all_files,
            outputs,
            stop: Stop::new(&options.interrupt, Some(options.deadline)),
        },
    )?;
    // Nobody should wait minutes for a build to learn of these.
    slug::app_time(options.source_date_epoch.as_deref(), survey.git.as_ref())?;
    for output in [&options.output, &options.manifest] {
        archive::check_output(output)?;
    }
    let mut warnings = survey.warnings.clone();
    for warning in &warnings {
        reporter.report(Event::Warning(warning));
    }
    let workspace = Workspace::for_app(
        &options.cache_dir,
        &identity::of(&survey.root, options),
        &Stop::new(&options.interrupt, Some(options.deadline)),
        &|| reporter.report(Event::Note("waiting for another build of this app")),
    )?;
    if options.clear_cache {
        workspace.clear()?;
    }
    let manifest = build_in(options, &survey, &workspace, &mut warnings, reporter);
    // The folder goes, whatever came of the build; what stays is removed before the next one.
    let cleaned = workspace.clean_up();
    let manifest = manifest?;
    if let Err(error) = cleaned {
        reporter.report(Event::Warning(&left_behind(&error)));
    }
    let cache = CacheFolder {
        path: options.cache_dir.clone(),
        max_size: options.cache_max_size,
    };
    let app = identity::recorded(&survey.root, options);
    after_build(workspace, app, &cache, reporter);
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

fn build_in(
    options: &CompileOptions,
    survey: &Survey,
    workspace: &Workspace,
    warnings: &mut Vec<Warning>,
    reporter: &dyn Reporter,
) -> Result<Manifest, CompileError> {
    // The build repeats what detection warned of.
    let mut tell = |new: &[Warning]| {
        for warning in new {
            if !warnings.contains(warning) {
                reporter.report(Event::Warning(warning));
                warnings.push(warning.clone());
            }
        }
    };
    let downloads = Downloads::prepare(&options.cache_dir, workspace)?;
    let mut sandbox = sandbox_options(options, workspace, &downloads);
    let sources = identity::buildpacks(options, &workspace.build(), &mut sandbox)?;
    let prepared = app_directory::prepare(survey, workspace, &mut sandbox, options.trusted())?;
    let place = &prepared.place;
    tell(place.warning().map_or(&[], std::slice::from_ref));
    let buildpacks = sources
        .iter()
        .map(|source| source.read(place, &sandbox))
        .collect::<Result<Vec<Buildpack>, _>>()?;
    let platform = Platform {
        executor: place.executor(),
        target: options.stack.target(MACHINE),
        user_environment: options.config_vars.clone(),
        platform_variables: platform_variables(options, place, &sandbox),
        reporter,
    };
    let order = options.order.clone();
    let order = order.unwrap_or_else(|| Order::of(&buildpacks));
    let detection = platform.detect(&order, &buildpacks)?;
    tell(&detection.warnings);
    for participant in &detection.group {
        tell(&participant.report.warnings);
    }
    tell(&platform.restore(&detection)?.warnings);
    let build = platform.build(&detection)?;
    tell(&build.warnings);
    let not_carried = losses::of(&build);
    if let Some(message) = losses::message(&not_carried) {
        reporter.report(Event::Note(&message));
    }
    for phase in &build.reports {
        tell(&phase.report.warnings);
    }

    let laid_out = LaidOut::of(&build, &platform)?;
    tell(&laid_out.warnings);
    stack::check_runtimes(&build, place.executor(), &options.stack, MACHINE)?;

    let app_time = slug::app_time(options.source_date_epoch.as_deref(), survey.git.as_ref())?;
    reporter.report(Event::Step("Writing the slug"));
    let root = prepared.root();
    let tree = prepared
        .tree(survey)
        .map_err(|source| ArchiveError::Unreadable {
            path: root.clone(),
            source,
        })?;
    let (summary, slug) = archive::write_tree_beside(
        &tree,
        &root,
        &WithoutOutputs {
            layout: &laid_out.layout,
            survey,
        },
        &ArchiveOptions {
            app_time: app_time.seconds,
            max_size: options.max_size,
            warn_size: options.warn_size,
            known_links: survey.faulty_links(),
            compression: options.compression,
            cache: Some(workspace.slug()),
            stop: Stop::new(&options.interrupt, Some(options.deadline)),
            ..ArchiveOptions::default()
        },
        &options.output,
        reporter,
    )?;
    tell(&summary.warnings);
    let mut manifest = record(
        options, survey, &detection, &build, &laid_out, &summary, warnings,
    );
    manifest.build.not_carried = not_carried;
    let written = manifest.write_beside(&options.manifest)?;
    // The slug is whole: what cannot be kept for the next build makes that one slower, and this one no failure.
    // Downloads first: without a sandbox they may go with the place.
    if let Err(error) = downloads.keep(sandbox.cache.as_deref()) {
        reporter.report(Event::Warning(&not_kept("what was downloaded", &error)));
    }
    if let Err(error) = app_directory::finish(prepared, workspace) {
        reporter.report(Event::Warning(&not_kept("the layers", &error)));
    }
    publish::<CompileError>(slug, written)?;
    Ok(manifest)
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
        view: mirrors(options).fold(
            HostView::of(&options.host_environment, options.credentials),
            |view, folder| view.with_folder(&folder),
        ),
        network: options.network,
        deadline: Some(options.deadline),
        interrupt: options.interrupt.clone(),
    }
}

/// The folders of the mirrors that are on this machine.
fn mirrors(options: &CompileOptions) -> impl Iterator<Item = PathBuf> {
    options
        .platform_variables
        .values()
        .filter_map(|value| slugbuilder_fetch::file_of_url(value.to_str()?))
}

fn platform_variables(
    options: &CompileOptions,
    place: &Place,
    sandbox: &SandboxOptions,
) -> Environment {
    let mut variables = options.platform_variables.clone();
    variables.insert(
        "SLUGBUILDER_STACK".into(),
        options.stack.name.clone().into(),
    );
    if !options.network {
        variables.insert("SLUGBUILDER_OFFLINE".into(), "1".into());
    }
    let cache = match place {
        Place::Sandbox(sandbox) => Some(sandbox.cache_dir().to_owned()),
        Place::Open { .. } => sandbox.cache.clone(),
    };
    if let Some(cache) = cache {
        variables.insert("SLUGBUILDER_CACHE".into(), cache.into());
    }
    variables
}

/// The app without what is being written into its source: an overlay shows that, too.
struct WithoutOutputs<'a> {
    layout: &'a AppLayout,
    survey: &'a Survey,
}

impl Layout for WithoutOutputs<'_> {
    fn place(&self, path: &Path, directory: bool) -> Placement {
        if self.survey.is_output(path) {
            Placement::Skip
        } else {
            self.layout.place(path, directory)
        }
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
    fn of(build: &Build, platform: &Platform<'_>) -> Result<Self, CompileError> {
        let app_dir = platform.executor.app_dir();
        let process_types = layout::ProcessTypes::of(&build.processes, app_dir);
        let profile = layout::profile_script(&build.launch_environment, &process_types, app_dir);
        if let Some(content) = &profile.content {
            platform.write_into_app(Path::new(layout::PROFILE_SCRIPT_PATH), content)?;
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
