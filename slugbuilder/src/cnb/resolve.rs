//! Which alternatives of the buildpacks' plans fit together.

use super::plan::{DetectPlan, PlanOption};
use super::{CnbError, PlanEntry, Require};
use std::collections::BTreeSet;

/// The most combinations of alternatives that are tried.
const TRIAL_LIMIT: usize = 10_000;

/// Why a buildpack of a group that passed cannot take part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanProblem {
    /// It requires something that neither it nor a buildpack before it provides.
    Unmet(String),
    /// It provides something that neither it nor a buildpack after it requires.
    Unused(String),
}

impl std::fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unmet(name) => write!(f, "requires `{name}`, which nothing before it provides"),
            Self::Unused(name) => write!(f, "provides `{name}`, which nothing requires"),
        }
    }
}

/// A buildpack that passed, with its alternatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) id: &'a str,
    pub(super) optional: bool,
    pub(super) plan: &'a DetectPlan,
}

/// How the alternatives of a group fit together.
#[derive(Debug)]
pub(super) struct Resolution {
    /// Indices of the buildpacks that take part, and the plan; nothing if no combination will do.
    pub(super) fit: Option<(Vec<usize>, Vec<PlanEntry>)>,
    /// What stood in the way, by index of the buildpack.
    pub(super) problems: BTreeSet<(usize, PlanProblem)>,
}

#[derive(Clone, Copy)]
struct Trial<'a> {
    index: usize,
    id: &'a str,
    optional: bool,
    option: &'a PlanOption,
}

/// Finds the first combination of alternatives in which every require is met and every provide used.
///
/// Rule 6 of section 2.3 of the reference: combinations are tried left to right, the last buildpack's alternatives
/// first. An optional buildpack that stands in the way is dropped, but counts as optional in its last alternative only.
pub(super) fn resolve(passed: &[Passed<'_>]) -> Result<Resolution, CnbError> {
    let mut resolution = Resolution {
        fit: None,
        problems: BTreeSet::new(),
    };
    // Index of the alternative of each buildpack: counted up like a number, the last buildpack being the last digit.
    let mut chosen = vec![0_usize; passed.len()];
    for _ in 0..TRIAL_LIMIT {
        let trial = passed
            .iter()
            .zip(&chosen)
            .enumerate()
            .filter_map(|(index, (buildpack, choice))| {
                Some(Trial {
                    index,
                    id: buildpack.id,
                    optional: buildpack.optional && choice + 1 == buildpack.plan.0.len(),
                    option: buildpack.plan.0.get(*choice)?,
                })
            })
            .collect();
        resolution.fit = run_trial(trial, &mut resolution.problems);
        if resolution.fit.is_some() {
            return Ok(resolution);
        }
        let Some(digit) = (0..passed.len()).rev().find(|digit| {
            chosen
                .get(*digit)
                .zip(passed.get(*digit))
                .is_some_and(|(choice, buildpack)| choice + 1 < buildpack.plan.0.len())
        }) else {
            return Ok(resolution);
        };
        for (position, choice) in chosen.iter_mut().enumerate().skip(digit) {
            *choice = if position == digit { *choice + 1 } else { 0 };
        }
    }
    Err(CnbError::TooMany {
        what: "combinations of build plans",
        limit: TRIAL_LIMIT,
    })
}

fn run_trial(
    mut trial: Vec<Trial<'_>>,
    problems: &mut BTreeSet<(usize, PlanProblem)>,
) -> Option<(Vec<usize>, Vec<PlanEntry>)> {
    loop {
        let (entries, found) = connect(&trial);
        if found.is_empty() {
            let members: Vec<usize> = trial.iter().map(|member| member.index).collect();
            return (!members.is_empty()).then_some((members, entries));
        }
        let dropped: BTreeSet<usize> = found.iter().map(|(index, _)| *index).collect();
        problems.extend(found);
        if trial
            .iter()
            .any(|member| dropped.contains(&member.index) && !member.optional)
        {
            return None;
        }
        trial.retain(|member| !dropped.contains(&member.index));
    }
}

#[derive(Default)]
struct Connection {
    name: String,
    providers: Vec<(usize, String)>,
    unused: Vec<(usize, String)>,
    early: Vec<usize>,
    requires: Vec<Require>,
}

/// Connects requires to the provides before them, and says which of either are left over.
fn connect(trial: &[Trial<'_>]) -> (Vec<PlanEntry>, Vec<(usize, PlanProblem)>) {
    // In order of first mention; the reference implementation's order is random.
    let mut connections: Vec<Connection> = Vec::new();
    let mut position = std::collections::HashMap::<String, usize>::new();
    let mut with = |name: &str, change: &mut dyn FnMut(&mut Connection)| {
        let index = *position.entry(name.to_owned()).or_insert_with(|| {
            connections.push(Connection {
                name: name.to_owned(),
                ..Connection::default()
            });
            connections.len() - 1
        });
        if let Some(connection) = connections.get_mut(index) {
            change(connection);
        }
    };
    for member in trial {
        for name in &member.option.provides {
            with(name, &mut |connection| {
                connection.unused.push((member.index, member.id.to_owned()));
            });
        }
        for require in &member.option.requires {
            with(&require.name, &mut |connection| {
                connection.providers.append(&mut connection.unused);
                if connection.providers.is_empty() {
                    connection.early.push(member.index);
                } else {
                    connection.requires.push(require.clone());
                }
            });
        }
    }
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    for connection in connections {
        let Connection {
            name,
            providers,
            unused,
            early,
            requires,
        } = connection;
        problems.extend(
            early
                .into_iter()
                .map(|index| (index, PlanProblem::Unmet(name.clone()))),
        );
        problems.extend(
            unused
                .into_iter()
                .map(|(index, _)| (index, PlanProblem::Unused(name.clone()))),
        );
        let mut providers: Vec<String> = providers.into_iter().map(|(_, id)| id).collect();
        providers.dedup();
        entries.push(PlanEntry {
            name,
            providers,
            requires,
        });
    }
    (entries, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn plan(text: &str) -> DetectPlan {
        DetectPlan::parse(Path::new("plan.toml"), text.as_bytes()).unwrap()
    }

    const PROVIDES: &str = "[[provides]]\nname='x'\n";
    const REQUIRES: &str = "[[requires]]\nname='x'\n";

    /// `?` after an id means optional.
    fn resolved(group: &[(&str, &str)]) -> Resolution {
        let plans: Vec<DetectPlan> = group.iter().map(|(_, text)| plan(text)).collect();
        let passed: Vec<Passed<'_>> = group
            .iter()
            .zip(&plans)
            .map(|((id, _), plan)| Passed {
                id: id.trim_end_matches('?'),
                optional: id.ends_with('?'),
                plan,
            })
            .collect();
        resolve(&passed).unwrap()
    }

    fn members(group: &[(&str, &str)]) -> Option<Vec<usize>> {
        resolved(group).fit.map(|(members, _)| members)
    }

    #[test]
    fn a_require_needs_a_provide_before_it() {
        assert_eq!(
            members(&[("a", PROVIDES), ("b", REQUIRES)]),
            Some(vec![0, 1])
        );
        assert_eq!(members(&[("b", REQUIRES), ("a", PROVIDES)]), None);
        assert_eq!(
            members(&[("a", &format!("{REQUIRES}{PROVIDES}"))]),
            Some(vec![0])
        );
    }

    #[test]
    fn unmet_and_unused_are_told_by_buildpack() {
        let problems = resolved(&[("b", REQUIRES), ("a", PROVIDES)]).problems;
        assert_eq!(
            problems.into_iter().collect::<Vec<_>>(),
            [
                (0, PlanProblem::Unmet("x".into())),
                (1, PlanProblem::Unused("x".into()))
            ]
        );
    }

    #[test]
    fn optional_buildpacks_in_the_way_are_dropped_until_stable() {
        // Dropping c leaves the provide of b unused, so that b goes too.
        let b = "[[provides]]\nname='y'\n";
        let c = "[[requires]]\nname='y'\n[[requires]]\nname='nowhere'\n";
        assert_eq!(members(&[("a", ""), ("b?", b), ("c?", c)]), Some(vec![0]));
        assert_eq!(members(&[("a", ""), ("b", b), ("c?", c)]), None);
    }

    #[test]
    fn nothing_left_is_no_fit() {
        assert_eq!(members(&[("a?", PROVIDES)]), None);
    }

    #[test]
    fn alternatives_are_tried_left_to_right_and_depth_first() {
        let a = "[[provides]]\nname='x'\n[[or]]\n[[or.provides]]\nname='y'\n[[or]]\n";
        let b = "[[requires]]\nname='z'\n[[or]]\n[[or.requires]]\nname='y'\n";
        let (members, entries) = resolved(&[("a", a), ("b", b)]).fit.unwrap();
        assert_eq!(members, [0, 1]);
        assert_eq!(entries.len(), 1);
        assert_eq!(
            (entries[0].name.as_str(), &entries[0].providers[..]),
            ("y", &["a".to_owned()][..])
        );
    }

    #[test]
    fn an_optional_buildpack_is_optional_in_its_last_alternative_only() {
        // Were `o` droppable in its first alternative, it would be dropped at once. So its second one is reached.
        let o = "[[requires]]\nname='nowhere'\n[[or]]\n[[or.requires]]\nname='x'\n";
        assert_eq!(
            members(&[("a", PROVIDES), ("o?", o), ("b", REQUIRES)]),
            Some(vec![0, 1, 2])
        );
        let (_, entries) = resolved(&[("a", PROVIDES), ("o?", o), ("b", REQUIRES)])
            .fit
            .unwrap();
        assert_eq!(entries[0].requires.len(), 2);
    }

    #[test]
    fn a_require_takes_every_provide_before_it() {
        let (_, entries) = resolved(&[("a", PROVIDES), ("b", PROVIDES), ("c", REQUIRES)])
            .fit
            .unwrap();
        assert_eq!(entries[0].providers, ["a", "b"]);
        // A provide after the last require is unused.
        assert_eq!(
            members(&[("a", PROVIDES), ("c", REQUIRES), ("b", PROVIDES)]),
            None
        );
    }

    #[test]
    fn endless_combinations_are_refused() {
        let many = "[[requires]]\nname='x'\n[[or]]\n[[or.requires]]\nname='x'\n";
        let plan = plan(many);
        let passed: Vec<Passed<'_>> = (0..30)
            .map(|_| Passed {
                id: "a",
                optional: false,
                plan: &plan,
            })
            .collect();
        assert!(matches!(resolve(&passed), Err(CnbError::TooMany { .. })));
    }
}
