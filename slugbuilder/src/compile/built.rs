//! An app that was built and laid out, before it becomes a slug.

use super::app_directory::{self, Prepared};
use super::downloads::Downloads;
use super::record::{self, record};
use super::{
    CompileError, CompileOptions, LaidOut, MACHINE, SlugLayout, identity, left_behind, losses,
    missing_program, not_kept, platform, sandbox_options, secrets_of,
};
use crate::archive::{
    self, ArchiveError, ArchiveOptions, Layout, Placement, Siblings, WrittenSlug,
};
use crate::cache::{CacheFolder, after_build};
use crate::cnb::{Build, Detection, Restored};
use crate::layout::after_build::AfterBuild;
use crate::publish::publish;
use crate::sandbox::SandboxOptions;
use crate::secrets::{Redacting, Search, Secrets};
use crate::slug::{self, Manifest, NotCarried, ProcessType, WrittenManifest};
use crate::stack;
use crate::stage::{self, Survey, SurveyOptions};
use crate::tree::{self, Kind, Special, Stat, Tree};
use crate::workspace::{Workspace, WorkspaceError};
use nix::fcntl::AtFlags;
use nix::sys::time::TimeSpec;
use slugbuilder_report::{Decision, Event, Language, Reporter, Warning};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
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
    warnings: Vec<Warning>,
}

/// A file, folder or link of an app as a slug holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEntry {
    /// Relative to the app directory.
    pub path: PathBuf,
    /// What it is.
    pub kind: AppEntryKind,
    /// The permission bits.
    pub mode: u32,
}

/// What an [`AppEntry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppEntryKind {
    /// A folder.
    Folder,
    /// A file of this many bytes.
    File(u64),
    /// A symbolic link with this target.
    Link(PathBuf),
}

/// A slug and its manifest that are whole but not in their places yet.
pub(super) struct ArchivedApp {
    manifest: Manifest,
    slug: WrittenSlug,
    written: WrittenManifest,
}

impl ArchivedApp {
    pub(super) fn publish(self) -> Result<Manifest, CompileError> {
        publish::<CompileError>(self.slug, self.written)?;
        Ok(self.manifest)
    }
}

/// The work folder of the app, without what is in it of this build once it is dropped.
struct WorkFolder(Option<Workspace>);

impl WorkFolder {
    fn workspace(&self) -> Result<&Workspace, CompileError> {
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
struct Told<'a> {
    warnings: Vec<Warning>,
    reporter: &'a dyn Reporter,
}

impl Told<'_> {
    fn tell(&mut self, new: &[Warning]) {
        for warning in new {
            if !self.warnings.contains(warning) {
                self.reporter.report(Event::Warning(warning));
                self.warnings.push(warning.clone());
            }
        }
    }
}

/// A build before anything runs.
struct Begun {
    folder: WorkFolder,
    survey: Survey,
    after_build: AfterBuild,
    downloads: Downloads,
    sandbox: SandboxOptions,
    secrets: Arc<Secrets>,
}

impl Begun {
    fn build(self, options: &CompileOptions, mut told: Told<'_>) -> Result<BuiltApp, CompileError> {
        let Self {
            folder,
            survey,
            after_build,
            downloads,
            mut sandbox,
            secrets,
        } = self;
        let reporter = told.reporter;
        let workspace = folder.workspace()?;
        let sources = identity::buildpacks(options, &workspace.build(), &mut sandbox)?;
        let prepared = app_directory::prepare(&survey, workspace, &mut sandbox, options.trusted())?;
        let place = &prepared.place;
        told.tell(place.warning().map_or(&[], std::slice::from_ref));
        let buildpacks = identity::read(&sources, place, &sandbox)?;
        let platform = platform(options, place, &sandbox, reporter);
        let order = identity::order(options, &buildpacks);
        let mut detection = platform.detect(&order, &buildpacks)?;
        detection.redact(&secrets);
        told.tell(&detection.warnings);
        for participant in &detection.group {
            told.tell(&participant.report.warnings);
        }
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
        let laid_out = LaidOut::of(&build, &platform)?;
        told.tell(&laid_out.warnings);
        told.tell(&missing_program::warnings(
            &laid_out.process_types,
            &after_build,
            place.executor(),
        ));
        stack::check_runtimes(&build, place.executor(), &options.stack, MACHINE)?;
        Ok(BuiltApp {
            place: Some(prepared),
            folder,
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
}

impl BuiltApp {
    /// Builds the app and lays it out; no archive is made. Of `options`, what is about the archive is checked only.
    pub fn build(options: &CompileOptions, reporter: &dyn Reporter) -> Result<Self, CompileError> {
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
        // Nobody should wait minutes for a build to learn of these.
        let after_build = AfterBuild::read(&survey, options.root(), options.keep_package_files)?;
        slug::app_time(options.source_date_epoch.as_deref(), survey.git.as_ref())?;
        for output in [&options.output, &options.manifest] {
            archive::check_output(output)?;
        }
        let mut told = Told {
            warnings: Vec::new(),
            reporter,
        };
        told.tell(&survey.warnings);
        let workspace = Workspace::for_app(
            &options.cache_dir,
            &identity::of(&survey.root, options),
            &options.stop(),
            &|| reporter.report(Event::Note("waiting for another build of this app")),
        )?;
        if options.clear_cache {
            workspace.clear()?;
        }
        let downloads = Downloads::prepare(&options.cache_dir, &workspace)?;
        let sandbox = sandbox_options(options, &workspace, &downloads);
        let secrets = Arc::new(secrets_of(options, &sandbox)?);
        told.tell(&secrets.warnings());
        let begun = Begun {
            folder: WorkFolder(Some(workspace)),
            survey,
            after_build,
            downloads,
            sandbox,
            secrets: Arc::clone(&secrets),
        };
        let told = Told {
            reporter: &Redacting::new(&secrets, reporter),
            ..told
        };
        let built = begun.build(options, told);
        built.map_err(|error| error.redacted(&secrets))
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
        let tree = self.tree()?;
        let mut entries = Vec::new();
        for (path, stat) in self.listed(&tree)? {
            let kind = match stat.kind {
                Kind::Directory => AppEntryKind::Folder,
                Kind::File => AppEntryKind::File(stat.size),
                Kind::Link => {
                    let target = tree.read_link(&path);
                    AppEntryKind::Link(
                        target.map_err(|failure| ArchiveError::of_entry(&path, failure))?,
                    )
                }
                Kind::Special(kind) => return Err(special(path, kind).into()),
            };
            entries.push(AppEntry {
                path,
                kind,
                mode: stat.mode & 0o777,
            });
        }
        Ok(entries)
    }

    /// Puts what a slug would hold into `destination`, an empty folder, for programs that run as those of the build. Files
    /// of layers are hard links where the file system can: whoever writes into one writes into the layer.
    pub fn copy_to(&self, destination: &Path) -> Result<(), CompileError> {
        let tree = self.tree()?;
        let mut folders = Vec::new();
        for (path, stat) in self.listed(&tree)? {
            let target = destination.join(&path);
            let failed = |source| ArchiveError::Output {
                path: target.clone(),
                source,
            };
            let of_entry = |failure| ArchiveError::of_entry(&path, failure);
            match stat.kind {
                Kind::Directory => {
                    fs::create_dir(&target).map_err(failed)?;
                    folders.push((target, stat));
                }
                Kind::Link => {
                    let points_to = tree.read_link(&path).map_err(of_entry)?;
                    std::os::unix::fs::symlink(points_to, &target).map_err(failed)?;
                    give(&target).map_err(failed)?;
                }
                Kind::File => {
                    let is_linked = path.starts_with(crate::cnb::LAYERS_FOLDER)
                        && link(&tree, &path, &target).is_ok();
                    if !is_linked {
                        let file = tree.open_file(&path, &stat).map_err(of_entry)?;
                        copy(file, &target, &stat).map_err(failed)?;
                    }
                }
                Kind::Special(kind) => return Err(special(path, kind).into()),
            }
        }
        // Last, and from below: a folder may not be writable.
        for (target, stat) in folders.into_iter().rev() {
            give(&target)
                .and_then(|()| fs::set_permissions(&target, mode(&stat)))
                .map_err(|source| ArchiveError::Output {
                    path: target,
                    source,
                })?;
        }
        Ok(())
    }

    /// Writes the slug and its manifest to where `options`, those of the build, say.
    pub fn write_slug(
        &mut self,
        options: &CompileOptions,
        reporter: &dyn Reporter,
    ) -> Result<Manifest, CompileError> {
        self.archive(options, reporter)?.publish()
    }

    pub(super) fn archive(
        &mut self,
        options: &CompileOptions,
        reporter: &dyn Reporter,
    ) -> Result<ArchivedApp, CompileError> {
        let secrets = Arc::clone(&self.secrets);
        let reporter = &Redacting::new(&secrets, reporter);
        self.archive_in(options, reporter)
            .map_err(|error| error.redacted(&secrets))
    }

    fn archive_in(
        &mut self,
        options: &CompileOptions,
        reporter: &dyn Reporter,
    ) -> Result<ArchivedApp, CompileError> {
        let app_time = slug::app_time(
            options.source_date_epoch.as_deref(),
            self.survey.git.as_ref(),
        )?;
        let mut told = Told {
            warnings: std::mem::take(&mut self.warnings),
            reporter,
        };
        told.tell(&self.search(options)?);
        reporter.report(Event::Step("Writing the slug"));
        let (summary, slug) = archive::write_tree_beside(
            &self.tree()?,
            &self.root(),
            &self.layout(),
            &ArchiveOptions {
                app_time: app_time.seconds,
                max_size: options.max_size,
                warn_size: options.warn_size,
                known_links: self.survey.faulty_links(),
                compression: options.compression,
                cache: self.folder.0.as_ref().map(Workspace::slug),
                stop: options.stop(),
                ..ArchiveOptions::default()
            },
            &options.output,
            reporter,
        )?;
        told.tell(&summary.warnings);
        self.warnings = told.warnings;
        let mut manifest = record(
            options,
            &self.survey,
            &self.detection,
            &self.build,
            &self.laid_out,
            &summary,
            &self.warnings,
        );
        manifest.build.not_carried.clone_from(&self.not_carried);
        self.secrets.redact_data(&mut manifest.build);
        manifest.build.left_out = self.after_build.left_out(&summary.left_out);
        let written = manifest.write_beside(&options.manifest)?;
        Ok(ArchivedApp {
            manifest,
            slug,
            written,
        })
    }

    /// Looks for secrets in what becomes the slug: an error, or warnings where it may not be one.
    fn search(&self, options: &CompileOptions) -> Result<Vec<Warning>, CompileError> {
        let Some(mut search) = Search::new(&self.secrets)? else {
            return Ok(Vec::new());
        };
        search.in_processes(&self.build.processes);
        search.in_launch_environment(&self.build.launch_environment);
        search.in_files(&self.tree()?, &self.survey, &self.layout(), &options.stop())?;
        let (error, warnings) = search.findings();
        error.map_or(Ok(warnings), |error| Err(error.into()))
    }

    /// Ends the place, and keeps layers and downloads for the next build; what cannot be kept is a warning.
    pub fn keep(&mut self, reporter: &dyn Reporter) {
        let secrets = Arc::clone(&self.secrets);
        let reporter = &Redacting::new(&secrets, reporter);
        let (Some(place), Some(workspace)) = (self.place.take(), &self.folder.0) else {
            return;
        };
        // Downloads first: without a sandbox they may go with the place.
        if let Err(error) = self.downloads.keep(self.sandbox.cache.as_deref()) {
            reporter.report(Event::Warning(&not_kept("what was downloaded", &error)));
        }
        if let Err(error) = app_directory::finish(place, workspace) {
            reporter.report(Event::Warning(&not_kept("the layers", &error)));
        }
    }

    /// [`BuiltApp::keep`], and puts the cache in order.
    pub fn end(mut self, options: &CompileOptions, reporter: &dyn Reporter) -> Survey {
        self.keep(reporter);
        if let Some(workspace) = self.folder.0.take() {
            if let Err(error) = workspace.clean_up() {
                reporter.report(Event::Warning(&left_behind(&error)));
            }
            let cache = CacheFolder {
                path: options.cache_dir.clone(),
                max_size: options.cache_max_size,
            };
            let app = identity::recorded(&self.survey.root, options);
            after_build(workspace, app, &cache, reporter);
        }
        self.survey
    }

    fn root(&self) -> PathBuf {
        self.place.as_ref().map(Prepared::root).unwrap_or_default()
    }

    fn tree(&self) -> Result<Tree, CompileError> {
        let tree = match &self.place {
            Some(place) => place.tree(&self.survey),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        Ok(tree.map_err(|source| ArchiveError::Unreadable {
            path: self.root(),
            source,
        })?)
    }

    fn layout(&self) -> SlugLayout<'_> {
        SlugLayout {
            layout: &self.laid_out.layout,
            after_build: &self.after_build,
            survey: &self.survey,
        }
    }

    /// What is for the slug, folders before what is in them, by path.
    fn listed(&self, tree: &Tree) -> Result<Vec<(PathBuf, Stat)>, CompileError> {
        let layout = self.layout();
        let root = tree
            .stat_root()
            .map_err(|source| ArchiveError::Unreadable {
                path: self.root(),
                source,
            })?;
        let mut found = Vec::new();
        let mut folders = vec![(PathBuf::new(), root)];
        while let Some((folder, stat)) = folders.pop() {
            let entries = tree
                .list(&folder, &stat)
                .map_err(|failure| ArchiveError::of_entry(&folder, failure))?;
            let names: Vec<&OsStr> = entries.iter().map(|(name, _)| name.as_os_str()).collect();
            let siblings = Siblings::of_sorted(&names);
            for (name, stat) in &entries {
                let (path, stat) = (tree::below(&folder, name), *stat);
                let is_folder = stat.kind == Kind::Directory;
                if !matches!(
                    layout.place_among(&path, is_folder, siblings),
                    Placement::In(_)
                ) {
                    continue;
                }
                if is_folder {
                    folders.push((path.clone(), stat));
                }
                found.push((path, stat));
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }
}

fn special(path: PathBuf, what: Special) -> ArchiveError {
    ArchiveError::SpecialFile { path, what }
}

/// A hard link to the file itself.
fn link(tree: &Tree, path: &Path, target: &Path) -> nix::Result<()> {
    tree.layer(path).at(path, |directory, rest| {
        nix::unistd::linkat(
            directory,
            rest,
            nix::fcntl::AT_FDCWD,
            target,
            AtFlags::empty(),
        )
    })
}

fn copy(mut file: File, target: &Path, stat: &Stat) -> io::Result<()> {
    let mut copy = File::create_new(target)?;
    io::copy(&mut file, &mut copy)?;
    copy.set_permissions(mode(stat))?;
    let time = TimeSpec::new(stat.modified.0, stat.modified.1);
    nix::sys::stat::futimens(&copy, &time, &time)?;
    give(target)
}

fn mode(stat: &Stat) -> Permissions {
    Permissions::from_mode(stat.mode & 0o777)
}

/// Gives what was copied to the programs that will use it.
fn give(path: &Path) -> io::Result<()> {
    match SandboxOptions::owner() {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}
