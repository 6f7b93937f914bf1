//! What a build would decide, without building: detection alone, on a view of the source that costs nothing to make.
//!
//! Nothing is copied and no sandbox is set up, so this is for buildpacks that only read while they detect, as ours does.

use crate::app_root::{self, AppRoot};
use crate::cnb::{Buildpack, CnbError, Detection, Order, Platform};
use crate::compile::lock::{SourceLock, folder_of};
use crate::compile::{CompileError, MACHINE};
use crate::layout::after_build::AfterBuild;
use crate::lock::Locking;
use crate::sandbox::{Direct, Environment, Interrupt, SandboxError};
use crate::stack::Stack;
use crate::stage::{self, Survey, SurveyOptions};
use crate::temporary::TemporaryFolder;
use slugbuilder_report::{PhaseReport, Silent};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long detection may take. It reads a few files.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// What to plan for.
#[derive(Debug)]
pub struct PlanOptions {
    /// The app's source.
    pub source: PathBuf,
    /// The app's folder in it, where that is not all of it.
    pub root: Option<AppRoot>,
    /// What it will run on.
    pub stack: Stack,
    /// buildpack.toml of the embedded buildpack.
    pub buildpack: &'static str,
    /// Whether to keep files that git ignores.
    pub all_files: bool,
    /// Config vars of the build.
    pub config_vars: Environment,
    /// How the lock of the source counts.
    pub locking: Locking,
    /// Ends the planning when raised.
    pub interrupt: Interrupt,
}

/// What a build would decide.
#[derive(Debug)]
pub struct Plan {
    /// What of the source would enter it, as [`stage::outline`] tells it.
    pub survey: Survey,
    /// What detection found.
    pub report: PhaseReport,
}

/// Plans a build.
pub fn plan(options: &PlanOptions) -> Result<Plan, CompileError> {
    let survey = stage::outline(
        &options.source,
        &SurveyOptions {
            all_files: options.all_files,
            outputs: Vec::new(),
            stop: crate::stop::Stop::new(&options.interrupt, None),
        },
    )?;
    if let Some(root) = &options.root {
        root.check(&survey)?;
    }
    // What a build refuses has no plan.
    let root = options.root.as_ref().map(|root| Path::new(root.as_str()));
    AfterBuild::read(&survey, root, false)?;
    let folder =
        TemporaryFolder::make(&std::env::temp_dir(), "slugbuilder-plan-").map_err(set_up)?;
    let (app, work, buildpack) = (
        folder.path().join("app"),
        folder.path().join("work"),
        folder.path().join("buildpack"),
    );
    for folder in [&work, &buildpack] {
        std::fs::create_dir(folder).map_err(set_up)?;
    }
    std::fs::write(buildpack.join("buildpack.toml"), options.buildpack).map_err(set_up)?;
    survey.shadow(&app)?;
    let executor = Direct::reading(
        &app,
        &work,
        Instant::now() + TIME_LIMIT,
        options.interrupt.clone(),
    );
    let mut platform_variables = Environment::from([
        (
            "SLUGBUILDER_STACK".into(),
            options.stack.name.clone().into(),
        ),
        // The buildpack refuses links that lead out of the source, and those of the view do.
        (
            "SLUGBUILDER_VIEW_OF".into(),
            survey.root.clone().into_os_string(),
        ),
    ]);
    if let Some(root) = &options.root {
        platform_variables.insert(app_root::VARIABLE.into(), root.as_str().into());
    }
    let mut platform = Platform {
        executor: &executor,
        target: options.stack.target(MACHINE),
        user_environment: options.config_vars.clone(),
        platform_variables,
        reporter: &Silent,
    };
    let lock = SourceLock::of(
        &options.locking,
        &folder_of(&survey.root, options.root.as_ref()),
    )?;
    lock.lend(&mut platform)?;
    let detection = detect(&platform, options, buildpack)?;
    let mut report = PhaseReport {
        warnings: [survey.warnings.as_slice(), &detection.warnings].concat(),
        ..PhaseReport::default()
    };
    for participant in detection.group {
        report.languages.extend(participant.report.languages);
        report.decisions.extend(participant.report.decisions);
        report.warnings.extend(participant.report.warnings);
    }
    Ok(Plan { survey, report })
}

fn detect(
    platform: &Platform<'_>,
    options: &PlanOptions,
    directory: PathBuf,
) -> Result<Detection, CnbError> {
    let buildpacks = [Buildpack::embedded(options.buildpack, directory)?];
    platform.detect(&Order::of(&buildpacks), &buildpacks)
}

fn set_up(source: std::io::Error) -> SandboxError {
    SandboxError::SetUp {
        step: "making a temporary folder".into(),
        source,
    }
}
