//! Why no group of buildpacks will do, buildpack by buildpack.

use super::PlanProblem;
use crate::sandbox::Outcome;
use slugbuilder_report::Diagnosis;
use std::fmt::Write as _;

/// The most lines of a program's output that the explanation shows.
const SHOWN_LINES: usize = 20;

/// The most groups that the explanation shows.
const SHOWN_GROUPS: usize = 10;

/// What a buildpack said to the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// `bin/detect` exited with 0.
    Passed,
    /// It exited with 100: the app is not for this buildpack.
    Failed,
    /// It ended in any other way.
    Errored(Outcome),
    /// It passed, but what it wrote is not a build plan.
    BadPlan(String),
    /// It was not run, for it cannot build for the target.
    WrongTarget(String),
}

impl Verdict {
    /// Whether something is wrong with the buildpack rather than with the app.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(
            self,
            Self::Errored(_) | Self::BadPlan(_) | Self::WrongTarget(_)
        )
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed => f.write_str("passed (exit status 0)"),
            Self::Failed => f.write_str("says that the app is not for it (exit status 100)"),
            Self::Errored(outcome) => write!(f, "failed: its detect {outcome}"),
            Self::BadPlan(reason) => {
                write!(f, "passed, but wrote an invalid build plan: {reason}")
            }
            Self::WrongTarget(target) => write!(f, "was not run: it cannot build for {target}"),
        }
    }
}

/// One buildpack that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// `id@version`.
    pub buildpack: String,
    /// What it said.
    pub verdict: Verdict,
    /// What keeps it out of its groups although it passed.
    pub problems: Vec<PlanProblem>,
    /// The end of its output.
    pub output: Vec<String>,
    /// What it says in its report.
    pub diagnosis: Option<Diagnosis>,
}

/// What was tried, in the order in which it was first tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoGroup {
    /// Every buildpack once.
    pub tried: Vec<Tried>,
    /// The groups that were tried, by their buildpacks as `id@version`; `?` behind one means optional.
    pub groups: Vec<Vec<String>>,
}

impl NoGroup {
    /// The words of the one buildpack that has something to say; nothing if several do and any choice would hide the
    /// others. Buildpacks with an error go before those that merely pass the app by.
    #[must_use]
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        let of = |errors: bool| {
            let mut found = self
                .tried
                .iter()
                .filter(|tried| tried.verdict.is_error() == errors)
                .filter_map(|tried| tried.diagnosis.as_ref());
            (found.next(), found.next())
        };
        match of(true) {
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) => None,
            (None, _) => match of(false) {
                (Some(only), None) if !self.tried.iter().any(|tried| tried.verdict.is_error()) => {
                    Some(only)
                }
                _ => None,
            },
        }
    }

    pub(super) fn explanation(&self) -> String {
        if self.tried.is_empty() {
            return "The order holds no buildpack.".into();
        }
        let mut text = String::new();
        if self.groups.len() > 1 {
            text.push_str("The groups that were tried (`?` is optional):\n");
            for (index, group) in self.groups.iter().take(SHOWN_GROUPS).enumerate() {
                let _ = writeln!(text, "{}. {}", index + 1, group.join(", "));
            }
            if self.groups.len() > SHOWN_GROUPS {
                let _ = writeln!(text, "and {} more", self.groups.len() - SHOWN_GROUPS);
            }
        }
        text.push_str("What each buildpack said:");
        for tried in &self.tried {
            let _ = write!(text, "\n{} {}", tried.buildpack, tried.verdict);
            for (index, problem) in tried.problems.iter().enumerate() {
                let _ = write!(
                    text,
                    "{} {problem}",
                    if index == 0 { ", but" } else { " and" }
                );
            }
            if let Some(diagnosis) = &tried.diagnosis {
                let _ = write!(text, "\n    {}", diagnosis.headline);
            } else {
                for line in tried
                    .output
                    .iter()
                    .skip(tried.output.len().saturating_sub(SHOWN_LINES))
                {
                    let _ = write!(text, "\n    {line}");
                }
            }
        }
        text
    }

    pub(super) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        let problems = || self.tried.iter().flat_map(|tried| &tried.problems);
        if problems().any(|problem| matches!(problem, PlanProblem::Unmet(_))) {
            hints.push(
                "A buildpack that requires something takes part only behind one that provides it: put that one before it."
                    .into(),
            );
        }
        if problems().any(|problem| matches!(problem, PlanProblem::Unused(_))) {
            // Many buildpacks pass for every app, and leave it to the plan whether they take part (pitfall 23 of section
            // 2.11 of the reference).
            hints.push(
                "A buildpack that provides something takes part only if one in its group requires it, so that it cannot build alone: add that one, or give the composite buildpack that its authors made of both."
                    .into(),
            );
        }
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::super::CnbError;
    use super::*;
    use slugbuilder_report::{Fault, Style};

    fn tried(buildpack: &str, verdict: Verdict) -> Tried {
        Tried {
            buildpack: buildpack.into(),
            verdict,
            problems: Vec::new(),
            output: Vec::new(),
            diagnosis: None,
        }
    }

    fn diagnosis(headline: &str) -> Diagnosis {
        Diagnosis {
            code: "no-language".into(),
            headline: headline.into(),
            causes: Vec::new(),
            explanation: None,
            hints: Vec::new(),
            fault: Fault::App,
            retryable: false,
        }
    }

    #[test]
    fn every_buildpack_is_explained() {
        let error = CnbError::NoGroup(Box::new(NoGroup {
            tried: vec![
                Tried {
                    output: vec!["no package.json".into()],
                    ..tried("a@1", Verdict::Failed)
                },
                Tried {
                    problems: vec![
                        PlanProblem::Unmet("node".into()),
                        PlanProblem::Unused("x".into()),
                    ],
                    ..tried("b@1", Verdict::Passed)
                },
                tried("c@1", Verdict::Errored(Outcome::Exited(1))),
                tried(
                    "d@1",
                    Verdict::WrongTarget("linux/amd64 ubuntu 24.04".into()),
                ),
            ],
            groups: vec![
                vec!["a@1".into(), "b@1?".into()],
                vec!["c@1".into(), "d@1".into()],
            ],
        }));
        insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
        error[no-buildpack-group]: no buildpack can build this app

          The groups that were tried (`?` is optional):
          1. a@1, b@1?
          2. c@1, d@1
          What each buildpack said:
          a@1 says that the app is not for it (exit status 100)
              no package.json
          b@1 passed (exit status 0), but requires `node`, which nothing before it provides and provides `x`, which nothing requires
          c@1 failed: its detect exited with status 1
          d@1 was not run: it cannot build for linux/amd64 ubuntu 24.04

          hint: A buildpack that requires something takes part only behind one that provides it: put that one before it.
          hint: A buildpack that provides something takes part only if one in its group requires it, so that it cannot build alone: add that one, or give the composite buildpack that its authors made of both.
        ");
    }

    #[test]
    fn a_single_buildpacks_own_words_win() {
        let no_group = |errors: [Option<Diagnosis>; 2]| NoGroup {
            tried: errors
                .into_iter()
                .map(|diagnosis| Tried {
                    diagnosis,
                    ..tried("a@1", Verdict::Failed)
                })
                .collect(),
            groups: Vec::new(),
        };
        let headline = |no_group: &NoGroup| {
            no_group
                .diagnosis()
                .map(|diagnosis| diagnosis.headline.clone())
        };
        assert_eq!(
            headline(&no_group([Some(diagnosis("one")), None])).as_deref(),
            Some("one")
        );
        assert_eq!(
            headline(&no_group([Some(diagnosis("one")), Some(diagnosis("two"))])),
            None
        );
        let mut mixed = no_group([Some(diagnosis("one")), Some(diagnosis("two"))]);
        mixed.tried[1].verdict = Verdict::Errored(Outcome::Exited(1));
        assert_eq!(headline(&mixed).as_deref(), Some("two"));
    }
}
