//! What was found, as tables and figures.

use super::load::Sample;
use super::requests::Kind;
use super::server::Memory;
use super::{CONNECTIONS, Found, Pair, uploads};
use crate::results::{Sheet, Sheets};
use crate::table::{Table, megabytes, ratio, time};

/// The figures that bars name.
#[cfg(test)]
pub(crate) const FIGURES: [&str; 9] = [
    "info-ratio",
    "releases-ratio",
    "apps-ratio",
    "create-ratio",
    "group-commit",
    "info-p99",
    "create-p99",
    "restart",
    "upload-memory",
];

/// Everything, for the document.
pub(super) fn sheets(found: &Found) -> Sheets {
    let (large, small) = (found.plan.large, found.plan.small);
    let about = format!(
        "`slugbuilder serve` as a process on the same machine as its clients, which share the processor with it: with {} apps \
         and {} releases, and with {} apps and {}.",
        large.apps,
        large.all_releases(),
        small.apps,
        small.all_releases(),
    );
    Sheets {
        name: "platform",
        title: "The server under load",
        about,
        tables: vec![
            Sheet {
                title: "As fast as it can",
                table: closed(found),
            },
            Sheet {
                title: "At a fixed rate",
                table: open(&found.open),
            },
            Sheet {
                title: "Memory, restarts and kills",
                table: others(found),
            },
        ],
        figures: figures(found),
    }
}

fn milliseconds(seconds: f64) -> String {
    let value = seconds * 1e3;
    let digits = if value < 10.0 { 2 } else { 0 };
    format!("{value:.digits$}")
}

fn rate(value: f64) -> String {
    format!("{value:.0}")
}

fn closed(found: &Found) -> Table {
    let mut table = Table::new([
        "request",
        "connections",
        "small, 1/s",
        "p50, ms",
        "p99, ms",
        "large, 1/s",
        "p50, ms",
        "p99, ms",
        "max, ms",
        "large to small",
        "server's CPU, µs",
    ]);
    for pair in &found.closed {
        let mut cells = vec![pair.kind.label().into(), pair.connections.to_string()];
        cells.extend([
            rate(pair.small.rate),
            milliseconds(pair.small.quantile(0.5)),
            milliseconds(pair.small.quantile(0.99)),
        ]);
        cells.extend(of_large(&pair.large));
        cells.insert(9, ratio(pair.large.rate / pair.small.rate));
        table.push(cells);
    }
    let none = || String::from("–");
    let mut cells = vec![Kind::Floor.label().into(), CONNECTIONS.to_string()];
    cells.extend([none(), none(), none()]);
    cells.extend(of_large(&found.floor));
    cells.insert(9, none());
    table.push(cells);
    table
}

/// Rate, waits, and processor time for each request.
fn of_large(sample: &Sample) -> [String; 5] {
    [
        rate(sample.rate),
        milliseconds(sample.quantile(0.5)),
        milliseconds(sample.quantile(0.99)),
        milliseconds(sample.longest()),
        rate(sample.cpu * 1e6),
    ]
}

fn open(pairs: &[Pair]) -> Table {
    let mut table = Table::new([
        "request",
        "asked for, 1/s",
        "small: p50, ms",
        "p99, ms",
        "max, ms",
        "large: p50, ms",
        "p99, ms",
        "max, ms",
        "large: answered, 1/s",
    ]);
    for pair in pairs {
        let mut cells = vec![
            pair.kind.label().into(),
            rate(pair.rate.unwrap_or_default()),
        ];
        for sample in [&pair.small, &pair.large] {
            cells.extend([
                milliseconds(sample.quantile(0.5)),
                milliseconds(sample.quantile(0.99)),
                milliseconds(sample.longest()),
            ]);
        }
        cells.push(rate(pair.large.rate));
        table.push(cells);
    }
    table
}

fn others(found: &Found) -> Table {
    let mut table = Table::new(["what", "figure"]);
    let mut row = |what: String, figure: String| table.push(vec![what, figure]);
    let peak = |memory: Memory| format!("{:.0} MB", megabytes(memory.peak));
    row(
        "waits for the disk, one after the other, with 4,096 bytes each".into(),
        format!("{:.0} a second", found.flushes),
    );
    row(
        "first start with the large ledger, until it answers".into(),
        format!("{} s", time(found.start)),
    );
    row("peak of memory then".into(), peak(found.at_first));
    row(
        "peak of the same process after all loads".into(),
        peak(found.after_loads),
    );
    row(
        "what it holds then".into(),
        format!("{:.0} MB", megabytes(found.after_loads.now)),
    );
    let count = uploads::AT_ONCE;
    let size = megabytes(found.plan.upload);
    let seconds = found.uploading.as_secs_f64();
    row(
        format!("{count} uploads of {size:.0} MB at once"),
        format!("{seconds:.1} s, {:.0} MB a second", size * 8.0 / seconds),
    );
    row(
        "peak of memory of the server that takes them".into(),
        peak(found.after_uploads),
    );
    row(
        "kills with SIGKILL under load".into(),
        found.kills.kills.to_string(),
    );
    row(
        "releases that were answered then, each there once".into(),
        found.kills.answered.to_string(),
    );
    row(
        "start after a kill, until it answers: median".into(),
        format!("{} s", time(restart(found, 0.5))),
    );
    row(
        "start after a kill, until it answers: longest".into(),
        format!("{} s", time(restart(found, 1.0))),
    );
    table
}

/// The time of a start after a kill that this part of them did not exceed.
fn restart(found: &Found, part: f64) -> f64 {
    let mut restarts = found.kills.restarts.clone();
    restarts.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of a few dozen"
    )]
    let index = ((restarts.len() as f64 - 1.0) * part).max(0.0) as usize;
    restarts.get(index).copied().unwrap_or(f64::NAN)
}

fn figures(found: &Found) -> Vec<(&'static str, f64)> {
    let closed = |kind: Kind, connections: usize| {
        let mut pairs = found.closed.iter();
        pairs.find(move |pair| pair.kind == kind && pair.connections == connections)
    };
    let scale =
        |kind| closed(kind, CONNECTIONS).map_or(f64::NAN, |pair| pair.large.rate / pair.small.rate);
    let create =
        |connections| closed(Kind::Create, connections).map_or(f64::NAN, |pair| pair.large.rate);
    let p99 = |kind| {
        let mut pairs = found.open.iter();
        let pair = pairs.find(|pair| pair.kind == kind);
        pair.map_or(f64::NAN, |pair| pair.large.quantile(0.99))
    };
    vec![
        ("info-ratio", scale(Kind::Info)),
        ("releases-ratio", scale(Kind::Releases)),
        ("apps-ratio", scale(Kind::Apps)),
        ("create-ratio", scale(Kind::Create)),
        ("group-commit", create(64) / create(1)),
        ("info-p99", p99(Kind::Info)),
        ("create-p99", p99(Kind::Create)),
        ("restart", restart(found, 1.0)),
        ("upload-memory", megabytes(found.after_uploads.peak)),
    ]
}
