//! A plan for people.

use super::detected;
use crate::printer::{count, one_line};
use slugbuilder::cnb::Detection;
use slugbuilder::plan::Plan;
use slugbuilder::stage::{Reason, Survey};
use slugbuilder_report::{Candidate, Decision, Origin, Style};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Wider columns than this are not waited for.
const WIDEST: usize = 48;

/// Paths that are named of those that stay outside for one reason.
const SHOWN: usize = 5;

/// The whole plan.
pub(super) fn plan(plan: &Plan, detection: Option<&Detection>, style: Style) -> String {
    let mut lines = vec![staged(&plan.survey)];
    lines.extend(left_out(&plan.survey));
    lines.extend(detection.map(detected::lines).unwrap_or_default());
    let mut lines: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
    for made in &plan.report.decisions {
        lines.push(String::new());
        lines.extend(decision(made, style));
    }
    lines.join("\n")
}

fn staged(survey: &Survey) -> String {
    let files = count(survey.staged.files, "file");
    if survey.not_walked.is_empty() {
        return format!("staged: {files}");
    }
    let folders: Vec<&Path> = survey.not_walked.iter().map(PathBuf::as_path).collect();
    format!("staged: {files}, and what is in {}", some(&folders))
}

/// What stays outside, a line a reason.
fn left_out(survey: &Survey) -> Vec<String> {
    let mut by_reason: BTreeMap<Reason, Vec<&Path>> = BTreeMap::new();
    for left_out in &survey.left_out {
        by_reason
            .entry(left_out.reason)
            .or_default()
            .push(&left_out.path);
    }
    by_reason
        .iter()
        .filter(|(reason, _)| **reason != Reason::Git)
        .map(|(reason, paths)| format!("left out: {}, {reason}", some(paths)))
        .collect()
}

/// The first few of `paths`, and how many more there are.
fn some(paths: &[&Path]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| path.display().to_string())
        .collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A decision: its answer, every candidate in columns, the rule and what else is to know.
fn decision(decision: &Decision, style: Style) -> Vec<String> {
    let answer = one_line(decision.answer().unwrap_or("nothing"));
    let mut lines = vec![format!(
        "{}: {answer}",
        style.bold(&one_line(&decision.subject))
    )];
    let rows: Vec<[String; 3]> = decision
        .candidates
        .iter()
        .map(|candidate| {
            [
                one_line(&candidate.value),
                place(candidate),
                one_line(&candidate.verdict),
            ]
        })
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .filter(|width| *width <= WIDEST)
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    for (index, [value, place, verdict]) in rows.iter().enumerate() {
        let columns = format!("{value:first$}  {place:second$}  {verdict}");
        lines.push(if decision.winner == Some(index) {
            format!("  {} {columns}", style.green("*"))
        } else {
            style.dim(&format!("  - {columns}"))
        });
    }
    lines.push(style.dim(&format!("  rule: {}", one_line(&decision.rule))));
    for note in &decision.notes {
        lines.push(format!("  note: {}", one_line(note)));
    }
    lines
}

/// Where a candidate stands: file and line, and the field that is there.
fn place(candidate: &Candidate) -> String {
    let origin = candidate.origin.to_string();
    let text = match (&candidate.source, &candidate.origin) {
        (
            Some(source),
            Origin::File {
                path,
                line: Some(_),
            },
        ) if !path.ends_with(source.as_str()) => {
            let (field, _) = source.split_once(" of ").unwrap_or((source, ""));
            format!("{origin} ({field})")
        }
        _ => origin,
    };
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Decision {
        Decision {
            subject: "node version".into(),
            outcome: Some("23.11.1".into()),
            rule: "The first request in the order of precedence counts.".into(),
            candidates: vec![
                Candidate::new(
                    "23.x",
                    Origin::line("package.json", 5),
                    "is the first in the order of precedence",
                )
                .of_source("engines.node of package.json"),
                Candidate::new(
                    "20\u{1b}[2J",
                    Origin::line("packages/.nvmrc", 1),
                    "is preceded by package.json:5",
                )
                .of_source(".nvmrc"),
                Candidate::new(
                    "24.x",
                    Origin::Default("default of 2026-11-21".into()),
                    "is preceded by package.json:5",
                )
                .of_source("the default"),
            ],
            winner: Some(0),
            notes: vec!["Node.js 23 is an odd major version.".into()],
        }
    }

    #[test]
    fn a_decision_shows_its_candidates_in_columns() {
        insta::assert_snapshot!(decision(&version(), Style::Plain).join("\n"), @r"
        node version: 23.11.1
          * 23.x         package.json:5 (engines.node)  is the first in the order of precedence
          - 20\u{1b}[2J  packages/.nvmrc:1              is preceded by package.json:5
          - 24.x         default of 2026-11-21          is preceded by package.json:5
          rule: The first request in the order of precedence counts.
          note: Node.js 23 is an odd major version.
        ");
    }

    #[test]
    fn the_winner_stands_out_in_colour() {
        let text = decision(&version(), Style::Colour).join("\n");
        insta::assert_snapshot!(text.replace('\u{1b}', "^"), @r"
        ^[1mnode version^[0m: 23.11.1
          ^[32m*^[0m 23.x         package.json:5 (engines.node)  is the first in the order of precedence
        ^[2m  - 20\u{1b}[2J  packages/.nvmrc:1              is preceded by package.json:5^[0m
        ^[2m  - 24.x         default of 2026-11-21          is preceded by package.json:5^[0m
        ^[2m  rule: The first request in the order of precedence counts.^[0m
          note: Node.js 23 is an odd major version.
        ");
    }

    #[test]
    fn nothing_and_long_values_have_their_place() {
        let undecided = Decision {
            subject: "language ruby".into(),
            rule: "The first evidence that counts makes a language of the app.".into(),
            candidates: vec![
                Candidate::new("Gemfile", Origin::file("Gemfile"), "says nothing"),
                Candidate::new("x".repeat(60), Origin::file("y"), "says nothing"),
            ],
            ..Decision::default()
        };
        insta::assert_snapshot!(decision(&undecided, Style::Plain).join("\n"), @r"
        language ruby: nothing
          - Gemfile  Gemfile  says nothing
          - xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  y        says nothing
          rule: The first evidence that counts makes a language of the app.
        ");
    }
}
