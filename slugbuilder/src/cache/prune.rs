//! Making room, the least recently used first.

use super::usage::tally;
use super::{AppUsage, CacheFolderError, Tally, downloads};
use crate::workspace::apps::{self, AppFolder, Taken};
use crate::workspace::{AppRecord, Workspace, measure, seconds_now};
use slugbuilder_fetch::{Cache, Stored};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// What may stay.
#[derive(Debug, Clone)]
pub struct PruneOptions {
    /// The cache folder.
    pub cache_dir: PathBuf,
    /// Bytes that may stay.
    pub max_size: u64,
    /// How long ago something may have been used last.
    pub older_than: Option<Duration>,
    /// Whether everything goes that nobody uses.
    pub all: bool,
    /// Whether to say what would go, and leave it.
    pub dry_run: bool,
}

/// What went.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The apps, in the order in which they went.
    pub apps: Vec<AppUsage>,
    /// Apps that would have gone if no build used them.
    pub in_use: Vec<AppUsage>,
    /// Archives of runtimes.
    pub downloads: Tally,
    /// What killed processes and first builds that failed had left.
    pub leftovers: Tally,
    /// Bytes that stay.
    pub left: u64,
}

impl Pruned {
    /// Bytes that were freed.
    #[must_use]
    pub fn freed(&self) -> u64 {
        let apps = self.apps.iter().map(AppUsage::bytes);
        apps.chain([self.downloads.bytes, self.leftovers.bytes])
            .fold(0, u64::saturating_add)
    }
}

/// Removes from the cache folder what may not stay, and what killed processes left there.
pub fn prune(options: &PruneOptions) -> Result<Pruned, CacheFolderError> {
    if !options.cache_dir.exists() {
        return Ok(Pruned::default());
    }
    Workspace::check_owner(&options.cache_dir)?;
    let mut pruned = Pruned::default();
    let mut apps = Vec::new();
    leftovers(options, &mut pruned.leftovers)?;
    for folder in apps::all(&options.cache_dir)? {
        let mut app = AppUsage::measured(&folder);
        if app.record.is_none() {
            if !app.in_use && take(options, || folder.remove())? == Taken::Away {
                pruned.leftovers.add(app.bytes());
                continue;
            }
        } else if !app.in_use
            && folder.has("build")
            && take(options, || folder.remove_build())? == Taken::Away
        {
            pruned.leftovers.add(app.other_bytes);
            app.other_bytes = 0;
        }
        apps.push((folder, app));
    }
    let runs = apps::runs(&options.cache_dir)?;
    let running = runs.iter().filter(|(_, in_use)| *in_use);
    let running = running.map(|(folder, _)| measure::bytes(folder)).sum();
    let limits = Limits {
        max_size: if options.all { 0 } else { options.max_size },
        used_before: match options.older_than {
            _ if options.all => u64::MAX,
            Some(age) => seconds_now().saturating_sub(age.as_secs()),
            None => 0,
        },
        beside: running,
    };
    let stored = Cache::stored(&downloads(&options.cache_dir))?;
    let chosen = choose(apps, &stored, &limits, |folder, app| {
        if app.in_use {
            return Ok(Taken::InUse);
        }
        take(options, || folder.remove())
    })?;
    if chosen.downloads.count > 0 && !options.dry_run {
        remove_downloads(&options.cache_dir, &stored, chosen.downloads)?;
    }
    pruned.apps = chosen.apps;
    pruned.in_use = chosen.in_use;
    pruned.downloads = chosen.downloads;
    pruned.left = chosen.left;
    Ok(pruned)
}

/// Removes what is kept of builds of `source`, which has the canonical path of a source, for whatever stack and buildpacks.
/// Says whether all of it is gone: what a build uses stays.
pub fn forget(cache_dir: &Path, source: &Path) -> Result<bool, CacheFolderError> {
    if !cache_dir.exists() {
        return Ok(true);
    }
    Workspace::check_owner(cache_dir)?;
    let source = source.to_string_lossy();
    let mut gone = true;
    for folder in apps::all(cache_dir)? {
        let is_of = |record: AppRecord| record.app.source == source;
        if folder.record().is_some_and(is_of) {
            gone &= folder.remove()? == Taken::Away;
        }
    }
    Ok(gone)
}

fn take(options: &PruneOptions, remove: impl Fn() -> io::Result<Taken>) -> io::Result<Taken> {
    if options.dry_run {
        Ok(Taken::Away)
    } else {
        remove()
    }
}

/// Removes what was thrown away and not removed, and runs that were killed.
fn leftovers(options: &PruneOptions, found: &mut Tally) -> io::Result<()> {
    let left_runs = apps::runs(&options.cache_dir)?
        .into_iter()
        .filter(|(_, in_use)| !in_use)
        .map(|(folder, _)| folder);
    for path in apps::trash(&options.cache_dir)?
        .into_iter()
        .chain(left_runs)
    {
        found.add(measure::bytes(&path));
    }
    if !options.dry_run {
        if options.all {
            crate::buildpacks::forget_archives(&options.cache_dir)?;
        }
        apps::remove_trash(&options.cache_dir)?;
        apps::remove_left_runs(&options.cache_dir)?;
    }
    Ok(())
}

/// The bounds of one pruning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes that may stay.
    pub(super) max_size: u64,
    /// What was last used before goes, in seconds since 1970.
    pub(super) used_before: u64,
    /// Bytes that stay whatever is chosen.
    pub(super) beside: u64,
}

/// What goes.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) apps: Vec<AppUsage>,
    pub(super) in_use: Vec<AppUsage>,
    /// Only chosen yet.
    pub(super) downloads: Tally,
    pub(super) left: u64,
}

enum Candidate {
    App(Box<(AppFolder, AppUsage)>),
    Download(u64),
}

/// Goes through apps and downloads, least recently used first, and takes away what the limits do not allow.
pub(super) fn choose(
    apps: Vec<(AppFolder, AppUsage)>,
    downloads: &[Stored],
    limits: &Limits,
    take: impl Fn(&AppFolder, &AppUsage) -> io::Result<Taken>,
) -> io::Result<Chosen> {
    let now = seconds_now();
    let mut candidates: Vec<(u64, Candidate)> = Vec::new();
    for app in apps {
        // A time to come is none to go by.
        let used = app.1.last_used().unwrap_or(0).min(now);
        candidates.push((used, Candidate::App(Box::new(app))));
    }
    for file in downloads {
        let used = file.used.duration_since(UNIX_EPOCH);
        let used = used.map_or(0, |age| age.as_secs()).min(now);
        candidates.push((used, Candidate::Download(file.bytes)));
    }
    candidates.sort_by_key(|(used, _)| *used);
    let bytes = candidates.iter().map(|(_, candidate)| match candidate {
        Candidate::App(app) => app.1.bytes(),
        Candidate::Download(bytes) => *bytes,
    });
    let mut chosen = Chosen {
        left: bytes.fold(limits.beside, u64::saturating_add),
        ..Chosen::default()
    };
    for (used, candidate) in candidates {
        if used >= limits.used_before && chosen.left <= limits.max_size {
            break;
        }
        match candidate {
            Candidate::Download(bytes) => {
                chosen.downloads.add(bytes);
                chosen.left = chosen.left.saturating_sub(bytes);
            }
            Candidate::App(app) => {
                let (folder, app) = *app;
                match take(&folder, &app)? {
                    Taken::Away => {
                        chosen.left = chosen.left.saturating_sub(app.bytes());
                        chosen.apps.push(app);
                    }
                    Taken::InUse => chosen.in_use.push(app),
                }
            }
        }
    }
    Ok(chosen)
}

/// Removes the least recently used of `stored`: those that were `chosen`.
pub(super) fn remove_downloads(
    cache_dir: &Path,
    stored: &[Stored],
    chosen: Tally,
) -> Result<(), CacheFolderError> {
    let stays = tally(stored).bytes.saturating_sub(chosen.bytes);
    Cache::open(&downloads(cache_dir))?.prune(stays)?;
    Ok(())
}
