//! Tables and ages, as people read them.

use crate::printer::{count, one_line};

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    head: &'static str,
    to_the_right: bool,
}

impl Column {
    /// One of texts.
    pub(crate) const fn text(head: &'static str) -> Self {
        Self {
            head,
            to_the_right: false,
        }
    }

    /// One of numbers, which are compared by their ends.
    pub(crate) const fn number(head: &'static str) -> Self {
        Self {
            head,
            to_the_right: true,
        }
    }
}

/// A line for the heads and one for each row, columns two blanks apart. Text that cells quote stays in its cell.
pub(crate) fn lines<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> Vec<String> {
    let heads = columns.map(|column| column.head.to_owned());
    let rows: Vec<[String; N]> = std::iter::once(&heads)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| one_line(cell)))
        .collect();
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).zip(columns);
            let cells: Vec<String> = cells
                .map(|((cell, width), column)| {
                    if column.to_the_right {
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

/// How long ago something was, in one unit.
pub(crate) fn ago(seconds: u64) -> String {
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
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        let columns = [
            Column::text("APP"),
            Column::text("KIND"),
            Column::number("SLUG"),
            Column::text("LAST USED"),
        ];
        let rows = [
            row(["/é\n\u{1b}[31m", "compile", "999.9 kB", "just now"]),
            row(["/long/enough/to/see", "archive", "5 B", ""]),
        ];
        insta::assert_snapshot!(lines(columns, &rows).join("\n"), @r"
        APP                  KIND         SLUG  LAST USED
        /é\n\u{1b}[31m       compile  999.9 kB  just now
        /long/enough/to/see  archive       5 B
        ");
    }
}
