//! An app that was built and laid out, before it becomes a slug.

use super::app_directory::{self, Keeping, Prepared};
use super::begun::{Begun, Told, WorkFolder};
use super::downloads::Downloads;
use super::kept::{self, Remembered};
use super::lock::SourceLock;
use super::record;
use super::slug_source::{ArchivedApp, SlugSource};
use super::{
    AppEntry, CompileError, CompileOptions, LaidOut, MACHINE, Outcome, identity, left_behind,
    losses, missing_program, not_kept, platform, sandbox_options, secrets_of,
};
use crate::archive::ArchiveError;
use crate::cache::{CacheFolder, after_build};
use crate::cnb::{Build, Detection, Platform, Restored};
use crate::layout::after_build::AfterBuild;
use crate::lock;
use crate::place::Place;
use crate::sandbox::SandboxOptions;
use crate::secrets::{Redacting, Secrets};
use crate::slug::{Manifest, NotCarried, ProcessType};
use crate::stack;
use crate::stage::Survey;
use crate::workspace::Workspace;
use slugbuilder_report::lock::LockedBuildpack;
use slugbuilder_report::{Decision, Event, Language, Reporter, Warning};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An app in the place where it was built: the flow of [`super::compile`] without its end. Dropped, all of it is gone,
/// and the next build of the app starts without layers; [`BuiltApp::keep`] and [`BuiltApp::end`] keep them.
pub struct BuiltApp {
    // Declared first: the place ends before its folder is removed.
    place: Option<Prepared>,
    folder: WorkFolder,
    survey: Survey,
    after_build: AfterBuild,
    secrets: Arc<Secrets>,
    sandbox: SandboxOptions,
    downloads: Downloads,
    detection: Detection,
    restored: Restored,
    build: Build,
    laid_out: LaidOut,
    not_carried: Vec<NotCarried>,
    /// What of the warnings is about the build itself.
    of_build: Vec<Warning>,
    warnings: Vec<Warning>,
}

impl BuiltApp {
    /// Builds the app and lays it out; no archive is made. Of `options`, what is about the archive is checked only. The
    /// buildpacks run whatever is known of the last build.
    pub fn build(options: &CompileOptions, reporter: &dyn Reporter) -> Result<Self, CompileError> {
        let secrets = Arc::new(secrets_of(options)?);
        let reporter = Redacting::new(&secrets, reporter);
        Begun::begin(options, &secrets, &reporter)
            .and_then(|begun| Self::build_begun(options, begun))
            .map_err(|error| error.redacted(&secrets))
    }

    pub(super) fn build_begun(
        options: &CompileOptions,
        begun: Begun<'_>,
    ) -> Result<Self, CompileError> {
        let Begun {
            survey,
            after_build,
            secrets,
            lock,
            folder,
            mut told,
        } = begun;
        let told_before = told.warnings.len();
        let reporter = told.reporter;
        let workspace = folder.workspace()?;
        let downloads = Downloads::prepare(&options.cache_dir, workspace)?;
        let mut sandbox = sandbox_options(options, workspace, &downloads);
        let sources = identity::buildpacks(options, &workspace.build(), &mut sandbox)?;
        let prepared = app_directory::prepare(&survey, workspace, &mut sandbox, options.trusted())?;
        let place = &prepared.place;
        told.tell(place.warning().map_or(&[], std::slice::from_ref));
        let mut platform = platform(options, place, &sandbox, reporter);
        let detected = detect(options, &sources, &lock, &sandbox, place, &mut platform);
        let detected = detected.and_then(|(mut detection, locked)| {
            detection.redact(&secrets);
            if let Some(locked) = locked {
                told.tell(&lock.check(options, &locked)?);
            }
            Ok(detection)
        });
        let detection = match detected {
            Ok(detection) => detection,
            Err(error) => {
                // Nothing was built, so the next build may have what the last one left. If it cannot be given back, it
                // starts without: what is wrong here is more important.
                let _ = app_directory::give_back(prepared, workspace);
                return Err(error);
            }
        };
        told.tell(&detection.warnings);
        for participant in &detection.group {
            told.tell(&participant.report.warnings);
        }
        // From here on the layers change, which are this build's now; the rest is out of date.
        workspace.release_kept()?;
        let restored = platform.restore(&detection)?;
        told.tell(&restored.warnings);
        let mut build = platform.build(&detection)?;
        build.redact(&secrets);
        told.tell(&build.warnings);
        let not_carried = losses::of(&build);
        if let Some(message) = losses::message(&not_carried) {
            reporter.report(Event::Note(&message));
        }
        for phase in &build.reports {
            told.tell(&phase.report.warnings);
        }
        let laid_out = LaidOut::of(&build, &platform, options.root.as_ref())?;
        told.tell(&laid_out.warnings);
        told.tell(&missing_program::warnings(
            &laid_out.process_types,
            &after_build,
            place.executor(),
        ));
        stack::check_runtimes(&build, place.executor(), &options.stack, MACHINE)?;
        Ok(Self {
            place: Some(prepared),
            folder,
            of_build: told.warnings[told_before..].to_vec(),
            survey,
            after_build,
            secrets,
            sandbox,
            downloads,
            detection,
            restored,
            build,
            laid_out,
            not_carried,
            warnings: told.warnings,
        })
    }

    /// The buildpacks that took part, and the build plan.
    #[must_use]
    pub fn detection(&self) -> &Detection {
        &self.detection
    }

    /// The layers that the buildpacks had back.
    #[must_use]
    pub fn restored(&self) -> &Restored {
        &self.restored
    }

    /// What the buildpacks built.
    #[must_use]
    pub fn built(&self) -> &Build {
        &self.build
    }

    /// The process types with the commands that a dyno gives to its shell.
    #[must_use]
    pub fn process_types(&self) -> &BTreeMap<ProcessType, String> {
        &self.laid_out.process_types
    }

    /// The languages that the buildpacks reported, with the versions that were installed.
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        record::languages(&record::reports(&self.detection, &self.build))
    }

    /// The decisions that the buildpacks reported, each once.
    #[must_use]
    pub fn decisions(&self) -> Vec<Decision> {
        record::decisions(&record::reports(&self.detection, &self.build))
    }

    /// What the user was warned of.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Where this process finds the layers; nothing once they are kept. Programs of the build may have written anything
    /// there.
    #[must_use]
    pub fn layers_dir(&self) -> Option<&Path> {
        self.place.as_ref().map(Prepared::layers)
    }

    /// Where this process finds the file that programs of the build see at `inside`; nothing once the place has ended.
    #[must_use]
    pub fn outside(&self, inside: &Path) -> Option<PathBuf> {
        Some(self.place.as_ref()?.place.executor().outside(inside))
    }

    /// What a slug would hold, by path.
    pub fn entries(&self) -> Result<Vec<AppEntry>, CompileError> {
        self.slug_source()?.entries()
    }

    /// Puts what a slug would hold into `destination`, an empty folder, for programs that run as those of the build. Files
    /// of layers are hard links where the file system can: whoever writes into one writes into the layer.
    pub fn copy_to(&self, destination: &Path) -> Result<(), CompileError> {
        self.slug_source()?.copy_to(destination)
    }

    /// Writes the slug and its manifest to where `options`, those of the build, say.
    pub fn write_slug(
        &mut self,
        options: &CompileOptions,
        reporter: &dyn Reporter,
    ) -> Result<Manifest, CompileError> {
        let secrets = Arc::clone(&self.secrets);
        let archived = self.archive(options, &Redacting::new(&secrets, reporter));
        archived
            .and_then(ArchivedApp::publish)
            .map_err(|error| error.redacted(&secrets))
    }

    /// `reporter` is to keep the secrets out.
    pub(super) fn archive(
        &mut self,
        options: &CompileOptions,
        reporter: &dyn Reporter,
    ) -> Result<ArchivedApp, CompileError> {
        let mut told = Told {
            warnings: std::mem::take(&mut self.warnings),
            reporter,
        };
        let cache = self.folder.0.as_ref().map(Workspace::slug);
        let archived = self.slug_source().and_then(|source| {
            let outcome = self.outcome();
            source.archive(&outcome, &self.secrets, cache, options, &mut told)
        });
        self.warnings = told.warnings;
        archived
    }

    /// What the build left besides files, without secrets in what is for people.
    pub(super) fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::of(
            &self.detection,
            &self.build,
            &self.laid_out,
            &self.not_carried,
            &self.of_build,
        );
        outcome.redact(&self.secrets);
        outcome
    }

    pub(super) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Ends the place, and keeps layers and downloads for the next build; what cannot be kept is a warning.
    pub fn keep(&mut self, reporter: &dyn Reporter) {
        let secrets = Arc::clone(&self.secrets);
        let reporter = &Redacting::new(&secrets, reporter);
        self.keep_downloads(reporter);
        let (Some(place), Some(workspace)) = (self.place.take(), &self.folder.0) else {
            return;
        };
        if let Err(error) = app_directory::finish(place, workspace) {
            reporter.report(Event::Warning(&not_kept("the layers", &error)));
        }
    }

    /// [`BuiltApp::keep`] of the whole app directory, so that the next build can do without building.
    /// `reporter` is to keep the secrets out.
    pub(super) fn keep_app(&mut self, remembered: Remembered, reporter: &dyn Reporter) {
        self.keep_downloads(reporter);
        let (Some(place), Some(workspace)) = (self.place.take(), &self.folder.0) else {
            return;
        };
        let kept = match app_directory::keep(place, workspace) {
            Ok(Keeping::App(under)) => {
                kept::settle(remembered, under, self.outcome(), &self.survey, workspace)
            }
            Ok(Keeping::LayersOnly) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            reporter.report(Event::Warning(&not_kept("the built app", &error)));
        }
    }

    fn keep_downloads(&self, reporter: &dyn Reporter) {
        if self.place.is_none() {
            return;
        }
        // Before the place ends: without a sandbox they may go with it.
        if let Err(error) = self.downloads.keep(self.sandbox.cache.as_deref()) {
            reporter.report(Event::Warning(&not_kept("what was downloaded", &error)));
        }
    }

    /// [`BuiltApp::keep`], and puts the cache in order.
    pub fn end(mut self, options: &CompileOptions, reporter: &dyn Reporter) -> Survey {
        self.keep(reporter);
        end(self.folder, &self.survey, options, reporter);
        self.survey
    }

    fn root(&self) -> PathBuf {
        self.place.as_ref().map(Prepared::root).unwrap_or_default()
    }

    fn slug_source(&self) -> Result<SlugSource<'_>, CompileError> {
        let tree = match &self.place {
            Some(place) => place.tree(&self.survey),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let tree = tree.map_err(|source| ArchiveError::Unreadable {
            path: self.root(),
            source,
        })?;
        Ok(SlugSource {
            tree,
            root: self.root(),
            survey: &self.survey,
            layout: &self.laid_out.layout,
            after_build: &self.after_build,
        })
    }
}

/// Which buildpacks take part, and what a lock says of them where there is one.
fn detect(
    options: &CompileOptions,
    sources: &[identity::Source],
    lock: &SourceLock,
    sandbox: &SandboxOptions,
    place: &Place,
    platform: &mut Platform<'_>,
) -> Result<(Detection, Option<Vec<LockedBuildpack>>), CompileError> {
    let buildpacks = identity::read(sources, place, sandbox)?;
    lock.lend(platform)?;
    let order = identity::order(options, &buildpacks);
    let detection = platform.detect(&order, &buildpacks)?;
    let locked = match lock.file() {
        Some(_) => {
            let digests = identity::digests(sources, &buildpacks);
            Some(lock::buildpacks(&detection, digests)?)
        }
        None => None,
    };
    Ok((detection, locked))
}

/// Ends the use of the work folder, and puts the cache in order.
pub(super) fn end(
    mut folder: WorkFolder,
    survey: &Survey,
    options: &CompileOptions,
    reporter: &dyn Reporter,
) {
    let Some(workspace) = folder.0.take() else {
        return;
    };
    if let Err(error) = workspace.clean_up() {
        reporter.report(Event::Warning(&left_behind(&error)));
    }
    let cache = CacheFolder {
        path: options.cache_dir.clone(),
        max_size: options.cache_max_size,
    };
    let app = identity::recorded(&survey.root, options);
    after_build(workspace, app, &cache, reporter);
}
