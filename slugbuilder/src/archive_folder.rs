//! The manual flow: a folder that is ready to run becomes a slug, without a buildpack.

use crate::archive::{self, ArchiveOptions, Layout, Part, Placement};
use crate::compile::CompileError;
use crate::publish::publish;
use crate::slug::{self, Manifest, ProcessType};
use crate::stack::Stack;
use crate::stage::{self, Survey, SurveyOptions};
use slugbuilder_report::{Event, Reporter};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// What to archive.
#[derive(Debug)]
pub struct ArchiveFolderOptions {
    /// The folder that becomes `./app`.
    pub folder: PathBuf,
    /// Where the slug goes.
    pub output: PathBuf,
    /// Where slug.json goes.
    pub manifest: PathBuf,
    /// What it runs on.
    pub stack: Stack,
    /// What it runs.
    pub process_types: BTreeMap<ProcessType, String>,
    /// Whether to keep files that git ignores.
    pub all_files: bool,
    /// The value of `SOURCE_DATE_EPOCH`, where it is set.
    pub source_date_epoch: Option<String>,
    /// Bytes above which a slug is an error.
    pub max_size: u64,
}

/// Archives a folder under the rules of staging: what `.slugignore` and git leave out of a build is left out here.
pub fn archive_folder(
    options: &ArchiveFolderOptions,
    reporter: &dyn Reporter,
) -> Result<Manifest, CompileError> {
    let survey = stage::survey(
        &options.folder,
        &SurveyOptions {
            all_files: options.all_files,
            outputs: vec![options.output.clone(), options.manifest.clone()],
        },
    )?;
    for warning in &survey.warnings {
        reporter.report(Event::Warning(warning));
    }
    let staged = Staged {
        left_out: survey.whiteouts().collect(),
        survey: &survey,
    };
    let app_time = slug::app_time(options.source_date_epoch.as_deref(), survey.git.as_ref())?;
    for output in [&options.output, &options.manifest] {
        archive::check_output(output)?;
    }
    let (summary, slug) = archive::write_beside(
        &survey.root,
        &staged,
        &ArchiveOptions {
            app_time: app_time.seconds,
            max_size: options.max_size,
            ..ArchiveOptions::default()
        },
        &options.output,
        reporter,
    )?;
    for warning in &summary.warnings {
        reporter.report(Event::Warning(warning));
    }
    let manifest = Manifest {
        slug: slug::Slug {
            process_types: options.process_types.clone(),
            stack: options.stack.name.clone(),
            checksum: slug::Checksum(summary.sha256),
            commit: survey.git.as_ref().map(|commit| commit.id.clone()),
            commit_description: survey.git.as_ref().map(|commit| commit.summary.clone()),
            buildpack_provided_description: None,
        },
        build: slug::Build {
            warnings: [survey.warnings.as_slice(), &summary.warnings].concat(),
            ..slug::Build::of(&summary)
        },
    };
    publish::<CompileError>(slug, manifest.write_beside(&options.manifest)?)?;
    Ok(manifest)
}

/// Everything that is staged is the app's own.
struct Staged<'a> {
    left_out: HashSet<&'a Path>,
    survey: &'a Survey,
}

impl Layout for Staged<'_> {
    fn place(&self, path: &Path, _: bool) -> Placement {
        if self.left_out.contains(path) || self.survey.is_output(path) {
            Placement::Skip
        } else {
            Placement::In(Part::App)
        }
    }
}
