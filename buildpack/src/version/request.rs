//! Where a version request can stand, and which one wins.

use super::{Version, VersionError, go, node, ruby};
use crate::app::App;
use crate::catalogue::Catalogue;
use crate::runtime::Runtime;
use slugbuilder_report::{Candidate, Decision, Origin};

/// Which versions a request accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// A range of node-semver.
    Range(node_semver::Range),
    /// This version only.
    Exact(Version),
    /// Versions that begin with this major number and, where given, this minor number.
    Line {
        /// The first number.
        major: u64,
        /// The second number.
        minor: Option<u64>,
    },
    /// Patches of the version's line that are not older than it.
    AtLeast(Version),
    /// Any version.
    Any,
}

impl Constraint {
    /// Whether `version` is accepted.
    #[must_use]
    pub fn accepts(&self, version: Version) -> bool {
        match self {
            Self::Range(range) => {
                range.satisfies(&(version.major, version.minor, version.patch).into())
            }
            Self::Exact(exact) => version == *exact,
            Self::Line { major, minor } => {
                version.major == *major && minor.is_none_or(|minor| version.minor == minor)
            }
            Self::AtLeast(floor) => {
                (version.major, version.minor) == (floor.major, floor.minor)
                    && version.patch >= floor.patch
            }
            Self::Any => true,
        }
    }
}

/// A version request with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// For which runtime.
    pub runtime: Runtime,
    /// What it accepts.
    pub constraint: Constraint,
    /// The request as written.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

impl Requested {
    /// Whether nobody asked: the version is slugbuilder's default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        matches!(self.origin, Origin::Default(_))
    }
}

/// Finds every request for `runtime` in the app and decides between them.
///
/// The order of precedence is fixed:
/// - Node.js: `engines.node` of package.json, `.nvmrc`, `.node-version`, `.tool-versions`;
/// - Ruby: `RUBY VERSION` of Gemfile.lock, `.ruby-version`, `.tool-versions`;
/// - Go: `// +heroku goVersion` of go.mod, its `toolchain` line, its `go` line, `.go-version`, `.tool-versions`;
///
/// then the catalogue's default. Only the winner has to be a request that can be met: a loser that cannot be read is
/// reported in the decision.
pub fn decide(
    app: &App,
    runtime: Runtime,
    catalogue: &Catalogue,
) -> Result<(Requested, Decision), VersionError> {
    let mut found = match runtime {
        Runtime::Node => node::requests(app, catalogue)?,
        Runtime::Ruby => ruby::requests(app)?,
        Runtime::Go => go::requests(app)?,
    };
    found.push(Ok(default_request(runtime, catalogue)));

    let mut candidates: Vec<Candidate> = Vec::new();
    let mut winner = None;
    for request in found {
        let (text, origin) = match &request {
            Ok(requested) => (requested.text.clone(), requested.origin.clone()),
            Err(error) => error.request(),
        };
        let verdict = match (&winner, &request) {
            (None, Ok(requested)) if requested.is_default() => "is the default".to_owned(),
            (None, Ok(_)) => "is the first in the order of precedence".to_owned(),
            (Some(_), Ok(_)) => format!("is preceded by {}", candidates[0].origin),
            (Some(_), Err(_)) => format!(
                "cannot be read, and is preceded by {}",
                candidates[0].origin
            ),
            (None, Err(_)) => String::new(),
        };
        candidates.push(Candidate {
            value: text,
            origin,
            verdict,
        });
        if winner.is_none() {
            winner = Some(request?);
        }
    }
    // The default is always there, so that there is a winner.
    let winner = winner.unwrap_or_else(|| default_request(runtime, catalogue));
    Ok((
        winner,
        Decision {
            subject: format!("{} version", runtime.name()),
            rule: "The first request in the order of precedence counts.".into(),
            candidates,
            winner: Some(0),
        },
    ))
}

fn default_request(runtime: Runtime, catalogue: &Catalogue) -> Requested {
    let (text, constraint) = match super::numbers(&catalogue.default).as_deref() {
        Some([major]) => (
            format!("{major}.x"),
            Constraint::Line {
                major: *major,
                minor: None,
            },
        ),
        Some([major, minor, ..]) => (
            format!("{major}.{minor}.x"),
            Constraint::Line {
                major: *major,
                minor: Some(*minor),
            },
        ),
        _ => ("newest".into(), Constraint::Any),
    };
    Requested {
        runtime,
        constraint,
        text,
        origin: Origin::Default(format!("default of {}", catalogue.snapshot)),
    }
}
