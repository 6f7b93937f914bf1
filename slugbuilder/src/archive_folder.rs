//! The manual flow: a folder that is ready to run becomes a slug, without a buildpack.

use crate::archive::{
    self, ArchiveError, ArchiveOptions, Compression, Layout, Part, Placement, Siblings,
};
use crate::cache::{self, CacheFolder};
use crate::layout::after_build::{AfterBuild, AfterBuildError};
use crate::publish::publish;
use crate::slug::{self, Manifest, ProcessType, SlugError};
use crate::stack::Stack;
use crate::stage::{self, ReadError, StageError, Survey, SurveyOptions};
use crate::stop::Stop;
use crate::tree::show;
use crate::workspace::{App, Kind, Workspace, WorkspaceError};
use slugbuilder_report::{Diagnosis, Event, Explain, Fault, Reporter, Warning};
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
    /// What it runs; without it, what the folder's Procfile says.
    pub process_types: Option<BTreeMap<ProcessType, String>>,
    /// Whether to keep files that git ignores.
    pub all_files: bool,
    /// The value of `SOURCE_DATE_EPOCH`, where it is set.
    pub source_date_epoch: Option<String>,
    /// Bytes above which a slug is an error.
    pub max_size: u64,
    /// How hard to compress.
    pub compression: Compression,
    /// Where what makes the next slug of the same folder fast is kept; without it, nothing is.
    pub cache: Option<CacheFolder>,
    /// Ends the work early, also the wait for another one that archives the same folder.
    pub stop: Stop,
}

/// The largest Procfile that is read, in bytes.
const LARGEST_PROCFILE: u64 = 1 << 20;

/// Why a folder made no slug.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveFolderError {
    /// Surveying the folder.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A file that says what leaves the slug.
    #[error(transparent)]
    AfterBuild(#[from] AfterBuildError),
    /// The cache may not be where it is said to be, or waiting for it came to nothing.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Writing the slug.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Its process types, its date, or writing slug.json.
    #[error(transparent)]
    Slug(#[from] SlugError),
    /// Nothing says what the slug runs.
    #[error(
        "there is no `Procfile` in `{}`, and no process types were given",
        show(folder)
    )]
    NoProcessTypes {
        /// As it was given.
        folder: PathBuf,
    },
    /// The Procfile was not read.
    #[error("the `Procfile` {0}")]
    Procfile(ReadError),
}

impl ArchiveFolderError {
    fn cause(&self) -> Option<&dyn Explain> {
        match self {
            Self::Stage(error) => Some(error),
            Self::AfterBuild(error) => Some(error),
            Self::Workspace(error) => Some(error),
            Self::Archive(error) => Some(error),
            Self::Slug(error) => Some(error),
            Self::NoProcessTypes { .. } | Self::Procfile(_) => None,
        }
    }
}

impl Explain for ArchiveFolderError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoProcessTypes { .. } => "no-process-types",
            Self::Procfile(ReadError::Stopped(stopped)) => stopped.code(),
            _ => self.cause().map_or("procfile-unreadable", Explain::code),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoProcessTypes { .. } => Fault::Usage,
            Self::Procfile(ReadError::Io(_)) => Fault::Io,
            Self::Procfile(ReadError::Changed) => Fault::TryLater,
            Self::Procfile(ReadError::Stopped(stopped)) => stopped.fault(),
            _ => self.cause().map_or(Fault::App, Explain::fault),
        }
    }

    fn explanation(&self) -> Option<String> {
        self.cause().and_then(Explain::explanation)
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoProcessTypes { .. } => vec![
                "Add a `Procfile`, or say what to run: `--process-types '{\"web\": \"bin/web\"}'`."
                    .into(),
            ],
            Self::Procfile(ReadError::Stopped(stopped)) => vec![stopped.hint()],
            Self::Procfile(_) => vec![
                "Make it a plain file, or say what to run: `--process-types '{\"web\": \"bin/web\"}'`."
                    .into(),
            ],
            _ => self.cause().map(Explain::hints).unwrap_or_default(),
        }
    }

    fn retryable(&self) -> bool {
        match self.cause() {
            Some(error) => error.retryable(),
            None => self.fault() == Fault::TryLater,
        }
    }
}

/// Archives a folder under the rules of staging: what `.slugignore` and git leave out of a build is left out here. So is
/// what `.slugignore-after-build` lists, as there is no build to come; files of packages stay as whoever prepared the
/// folder left them.
pub fn archive_folder(
    options: &ArchiveFolderOptions,
    reporter: &dyn Reporter,
) -> Result<Manifest, ArchiveFolderError> {
    let mut outputs = vec![options.output.clone(), options.manifest.clone()];
    if let Some(cache) = &options.cache {
        Workspace::check_cache_dir(&cache.path, &options.folder)?;
        outputs.push(cache.path.clone());
    }
    let survey = stage::survey(
        &options.folder,
        &SurveyOptions {
            all_files: options.all_files,
            outputs,
            stop: options.stop.clone(),
        },
    )?;
    let after_build = AfterBuild::read(&survey, None, true)?;
    let mut warnings = survey.warnings.clone();
    let process_types = match &options.process_types {
        Some(types) => Ok(types.clone()),
        None => of_procfile(options, &survey, &mut warnings, reporter),
    };
    for warning in &warnings {
        reporter.report(Event::Warning(warning));
    }
    let process_types = process_types?;
    let staged = Staged {
        left_out: survey.whiteouts().collect(),
        survey: &survey,
    };
    let layout = Finished {
        staged: &staged,
        after_build: &after_build,
    };
    let app_time = slug::app_time(options.source_date_epoch.as_deref(), survey.git.as_ref())?;
    for output in [&options.output, &options.manifest] {
        archive::check_output(output)?;
    }
    let workspace = work_folder(options, &survey, reporter)?;
    let (summary, slug) = archive::write_beside(
        &survey.root,
        &layout,
        &ArchiveOptions {
            app_time: app_time.seconds,
            max_size: options.max_size,
            known_links: survey.faulty_links(),
            compression: options.compression,
            cache: workspace.as_ref().map(Workspace::slug),
            stop: options.stop.clone(),
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
            process_types,
            stack: options.stack.name.clone(),
            checksum: slug::Checksum(summary.sha256),
            commit: survey.git.as_ref().map(|commit| commit.id.clone()),
            commit_description: survey.git.as_ref().map(|commit| commit.summary.clone()),
            buildpack_provided_description: None,
        },
        build: slug::Build {
            warnings: [warnings, summary.warnings.clone()].concat(),
            left_out: after_build.left_out(&summary.left_out),
            ..slug::Build::of(&summary)
        },
    };
    publish::<ArchiveFolderError>(slug, manifest.write_beside(&options.manifest)?)?;
    if let (Some(workspace), Some(cache)) = (workspace, &options.cache) {
        let app = App {
            kind: Kind::Archive,
            source: survey.root.to_string_lossy().into_owned(),
            root: None,
            stack: options.stack.name.clone(),
            buildpacks: Vec::new(),
        };
        cache::after_build(workspace, app, cache, reporter);
    }
    Ok(manifest)
}

/// The folder's work folder. One that cannot be had costs the next slug time, and this one nothing; a cache folder that
/// may not be used is an error all the same.
fn work_folder(
    options: &ArchiveFolderOptions,
    survey: &Survey,
    reporter: &dyn Reporter,
) -> Result<Option<Workspace>, WorkspaceError> {
    let Some(cache) = &options.cache else {
        return Ok(None);
    };
    let opened = Workspace::for_archive(&cache.path, &survey.root, &options.stop, &|| {
        reporter.report(Event::Note("waiting for another build of this app"));
    });
    match opened {
        Ok(workspace) => Ok(Some(workspace)),
        Err(error @ WorkspaceError::Io(_)) => {
            reporter.report(Event::Warning(&without_cache(&error)));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Says that a folder is archived without a cache, and why.
#[must_use]
pub fn without_cache(error: &dyn Explain) -> Warning {
    let why = Diagnosis::of(error).one_line();
    let text = format!("nothing is kept for the next slug of this folder: {why}");
    let warning = Warning::new("no-cache", text);
    error.hints().into_iter().fold(warning, Warning::hint)
}

/// The process types of the folder's Procfile.
fn of_procfile(
    options: &ArchiveFolderOptions,
    survey: &Survey,
    warnings: &mut Vec<Warning>,
    reporter: &dyn Reporter,
) -> Result<BTreeMap<ProcessType, String>, ArchiveFolderError> {
    let text = survey
        .read(Path::new("Procfile"), LARGEST_PROCFILE)
        .map_err(ArchiveFolderError::Procfile)?
        .ok_or_else(|| ArchiveFolderError::NoProcessTypes {
            folder: options.folder.clone(),
        })?;
    let procfile = procfile::parse(&text);
    for found in &procfile.diagnostics {
        match found.level() {
            procfile::Level::Warning => warnings.push(
                Warning::new(found.kind.code(), found.to_string()).hint(format!("{}.", found.fix)),
            ),
            procfile::Level::Note => reporter.report(Event::Note(&found.to_string())),
        }
    }
    let processes = procfile.processes.into_iter();
    processes
        .map(|process| Ok((ProcessType::try_from(process.name)?, process.command)))
        .collect()
}

/// Everything that is staged.
struct Staged<'a> {
    left_out: HashSet<&'a Path>,
    survey: &'a Survey,
}

impl Layout for Staged<'_> {
    fn place(&self, path: &Path, is_directory: bool) -> Placement {
        if self.left_out.contains(path) || self.survey.is_output(path) {
            Placement::Skip
        } else {
            Placement::In(Part::of_app(path, is_directory))
        }
    }
}

/// Of that, what is for the slug.
struct Finished<'a> {
    staged: &'a Staged<'a>,
    after_build: &'a AfterBuild,
}

impl Layout for Finished<'_> {
    fn place(&self, path: &Path, is_directory: bool) -> Placement {
        self.place_among(path, is_directory, Siblings::default())
    }

    fn place_among(&self, path: &Path, is_directory: bool, siblings: Siblings<'_>) -> Placement {
        let Self {
            staged,
            after_build,
        } = self;
        after_build.place(*staged, path, is_directory, siblings)
    }
}
