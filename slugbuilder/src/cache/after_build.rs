//! What is done for the cache at the end of a build that succeeded.
//!
//! Nothing is looked through: sizes are those that each build wrote down of its own app. A build of an app that has not
//! changed takes tenths of a second, and this milliseconds of it, however much the cache holds.

use super::prune::{Limits, choose, remove_downloads};
use super::{AppUsage, CacheFolder, CacheFolderError, downloads};
use crate::workspace::apps::{self, Taken};
use crate::workspace::{App, Workspace, WorkspaceError};
use slugbuilder_fetch::Cache;
use slugbuilder_report::{Diagnosis, Event, Explain as _, Reporter, Warning};
use std::ffi::OsString;

/// Writes down what `workspace` holds, ends its use, and keeps the whole cache within its bounds. The slug is there:
/// what goes wrong here is a warning.
pub(crate) fn after_build(
    workspace: Workspace,
    app: App,
    cache: &CacheFolder,
    reporter: &dyn Reporter,
) {
    let result = keep(workspace, app, cache, reporter);
    if let Err(error) = result {
        let why = Diagnosis::of(&error).one_line();
        let warning = Warning::new(
            "cache-not-kept",
            format!("the cache could not be put in order ({why})"),
        );
        let warning = error.hints().into_iter().fold(warning, Warning::hint);
        reporter.report(Event::Warning(&warning));
    }
}

fn keep(
    workspace: Workspace,
    app: App,
    cache: &CacheFolder,
    reporter: &dyn Reporter,
) -> Result<(), CacheFolderError> {
    let own = workspace.key().to_owned();
    let mut record = workspace.record(app.clone())?;
    if record.bytes() > cache.max_size && record.kept_bytes > 0 {
        // The layers are worth more: they serve builds of a source that has changed, too.
        workspace.release_kept()?;
        record = workspace.record(app)?;
    }
    let own_bytes = record.bytes();
    let own_bytes = if own_bytes > cache.max_size {
        remove_own(workspace, cache.max_size, reporter)?;
        0
    } else {
        // From here on another build of it may begin.
        drop(workspace);
        own_bytes
    };
    prune_others(&own, own_bytes, cache, reporter)
}

/// An app that is larger than the bound is not kept: nothing else could make room for it, and the bound is a promise.
fn remove_own(
    workspace: Workspace,
    max_size: u64,
    reporter: &dyn Reporter,
) -> Result<(), WorkspaceError> {
    workspace.remove()?;
    // Who wants nothing kept knows.
    if max_size > 0 {
        let warning = Warning::new(
            "cache-too-small",
            "what this app keeps for its next build is larger than the whole cache may be, and was removed",
        )
        .hint("Allow more with `--cache-max-size`, and every build of this app will be faster.");
        reporter.report(Event::Warning(&warning));
    }
    Ok(())
}

fn prune_others(
    own: &OsString,
    own_bytes: u64,
    cache: &CacheFolder,
    reporter: &dyn Reporter,
) -> Result<(), CacheFolderError> {
    apps::remove_trash(&cache.path)?;
    let mut others = Vec::new();
    for folder in apps::all(&cache.path)? {
        if folder.path().file_name() == Some(own) {
            continue;
        }
        let app = AppUsage::recorded(&folder);
        if app.record.is_none() {
            // Its first build runs, has failed, or was killed. One that cannot be removed says nothing about the others.
            let _ = folder.remove();
            continue;
        }
        if folder.has("build") {
            // As above: one that was built by another user must not keep the rest from being bounded.
            let _ = folder.remove_build();
        }
        others.push((folder, app));
    }
    let stored = Cache::stored(&downloads(&cache.path))?;
    let limits = Limits {
        max_size: cache.max_size,
        used_before: 0,
        beside: own_bytes,
    };
    let chosen = choose(others, &stored, &limits, |folder, _| {
        Ok(folder.remove().unwrap_or_else(|error| {
            let warning = Warning::new(
                "cache-not-bounded",
                format!("cannot remove `{}`: {error}", folder.path().display()),
            )
            .hint("Remove it yourself: the cache is larger than it may be.");
            reporter.report(Event::Warning(&warning));
            Taken::InUse
        }))
    })?;
    if chosen.downloads.count > 0 {
        remove_downloads(&cache.path, &stored, chosen.downloads)?;
    }
    if let count @ 1.. = chosen.apps.len() {
        let apps = if count == 1 { "app" } else { "apps" };
        reporter.report(Event::Note(&format!(
            "the cache was too large: removed that of the {count} {apps} built least recently"
        )));
    }
    Ok(())
}
