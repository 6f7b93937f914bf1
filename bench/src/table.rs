//! Tables of text, for terminals and for Markdown.

use crate::results::{Row, Series};
use serde::Serialize;
use std::iter;

/// A heading and rows of as many cells. The first column is text, the others are figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<'a>(heading: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            heading: heading.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// In aligned columns.
    pub(crate) fn text(&self) -> String {
        self.render("", "  ", "", &[])
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let columns = self.heading.len();
        let rule: Vec<String> = (0..columns)
            .map(|column| if column == 0 { "---" } else { "---:" }.to_owned())
            .collect();
        self.render("| ", " | ", " |", &rule)
    }

    fn render(&self, before: &str, between: &str, after: &str, rule: &[String]) -> String {
        let lines = iter::once(self.heading.as_slice())
            .chain((!rule.is_empty()).then_some(rule))
            .chain(self.rows.iter().map(Vec::as_slice));
        let width = |column: usize| {
            lines
                .clone()
                .filter_map(|cells| cells.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.heading.len()).map(width).collect();
        let mut text = String::new();
        for cells in lines {
            let padded: Vec<String> = cells
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    if column == 0 {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                })
                .collect();
            let line = format!("{before}{}{after}", padded.join(between));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Series {
    /// Its table: times, ratios to the references, memory and size.
    pub(crate) fn table(&self) -> Table {
        let references: Vec<&Row> = self
            .references
            .iter()
            .filter_map(|key| self.row(key))
            .collect();
        let with_size = self.rows.iter().any(|row| row.size.is_some());
        let ratios: Vec<String> = references
            .iter()
            .map(|row| format!("times `{}`", row.key))
            .collect();
        // Not all write something: `sha256sum` does not.
        let written = references.iter().find(|row| row.size.is_some());
        let smaller = written.map(|row| format!("against `{}`", row.key));
        let mut heading = vec!["row", "best, s", "median, s"];
        heading.extend(ratios.iter().map(String::as_str));
        heading.extend(["CPU, s", "peak, MB"]);
        if with_size {
            heading.push("size, MB");
            heading.extend(smaller.as_deref());
        }
        let mut table = Table::new(heading);
        for row in &self.rows {
            let mut cells = vec![row.label.clone(), time(row.best()), time(row.median())];
            cells.extend(
                references
                    .iter()
                    .map(|reference| ratio(reference.best() / row.best())),
            );
            cells.extend([time(row.cpu()), decimals(megabytes(row.peak()), 0)]);
            if with_size {
                cells.push(
                    row.size
                        .map_or_else(dash, |size| decimals(megabytes(size), 1)),
                );
                cells.extend(written.map(|reference| match (row.size, reference.size) {
                    (Some(size), Some(other)) => percent(fraction(size, other)),
                    _ => dash(),
                }));
            }
            table.push(cells);
        }
        table
    }
}

fn dash() -> String {
    "–".into()
}

fn decimals(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// Seconds, to three figures or milliseconds.
pub(crate) fn time(seconds: f64) -> String {
    decimals(seconds, if seconds < 10.0 { 3 } else { 1 })
}

/// How many times.
pub(crate) fn ratio(value: f64) -> String {
    decimals(value, if value < 10.0 { 2 } else { 0 })
}

/// A fraction as what is more or less than the whole.
pub(crate) fn percent(fraction: f64) -> String {
    let percent = (fraction - 1.0) * 100.0;
    // No "-0.0".
    format!("{:+.1} %", if percent.abs() < 0.05 { 0.0 } else { percent })
}

/// Bytes as megabytes of 1,000,000.
#[expect(
    clippy::cast_precision_loss,
    reason = "files of 9 petabytes do not occur here"
)]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// One size as a fraction of another.
pub(crate) fn fraction(size: u64, other: u64) -> f64 {
    megabytes(size) / megabytes(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::row;

    fn series() -> Series {
        Series {
            name: "cold-big",
            title: "Cold",
            about: "about".into(),
            references: &["tar"],
            rows: vec![
                row("tar", &[13.0, 12.0, 14.0], Some(100_000_000), 3_000_000),
                row("ours", &[2.0, 2.5, 2.4], Some(95_000_000), 40_000_000),
                row("other", &[0.25], None, 1_000_000),
            ],
        }
    }

    #[test]
    fn text_is_aligned() {
        insta::assert_snapshot!(series().table().text(), @r"
        row    best, s  median, s  times `tar`  CPU, s  peak, MB  size, MB  against `tar`
        tar       12.0       13.0         1.00    26.0         3     100.0         +0.0 %
        ours     2.000      2.400         6.00   4.800        40      95.0         -5.0 %
        other    0.250      0.250           48   0.500         1         –              –
        ");
    }

    #[test]
    fn markdown_has_a_rule() {
        insta::assert_snapshot!(series().table().markdown(), @r"
        | row   | best, s | median, s | times `tar` | CPU, s | peak, MB | size, MB | against `tar` |
        | ---   |    ---: |      ---: |        ---: |   ---: |     ---: |     ---: |          ---: |
        | tar   |    12.0 |      13.0 |        1.00 |   26.0 |        3 |    100.0 |        +0.0 % |
        | ours  |   2.000 |     2.400 |        6.00 |  4.800 |       40 |     95.0 |        -5.0 % |
        | other |   0.250 |     0.250 |          48 |  0.500 |        1 |        – |             – |
        ");
    }

    #[test]
    fn figures_have_sensible_digits() {
        assert_eq!(time(0.0734), "0.073");
        assert_eq!(time(13.04), "13.0");
        assert_eq!(ratio(2.345), "2.35");
        assert_eq!(ratio(111.4), "111");
        assert_eq!(percent(0.9999), "+0.0 %");
        assert_eq!(percent(0.955), "-4.5 %");
    }
}
