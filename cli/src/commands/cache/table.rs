//! The cache as people read it.

use super::{AppUsage, Usage};
use crate::printer::{count, one_line, size};
use crate::table::{self, Column, ago};
use slugbuilder::workspace::App;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn text(usage: &Usage, bound: u64) -> String {
    let mut lines = vec![format!(
        "folder: {}",
        one_line(&usage.folder.to_string_lossy())
    )];
    if !usage.apps.is_empty() {
        lines.push(String::new());
        let rows: Vec<[String; 7]> = usage.apps.iter().map(row).collect();
        lines.extend(table::lines(COLUMNS, &rows));
    }
    lines.push(String::new());
    let downloads = count(usage.downloads.count, "file");
    lines.push(format!(
        "downloads: {} ({downloads})",
        size(usage.downloads.bytes)
    ));
    if usage.runs.count > 0 {
        let runs = count(usage.runs.count, "run");
        lines.push(format!("runs: {} ({runs})", size(usage.runs.bytes)));
    }
    lines.push(format!("total: {} of {}", size(usage.bytes()), size(bound)));
    lines.join("\n")
}

const COLUMNS: [Column; 7] = [
    Column::text("APP"),
    Column::text("KIND"),
    Column::text("STACK"),
    Column::number("LAYERS"),
    Column::number("BUILT"),
    Column::number("SLUG"),
    Column::text("LAST USED"),
];

fn row(one: &AppUsage) -> [String; 7] {
    let app = one.record.as_ref().map(|record| &record.app);
    let said = |text: Option<String>| text.unwrap_or_else(|| "?".into());
    [
        said(app.map(place)),
        said(app.map(|app| app.kind.to_string())),
        said(app.map(|app| app.stack.clone())),
        // What a build has in its hands is mostly that.
        size(one.layers_bytes.saturating_add(one.other_bytes)),
        size(one.kept_bytes),
        size(one.slug_bytes),
        last_used(one),
    ]
}

/// Where an app is.
fn place(app: &App) -> String {
    match &app.root {
        Some(root) => format!("{}, {root}", app.source),
        None => app.source.clone(),
    }
}

/// An app, for a sentence.
pub(super) fn name(app: &AppUsage) -> String {
    match &app.record {
        Some(record) => {
            let app = &record.app;
            format!("`{}` ({}, {})", place(app), app.kind, app.stack)
        }
        None => format!("`{}`", app.folder.display()),
    }
}

/// When it was used last, as people say it.
pub(super) fn last_used(app: &AppUsage) -> String {
    if app.in_use {
        return "in use".into();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |age| age.as_secs());
    app.last_used()
        .map_or_else(|| "?".into(), |used| ago(now.saturating_sub(used)))
}
