//! The beginning of a build, which is the same whether the app is built or was kept.

use super::lock::SourceLock;
use super::{CompileError, CompileOptions, Reuse, identity};
use crate::archive;
use crate::layout::after_build::AfterBuild;
use crate::secrets::Secrets;
use crate::slug;
use crate::stage::{self, Survey, SurveyOptions};
use crate::workspace::{Workspace, WorkspaceError};
use slugbuilder_report::{Event, Reporter, Warning};
use std::io;
use std::sync::Arc;

/// What is known before anything runs, and the app's work folder.
pub(super) struct Begun<'a> {
    pub(super) survey: Survey,
    pub(super) after_build: AfterBuild,
    pub(super) secrets: Arc<Secrets>,
    pub(super) lock: SourceLock,
    pub(super) folder: WorkFolder,
    pub(super) told: Told<'a>,
}

impl<'a> Begun<'a> {
    /// `reporter` hears what is told; it is to keep `secrets` out.
    pub(super) fn begin(
        options: &CompileOptions,
        secrets: &Arc<Secrets>,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, CompileError> {
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
                stop: options.stop(),
            },
        )?;
        if let Some(root) = &options.root {
            root.check(&survey)?;
        }
        // Nobody should wait minutes for a build to learn of these.
        let after_build =
            AfterBuild::read(&survey, options.root_folder(), options.keep_package_files)?;
        slug::app_time(options.source_date_epoch.as_deref(), survey.git.as_ref())?;
        for output in [&options.output, &options.manifest] {
            archive::check_output(output)?;
        }
        // Nor should a lock that nothing can be built by go unnoticed because a kept app needs none.
        let lock = SourceLock::read(options, &survey.root)?;
        let mut told = Told::new(reporter);
        told.tell(&survey.warnings);
        told.tell(&secrets.warnings());
        let workspace = Workspace::for_app(
            &options.cache_dir,
            &identity::of(&survey.root, options),
            &options.stop(),
            &|| reporter.report(Event::Note("waiting for another build of this app")),
        )?;
        if options.reuse == Reuse::Nothing {
            workspace.clear()?;
        }
        Ok(Self {
            survey,
            after_build,
            secrets: Arc::clone(secrets),
            lock,
            folder: WorkFolder(Some(workspace)),
            told,
        })
    }
}

/// The work folder of the app, without what is in it of this build once it is dropped.
pub(super) struct WorkFolder(pub(super) Option<Workspace>);

impl WorkFolder {
    pub(super) fn workspace(&self) -> Result<&Workspace, CompileError> {
        let gone = || WorkspaceError::from(io::Error::from(io::ErrorKind::NotFound));
        Ok(self.0.as_ref().ok_or_else(gone)?)
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if let Some(workspace) = &self.0 {
            // What stays is removed before the next build.
            let _ = workspace.clean_up();
        }
    }
}

/// Every warning once: the build repeats what detection warned of.
pub(super) struct Told<'a> {
    pub(super) warnings: Vec<Warning>,
    pub(super) reporter: &'a dyn Reporter,
}

impl<'a> Told<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter) -> Self {
        Self {
            warnings: Vec::new(),
            reporter,
        }
    }

    pub(super) fn tell(&mut self, new: &[Warning]) {
        for warning in new {
            if !self.warnings.contains(warning) {
                self.reporter.report(Event::Warning(warning));
                self.warnings.push(warning.clone());
            }
        }
    }
}
