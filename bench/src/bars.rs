//! What is claimed, as data, and whether the figures bear it out.

use crate::document::Part;
use crate::results::{Outcome, Row};
use crate::table::{Table, fraction, megabytes, percent, ratio, time};

/// A row: its series and its key.
type RowName = (&'static str, &'static str);

/// A figure with the value that it has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    /// The first row is at least so many times faster than the second.
    Faster(RowName, RowName, f64),
    /// The first row's output is at most this fraction of the second's.
    Smaller(RowName, RowName, f64),
    /// The row holds at most so many megabytes.
    Memory(RowName, f64),
    /// The row takes at most so many seconds.
    Seconds(RowName, f64),
    /// What the first row takes without the second is at most this many times what the third takes.
    Without(RowName, RowName, RowName, f64),
    /// A figure that is no row's is at least so much: what it is, and what it counts.
    Least(RowName, &'static str, f64),
    /// A figure that is no row's is at most so much.
    Most(RowName, &'static str, f64),
}

/// Whether a figure is promised or hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bar,
    Aim,
}

/// A claim.
#[derive(Debug, Clone, Copy)]
struct Bar {
    name: &'static str,
    kind: Kind,
    figure: Figure,
}

const fn bar(name: &'static str, figure: Figure) -> Bar {
    Bar {
        name,
        kind: Kind::Bar,
        figure,
    }
}

const fn aim(name: &'static str, figure: Figure) -> Bar {
    Bar {
        name,
        kind: Kind::Aim,
        figure,
    }
}

const BIG: RowName = ("cold-big", "default");
const BIG_TAR: RowName = ("cold-big", "tar");
const LINE: RowName = ("warm", "line");
const COMMIT: RowName = ("warm", "commit");
const CHECKOUT: RowName = ("warm", "checkout");
const SHA256SUM: RowName = ("warm", "sha256sum");
const WARM_TAR: RowName = ("warm", "tar");
const NEXT_COLD: RowName = ("next", "cold");
const SCALE: &str = "times the rate with 100 releases";

use Figure::{Faster, Least, Memory, Most, Seconds, Smaller, Without};

/// Every claim.
const BARS: &[Bar] = &[
    bar("cold, big tree", Faster(BIG, BIG_TAR, 5.0)),
    bar("cold, big tree", Faster(BIG, ("cold-big", "pigz-6"), 2.2)),
    bar("cold, big tree", Smaller(BIG, BIG_TAR, 0.98)),
    bar("cold, big tree", Memory(BIG, 64.0)),
    aim("cold, big tree, best aim", Faster(BIG, BIG_TAR, 7.0)),
    aim("cold, big tree, best aim", Smaller(BIG, BIG_TAR, 0.96)),
    bar(
        "cold, Node app",
        Faster(("node", "default"), ("node", "tar"), 4.0),
    ),
    bar(
        "cold, Node app",
        Smaller(("node", "default"), ("node", "tar"), 1.03),
    ),
    bar(
        "cold, Go binary",
        Faster(("go", "default"), ("go", "tar"), 4.0),
    ),
    bar(
        "cold, Go binary",
        Smaller(("go", "default"), ("go", "tar"), 1.03),
    ),
    bar(
        "cold, one core",
        Faster(("one-core", "default"), ("one-core", "tar"), 2.5),
    ),
    bar(
        "warm, fresh checkout, every file hashed",
        Faster(CHECKOUT, SHA256SUM, 1.0),
    ),
    bar(
        "warm, fresh checkout, every file hashed",
        Faster(CHECKOUT, WARM_TAR, 50.0),
    ),
    bar("warm, one line, by stat", Faster(LINE, SHA256SUM, 2.0)),
    bar(
        "warm, one line, hash states resumed",
        Faster(LINE, SHA256SUM, 3.0),
    ),
    bar("warm, after a commit", Faster(COMMIT, SHA256SUM, 2.0)),
    bar(
        "warm, after a commit, hash states resumed",
        Faster(COMMIT, SHA256SUM, 3.0),
    ),
    bar("warm, one line", Memory(LINE, 32.0)),
    bar("warm, fresh checkout", Memory(CHECKOUT, 32.0)),
    bar(
        "unpack",
        Faster(("unpack", "slugbuilder"), ("unpack", "tar"), 1.0),
    ),
    bar(
        "compile of an unchanged big app",
        Seconds(("compile", "unchanged"), 0.5),
    ),
    bar(
        "Express and Next, cold",
        Without(NEXT_COLD, ("next", "write"), ("next", "npm"), 1.10),
    ),
    bar(
        "Express and Next, unchanged",
        Faster(("next", "unchanged"), NEXT_COLD, 10.0),
    ),
    bar(
        "release info, 1,000,000 releases",
        Least(("platform", "info-ratio"), SCALE, 0.8),
    ),
    bar(
        "page of releases, 1,000,000 releases",
        Least(("platform", "releases-ratio"), SCALE, 0.8),
    ),
    bar(
        "page of apps, 10,000 apps",
        Least(("platform", "apps-ratio"), SCALE, 0.8),
    ),
    bar(
        "release create, 64 connections",
        Least(("platform", "group-commit"), "times the rate of one", 4.0),
    ),
    bar(
        "release info at a fixed rate",
        Most(("platform", "info-p99"), "p99, s", 0.025),
    ),
    bar(
        "release create at a fixed rate",
        Most(("platform", "create-p99"), "p99, s", 0.1),
    ),
    bar(
        "start after a kill, 1,000,000 releases",
        Most(("platform", "restart"), "s", 1.0),
    ),
    bar(
        "eight uploads of 500 MB at once",
        Most(("platform", "upload-memory"), "peak, MB", 100.0),
    ),
];

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    NotMet,
    /// Its rows did not run.
    NotMeasured,
}

/// A claim beside its figure.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    bar: Bar,
    figure: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// Judges every claim about a part by these results.
pub(crate) fn judge(part: Part, results: &[Outcome]) -> Vec<Judged> {
    let judged = |bar: &Bar| {
        let figure = bar.figure.of(results);
        let verdict = match figure {
            None => Verdict::NotMeasured,
            Some(figure) if bar.figure.is_met_by(figure) => Verdict::Met,
            Some(_) => Verdict::NotMet,
        };
        Judged {
            bar: *bar,
            figure,
            verdict,
        }
    };
    let is_of_part = |bar: &&Bar| Part::of_series(bar.figure.series()) == part;
    BARS.iter().filter(is_of_part).map(judged).collect()
}

/// How many claims, aims aside, the figures do not bear out.
pub(crate) fn failures(judged: &[Judged]) -> usize {
    judged
        .iter()
        .filter(|judged| judged.bar.kind == Kind::Bar && judged.verdict != Verdict::Met)
        .count()
}

/// The claims that were measured, as a table.
pub(crate) fn measured(judged: &[Judged]) -> Table {
    let is_measured = |judged: &&Judged| judged.verdict != Verdict::NotMeasured;
    let judged: Vec<Judged> = judged.iter().filter(is_measured).cloned().collect();
    table(&judged)
}

/// The claims as a table.
pub(crate) fn table(judged: &[Judged]) -> Table {
    let mut table = Table::new(["bar", "what", "required", "measured", "met"]);
    for judged in judged {
        let (what, required) = judged.bar.figure.described();
        table.push(vec![
            judged.bar.name.to_owned(),
            what,
            required,
            judged
                .figure
                .map_or_else(|| "–".into(), |figure| judged.bar.figure.shown(figure)),
            match (judged.verdict, judged.bar.kind) {
                (Verdict::Met, _) => "yes",
                (Verdict::NotMet, Kind::Bar) => "NO",
                (Verdict::NotMet, Kind::Aim) => "not yet",
                (Verdict::NotMeasured, _) => "not measured",
            }
            .to_owned(),
        ]);
    }
    table
}

fn find(results: &[Outcome], (series, key): RowName) -> Option<&Row> {
    results
        .iter()
        .find(|result| result.name() == series)
        .and_then(|result| result.row(key))
}

impl Figure {
    /// The name of the series that it is about.
    fn series(self) -> &'static str {
        let (Faster((series, _), ..)
        | Smaller((series, _), ..)
        | Memory((series, _), _)
        | Seconds((series, _), _)
        | Without((series, _), ..)
        | Least((series, _), ..)
        | Most((series, _), ..)) = self;
        series
    }

    fn of(self, results: &[Outcome]) -> Option<f64> {
        let find = |name| find(results, name);
        Some(match self {
            Faster(row, than, _) => find(than)?.best() / find(row)?.best(),
            Smaller(row, than, _) => fraction(find(row)?.size?, find(than)?.size?),
            Memory(row, _) => megabytes(find(row)?.peak()),
            Seconds(row, _) => find(row)?.best(),
            Without(row, part, than, _) => {
                (find(row)?.best() - find(part)?.best()) / find(than)?.best()
            }
            Least((series, key), ..) | Most((series, key), ..) => results
                .iter()
                .find(|result| result.name() == series)?
                .figure(key)?,
        })
    }

    fn is_met_by(self, figure: f64) -> bool {
        match self {
            Faster(_, _, required) | Least(_, _, required) => figure >= required,
            Smaller(_, _, most)
            | Memory(_, most)
            | Seconds(_, most)
            | Without(_, _, _, most)
            | Most(_, _, most) => figure <= most,
        }
    }

    /// What is measured, and what is required.
    fn described(self) -> (String, String) {
        match self {
            Faster(_, (_, than), required) => (
                format!("times faster than `{than}`"),
                format!("≥ {}", ratio(required)),
            ),
            Smaller(_, (_, than), most) => (
                format!("size against `{than}`"),
                format!("≤ {}", percent(most)),
            ),
            Memory(_, most) => ("peak, MB".into(), format!("≤ {most:.0}")),
            Seconds(_, most) => ("s".into(), format!("≤ {}", time(most))),
            Without(_, (_, part), (_, than), most) => (
                format!("times the time of `{than}`, without `{part}`"),
                format!("≤ {}", ratio(most)),
            ),
            Least(_, what, required) => (what.into(), format!("≥ {}", ratio(required))),
            Most(_, what, most) => (what.into(), format!("≤ {}", time(most))),
        }
    }

    fn shown(self, figure: f64) -> String {
        match self {
            Faster(..) | Without(..) | Least(..) => ratio(figure),
            Smaller(..) => percent(figure),
            Memory(..) => format!("{figure:.0}"),
            Seconds(..) | Most(..) => time(figure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Series;
    use crate::results::tests::row;
    use crate::series;

    fn cold(ours: f64, size: u64) -> Vec<Outcome> {
        vec![Outcome::Rows(Series {
            name: "cold-big",
            title: "Cold",
            about: String::new(),
            references: &["tar"],
            rows: vec![
                row("tar", &[13.0], Some(1000), 1),
                row("default", &[ours], Some(size), 70_000_000),
            ],
        })]
    }

    #[test]
    fn figures_are_judged_and_shown() {
        let judged = judge(Part::Writer, &cold(2.5, 981));
        insta::assert_snapshot!(measured(&judged).text(), @r"
        bar                                          what  required  measured      met
        cold, big tree            times faster than `tar`    ≥ 5.00      5.20      yes
        cold, big tree                 size against `tar`  ≤ -2.0 %    -1.9 %       NO
        cold, big tree                           peak, MB      ≤ 64        70       NO
        cold, big tree, best aim  times faster than `tar`    ≥ 7.00      5.20  not yet
        cold, big tree, best aim       size against `tar`  ≤ -4.0 %    -1.9 %  not yet
        ");
    }

    #[test]
    fn what_was_not_measured_counts_as_a_failure_and_an_aim_does_not() {
        let of_part = |part| judge(part, &[]).len();
        let all: usize = Part::ALL.into_iter().map(of_part).sum();
        assert_eq!(all, BARS.len());
        assert_eq!(failures(&judge(Part::Builds, &[])), 2);
        let writer = judge(Part::Writer, &[]);
        let bars = writer
            .iter()
            .filter(|one| one.bar.kind == Kind::Bar)
            .count();
        assert_eq!(failures(&writer), bars);
        // Two of cold-big are met, two bars are not, and neither are aims, which do not count.
        assert_eq!(failures(&judge(Part::Writer, &cold(1.0, 900))), bars - 2);
        assert_eq!(table(&writer).text().lines().count(), writer.len() + 1);
    }

    #[test]
    fn every_bar_names_rows_that_there_are() {
        for bar in BARS {
            let names = match bar.figure {
                Faster(row, than, _) | Smaller(row, than, _) => vec![row, than],
                Memory(row, _) | Seconds(row, _) | Least(row, ..) | Most(row, ..) => vec![row],
                Without(row, part, than, _) => vec![row, part, than],
            };
            for name in names {
                assert!(series::row_names().contains(&name), "{name:?}");
            }
        }
    }
}
