//! A version from request to decision, with everything that is worth saying of it.

use super::{Requested, Resolved, Version, VersionError, decide, resolve};
use crate::app::App;
use crate::catalogue::Catalogue;
use crate::date::Day;
use crate::runtime::Runtime;
use slugbuilder_report::{Decision, Warning};

/// How many days before the end of a line's life a warning begins.
const DAYS_BEFORE_END: u64 = 30;

/// A version that is decided.
#[derive(Debug)]
pub struct Settled {
    /// The version with its request.
    pub resolved: Resolved,
    /// How it came about.
    pub decision: Decision,
    /// What could be trouble.
    pub warnings: Vec<Warning>,
}

/// Decides which version of `runtime` the app gets on the day `today`.
pub fn settle(
    app: &App,
    runtime: Runtime,
    catalogue: &Catalogue,
    today: &Day,
) -> Result<Settled, VersionError> {
    let requests = decide(app, runtime, catalogue)?;
    let resolved = resolve(&requests.winner, catalogue)?;
    let mut decision = requests.decision;
    // What apt has stands in for Ruby's default where Heroku cannot be reached: only the build can tell.
    if !(runtime == Runtime::Ruby && resolved.requested.is_default()) {
        decision.outcome = Some(resolved.version.to_string());
    }
    if runtime == Runtime::Node {
        decision
            .notes
            .extend(support_note(resolved.version, catalogue, today));
    }
    let warnings = [
        disagreement(&resolved, &requests.losers),
        wide_range(&resolved, catalogue),
        end_of_life(&resolved, catalogue, today),
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(Settled {
        resolved,
        decision,
        warnings,
    })
}

/// Files that ask for something else than what another file decided.
fn disagreement(resolved: &Resolved, losers: &[Requested]) -> Option<Warning> {
    let others: Vec<String> = losers
        .iter()
        .filter(|loser| !loser.is_default() && !loser.constraint.is_fine_with(resolved.version))
        .map(|loser| format!("{} asks for `{}`", loser.origin, loser.text))
        .collect();
    if others.is_empty() {
        return None;
    }
    let Requested {
        runtime,
        text,
        origin,
        ..
    } = &resolved.requested;
    let message = format!(
        "{runtime} {} is chosen by `{text}` ({origin}), but {}",
        resolved.version,
        others.join(", and ")
    );
    let hint = format!("{origin} counts. Let the files agree, or keep one of them.");
    Some(Warning::new("version-sources-disagree", message).hint(hint))
}

/// A request that a later slugbuilder would read as another major version.
fn wide_range(resolved: &Resolved, catalogue: &Catalogue) -> Option<Warning> {
    if !resolved.is_open() {
        return None;
    }
    let Requested {
        runtime,
        text,
        origin,
        ..
    } = &resolved.requested;
    let version = resolved.version;
    let why = if catalogue.is_default(version) {
        format!("{version} is taken, of the default line")
    } else {
        format!("{version} is taken")
    };
    Some(
        Warning::new(
            "wide-range",
            format!("{origin}: `{text}` accepts every future {runtime}; {why}"),
        )
        .hint(format!(
            "Write `{}.x`, so that a new major version comes when you say so.",
            version.major
        )),
    )
}

fn end_of_life(resolved: &Resolved, catalogue: &Catalogue, today: &Day) -> Option<Warning> {
    let day = catalogue.end_of_life(resolved.version)?;
    let runtime = resolved.requested.runtime;
    let subject = format!(
        "{runtime} {} ({})",
        resolved.version, resolved.requested.origin
    );
    let message = if day <= *today {
        format!("{subject} gets no security fixes since {day}")
    } else if today.days_until(&day)? <= DAYS_BEFORE_END {
        format!("{subject} will get no security fixes from {day} on")
    } else {
        return None;
    };
    Some(
        Warning::new("end-of-life", message)
            .hint(format!("Ask for {runtime} {}.", catalogue.default)),
    )
}

/// What is to know of a version of Node.js without long-term support (nodejs.org/en/about/previous-releases): odd major
/// versions never get it.
fn support_note(version: Version, catalogue: &Catalogue, today: &Day) -> Option<String> {
    let line = catalogue.line_of(version)?;
    match &line.long_term_support {
        Some(day) if Day::new(day) <= *today => None,
        Some(day) => Some(format!(
            "Node.js {} gets long-term support from {day} on.",
            version.major
        )),
        None if version.major % 2 == 1 => Some(format!(
            "Node.js {} is an odd major version, which gets no long-term support; {} has it.",
            version.major, catalogue.default
        )),
        None => Some(format!(
            "Node.js {} has no long-term support yet; {} has it.",
            version.major, catalogue.default
        )),
    }
}
