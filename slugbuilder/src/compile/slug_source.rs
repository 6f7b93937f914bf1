//! A finished app directory on its way into a slug, whether it was built just now or was kept.

use super::begun::Told;
use super::{CompileError, CompileOptions, Outcome, SlugLayout};
use crate::archive::{
    self, ArchiveError, ArchiveOptions, Layout, Placement, Siblings, WrittenSlug,
};
use crate::layout::AppLayout;
use crate::layout::after_build::AfterBuild;
use crate::publish::publish;
use crate::secrets::{Search, Secrets};
use crate::slug::{self, Manifest, WrittenManifest};
use crate::stage::Survey;
use crate::tree::{self, Kind, Stat, Tree};
use slugbuilder_report::{Event, Reporter, Warning};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// An app directory, and what of it is for the slug.
pub(super) struct SlugSource<'a> {
    pub(super) tree: Tree,
    /// Where the tree is, for messages.
    pub(super) root: PathBuf,
    pub(super) survey: &'a Survey,
    pub(super) layout: &'a AppLayout,
    pub(super) after_build: &'a AfterBuild,
}

/// A slug and its manifest that are whole but not in their places yet.
pub(super) struct ArchivedApp {
    pub(super) manifest: Manifest,
    slug: WrittenSlug,
    written: WrittenManifest,
}

impl ArchivedApp {
    pub(super) fn publish(self) -> Result<Manifest, CompileError> {
        publish::<CompileError>(self.slug, self.written)?;
        Ok(self.manifest)
    }
}

impl SlugSource<'_> {
    fn layout(&self) -> SlugLayout<'_> {
        SlugLayout {
            layout: self.layout,
            after_build: self.after_build,
            survey: self.survey,
        }
    }

    /// Writes the slug and its manifest to files beside where `options` say, unless there are secrets in it.
    pub(super) fn archive(
        &self,
        outcome: &Outcome,
        secrets: &Secrets,
        cache: Option<PathBuf>,
        options: &CompileOptions,
        told: &mut Told<'_>,
    ) -> Result<ArchivedApp, CompileError> {
        let app_time = slug::app_time(
            options.source_date_epoch.as_deref(),
            self.survey.git.as_ref(),
        )?;
        told.tell(&self.search(outcome, secrets, options)?);
        let reporter: &dyn Reporter = told.reporter;
        reporter.report(Event::Step("Writing the slug"));
        let (summary, slug) = archive::write_tree_beside(
            &self.tree,
            &self.root,
            &self.layout(),
            &ArchiveOptions {
                app_time: app_time.seconds,
                max_size: options.max_size,
                warn_size: options.warn_size,
                known_links: self.survey.faulty_links(),
                compression: options.compression,
                cache,
                stop: options.stop(),
                ..ArchiveOptions::default()
            },
            &options.output,
            reporter,
        )?;
        told.tell(&summary.warnings);
        let mut manifest = outcome.manifest(options, self.survey, &summary, &told.warnings);
        secrets.redact_data(&mut manifest.build);
        manifest.build.left_out = self.after_build.left_out(&summary.left_out);
        let written = manifest.write_beside(&options.manifest)?;
        Ok(ArchivedApp {
            manifest,
            slug,
            written,
        })
    }

    /// Looks for secrets in what becomes the slug: an error, or warnings where it may not be one.
    fn search(
        &self,
        outcome: &Outcome,
        secrets: &Secrets,
        options: &CompileOptions,
    ) -> Result<Vec<Warning>, CompileError> {
        let Some(mut search) = Search::new(secrets)? else {
            return Ok(Vec::new());
        };
        search.in_passages(&outcome.passages);
        search.in_files(&self.tree, self.survey, &self.layout(), &options.stop())?;
        let (error, warnings) = search.findings();
        error.map_or(Ok(warnings), |error| Err(error.into()))
    }

    /// What is for the slug, in the order of a walk: folders before what is in them.
    pub(super) fn walk(&self) -> Result<Vec<(PathBuf, Stat)>, CompileError> {
        let layout = self.layout();
        let root = self
            .tree
            .stat_root()
            .map_err(|source| ArchiveError::Unreadable {
                path: self.root.clone(),
                source,
            })?;
        let mut found = Vec::new();
        let mut folders = vec![(PathBuf::new(), root)];
        while let Some((folder, stat)) = folders.pop() {
            let entries = self.tree.list(&folder, &stat);
            let entries = entries.map_err(|failure| ArchiveError::of_entry(&folder, failure))?;
            let names: Vec<&OsStr> = entries.iter().map(|(name, _)| name.as_os_str()).collect();
            let siblings = Siblings::of_sorted(&names);
            for (name, stat) in &entries {
                let (path, stat) = (tree::below(&folder, name), *stat);
                let is_folder = stat.kind == Kind::Directory;
                let placement = layout.place_among(&path, is_folder, siblings);
                if !matches!(placement, Placement::In(_)) {
                    continue;
                }
                if is_folder {
                    folders.push((path.clone(), stat));
                }
                found.push((path, stat));
            }
        }
        Ok(found)
    }

    /// Where the link at `path`, which was listed, leads.
    pub(super) fn read_link(&self, path: &Path) -> Result<PathBuf, CompileError> {
        let target = self.tree.read_link(path);
        Ok(target.map_err(|failure| ArchiveError::of_entry(path, failure))?)
    }
}
