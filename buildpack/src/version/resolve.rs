//! From a request to an exact version.

use super::{Constraint, Requested, Version, VersionError};
use crate::catalogue::Catalogue;
use crate::date::Day;
use crate::runtime::Runtime;
use slugbuilder_report::Warning;

/// An exact version, with the request that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The request.
    pub requested: Requested,
    /// The version.
    pub version: Version,
    /// Whether the catalogue knows it. Ruby's does not know every version.
    pub in_catalogue: bool,
}

/// The newest version that the request accepts, with a warning where its line has reached its end of life on `today`.
///
/// An exact Ruby version that the catalogue does not know is passed on: Heroku publishes no list, so that only the
/// download can tell.
pub fn resolve(
    requested: &Requested,
    catalogue: &Catalogue,
    today: &Day,
) -> Result<(Resolved, Option<Warning>), VersionError> {
    let accepted = |version: &&Version| requested.constraint.accepts(**version);
    // A later default is no reason to leave what is locked.
    let locked = catalogue
        .locked
        .filter(|version| requested.is_default() || accepted(&version));
    let newest = catalogue.versions.keys().rev().find(accepted);
    let (version, in_catalogue) = match (newest, &requested.constraint) {
        _ if let Some(locked) = locked => (locked, catalogue.versions.contains_key(&locked)),
        (Some(version), _) => (*version, true),
        (None, Constraint::Exact(version)) if requested.runtime == Runtime::Ruby => {
            (*version, false)
        }
        (None, _) => {
            return Err(VersionError::Unknown {
                runtime: requested.runtime,
                text: requested.text.clone(),
                origin: requested.origin.clone(),
                nearest: nearest(requested, catalogue),
                snapshot: catalogue.snapshot.clone(),
            });
        }
    };
    let warning = catalogue
        .end_of_life(version)
        .filter(|day| *day <= *today)
        .map(|day| end_of_life(requested, version, &day, catalogue));
    Ok((
        Resolved {
            requested: requested.clone(),
            version,
            in_catalogue,
        },
        warning,
    ))
}

fn end_of_life(
    requested: &Requested,
    version: Version,
    day: &Day,
    catalogue: &Catalogue,
) -> Warning {
    let runtime = requested.runtime;
    Warning::new(
        "end-of-life",
        format!(
            "{runtime} {version} ({}) gets no security fixes since {day}",
            requested.origin
        ),
    )
    .hint(format!("Ask for {runtime} {}.", catalogue.default))
}

/// Up to three versions that could have been meant: the newest of the same line, of the same major version, of all.
fn nearest(requested: &Requested, catalogue: &Catalogue) -> Vec<Version> {
    let wanted = first_numbers(&requested.text);
    let newest_with = |length: usize| {
        catalogue.versions.keys().rev().copied().find(|version| {
            wanted.len() >= length && [version.major, version.minor][..length] == wanted[..length]
        })
    };
    let mut nearest: Vec<Version> = [newest_with(2), newest_with(1), newest_with(0)]
        .into_iter()
        .flatten()
        .collect();
    nearest.dedup();
    nearest
}

/// The first run of numbers in a request of any syntax, for a guess at what was meant.
fn first_numbers(text: &str) -> Vec<u64> {
    let start = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let rest = &text[start..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    rest[..end]
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}
