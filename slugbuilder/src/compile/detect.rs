//! Detection alone, in the sandbox that a build would have: for buildpacks of other people.

use super::downloads::Downloads;
use super::{
    CompileError, CompileOptions, app_directory, identity, platform, sandbox_options, secrets_of,
};
use crate::cnb::Detection;
use crate::sandbox::SandboxOptions;
use crate::secrets::Redacting;
use crate::stage::{self, Survey, SurveyOptions};
use crate::stop::Stop;
use crate::workspace::Workspace;
use slugbuilder_report::{Event, Reporter};

/// What detection found.
#[derive(Debug)]
pub struct Detected {
    /// What of the source would enter the build.
    pub survey: Survey,
    /// The buildpacks that would build, and their plan.
    pub detection: Detection,
}

/// Detects with the buildpacks of `options`, and builds nothing. What the last build left is neither used nor touched.
pub fn detect(options: &CompileOptions, reporter: &dyn Reporter) -> Result<Detected, CompileError> {
    Workspace::check_cache_dir(&options.cache_dir, &options.source)?;
    let survey = stage::survey(
        &options.source,
        &SurveyOptions {
            all_files: options.all_files,
            outputs: vec![options.cache_dir.clone()],
            stop: Stop::new(&options.interrupt, Some(options.deadline)),
        },
    )?;
    if let Some(root) = &options.root {
        root.check(&survey)?;
    }
    let workspace = Workspace::for_run(&options.cache_dir)?;
    let detection = detect_in(options, &survey, &workspace, reporter);
    let removed = workspace.remove();
    let detection = detection?;
    removed?;
    Ok(Detected { survey, detection })
}

fn detect_in(
    options: &CompileOptions,
    survey: &Survey,
    workspace: &Workspace,
    reporter: &dyn Reporter,
) -> Result<Detection, CompileError> {
    let downloads = Downloads::prepare(&options.cache_dir, workspace)?;
    let mut sandbox = sandbox_options(options, workspace, &downloads);
    let secrets = secrets_of(options)?;
    let reporter = Redacting::new(&secrets, reporter);
    let detected = detect_with(options, survey, workspace, &mut sandbox, &reporter);
    let mut detection = detected.map_err(|error| error.redacted(&secrets))?;
    detection.redact(&secrets);
    Ok(detection)
}

fn detect_with(
    options: &CompileOptions,
    survey: &Survey,
    workspace: &Workspace,
    sandbox: &mut SandboxOptions,
    reporter: &dyn Reporter,
) -> Result<Detection, CompileError> {
    let sources = identity::buildpacks(options, &workspace.build(), sandbox)?;
    let prepared = app_directory::prepare(survey, workspace, sandbox, options.trusted())?;
    let place = &prepared.place;
    if let Some(warning) = place.warning() {
        reporter.report(Event::Warning(warning));
    }
    let buildpacks = identity::read(&sources, place, sandbox)?;
    let platform = platform(options, place, sandbox, reporter);
    Ok(platform.detect(&identity::order(options, &buildpacks), &buildpacks)?)
}
