//! The cache as people read it.

use super::{AppUsage, Usage};
use crate::printer::{count, one_line, size};
use slugbuilder::workspace::App;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn text(usage: &Usage, bound: u64) -> String {
    let mut lines = vec![format!(
        "folder: {}",
        one_line(&usage.folder.to_string_lossy())
    )];
    if !usage.apps.is_empty() {
        lines.push(String::new());
        lines.extend(aligned(&rows(usage)));
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

fn rows(usage: &Usage) -> Vec<[String; 7]> {
    let head = [
        "APP",
        "KIND",
        "STACK",
        "LAYERS",
        "BUILT",
        "SLUG",
        "LAST USED",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for one in &usage.apps {
        let app = one.record.as_ref().map(|record| &record.app);
        let said = |text: Option<String>| text.unwrap_or_else(|| "?".into());
        rows.push([
            said(app.map(place)),
            said(app.map(|app| app.kind.to_string())),
            said(app.map(|app| app.stack.clone())),
            // What a build has in its hands is mostly that.
            size(one.layers_bytes.saturating_add(one.other_bytes)),
            size(one.kept_bytes),
            size(one.slug_bytes),
            last_used(one),
        ]);
    }
    rows
}

/// Columns two blanks apart, sizes to the right.
fn aligned(rows: &[[String; 7]]) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..7).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells: Vec<String> = cells
                .map(|(column, (cell, width))| {
                    if matches!(column, 3..=5) {
                        format!("{cell:>width$}")
                    } else {
                        format!("{cell:width$}")
                    }
                })
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
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

fn ago(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => return "just now".into(),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{} ago", count(number, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_one_unit() {
        let texts = [0, 59, 60, 7199, 172_799, 172_800, 86_400 * 400].map(ago);
        assert_eq!(
            texts,
            [
                "just now",
                "just now",
                "1 minute ago",
                "1 hour ago",
                "47 hours ago",
                "2 days ago",
                "400 days ago"
            ]
        );
    }

    #[test]
    fn columns_are_aligned_and_quoted_text_stays_in_its_cell() {
        let row = |cells: [&str; 7]| cells.map(str::to_owned);
        let rows = [
            row([
                "APP",
                "KIND",
                "STACK",
                "LAYERS",
                "BUILT",
                "SLUG",
                "LAST USED",
            ]),
            row([
                "/é\n\u{1b}[31m",
                "compile",
                "heroku-24",
                "1.0 MB",
                "20 B",
                "999.9 kB",
                "just now",
            ]),
            row([
                "/long/enough/to/see",
                "archive",
                "heroku-26",
                "0 B",
                "1.2 GB",
                "5 B",
                "1 day ago",
            ]),
        ];
        insta::assert_snapshot!(aligned(&rows).join("\n"), @r"
        APP                  KIND     STACK      LAYERS   BUILT      SLUG  LAST USED
        /é\n\u{1b}[31m       compile  heroku-24  1.0 MB    20 B  999.9 kB  just now
        /long/enough/to/see  archive  heroku-26     0 B  1.2 GB       5 B  1 day ago
        ");
    }
}
