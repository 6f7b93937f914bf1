//! The places that can ask for a package manager, in order of precedence.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all places are read by functions of one signature"
)]

use super::super::error::NodeError;
use super::super::linker;
use super::super::package_json::{DevEngine, Engines, OnFail, Volta};
use super::super::{Located, PackageJson};
use super::{Inputs, field};
use crate::app::join;
use crate::precedence::Source;
use crate::version::{Range, Version};
use slugbuilder_fetch::Checksum;
use slugbuilder_report::Origin;

/// Reads the requests of one source, the first one before the others.
pub type Reader = fn(&Inputs<'_>) -> Result<Vec<Request>, NodeError>;

/// The order of precedence.
pub const SOURCES: &[Source<Reader>] = &[
    Source {
        name: "`packageManager` of package.json",
        meaning: "a manager and its exact version, perhaps with a hash (Corepack's field); of the package, else of the workspace",
        read: package_manager,
    },
    Source {
        name: "`yarnPath` of `.yarnrc.yml`",
        meaning: "Yarn, from that file of the app; as Yarn itself does it, the file is also run where `packageManager` asks for Yarn",
        read: yarn_path,
    },
    Source {
        name: "`devEngines.packageManager` of package.json",
        meaning: "a manager and a range; of several, the one whose lockfile is there",
        read: dev_engines,
    },
    Source {
        name: "the lockfile",
        meaning: "`package-lock.json`, `npm-shrinkwrap.json`: npm; `yarn.lock`: Yarn classic, or Yarn by its `__metadata`; `pnpm-lock.yaml`: pnpm, in a version that writes this `lockfileVersion`",
        read: lockfile,
    },
    Source {
        name: "`volta.pnpm`, `volta.yarn`, `volta.npm` of package.json",
        meaning: "a version; also which manager, where nothing above says that: of several fields the first one in this order, with a warning",
        read: volta,
    },
    Source {
        name: "`engines.pnpm`, `engines.yarn`, `engines.npm` of package.json",
        meaning: "a range; also which manager, where nothing above says that: of several fields the first one in this order, as on Heroku, with a warning",
        read: engines,
    },
    Source {
        name: "the default",
        meaning: "npm, in the version that comes with Node.js",
        read: default,
    },
];

/// What kind of place a request stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PackageManager,
    YarnPath,
    DevEngines,
    Lockfile,
    Volta,
    Engines,
    Default,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PackageManager => "`packageManager`",
            Self::YarnPath => "`yarnPath`",
            Self::DevEngines => "`devEngines.packageManager`",
            Self::Lockfile => "the lockfile",
            Self::Volta => "`volta`",
            Self::Engines => "`engines`",
            Self::Default => "the default",
        })
    }
}

/// A version that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Exactly this one.
    Exact(Version),
    /// Any of these.
    Range(Range),
    /// The one in this file, relative to the folder of the manager.
    Vendored {
        /// The file.
        path: String,
        /// Its version, as far as its name tells.
        version: Option<Version>,
    },
    /// A text that is no range.
    Unreadable,
}

/// A request for a package manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What kind of place it stands in.
    pub(super) kind: Kind,
    /// `npm`, `yarn` or `pnpm`.
    pub(super) program: &'static str,
    /// The version, where it asks for one.
    pub(super) wanted: Option<Wanted>,
    /// As written.
    pub(super) text: String,
    /// Where.
    pub(super) origin: Origin,
    /// The hash of `packageManager`.
    pub(super) hash: Option<Checksum>,
    /// The row of the order of precedence; of one that stands for several fields, the field: `engines.yarn of package.json`.
    pub(super) source: String,
}

impl Request {
    fn new(kind: Kind, program: &'static str, text: &str, origin: Origin) -> Self {
        Self {
            kind,
            program,
            wanted: None,
            text: text.to_owned(),
            origin,
            hash: None,
            source: String::new(),
        }
    }

    fn range(
        kind: Kind,
        program: &'static str,
        text: &Located<String>,
        package: &PackageJson,
    ) -> Self {
        Self {
            wanted: Some(wanted(&text.value)),
            ..Self::new(
                kind,
                program,
                // An empty text would be shown as nothing.
                match text.value.trim() {
                    "" => "\"\"",
                    _ => &text.value,
                },
                package.origin(text.line),
            )
        }
    }

    /// The field that it stands in: `engines.yarn`.
    pub(super) fn field(&self) -> &str {
        self.source
            .split_once(' ')
            .map_or(self.source.as_str(), |(field, _)| field)
    }

    /// The request as a candidate for the question which manager it is.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::Volta | Kind::Engines | Kind::DevEngines => {
                format!("{} {}", self.program, self.text)
                    .trim_end()
                    .to_owned()
            }
            _ => self.text.clone(),
        }
    }
}

/// Every request, the first one wins; the default is always the last one.
pub(super) fn all(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    let mut found = Vec::new();
    for source in SOURCES {
        for mut request in (source.read)(inputs)? {
            if request.source.is_empty() {
                request.source = source.plain_name();
            }
            found.push(request);
        }
    }
    Ok(found)
}

fn package_manager(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    let mut found = Vec::new();
    for package in inputs.packages {
        if let Some(text) = &package.package_manager {
            let origin = package.origin(text.line);
            let parsed = field::parse(text, &origin)?;
            found.push(Request {
                wanted: Some(Wanted::Exact(parsed.version)),
                hash: parsed.hash,
                ..Request::new(Kind::PackageManager, parsed.program, &text.value, origin)
            });
        }
    }
    Ok(found)
}

fn yarn_path(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    let Some(text) = inputs.yarn.and_then(|yarn| yarn.text("yarnPath")) else {
        return Ok(Vec::new());
    };
    let origin = Origin::line(join(inputs.root, linker::FILE), text.line);
    let refused = |problem| NodeError::YarnPath {
        origin: origin.clone(),
        path: text.value.to_owned(),
        problem,
    };
    let path = text.value.trim_start_matches("./").to_owned();
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(refused("which is not inside the app"));
    }
    let below = join(inputs.root, &path);
    if !inputs.source.is_file(&below) {
        return Err(refused("and there is no such file"));
    }
    if !inputs.source.is_inside(&below) {
        return Err(refused("a link that leads out of the app"));
    }
    let version = path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_prefix("yarn-"))
        .and_then(|name| name.rsplit_once('.'))
        .and_then(|(version, _)| Version::parse(version));
    Ok(vec![Request {
        wanted: Some(Wanted::Vendored { path, version }),
        ..Request::new(Kind::YarnPath, "yarn", text.value, origin)
    }])
}

fn dev_engines(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    let mut found = Vec::new();
    for package in inputs.packages {
        let managers: Vec<&DevEngine> = package
            .dev_engines
            .package_manager
            .iter()
            .filter(|engine| engine.on_fail != Some(OnFail::Ignore))
            .collect();
        for engine in &managers {
            let origin = package.origin(engine.name.line);
            let program = match field::program(&engine.name.value, &origin) {
                Ok(program) => program,
                // One of several alternatives need not be known here.
                Err(_) if managers.len() > 1 => continue,
                Err(error) => return Err(error),
            };
            found.push(match &engine.version {
                Some(text) => Request::range(Kind::DevEngines, program, text, package),
                None => Request::new(Kind::DevEngines, program, "", origin),
            });
        }
    }
    Ok(found)
}

fn lockfile(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    Ok(inputs
        .lockfile
        .map(|found| {
            let origin = found.origin.clone();
            Request::new(Kind::Lockfile, found.program(), found.name, origin)
        })
        .into_iter()
        .collect())
}

fn volta(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    Ok(versions(inputs, Kind::Volta, "volta", |package| {
        let Volta {
            pnpm, yarn, npm, ..
        } = &package.volta;
        [pnpm, yarn, npm]
    }))
}

fn engines(inputs: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    Ok(versions(inputs, Kind::Engines, "engines", |package| {
        let Engines {
            pnpm, yarn, npm, ..
        } = &package.engines;
        [pnpm, yarn, npm]
    }))
}

/// The requests of each package in the object `field` for pnpm, Yarn and npm, in this order.
fn versions(
    inputs: &Inputs<'_>,
    kind: Kind,
    field: &str,
    texts: impl Fn(&PackageJson) -> [&Option<Located<String>>; 3],
) -> Vec<Request> {
    inputs
        .packages
        .iter()
        .flat_map(|package| {
            let texts = ["pnpm", "yarn", "npm"].into_iter().zip(texts(package));
            texts
                .filter_map(|(program, text)| {
                    Some(Request {
                        source: format!("{field}.{program} of package.json"),
                        ..Request::range(kind, program, text.as_ref()?, package)
                    })
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn default(_: &Inputs<'_>) -> Result<Vec<Request>, NodeError> {
    let origin = Origin::Default("the one that comes with Node.js".into());
    Ok(vec![Request::new(Kind::Default, "npm", "npm", origin)])
}

/// A version or range as people write it; `latest` and `~=` are what npm does not know.
fn wanted(text: &str) -> Wanted {
    let text = text.trim();
    if let Some(version) = Version::parse(text.trim_start_matches(['v', '='])) {
        return Wanted::Exact(version);
    }
    let range = if text == "latest" { "*" } else { text };
    Range::parse(&range.replace("~=", "~"))
        .ok()
        .filter(|range| !range.is_impossible())
        .map_or(Wanted::Unreadable, Wanted::Range)
}
