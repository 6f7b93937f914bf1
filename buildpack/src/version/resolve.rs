//! From a request to an exact version.

use super::{Constraint, Requested, Version, VersionError};
use crate::catalogue::Catalogue;
use crate::runtime::Runtime;

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

impl Resolved {
    /// Whether the request accepts every later version too, so that only the catalogue's date decides.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.requested.constraint {
            Constraint::Range(range) => range.is_open(),
            Constraint::Newest => !self.requested.is_default(),
            _ => false,
        }
    }
}

/// The newest version that the request accepts.
///
/// A range without an upper bound (`>=18`, `*`) says what an app needs at least and not that it wants to be the first on
/// a new major version. As Heroku's classic buildpack does, the default line is taken where it is in the range; else the
/// newest line with long-term support that is, else the newest version. `node` and its like in version files do ask for
/// the newest one.
///
/// What a lock pins comes before all of that, where the request accepts it or nobody asks.
///
/// An exact Ruby version that the catalogue does not know is passed on: Heroku publishes no list, so that only the
/// download can tell.
pub fn resolve(requested: &Requested, catalogue: &Catalogue) -> Result<Resolved, VersionError> {
    let resolved = |version, in_catalogue| {
        Ok(Resolved {
            requested: requested.clone(),
            version,
            in_catalogue,
        })
    };
    // A later default is no reason to leave what is locked.
    let locked = catalogue
        .locked
        .filter(|locked| requested.is_default() || requested.constraint.accepts(*locked));
    if let Some(locked) = locked {
        return resolved(locked, catalogue.versions.contains_key(&locked));
    }
    let accepted = || {
        catalogue
            .versions
            .keys()
            .rev()
            .copied()
            .filter(|version| requested.constraint.accepts(*version))
    };
    if let Constraint::Range(range) = &requested.constraint
        && range.is_open()
    {
        let long_term = catalogue.long_term_lines();
        let settled = accepted()
            .find(|version| catalogue.is_default(*version))
            .or_else(|| accepted().find(|version| long_term.contains(&version.major)));
        if let Some(version) = settled {
            return resolved(version, true);
        }
    }
    if let Some(version) = accepted().next() {
        return resolved(version, true);
    }
    match &requested.constraint {
        Constraint::Exact(version) if requested.runtime == Runtime::Ruby => {
            resolved(*version, false)
        }
        Constraint::Range(range) if range.is_impossible() && !range.names_pre_release() => {
            Err(VersionError::Impossible {
                runtime: requested.runtime,
                text: requested.text.clone(),
                origin: requested.origin.clone(),
                nearest: nearest(&requested.text, catalogue),
            })
        }
        constraint => Err(VersionError::Unknown {
            runtime: requested.runtime,
            text: requested.text.clone(),
            origin: requested.origin.clone(),
            nearest: nearest(&requested.text, catalogue),
            snapshot: catalogue.snapshot.clone(),
            is_pre_release: matches!(constraint, Constraint::Range(range) if range.names_pre_release()),
        }),
    }
}

/// Up to three versions that could have been meant: the newest of the same line, of the same major version, of the
/// default line, of all.
pub(super) fn nearest(text: &str, catalogue: &Catalogue) -> Vec<Version> {
    let wanted = first_numbers(text);
    let newest = |is_it: &dyn Fn(&Version) -> bool| {
        catalogue
            .versions
            .keys()
            .rev()
            .copied()
            .find(|version| is_it(version))
    };
    let newest_with = |length: usize| {
        newest(&|version| {
            wanted.len() >= length && [version.major, version.minor][..length] == wanted[..length]
        })
    };
    let mut nearest = Vec::new();
    for version in [
        newest_with(2),
        newest_with(1),
        newest(&|version| catalogue.is_default(*version)),
        newest(&|_| true),
    ]
    .into_iter()
    .flatten()
    {
        if !nearest.contains(&version) {
            nearest.push(version);
        }
    }
    nearest.truncate(3);
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
