//! Measurements, rows and series as data.

use crate::table::Table;
use serde::{Deserialize, Serialize};

/// What one run of a row took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// Seconds from start to exit.
    pub(crate) wall: f64,
    /// Seconds of all processes, user and system.
    pub(crate) cpu: f64,
    /// Bytes of memory that the largest process held at most.
    pub(crate) peak: u64,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    /// Names the row in bars.
    pub(crate) key: &'static str,
    /// Names it in tables.
    pub(crate) label: String,
    /// One a round. Never empty.
    pub(crate) measurements: Vec<Measurement>,
    /// Bytes of what it wrote, where that is one file.
    pub(crate) size: Option<u64>,
}

impl Row {
    /// The shortest time, in seconds. Ratios are made of these: what disturbs a run only ever makes it longer.
    pub(crate) fn best(&self) -> f64 {
        self.measurements
            .iter()
            .map(|run| run.wall)
            .fold(f64::INFINITY, f64::min)
    }

    /// The median time, in seconds.
    pub(crate) fn median(&self) -> f64 {
        median(self.measurements.iter().map(|run| run.wall))
    }

    /// The median of CPU time, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        median(self.measurements.iter().map(|run| run.cpu))
    }

    /// The largest peak of memory, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.measurements
            .iter()
            .map(|run| run.peak)
            .max()
            .unwrap_or_default()
    }
}

/// Rows that ran in turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Series {
    /// Names it in bars and on the command line.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// What was measured, in a sentence.
    pub(crate) about: String,
    /// The rows that the others are compared with, by key.
    pub(crate) references: &'static [&'static str],
    pub(crate) rows: Vec<Row>,
}

impl Series {
    /// The row called `key`.
    pub(crate) fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }
}

/// Tables of what is no process from start to exit, and the figures in them that bars name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sheets {
    /// Names them in bars and on the command line.
    pub(crate) name: &'static str,
    /// Their heading.
    pub(crate) title: &'static str,
    /// What was measured, in a sentence.
    pub(crate) about: String,
    pub(crate) tables: Vec<Sheet>,
    pub(crate) figures: Vec<(&'static str, f64)>,
}

/// One of those tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sheet {
    pub(crate) title: &'static str,
    pub(crate) table: Table,
}

/// What a series gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Rows(Series),
    Sheets(Sheets),
}

impl Outcome {
    /// Its name in bars and on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Rows(series) => series.name,
            Self::Sheets(sheets) => sheets.name,
        }
    }

    /// Its heading.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Rows(series) => series.title,
            Self::Sheets(sheets) => sheets.title,
        }
    }

    /// What was measured.
    pub(crate) fn about(&self) -> &str {
        match self {
            Self::Rows(series) => &series.about,
            Self::Sheets(sheets) => &sheets.about,
        }
    }

    /// The row called `key`.
    pub(crate) fn row(&self, key: &str) -> Option<&Row> {
        match self {
            Self::Rows(series) => series.row(key),
            Self::Sheets(_) => None,
        }
    }

    /// The figure called `key`.
    pub(crate) fn figure(&self, key: &str) -> Option<f64> {
        match self {
            Self::Rows(_) => None,
            Self::Sheets(sheets) => {
                let mut figures = sheets.figures.iter();
                figures
                    .find(|(name, _)| *name == key)
                    .map(|(_, value)| *value)
            }
        }
    }

    /// Its tables for a terminal.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Rows(series) => series.table().text(),
            Self::Sheets(sheets) => {
                let text = |sheet: &Sheet| format!("{}\n\n{}", sheet.title, sheet.table.text());
                sheets
                    .tables
                    .iter()
                    .map(text)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
    }

    /// Its tables for the document.
    pub(crate) fn markdown(&self) -> String {
        match self {
            Self::Rows(series) => series.table().markdown(),
            Self::Sheets(sheets) => {
                let text =
                    |sheet: &Sheet| format!("#### {}\n\n{}", sheet.title, sheet.table.markdown());
                sheets
                    .tables
                    .iter()
                    .map(text)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
    }
}

/// The value in the middle, or the mean of the two there.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (_, None) => f64::NAN,
        (1, Some(value)) => *value,
        (_, Some(upper)) => values
            .get(middle.wrapping_sub(1))
            .map_or(*upper, |lower| f64::midpoint(*lower, *upper)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row with these times.
    pub(crate) fn row(key: &'static str, walls: &[f64], size: Option<u64>, peak: u64) -> Row {
        Row {
            key,
            label: key.to_owned(),
            measurements: walls
                .iter()
                .map(|wall| Measurement {
                    wall: *wall,
                    cpu: wall * 2.0,
                    peak,
                })
                .collect(),
            size,
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn statistics() {
        assert!(median([].into_iter()).is_nan());
        assert_eq!(median([3.0].into_iter()), 3.0);
        assert_eq!(median([3.0, 1.0].into_iter()), 2.0);
        assert_eq!(median([9.0, 1.0, 2.0].into_iter()), 2.0);
        let row = row("a", &[3.0, 1.0, 2.0], None, 7);
        assert_eq!(
            (row.best(), row.median(), row.cpu(), row.peak()),
            (1.0, 2.0, 4.0, 7)
        );
    }

    #[test]
    fn a_measurement_survives_json() {
        let measurement = Measurement {
            wall: 0.25,
            cpu: 0.5,
            peak: 1 << 20,
        };
        let text = serde_json::to_string(&measurement).unwrap();
        assert_eq!(
            serde_json::from_str::<Measurement>(&text).unwrap(),
            measurement
        );
    }
}
