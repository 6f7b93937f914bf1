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
use crate::version::Version;
use slugbuilder_fetch::Checksum;
use slugbuilder_report::Origin;

/// A place that can ask for a package manager.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Its name in documents, in Markdown.
    pub name: &'static str,
    /// What it says and how it counts, as the documents have it.
    pub meaning: &'static str,
    /// Reads it.
    pub(super) read: fn(&Inputs<'_>, &mut Vec<Request>) -> Result<(), NodeError>,
}

/// How a place is read; for the documents, which know no more of it.
pub type Reading = Source;

/// The order of precedence.
pub const SOURCES: &[Source] = &[
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
        meaning: "a version; also which manager, where nothing above says that",
        read: volta,
    },
    Source {
        name: "`engines.pnpm`, `engines.yarn`, `engines.npm` of package.json",
        meaning: "a range; also which manager, where nothing above says that",
        read: engines,
    },
    Source {
        name: "nothing",
        meaning: "npm, in the version that comes with Node.js",
        read: nothing,
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
    Range(node_semver::Range),
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
pub(super) struct Request {
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
}

impl Request {
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
        (source.read)(inputs, &mut found)?;
    }
    Ok(found)
}

fn package_manager(inputs: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
    for package in inputs.packages {
        if let Some(text) = &package.package_manager {
            let origin = package.origin(text.line);
            let parsed = field::parse(text, &origin)?;
            found.push(Request {
                kind: Kind::PackageManager,
                program: parsed.program,
                wanted: Some(Wanted::Exact(parsed.version)),
                text: text.value.clone(),
                origin,
                hash: parsed.hash,
            });
        }
    }
    Ok(())
}

fn yarn_path(inputs: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
    let Some(path) = inputs.yarn.and_then(|yarn| yarn.text("yarnPath")) else {
        return Ok(());
    };
    let text = path.value.to_owned();
    let origin = Origin::line(join(inputs.root, linker::FILE), path.line);
    let refused = |problem| NodeError::YarnPath {
        origin: origin.clone(),
        path: text.clone(),
        problem,
    };
    let path = text.trim_start_matches("./").to_owned();
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(refused("which is not inside the app"));
    }
    if !inputs.source.is_file(&join(inputs.root, &path)) {
        return Err(refused("and there is no such file"));
    }
    let full = inputs.source.root().join(join(inputs.root, &path));
    let is_inside = match (full.canonicalize(), inputs.source.root().canonicalize()) {
        (Ok(full), Ok(source)) => full.starts_with(source),
        _ => false,
    };
    if !is_inside {
        return Err(refused("a link that leads out of the app"));
    }
    let version = path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_prefix("yarn-"))
        .and_then(|name| name.rsplit_once('.'))
        .and_then(|(version, _)| Version::parse(version));
    found.push(Request {
        kind: Kind::YarnPath,
        program: "yarn",
        wanted: Some(Wanted::Vendored { path, version }),
        text: text.clone(),
        origin,
        hash: None,
    });
    Ok(())
}

fn dev_engines(inputs: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
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
            let text = engine.version.as_ref();
            found.push(Request {
                kind: Kind::DevEngines,
                program,
                wanted: text.map(|text| wanted(&text.value)),
                text: text.map(|text| text.value.clone()).unwrap_or_default(),
                origin: text.map_or(origin, |text| package.origin(text.line)),
                hash: None,
            });
        }
    }
    Ok(())
}

fn lockfile(inputs: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
    found.extend(inputs.lockfile.map(|lockfile| Request {
        kind: Kind::Lockfile,
        program: lockfile.program(),
        wanted: None,
        text: lockfile.name.to_owned(),
        origin: lockfile.origin.clone(),
        hash: None,
    }));
    Ok(())
}

fn volta(inputs: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
    for package in inputs.packages {
        let Volta {
            pnpm, yarn, npm, ..
        } = &package.volta;
        versions(Kind::Volta, package, [pnpm, yarn, npm], found);
    }
    Ok(())
}

fn engines(inputs: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
    for package in inputs.packages {
        let Engines {
            pnpm, yarn, npm, ..
        } = &package.engines;
        versions(Kind::Engines, package, [pnpm, yarn, npm], found);
    }
    Ok(())
}

fn versions(
    kind: Kind,
    package: &PackageJson,
    texts: [&Option<Located<String>>; 3],
    found: &mut Vec<Request>,
) {
    for (program, text) in ["pnpm", "yarn", "npm"].into_iter().zip(texts) {
        found.extend(text.as_ref().map(|text| Request {
            kind,
            program,
            wanted: Some(wanted(&text.value)),
            text: text.value.clone(),
            origin: package.origin(text.line),
            hash: None,
        }));
    }
}

fn nothing(_: &Inputs<'_>, found: &mut Vec<Request>) -> Result<(), NodeError> {
    found.push(Request {
        kind: Kind::Default,
        program: "npm",
        wanted: None,
        text: "npm".into(),
        origin: Origin::Default("the one that comes with Node.js".into()),
        hash: None,
    });
    Ok(())
}

/// A version or range as people write it; `latest` is what npm does not know as a range.
fn wanted(text: &str) -> Wanted {
    let text = text.trim();
    if let Some(version) = Version::parse(text.trim_start_matches(['v', '='])) {
        return Wanted::Exact(version);
    }
    let range = if text == "latest" { "*" } else { text };
    node_semver::Range::parse(range.replace("~=", "~")).map_or(Wanted::Unreadable, Wanted::Range)
}
