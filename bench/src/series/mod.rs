//! Series: rows that run in turn, round after round, so that whatever disturbs the machine disturbs them all.

mod cold;
mod compile;
mod next;
mod ours;
mod peers;
mod unpack;
mod warm;

use crate::arguments;
use crate::benchmark::{Bench, progress};
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::platform;
use crate::results::{Outcome, Row, Series};
use crate::table::time;
use crate::trees::Trees;
use std::path::Path;

/// Threads that our rows and pigz have.
const THREADS: usize = 2;

/// Rounds that are enough for rows of ten seconds.
const FEW: u32 = 3;

/// Measures the series called `name`.
pub(crate) fn measure(
    name: arguments::Series,
    bench: &Bench,
    trees: &Trees<'_>,
) -> Result<Outcome, BenchError> {
    use arguments::Series as Name;
    let series = match name {
        Name::ColdBig => cold::big(bench, trees),
        Name::OneCore => cold::one_core(bench, trees),
        Name::Node => cold::node(bench, trees),
        Name::Go => cold::go(bench, trees),
        Name::Warm => warm::measure(bench, trees),
        Name::Unpack => unpack::measure(bench, trees),
        Name::Compile => compile::measure(bench, trees),
        Name::Next => next::measure(bench, trees),
        Name::Platform => {
            let slugbuilder = compile::command(bench)?;
            return platform::measure(bench, &slugbuilder).map(Outcome::Sheets);
        }
    };
    series.map(Outcome::Rows)
}

/// The rows that bars can name, in the order of the tables.
#[cfg(test)]
pub(crate) fn row_names() -> Vec<(&'static str, &'static str)> {
    let mut names = cold::row_names();
    names.extend(
        warm::Change::ALL
            .iter()
            .map(|change| ("warm", change.key())),
    );
    names.extend([
        ("warm", "tar"),
        ("warm", "sha256sum"),
        ("unpack", "tar"),
        ("unpack", "slugbuilder"),
        ("compile", "unchanged"),
    ]);
    names.extend(next::ROWS.map(|row| ("next", row)));
    names.extend(platform::FIGURES.map(|figure| ("platform", figure)));
    names
}

/// Runs rows and keeps what they took.
#[derive(Debug)]
pub(crate) struct Recorder<'a> {
    bench: &'a Bench,
    series: Series,
    round: u32,
}

impl<'a> Recorder<'a> {
    /// A series without rows, before its first round.
    pub(crate) fn new(
        bench: &'a Bench,
        name: &'static str,
        title: &'static str,
        about: String,
        references: &'static [&'static str],
    ) -> Self {
        Self {
            bench,
            series: Series {
                name,
                title,
                about,
                references,
                rows: Vec::new(),
            },
            round: 0,
        }
    }

    /// Begins the next round, if there is one. Round 0 warms up and does not count.
    fn begin(&mut self, round: u32) {
        self.round = round;
        let name = self.series.name;
        if round == 0 {
            progress(&format!("{name}: warming up"));
        } else {
            progress(&format!("{name}: round {round} of {}", self.bench.runs));
        }
    }

    /// Runs a row once and, from round 1 on, keeps what it took. `output` is what it writes, where that is one file.
    fn run(
        &mut self,
        key: &'static str,
        label: &str,
        pipeline: &Pipeline,
        output: Option<&Path>,
    ) -> Result<(), BenchError> {
        if !self.bench.quick {
            // What was written before is on the disk, and nobody writes while the row runs.
            nix::unistd::sync();
        }
        let measurement = self.bench.runner.run(pipeline)?;
        progress(&format!("  {} s  {key}", time(measurement.wall)));
        if self.round == 0 {
            return Ok(());
        }
        let size = output
            .map(fs_err::metadata)
            .transpose()?
            .map(|metadata| metadata.len());
        match self.series.rows.iter_mut().find(|row| row.key == key) {
            Some(row) => {
                row.measurements.push(measurement);
                row.size = size;
            }
            None => self.series.rows.push(Row {
                key,
                label: label.to_owned(),
                measurements: vec![measurement],
                size,
            }),
        }
        Ok(())
    }

    fn finish(self) -> Series {
        self.series
    }
}
