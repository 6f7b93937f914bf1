//! Where a version request can stand, and which one wins.

use super::{Range, Version, VersionError};
use crate::app::App;
use crate::catalogue::Catalogue;
use crate::manifest::{GoMod, ManifestError};
use crate::node::{self, PackageJson};
use crate::precedence::Source;
use crate::runtime::Runtime;
use slugbuilder_report::{Candidate, Decision, Origin};

/// Which versions a request accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// A range of npm's.
    Range(Range),
    /// This version only.
    Exact(Version),
    /// Versions that begin with this major number and, where given, this minor number.
    Line {
        /// The first number.
        major: u64,
        /// The second number.
        minor: Option<u64>,
    },
    /// The oldest version that will do; of these, the newest patch of its line.
    AtLeast(Version),
    /// The newest version, whatever it is.
    Newest,
}

impl Constraint {
    /// Whether `version` can be chosen for it.
    #[must_use]
    pub fn accepts(&self, version: Version) -> bool {
        match self {
            Self::Range(range) => range.accepts(version),
            Self::Exact(exact) => version == *exact,
            Self::Line { major, minor } => {
                version.major == *major && minor.is_none_or(|minor| version.minor == minor)
            }
            Self::AtLeast(floor) => {
                (version.major, version.minor) == (floor.major, floor.minor)
                    && version.patch >= floor.patch
            }
            Self::Newest => true,
        }
    }

    /// Whether `version`, chosen for another request, is fine with this one.
    #[must_use]
    pub fn is_fine_with(&self, version: Version) -> bool {
        match self {
            Self::AtLeast(floor) => version >= *floor,
            other => other.accepts(version),
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

/// A request that was found, or why it is none.
pub type Found = Result<Requested, VersionError>;

/// Reads one source of requests, the nearest one first.
pub type Reader = fn(&Evidence) -> Result<Vec<Found>, VersionError>;

/// What requests are read from, each manifest once.
pub struct Evidence<'a> {
    pub(super) app: &'a App,
    pub(super) runtime: Runtime,
    pub(super) catalogue: &'a Catalogue,
    packages: Vec<PackageJson>,
    module: Option<GoMod>,
}

impl<'a> Evidence<'a> {
    fn read(
        app: &'a App,
        runtime: Runtime,
        catalogue: &'a Catalogue,
    ) -> Result<Self, VersionError> {
        let packages = match runtime {
            Runtime::Node => packages(app)?,
            _ => Vec::new(),
        };
        let module = match runtime {
            Runtime::Go => GoMod::read(app)?,
            _ => None,
        };
        Ok(Self {
            app,
            runtime,
            catalogue,
            packages,
            module,
        })
    }

    /// The app's own `package.json` and, where it is another one, that of the workspace that it belongs to.
    pub(super) fn packages(&self) -> &[PackageJson] {
        &self.packages
    }

    pub(super) fn module(&self) -> Option<&GoMod> {
        self.module.as_ref()
    }
}

/// What [`Evidence::packages`] has.
fn packages(app: &App) -> Result<Vec<PackageJson>, VersionError> {
    let Some(own) = PackageJson::read(app, "").map_err(ManifestError::from)? else {
        return Ok(Vec::new());
    };
    let source = app.whole_source()?;
    let (root, _) = node::workspace::root_of(&source, app.folder(), &own)
        .map_err(|error| VersionError::Workspace(Box::new(error)))?;
    let of_root = if root == app.folder() {
        None
    } else {
        PackageJson::read(&source, &root).map_err(ManifestError::from)?
    };
    Ok(std::iter::once(own).chain(of_root).collect())
}

/// Where a version of `runtime` can be asked for, in order of precedence.
#[must_use]
pub fn sources(runtime: Runtime) -> &'static [Source<Reader>] {
    match runtime {
        Runtime::Node => super::node::SOURCES,
        Runtime::Ruby => super::ruby::SOURCES,
        Runtime::Go => super::go::SOURCES,
    }
}

/// What was found in an app.
#[derive(Debug)]
pub struct Requests {
    /// The one that wins.
    pub winner: Requested,
    /// The others that can be read.
    pub losers: Vec<Requested>,
    /// All of it, to be shown. Its outcome is not known yet.
    pub decision: Decision,
}

/// Finds every request for `runtime` in the app, along [`sources`]: the first one wins.
///
/// Only the winner has to be a request that can be met: a loser that cannot be read is reported in the decision.
pub fn decide(
    app: &App,
    runtime: Runtime,
    catalogue: &Catalogue,
) -> Result<Requests, VersionError> {
    let evidence = Evidence::read(app, runtime, catalogue)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut winner = None;
    let mut losers = Vec::new();
    for source in sources(runtime) {
        for found in (source.read)(&evidence)? {
            let (text, origin) = match &found {
                Ok(requested) => (requested.text.clone(), requested.origin.clone()),
                Err(error) => error.request(),
            };
            let verdict = match (candidates.first(), &found) {
                (None, Ok(requested)) if requested.is_default() => "is the default".to_owned(),
                (None, _) => "is the first in the order of precedence".to_owned(),
                (Some(first), Ok(_)) => format!("is preceded by {}", first.origin),
                (Some(first), Err(_)) => {
                    format!("cannot be read, and is preceded by {}", first.origin)
                }
            };
            candidates.push(Candidate::new(text, origin, verdict).of_source(source.plain_name()));
            match found {
                Ok(requested) if winner.is_none() => winner = Some(requested),
                Err(error) if winner.is_none() => return Err(error.with_nearest(catalogue)),
                Ok(requested) => losers.push(requested),
                Err(_) => {}
            }
        }
    }
    Ok(Requests {
        // The default is the last source and always there.
        winner: winner.unwrap_or_else(|| default_request(runtime, catalogue)),
        losers,
        decision: Decision {
            subject: format!("{} version", runtime.name()),
            rule: "The first request in the order of precedence counts.".into(),
            candidates,
            winner: Some(0),
            ..Decision::default()
        },
    })
}

/// The last source of every runtime.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Reader`")]
pub(super) fn default(evidence: &Evidence) -> Result<Vec<Found>, VersionError> {
    Ok(vec![Ok(default_request(
        evidence.runtime,
        evidence.catalogue,
    ))])
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
        _ => ("newest".into(), Constraint::Newest),
    };
    Requested {
        runtime,
        constraint,
        text,
        origin: Origin::Default(format!("default of {}", catalogue.snapshot)),
    }
}
