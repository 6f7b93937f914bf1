//! What about a Node.js app cannot be decided or met.

use super::manager::install_command;
use super::yaml::YamlError;
use super::{Manager, PackageJsonError};
use crate::app::AppError;
use crate::version::Version;
use slugbuilder_report::{Explain, Fault, Origin};

/// Why it cannot be decided how a Node.js app is built.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A file cannot be read.
    #[error(transparent)]
    App(#[from] AppError),
    /// A `package.json` cannot be read.
    #[error(transparent)]
    PackageJson(#[from] PackageJsonError),
    /// A YAML file cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The embedded catalogue is broken.
    #[error("the embedded catalogue cannot be read")]
    Catalogue(#[from] toml::de::Error),
    /// Lockfiles of two package managers, or two of npm.
    #[error("both `{first}` and `{second}` are there")]
    TwoLockfiles {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// Bun's lockfile alone.
    #[error("`{path}` is a lockfile of Bun, which slugbuilder does not have")]
    BunLockfile {
        /// The file.
        path: String,
    },
    /// A lockfile whose beginning says nothing.
    #[error("{origin}: the lockfile does not say which format it has")]
    UnreadableLockfile {
        /// Where.
        origin: Origin,
    },
    /// A `lockfileVersion` that no known pnpm writes.
    #[error("{origin}: no known pnpm writes lockfiles of version {version}")]
    UnknownLockfileVersion {
        /// Where.
        origin: Origin,
        /// The version.
        version: String,
    },
    /// The manager that was asked for cannot read the lockfile.
    #[error("{origin} asks for {asked}, but {lockfile} is a lockfile of {of}")]
    OtherLockfile {
        /// Where it is asked for.
        origin: Origin,
        /// What is asked for.
        asked: Box<str>,
        /// The lockfile.
        lockfile: Origin,
        /// Whose that is.
        of: &'static str,
    },
    /// `packageManager` in a syntax that Corepack does not have.
    #[error("{origin}: `packageManager` is `{text}`: {problem}")]
    PackageManager {
        /// Where.
        origin: Origin,
        /// As written.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// A package manager that is none of npm, Yarn and pnpm.
    #[error("{origin}: slugbuilder has no package manager `{name}`")]
    UnknownManager {
        /// Where.
        origin: Origin,
        /// Its name.
        name: String,
    },
    /// A range that npm cannot read.
    #[error("{origin}: `{text}` is not a version or range of {program}")]
    UnreadableVersion {
        /// Where.
        origin: Origin,
        /// As written.
        text: String,
        /// Of what.
        program: &'static str,
    },
    /// No such version.
    #[error("{origin}: no version of {manager} matches `{text}`")]
    UnknownVersion {
        /// Where.
        origin: Origin,
        /// As written.
        text: String,
        /// Of what.
        manager: Manager,
        /// Versions that may have been meant.
        nearest: Vec<Version>,
        /// The day of the catalogue.
        snapshot: String,
    },
    /// The manager does not run on the app's Node.js.
    #[error(transparent)]
    OtherNode(Box<OtherNode>),
    /// `yarnPath` leads to no file of the app.
    #[error("{origin}: `yarnPath` is `{path}`, {problem}")]
    YarnPath {
        /// Where.
        origin: Origin,
        /// As written.
        path: String,
        /// What is wrong with it, as the end of the sentence.
        problem: &'static str,
    },
    /// `nodeLinker` that no Yarn knows.
    #[error("{origin}: `nodeLinker` is `{text}`")]
    UnknownLinker {
        /// Where.
        origin: Origin,
        /// As written.
        text: String,
    },
    /// A pattern of `workspaces` that cannot be read.
    #[error("{origin}: the pattern `{pattern}` cannot be read: {problem}")]
    UnreadablePattern {
        /// Where.
        origin: Origin,
        /// As written.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
}

/// A manager that does not run on the app's Node.js.
#[derive(Debug, thiserror::Error)]
#[error(
    "{origin} asks for {manager} {version}, which does not run on Node.js {node} ({node_origin})"
)]
pub struct OtherNode {
    /// Where the manager is asked for.
    pub origin: Origin,
    /// The manager.
    pub manager: Manager,
    /// Its version.
    pub version: Version,
    /// `engines.node` of that version.
    pub engine: String,
    /// The app's Node.js.
    pub node: Version,
    /// Where that is asked for.
    pub node_origin: Origin,
    /// The newest version of the manager that runs on it, rather of the same major version.
    pub newest: Option<Version>,
}

impl NodeError {
    fn inner(&self) -> Option<&dyn Explain> {
        match self {
            Self::App(error) => Some(error),
            Self::PackageJson(error) => Some(error),
            Self::Yaml(error) => Some(error),
            _ => None,
        }
    }
}

impl Explain for NodeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Catalogue(_) => "buildpack-bug",
            Self::TwoLockfiles { .. } => "two-lockfiles",
            Self::BunLockfile { .. } | Self::UnknownManager { .. } => "unknown-package-manager",
            Self::UnreadableLockfile { .. } | Self::UnknownLockfileVersion { .. } => {
                "invalid-lockfile"
            }
            Self::OtherLockfile { .. } => "lockfile-of-another-manager",
            Self::PackageManager { .. } => "invalid-package-manager",
            Self::UnreadableVersion { .. } => "invalid-version",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::OtherNode(_) => "manager-needs-another-node",
            Self::YarnPath { .. } => "invalid-yarn-path",
            Self::UnknownLinker { .. } => "unknown-node-linker",
            Self::UnreadablePattern { .. } => "invalid-workspace-pattern",
            other => other.inner().map_or("buildpack-bug", Explain::code),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Catalogue(_) => Fault::Bug,
            other => other.inner().map_or(Fault::App, Explain::fault),
        }
    }

    fn explanation(&self) -> Option<String> {
        match self {
            Self::TwoLockfiles { .. } => {
                Some("Each lists versions of packages, and only one list can be installed.".into())
            }
            Self::UnknownVersion { snapshot, .. } => Some(format!(
                "This version of slugbuilder knows the releases up to {snapshot}."
            )),
            Self::OtherNode(other) => Some(format!(
                "{} {} needs Node.js {}.",
                other.manager, other.version, other.engine
            )),
            other => other.inner().and_then(Explain::explanation),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::TwoLockfiles { first, second } => vec![format!(
                "Keep the one that is up to date, and remove the other: `git rm {first}` or `git rm {second}`."
            )],
            Self::BunLockfile { path } => vec![format!(
                "Run `npm install`, which writes a `package-lock.json`, and remove `{path}`."
            )],
            Self::UnreadableLockfile { .. } => {
                vec!["Let the package manager write the lockfile anew.".into()]
            }
            Self::UnknownLockfileVersion { .. } => {
                vec!["Name the pnpm that wrote it: `\"packageManager\": \"pnpm@10.0.0\"` in package.json.".into()]
            }
            Self::OtherLockfile { asked, of, .. } => vec![format!(
                "Ask for {of}, which wrote it; or replace it by what {asked} writes: `{}`.",
                install_command(asked)
            )],
            Self::PackageManager { .. } => {
                vec!["Write a name and an exact version: `\"packageManager\": \"pnpm@10.0.0\"`, perhaps with a hash, as `corepack use` does.".into()]
            }
            Self::UnknownManager { .. } => vec!["Write `npm`, `yarn` or `pnpm`.".into()],
            Self::UnreadableVersion { .. } => {
                vec!["Write a version or range such as `10.x`, `^9.1.0` or `9.1.0`.".into()]
            }
            Self::UnknownVersion { nearest, .. } if !nearest.is_empty() => {
                let nearest: Vec<String> = nearest
                    .iter()
                    .map(|version| format!("`{version}`"))
                    .collect();
                vec![format!(
                    "The nearest existing versions are {}.",
                    nearest.join(", ")
                )]
            }
            Self::OtherNode(other) => {
                let mut hints =
                    vec!["Ask for another Node.js with `engines.node` in package.json.".to_owned()];
                if let Some(newest) = other.newest {
                    hints.push(format!(
                        "Or ask for {} {newest}, which runs on it.",
                        other.manager
                    ));
                }
                hints
            }
            Self::YarnPath { .. } => {
                vec!["Commit the file that `yarn set version` writes, or remove the line.".into()]
            }
            Self::UnknownLinker { .. } => {
                vec!["Write `pnp`, `node-modules` or `pnpm`.".into()]
            }
            Self::UnreadablePattern { .. } => {
                vec!["Write folders, perhaps with `*`: `packages/*`.".into()]
            }
            other => other.inner().map(Explain::hints).unwrap_or_default(),
        }
    }
}
