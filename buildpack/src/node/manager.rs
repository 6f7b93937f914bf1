//! Which package manager an app gets, and which version of it.
//!
//! Every place that can ask for one is read in the order of [`SOURCES`]. The first one that speaks decides which manager
//! it is; of the places that ask for that manager, the first one with a version decides that.

mod field;
mod requests;
mod resolve;

pub use requests::{Reader, Request, SOURCES};

use super::error::NodeError;
use super::lockfile::{Format, Found};
use super::yaml::Yaml;
use super::{Manager, PackageJson, PlannedManager};
use crate::app::App;
use crate::version::{Resolved, Version};
use requests::{Kind, Wanted};
use slugbuilder_report::{Candidate, Decision, Warning};

/// What the decision is made from.
pub struct Inputs<'a> {
    /// The whole source.
    pub(super) source: &'a App,
    /// The folder that the manager runs in.
    pub(super) root: &'a str,
    /// The package of the app and, where it is another one, that of `root`: the first one that speaks counts.
    pub(super) packages: &'a [&'a PackageJson],
    /// `.yarnrc.yml` of `root`.
    pub(super) yarn: Option<&'a Yaml>,
    /// The lockfile in `root`.
    pub(super) lockfile: Option<&'a Found>,
    /// The Node.js that the manager has to run on.
    pub(super) node: &'a Resolved,
    /// The versions that a lock pins, by the programs' names.
    pub(super) locked: &'a [(String, Version)],
}

/// Decides, and says why: one decision for the manager, one for its version, perhaps a warning.
pub(super) fn decide(
    inputs: &Inputs<'_>,
) -> Result<(PlannedManager, Vec<Decision>, Option<Warning>), NodeError> {
    let requests = requests::all(inputs)?;
    let winner = winner(&requests, inputs.lockfile);
    let program = requests[winner].program;
    refuse_other_lockfile(&requests[winner], inputs.lockfile)?;

    let which = Decision {
        subject: "package manager".into(),
        rule: "The first request in the order of precedence says which one.".into(),
        candidates: requests
            .iter()
            .enumerate()
            .map(|(index, request)| {
                let verdict = if index == winner {
                    "is the first in the order of precedence".to_owned()
                } else if index < winner {
                    "is an alternative that is passed over".to_owned()
                } else if request.program == program {
                    "agrees".to_owned()
                } else {
                    format!("is preceded by {}", requests[winner].origin)
                };
                Candidate::new(request.shown(), request.origin.clone(), verdict)
                    .of_source(request.source.as_str())
            })
            .collect(),
        winner: Some(winner),
        ..Decision::default()
    };
    let asking: Vec<&Request> = requests
        .iter()
        .filter(|request| request.program == program && request.wanted.is_some())
        .collect();
    let manager = generation(program, &asking, inputs)?;
    let planned = resolve::version(manager, asking.first().copied(), &requests[winner], inputs)?;
    let mut candidates: Vec<Candidate> = asking
        .iter()
        .enumerate()
        .map(|(index, request)| {
            let verdict = match index {
                0 => format!("gives {}", planned.version),
                _ => format!("is preceded by {}", asking[0].origin),
            };
            Candidate::new(request.text.as_str(), request.origin.clone(), verdict)
                .of_source(request.source.as_str())
        })
        .collect();
    let verdict = match asking.first() {
        None => format!("gives {}", planned.version),
        Some(first) => format!("is preceded by {}", first.origin),
    };
    let (text, origin) = resolve::default_of(manager, inputs)?;
    candidates.push(Candidate::new(text, origin, verdict));
    let version = Decision {
        subject: format!("{} version", manager.program()),
        rule: "The first request for this manager in the order of precedence counts; of a range, the newest version that runs on the app's Node.js.".into(),
        outcome: Some(planned.version.to_string()),
        candidates,
        winner: Some(0),
        ..Decision::default()
    };
    let warning = several_managers(&requests, winner);
    Ok((planned, vec![which, version], warning))
}

/// Fields of one object that ask for several managers, of which only this program's order chooses.
fn several_managers(requests: &[Request], winner: usize) -> Option<Warning> {
    let winner = &requests[winner];
    if !matches!(winner.kind, Kind::Volta | Kind::Engines) {
        return None;
    }
    let others: Vec<String> = requests
        .iter()
        // What nobody can install, as in `"npm": "please-use-yarn"`, asks for nothing.
        .filter(|request| {
            request.kind == winner.kind
                && request.program != winner.program
                && !matches!(request.wanted, Some(Wanted::Unreadable))
        })
        .map(|request| format!("`{}` ({})", request.field(), request.origin))
        .collect();
    if others.is_empty() {
        return None;
    }
    let program = winner.program;
    Some(
        Warning::new(
            "several-managers",
            format!(
                "the package manager is {program} by `{}` ({}); another one is asked for by {}",
                winner.field(),
                winner.origin,
                others.join(" and ")
            ),
        )
        .hint(format!(
            "Commit the lockfile of the one that is meant, or write `packageManager` such as `\"{program}@VERSION\"` into package.json."
        )),
    )
}

/// The request that says which manager it is: the first one, but of several alternatives in `devEngines` the one whose
/// lockfile is there, and of `volta` and `engines`, which may name several managers, one that can be read.
fn winner(requests: &[Request], lockfile: Option<&Found>) -> usize {
    let first = &requests[0];
    let alternatives = || {
        requests
            .iter()
            .enumerate()
            .filter(|(_, request)| request.kind == first.kind)
    };
    match first.kind {
        Kind::DevEngines => alternatives()
            .find(|(_, request)| lockfile.is_some_and(|found| found.program() == request.program))
            .map_or(0, |(index, _)| index),
        Kind::Volta | Kind::Engines => alternatives()
            .find(|(_, request)| !matches!(request.wanted, Some(Wanted::Unreadable)))
            .map_or(0, |(index, _)| index),
        _ => 0,
    }
}

/// A manager that is asked for by name has to be the lockfile's.
fn refuse_other_lockfile(winner: &Request, lockfile: Option<&Found>) -> Result<(), NodeError> {
    match lockfile {
        Some(found) if found.program() != winner.program => Err(NodeError::OtherLockfile {
            origin: winner.origin.clone(),
            asked: winner.program.into(),
            lockfile: found.origin.clone(),
            of: found.program(),
        }),
        _ => Ok(()),
    }
}

/// The command that writes a lockfile, by the manager's program or title.
pub(super) fn install_command(manager: &str) -> &'static str {
    match manager.split(' ').next().unwrap_or_default() {
        "yarn" | "Yarn" => "yarn install",
        "pnpm" => "pnpm install",
        _ => "npm install",
    }
}

/// Which of the two Yarns it is: that of an exact version, else the lockfile's, else the one that has a version in the
/// range, Yarn classic first.
fn generation(
    program: &str,
    asking: &[&Request],
    inputs: &Inputs<'_>,
) -> Result<Manager, NodeError> {
    match program {
        "npm" => return Ok(Manager::Npm),
        "pnpm" => return Ok(Manager::Pnpm),
        _ => {}
    }
    let of_major = |major: u64| {
        if major < 2 {
            Manager::YarnClassic
        } else {
            Manager::YarnBerry
        }
    };
    let of_lockfile = inputs.lockfile.and_then(Found::manager);
    let first = asking.first();
    match first.and_then(|request| request.wanted.as_ref()) {
        Some(Wanted::Exact(version)) => {
            let asked = of_major(version.major);
            if let (Some(request), Some(found), Some(of)) = (first, inputs.lockfile, of_lockfile)
                && of != asked
            {
                return Err(NodeError::OtherLockfile {
                    origin: request.origin.clone(),
                    asked: format!("{asked} {version}").into(),
                    lockfile: found.origin.clone(),
                    of: of.title(),
                });
            }
            Ok(asked)
        }
        Some(Wanted::Vendored { .. }) => Ok(of_lockfile.unwrap_or(Manager::YarnBerry)),
        Some(Wanted::Range(range)) => match of_lockfile {
            Some(of) => Ok(of),
            None => resolve::yarn_of(range),
        },
        Some(Wanted::Unreadable) | None => Ok(match inputs.lockfile.map(|found| &found.format) {
            Some(Format::YarnBerry { .. }) => Manager::YarnBerry,
            _ => Manager::YarnClassic,
        }),
    }
}
