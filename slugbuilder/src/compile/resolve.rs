//! What a build would use, found out without building the app: for a lock, and for a mirror folder.

use super::downloads::Downloads;
use super::lock::{SourceLock, folder_of};
use super::{CompileError, CompileOptions, app_directory, identity, platform, sandbox_options};
use crate::cnb::{BuildpackPrograms, RESOLVE_ONLY};
use crate::lock;
use crate::stage::{self, SurveyOptions};
use crate::workspace::Workspace;
use slugbuilder_report::lock::LockFile;
use slugbuilder_report::{Event, ObtainedFile, Reporter};
use std::path::PathBuf;

/// What a build would use.
#[derive(Debug)]
pub struct Resolution {
    /// What a lock of it says.
    pub lock: LockFile,
    /// The app's folder, where its lock lies.
    pub folder: PathBuf,
    /// The lock that it has.
    pub earlier: Option<LockFile>,
    /// The files that were obtained. They are in the cache.
    pub files: Vec<ObtainedFile>,
}

/// Decides what a build with `options` would decide, and obtains what it would obtain. Only the buildpack that slugbuilder
/// carries knows how to stop there; others only detect. What the last build of the app left is neither used nor touched,
/// and what is downloaded stays in the cache.
pub fn resolve(
    options: &CompileOptions,
    reporter: &dyn Reporter,
) -> Result<Resolution, CompileError> {
    Workspace::check_cache_dir(&options.cache_dir, &options.source)?;
    let survey = stage::survey(
        &options.source,
        &SurveyOptions {
            all_files: options.all_files,
            outputs: vec![options.cache_dir.clone()],
            stop: options.stop(),
        },
    )?;
    if let Some(root) = &options.root {
        root.check(&survey)?;
    }
    for warning in &survey.warnings {
        reporter.report(Event::Warning(warning));
    }
    let workspace = Workspace::for_run(&options.cache_dir)?;
    let resolution = resolve_in(options, &survey, &workspace, reporter);
    let removed = workspace.remove();
    let resolution = resolution?;
    removed?;
    Ok(resolution)
}

fn resolve_in(
    options: &CompileOptions,
    survey: &stage::Survey,
    workspace: &Workspace,
    reporter: &dyn Reporter,
) -> Result<Resolution, CompileError> {
    let folder = folder_of(&survey.root, options.root.as_ref());
    let earlier = lock::read(&folder)?.map(|read| read.lock);
    let source_lock = SourceLock::read(options, &survey.root)?;
    let downloads = Downloads::prepare(&options.cache_dir, workspace)?;
    let mut sandbox = sandbox_options(options, workspace, &downloads);
    let sources = identity::buildpacks(options, &workspace.build(), &mut sandbox)?;
    let prepared = app_directory::prepare(survey, workspace, &mut sandbox, options.trusted())?;
    let place = &prepared.place;
    if let Some(warning) = place.warning() {
        reporter.report(Event::Warning(warning));
    }
    let buildpacks = identity::read(&sources, place, &sandbox)?;
    let mut platform = platform(options, place, &sandbox, reporter);
    let on = || "1".into();
    platform
        .platform_variables
        .insert(RESOLVE_ONLY.into(), on());
    source_lock.lend(&mut platform)?;
    let order = identity::order(options, &buildpacks);
    let mut detection = platform.detect(&order, &buildpacks)?;
    let digests = identity::digests(&sources, &buildpacks);
    let locked = lock::buildpacks(&detection, digests)?;
    if options.locking.locked {
        source_lock.check(options, &locked)?;
    }
    detection
        .group
        .retain(|participant| participant.buildpack.programs == BuildpackPrograms::Itself);
    platform.restore(&detection)?;
    let build = platform.build(&detection)?;
    let mut pins = Vec::new();
    let mut files = Vec::new();
    for phase in build.reports {
        pins.extend(phase.report.pins);
        files.extend(phase.report.files);
        // That the lock was outdated is why this is done.
        let outdated = |code: &str| code == "lock-outdated";
        for warning in phase
            .report
            .warnings
            .iter()
            .filter(|one| !outdated(&one.code))
        {
            reporter.report(Event::Warning(warning));
        }
    }
    let lock = lock::merge(source_lock.file(), &options.stack.name, locked, pins);
    drop(prepared);
    downloads.keep(sandbox.cache.as_deref())?;
    Ok(Resolution {
        lock,
        folder,
        earlier,
        files,
    })
}
