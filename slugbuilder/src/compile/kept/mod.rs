//! The built app that is kept: a build of the same source by the same buildpacks with the same variables would make it
//! again.
//!
//! After a build the app directory, with the layers in it, stays in the work folder, and beside it a record of everything
//! that went into the build and of what came out ([`record`]). If nothing has changed since ([`inputs`]), and the app
//! directory still holds what it held, the next slug is made of it without running anything: archived where it lies, so
//! that files are the ones that the archive knows already, and a killed archive leaves it as it was. Whatever cannot be
//! told counts as changed.

mod inputs;
mod record;
mod what;

pub(super) use inputs::Inputs;

use super::app_directory::{self, Under};
use super::begun::Begun;
use super::slug_source::SlugSource;
use super::{CompileError, CompileOptions, Compiled, Outcome, Reuse, built, losses, not_kept};
use crate::archive::ArchiveError;
use crate::contents::ContentError;
use crate::layout::after_build::AfterBuild;
use crate::sandbox::SandboxOptions;
use crate::stage::Survey;
use crate::tree::Kind;
use crate::workspace::Workspace;
use blake3::{Hash, Hasher};
use record::Record;
use slugbuilder_report::{Event, Reporter};
use std::io;
use std::os::unix::ffi::OsStrExt as _;

/// What a user reads of an app that was kept.
const KEPT: &str =
    "Build: kept from the last build, because nothing has changed (--rebuild runs it again)";

/// What is known before anything runs.
pub(super) struct Look {
    inputs: Result<Inputs, ContentError>,
    last: Option<Record>,
    /// Why the app has to be built, as a clause; nothing if the kept one will do.
    why_build: Option<String>,
    /// Whether the app was never built, of which there is nothing to say.
    is_first: bool,
}

/// A built app's inputs, all of them known.
pub(super) struct Remembered(Inputs);

impl Look {
    /// Looks whether the app of the last build is the one that a build would make.
    pub(super) fn at(options: &CompileOptions, begun: &Begun<'_>) -> Result<Self, CompileError> {
        let workspace = begun.folder.workspace()?;
        let mut inputs = Inputs::of(options, &begun.survey, &begun.lock);
        let read = Record::read(&workspace.kept_record());
        let why_build = why_build(options, &begun.survey, workspace, &read, &mut inputs);
        Ok(Self {
            inputs,
            last: read.ok().flatten(),
            why_build,
            is_first: !workspace.was_built(),
        })
    }

    /// The line about it.
    pub(super) fn tell(&self, reporter: &dyn Reporter) {
        match &self.why_build {
            None => reporter.report(Event::Note(KEPT)),
            Some(why) if !self.is_first => {
                reporter.report(Event::Note(&format!("Build: runs again, because {why}")));
            }
            Some(_) => {}
        }
    }

    /// The record of the app that will do.
    pub(super) fn kept(&mut self) -> Option<Record> {
        self.last.take_if(|_| self.why_build.is_none())
    }

    /// Reads, after a build, what is not known of its inputs yet. Nothing if they changed while it ran, which is told.
    pub(super) fn remember(
        self,
        options: &CompileOptions,
        survey: &Survey,
        reporter: &dyn Reporter,
    ) -> Option<Remembered> {
        let remembered = self.inputs.and_then(|mut inputs| {
            inputs.read(self.last.as_ref(), survey, &options.stop())?;
            Ok(Remembered(inputs))
        });
        remembered
            .inspect_err(|error| {
                let text = format!("Build: not kept for the next one, because {error}");
                reporter.report(Event::Note(&text));
            })
            .ok()
    }
}

fn why_build(
    options: &CompileOptions,
    survey: &Survey,
    workspace: &Workspace,
    read: &io::Result<Option<Record>>,
    inputs: &mut Result<Inputs, ContentError>,
) -> Option<String> {
    match options.reuse {
        Reuse::App => {}
        Reuse::Layers => return Some("--rebuild asks for it".into()),
        Reuse::Nothing => return Some("--clear-cache forgets the last one".into()),
    }
    if workspace.was_cut_short() {
        return Some("the last one did not end well".into());
    }
    let last = match read {
        Ok(Some(last)) => last,
        Ok(None) => return Some("nothing is kept of the last one".into()),
        Err(_) => return Some("what is known of the last one cannot be read".into()),
    };
    let difference = match inputs {
        Ok(inputs) => inputs.difference(last, survey, &options.stop()),
        Err(error) => return Some(error.to_string()),
    };
    match difference {
        Ok(None) => {}
        Ok(Some(difference)) => return Some(difference),
        Err(error) => return Some(error.to_string()),
    }
    let is_whole = || {
        digest(last.under, &last.outcome, survey, workspace).is_ok_and(|digest| digest == last.app)
    };
    if is_whole() || (put_source_back(last.under, survey, workspace) && is_whole()) {
        return None;
    }
    Some("what was kept of the last one is not as it was left".into())
}

/// Makes the copy of the source below a kept app what the source is, which a build that came to nothing may have made
/// into another one.
fn put_source_back(under: Under, survey: &Survey, workspace: &Workspace) -> bool {
    let owner = SandboxOptions::owner();
    let (copy, index) = (workspace.source(), workspace.source_index());
    under == Under::Copy && survey.refresh_copy(&copy, &index, owner).is_ok()
}

/// Makes a slug of the kept app.
pub(super) fn compile(
    mut look: Look,
    record: Record,
    begun: Begun<'_>,
    options: &CompileOptions,
) -> Result<Compiled, CompileError> {
    let Begun {
        survey,
        after_build,
        secrets,
        lock: _,
        folder,
        mut told,
    } = begun;
    let reporter = told.reporter;
    told.tell(&record.outcome.warnings);
    if let Some(message) = losses::message(&record.outcome.not_carried) {
        reporter.report(Event::Note(&message));
    }
    let workspace = folder.workspace()?;
    let source = slug_source(
        record.under,
        &record.outcome,
        &survey,
        &after_build,
        workspace,
    )?;
    let slug = source.archive(
        &record.outcome,
        &secrets,
        Some(workspace.slug()),
        options,
        &mut told,
    )?;
    drop(source);
    if let Ok(inputs) = &mut look.inputs
        && !inputs.are_known_by(&record)
    {
        let refreshed = record.refreshed(inputs);
        if let Err(error) = refreshed.write(&workspace.kept_record()) {
            reporter.report(Event::Warning(&not_kept(
                "what is known of the source",
                &error,
            )));
        }
    }
    let manifest = slug.publish()?;
    built::end(folder, &survey, options, reporter);
    Ok(Compiled { manifest, survey })
}

/// Writes the record of the app that [`app_directory::keep`] put into `workspace`. If it cannot be written the layers
/// alone are kept.
pub(super) fn settle(
    Remembered(inputs): Remembered,
    under: Under,
    outcome: Outcome,
    survey: &Survey,
    workspace: &Workspace,
) -> Result<(), CompileError> {
    let write = || -> Result<(), CompileError> {
        let app = digest(under, &outcome, survey, workspace)?;
        Record::new(&inputs, under, app, outcome)?.write(&workspace.kept_record())
    };
    let written = write();
    if written.is_err() {
        workspace.release_kept()?;
    }
    workspace.settle_kept()?;
    written
}

fn slug_source<'a>(
    under: Under,
    outcome: &'a Outcome,
    survey: &'a Survey,
    after_build: &'a AfterBuild,
    workspace: &Workspace,
) -> Result<SlugSource<'a>, CompileError> {
    let root = workspace.kept_app();
    let tree = app_directory::kept(under, survey, workspace);
    let tree = tree.map_err(|source| ArchiveError::Unreadable {
        path: root.clone(),
        source,
    })?;
    Ok(SlugSource {
        tree,
        root,
        survey,
        layout: &outcome.layout,
        after_build,
    })
}

/// Stands for what is for the slug or leaves it after the build, as far as names and metadata tell. Files of the source
/// itself have any times, for their contents are known.
fn digest(
    under: Under,
    outcome: &Outcome,
    survey: &Survey,
    workspace: &Workspace,
) -> Result<Hash, CompileError> {
    let everything = AfterBuild::leaving_nothing_out();
    let source = slug_source(under, outcome, survey, &everything, workspace)?;
    let mut hasher = Hasher::new();
    for (path, stat) in source.walk()? {
        let (kind, target) = match stat.kind {
            Kind::Directory => (b'd', None),
            Kind::File => (b'f', None),
            Kind::Link => (b'l', Some(source.read_link(&path)?)),
            Kind::Special(_) => (b's', None),
        };
        let is_of_source = under == Under::Source && source.tree.is_lower(&path);
        let (size, modified) = match stat.kind {
            Kind::File if is_of_source => (stat.size, (0, 0)),
            Kind::File => (stat.size, stat.modified),
            _ => (0, (0, 0)),
        };
        let mode = if kind == b'l' { 0 } else { stat.mode & 0o777 };
        hasher.update(&[kind]);
        hasher.update(&mode.to_le_bytes());
        hasher.update(&size.to_le_bytes());
        hasher.update(&modified.0.to_le_bytes());
        hasher.update(&modified.1.to_le_bytes());
        for path in [Some(path), target].into_iter().flatten() {
            let path = path.as_os_str().as_bytes();
            hasher.update(&path.len().to_le_bytes());
            hasher.update(path);
        }
    }
    Ok(hasher.finalize())
}
