//! The detect phase (section 2.3 of the reference).

use super::composites::Member;
use super::documents::DOCUMENT_LIMIT;
use super::no_group::{NoGroup, Tried, Verdict};
use super::output::Tail;
use super::plan::DetectPlan;
use super::platform::Exchange;
use super::report::read_report;
use super::resolve::{Passed, resolve};
use super::{Buildpack, CnbError, Order, Phase, PlanEntry, PlanProblem, Platform};
use crate::sandbox::{Invocation, Outcome};
use crate::secrets::Secrets;
use slugbuilder_report::{PhaseReport, Warning};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most programs that run at the same time.
const PARALLEL: usize = 8;

/// A buildpack that takes part in the build.
#[derive(Debug, Clone)]
pub struct Participant {
    /// The buildpack.
    pub buildpack: Buildpack,
    /// What its `bin/detect` reported.
    pub report: PhaseReport,
    /// The end of the output of its `bin/detect`.
    pub output: Vec<String>,
}

/// What detect found out.
#[derive(Debug, Clone)]
pub struct Detection {
    /// The buildpacks of the group, in the order in which they build.
    pub group: Vec<Participant>,
    /// The build plan, an entry a name.
    pub plan: Vec<PlanEntry>,
    /// Optional buildpacks that passed but were dropped, as `id@version` with the reasons.
    pub dropped: Vec<(String, Vec<PlanProblem>)>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

impl Detection {
    /// Replaces secrets in everything that is for people.
    pub(crate) fn redact(&mut self, secrets: &Secrets) {
        for participant in &mut self.group {
            secrets.redact_data(&mut participant.report);
            secrets.redact_data(&mut participant.output);
        }
        for warning in &mut self.warnings {
            *warning = secrets.redact_warning(warning);
        }
    }
}

/// How one `bin/detect` ended.
struct Run {
    verdict: Verdict,
    plan: DetectPlan,
    output: Vec<String>,
    report: PhaseReport,
    problems: BTreeSet<PlanProblem>,
}

impl Run {
    fn not_run(verdict: Verdict) -> Self {
        Self {
            verdict,
            plan: DetectPlan(Vec::new()),
            output: Vec::new(),
            report: PhaseReport::default(),
            problems: BTreeSet::new(),
        }
    }
}

/// Runs by `id@version`, and the order in which they were made.
#[derive(Default)]
struct Runs {
    by_reference: BTreeMap<String, Run>,
    order: Vec<String>,
    groups: Vec<Vec<String>>,
    warnings: Vec<Warning>,
}

impl Platform<'_> {
    /// Finds the first group of `order` that can build the app.
    ///
    /// The programs of a group run at the same time, each at most once whatever groups it is in. Their output is not
    /// reported but kept: it is shown where no group will do.
    pub fn detect(&self, order: &Order, buildpacks: &[Buildpack]) -> Result<Detection, CnbError> {
        self.prepare()?;
        let mut runs = Runs::default();
        let stop = self.executor.stop();
        let found = order.first(buildpacks, &stop, &mut |members| {
            self.run_group(members, &mut runs)?;
            choose(members, &mut runs)
        })?;
        let Some((group, plan, dropped)) = found else {
            return Err(CnbError::NoGroup(Box::new(runs.into_no_group())));
        };
        Ok(Detection {
            group: group
                .into_iter()
                .map(|buildpack| {
                    let run = runs.by_reference.get(&buildpack.descriptor.reference());
                    Participant {
                        buildpack: buildpack.clone(),
                        report: run.map(|run| run.report.clone()).unwrap_or_default(),
                        output: run.map(|run| run.output.clone()).unwrap_or_default(),
                    }
                })
                .collect(),
            plan,
            dropped,
            warnings: runs.warnings,
        })
    }

    fn run_group(&self, members: &[Member<'_>], runs: &mut Runs) -> Result<(), CnbError> {
        let mark = |member: &Member<'_>| if member.optional { "?" } else { "" };
        runs.groups.push(
            members
                .iter()
                .map(|member| member.buildpack.descriptor.reference() + mark(member))
                .collect(),
        );
        let mut pending = Vec::new();
        for member in members {
            let reference = member.buildpack.descriptor.reference();
            if runs.by_reference.contains_key(&reference) {
                continue;
            }
            runs.order.push(reference.clone());
            // An optional buildpack for another target is run all the same, as in the reference implementation.
            if !member.optional && !member.buildpack.descriptor.supports(&self.target) {
                let verdict = Verdict::WrongTarget(self.target.to_string());
                runs.by_reference.insert(reference, Run::not_run(verdict));
                continue;
            }
            let exchange = self.exchange_dir("detect", runs.order.len(), member.buildpack)?;
            pending.push((member.buildpack, reference, exchange));
        }
        let ended = self.run_all(&pending)?;
        // Only now, when nothing runs any more, are the files safe to look at.
        for ((buildpack, reference, exchange), (outcome, output)) in pending.iter().zip(ended) {
            if matches!(outcome, Outcome::TimedOut | Outcome::Interrupted) {
                return Err(CnbError::Stopped {
                    phase: Phase::Detect,
                    buildpack: buildpack.descriptor.id.clone(),
                    outcome,
                });
            }
            let report = read_report(
                self.files(),
                &exchange.report,
                &buildpack.descriptor.id,
                &mut runs.warnings,
            );
            let (verdict, plan) = match outcome {
                Outcome::Exited(0) => match self.read_plan(exchange) {
                    Ok(plan) => (Verdict::Passed, plan),
                    Err(
                        error @ (CnbError::InvalidDocument { .. } | CnbError::UnusableFile { .. }),
                    ) => (Verdict::BadPlan(error.to_string()), DetectPlan(Vec::new())),
                    Err(error) => return Err(error),
                },
                Outcome::Exited(100) => (Verdict::Failed, DetectPlan(Vec::new())),
                other => (Verdict::Errored(other), DetectPlan(Vec::new())),
            };
            runs.by_reference.insert(
                reference.clone(),
                Run {
                    verdict,
                    plan,
                    output,
                    report,
                    problems: BTreeSet::new(),
                },
            );
        }
        Ok(())
    }

    fn read_plan(&self, exchange: &Exchange) -> Result<DetectPlan, CnbError> {
        // A buildpack may remove the file: that is an empty plan.
        let content = self
            .files()
            .read(&exchange.plan, DOCUMENT_LIMIT)?
            .unwrap_or_default();
        DetectPlan::parse(&exchange.plan, &content)
    }

    /// Runs the programs, some at a time; the results are in the same order.
    fn run_all(
        &self,
        pending: &[(&Buildpack, String, Exchange)],
    ) -> Result<Vec<(Outcome, Vec<String>)>, CnbError> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..pending.len().min(PARALLEL) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some((buildpack, _, exchange)) = pending.get(index) else {
                            return;
                        };
                        let result = self.run_detect(buildpack, exchange);
                        results
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .insert(index, result);
                    }
                });
            }
        });
        results
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .into_values()
            .collect()
    }

    fn run_detect(
        &self,
        buildpack: &Buildpack,
        exchange: &Exchange,
    ) -> Result<(Outcome, Vec<String>), CnbError> {
        let mut environment =
            self.environment(buildpack, self.executor.base_environment(), exchange);
        environment.insert("CNB_BUILD_PLAN_PATH".into(), exchange.plan.clone().into());
        let invocation = Invocation::new(buildpack.program("detect"), self.executor.app_dir())
            .argument(self.platform_dir())
            .argument(&exchange.plan)
            .environment(environment);
        let mut tail = Tail::default();
        let outcome = self
            .executor
            .run(&invocation, &mut |line| tail.push(line))?;
        Ok((outcome, tail.into_lines()))
    }
}

type Choice<'a> = (
    Vec<&'a Buildpack>,
    Vec<PlanEntry>,
    Vec<(String, Vec<PlanProblem>)>,
);

/// Whether a group will do, now that all of its programs have run.
fn choose<'a>(members: &[Member<'a>], runs: &mut Runs) -> Result<Option<Choice<'a>>, CnbError> {
    let mut passed = Vec::new();
    for member in members {
        let Some(run) = runs
            .by_reference
            .get(&member.buildpack.descriptor.reference())
        else {
            return Ok(None);
        };
        if run.verdict == Verdict::Passed {
            passed.push((member, &run.plan));
        } else if !member.optional {
            return Ok(None);
        }
    }
    let candidates: Vec<Passed<'_>> = passed
        .iter()
        .map(|(member, plan)| Passed {
            id: &member.buildpack.descriptor.id,
            optional: member.optional,
            plan,
        })
        .collect();
    let resolution = resolve(&candidates)?;
    let passed: Vec<&'a Buildpack> = passed
        .into_iter()
        .map(|(member, _)| member.buildpack)
        .collect();
    let mut problems = BTreeMap::<usize, Vec<PlanProblem>>::new();
    for (index, problem) in resolution.problems {
        problems.entry(index).or_default().push(problem);
    }
    let Some((fitting, plan)) = resolution.fit else {
        for (index, problems) in problems {
            let run = passed
                .get(index)
                .and_then(|buildpack| runs.by_reference.get_mut(&buildpack.descriptor.reference()));
            if let Some(run) = run {
                run.problems.extend(problems);
            }
        }
        return Ok(None);
    };
    let dropped = problems
        .into_iter()
        .filter(|(index, _)| !fitting.contains(index))
        .filter_map(|(index, problems)| Some((passed.get(index)?.descriptor.reference(), problems)))
        .collect();
    let group = fitting
        .into_iter()
        .filter_map(|index| passed.get(index).copied())
        .collect();
    Ok(Some((group, plan, dropped)))
}

impl Runs {
    fn into_no_group(mut self) -> NoGroup {
        let tried = self
            .order
            .iter()
            .filter_map(|reference| {
                let run = self.by_reference.remove(reference)?;
                Some(Tried {
                    buildpack: reference.clone(),
                    verdict: run.verdict,
                    problems: run.problems.into_iter().collect(),
                    output: run.output,
                    diagnosis: run.report.error,
                })
            })
            .collect();
        NoGroup {
            tried,
            groups: self.groups,
        }
    }
}
