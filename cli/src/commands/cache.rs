//! `slugbuilder cache`

mod table;

use crate::arguments::{
    CacheAction, CacheArguments, CacheCommandArguments, InfoArguments, PruneArguments,
};
use crate::environment;
use crate::failure::{Failure, OutputError, UsageError};
use crate::printer::{Printer, count, one_line, print_bytes, print_data, size};
use serde_json::{Value, json};
use slugbuilder::cache::{AppUsage, PruneOptions, Pruned, Tally, Usage, prune, usage};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Version of the JSON that `cache info --json` prints (docs/cache.md); fields are only added within one version.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn run(
    arguments: &CacheCommandArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    match &arguments.action {
        CacheAction::Dir(cache) => print_path(&environment::cache_dir(cache)?)?,
        CacheAction::Info(arguments) => info(arguments)?,
        CacheAction::Prune(arguments) => make_room(arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Byte for byte: scripts want to use it.
fn print_path(path: &Path) -> Result<(), OutputError> {
    // Links stay: the answer must not change when the folder is made.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    print_bytes(path.as_os_str().as_bytes())
}

/// The folder as messages name it.
fn folder(arguments: &CacheArguments) -> Result<PathBuf, UsageError> {
    let folder = environment::cache_dir(arguments)?;
    Ok(std::fs::canonicalize(&folder)
        .or_else(|_| std::path::absolute(&folder))
        .unwrap_or(folder))
}

fn info(arguments: &InfoArguments) -> Result<(), Failure> {
    let usage = usage(&folder(&arguments.cache)?)?;
    let bound = arguments.bound.cache_max_size;
    let text = if arguments.json {
        format!("{:#}", json_of(&usage, bound))
    } else {
        table::text(&usage, bound)
    };
    print_data(&text)?;
    Ok(())
}

fn json_of(usage: &Usage, bound: u64) -> Value {
    let tally = |tally: Tally| json!({ "count": tally.count, "bytes": tally.bytes });
    let apps: Vec<Value> = usage
        .apps
        .iter()
        .map(|one| {
            let app = one.record.as_ref().map(|record| &record.app);
            json!({
                "folder": one.folder.to_string_lossy(),
                "source": app.map(|app| &app.source),
                "root": app.and_then(|app| app.root.as_ref()),
                "kind": app.map(|app| app.kind.to_string()),
                "stack": app.map(|app| &app.stack),
                "buildpacks": app.map(|app| &app.buildpacks),
                "last_used": one.last_used(),
                "in_use": one.in_use,
                "layers_bytes": one.layers_bytes,
                "slug_bytes": one.slug_bytes,
                "kept_bytes": one.kept_bytes,
                "other_bytes": one.other_bytes,
                "bytes": one.bytes(),
            })
        })
        .collect();
    json!({
        "version": SCHEMA_VERSION,
        "folder": usage.folder.to_string_lossy(),
        "apps": apps,
        "downloads": tally(usage.downloads),
        "runs": tally(usage.runs),
        "bytes": usage.bytes(),
        "max_bytes": bound,
    })
}

fn make_room(arguments: &PruneArguments, printer: &Printer) -> Result<(), Failure> {
    let pruned = prune(&PruneOptions {
        cache_dir: folder(&arguments.cache)?,
        max_size: arguments.max_size,
        older_than: arguments.older_than,
        all: arguments.all,
        dry_run: arguments.dry_run,
    })?;
    for line in told(&pruned, arguments.dry_run) {
        printer.say(&one_line(&line));
    }
    Ok(())
}

fn told(pruned: &Pruned, dry_run: bool) -> Vec<String> {
    let (removed, freed) = if dry_run {
        ("Would remove", "Would free")
    } else {
        ("Removed", "Freed")
    };
    let mut lines = Vec::new();
    if pruned.leftovers.count > 0 {
        let bytes = size(pruned.leftovers.bytes);
        lines.push(format!(
            "{removed} what failed or killed builds left: {bytes}"
        ));
    }
    for app in &pruned.apps {
        let (name, bytes) = (table::name(app), size(app.bytes()));
        let used = table::last_used(app);
        lines.push(format!("{removed} {name}: {bytes}, last used {used}"));
    }
    if pruned.downloads.count > 0 {
        let downloads = count(pruned.downloads.count, "download");
        let bytes = size(pruned.downloads.bytes);
        lines.push(format!("{removed} {downloads}: {bytes}"));
    }
    for app in &pruned.in_use {
        lines.push(format!("Kept {}: it is being built", table::name(app)));
    }
    let (bytes, left) = (size(pruned.freed()), size(pruned.left));
    lines.push(format!("{freed} {bytes}; {left} stay"));
    lines
}
