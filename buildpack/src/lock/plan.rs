//! The lock among the decisions of a plan.

use super::{Drift, Lock, LockError};
use crate::detect::AppPlan;
use crate::node::ManagerSource;
use crate::runtime::Runtime;
use slugbuilder_report::lock::{LOCK_FILE, Located};
use slugbuilder_report::{Candidate, Decision, Origin, Pin, PinKind};

impl Lock {
    /// Compares `plan`, which was made with catalogues that this lock has told ([`Lock::tell`]), with what is pinned, and
    /// shows pins among its decisions. Drift is a warning of the plan, or an error where the lock is strict.
    pub(crate) fn apply(&self, plan: &mut AppPlan) -> Result<(), LockError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut drifts = Vec::new();
        for index in 0..plan.languages.len() {
            let language = &plan.languages[index];
            let runtime = language.runtime;
            match self.pin(PinKind::Runtime, runtime.name()) {
                None => drifts.push(Drift::Missing {
                    name: runtime.title().to_owned(),
                    origin: language.resolved.requested.origin.to_string(),
                }),
                Some(pin) if pin.value.version == language.resolved.version.to_string() => {
                    let requested = &language.resolved.requested;
                    let decision = show(pin, &requested.text, &requested.origin);
                    put(&mut plan.decisions, runtime.name(), decision);
                }
                Some(pin) => drifts.push(Drift::Version {
                    place: pin.place(),
                    what: format!("{} {}", runtime.title(), pin.value.version),
                    requested: language.resolved.requested.text.clone(),
                    origin: language.resolved.requested.origin.to_string(),
                }),
            }
        }
        drifts.extend(self.apply_to_manager(plan));
        for pin in &file.pins {
            let unused = Runtime::ALL.into_iter().find(|runtime| {
                pin.value.kind == PinKind::Runtime
                    && pin.value.name == runtime.name()
                    && plan.language(*runtime).is_none()
            });
            if let Some(runtime) = unused {
                drifts.push(Drift::Unused {
                    place: pin.place(),
                    what: format!("{} {}", runtime.title(), pin.value.version),
                });
            }
        }
        if self.is_strict
            && let Some(drift) = drifts.first()
        {
            return Err(LockError::Drift(drift.clone()));
        }
        plan.warnings.extend(drifts.iter().map(Drift::warning));
        Ok(())
    }
}

impl Lock {
    /// The same for the package manager, where that is a package of its own.
    fn apply_to_manager(&self, plan: &mut AppPlan) -> Option<Drift> {
        let app = plan.node.as_ref().filter(|app| app.needs_manager())?;
        let manager = &app.manager;
        if !matches!(manager.source, ManagerSource::Package(_)) {
            return None;
        }
        let program = manager.manager.program();
        match self.pin(PinKind::PackageManager, program) {
            None => Some(Drift::Missing {
                name: manager.manager.title().to_owned(),
                origin: manager.origin.to_string(),
            }),
            Some(pin) if pin.value.version == manager.version.to_string() => {
                let winner = show(pin, &manager.requested, &manager.origin);
                put(&mut plan.decisions, program, winner);
                None
            }
            Some(pin) => Some(Drift::Version {
                place: pin.place(),
                what: format!("{} {}", manager.manager.title(), pin.value.version),
                requested: manager.requested.clone(),
                origin: manager.origin.to_string(),
            }),
        }
    }
}

/// The pin as a candidate that wins.
fn show(pin: &Located<Pin>, requested: &str, by: &Origin) -> Candidate {
    Candidate::new(
        pin.value.version.clone(),
        Origin::line(LOCK_FILE, pin.line),
        format!("is locked, and fits {requested} ({by})"),
    )
}

/// Puts the winner before what was decided of the version without it.
fn put(decisions: &mut Vec<Decision>, name: &str, winner: Candidate) {
    let subject = format!("{name} version");
    let rule = "A lock that fits the request counts. ";
    match decisions
        .iter_mut()
        .find(|decision| decision.subject == subject)
    {
        Some(decision) => {
            decision.rule.insert_str(0, rule);
            decision.candidates.insert(0, winner);
            decision.winner = Some(0);
        }
        None => decisions.push(Decision {
            subject,
            rule: rule.trim_end().to_owned(),
            candidates: vec![winner],
            winner: Some(0),
            ..Decision::default()
        }),
    }
}
