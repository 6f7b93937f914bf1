//! `package.json`: what this buildpack reads of it, each value with its line.
//!
//! The text has to be JSON as npm reads it (`JSON.parse`): of a name that is there twice the last one counts, and an
//! empty file counts as `{}`. `null` says as much as nothing. A field that something is decided by has to have its
//! documented type, else the error names file, line and field; fields that nobody here reads may hold anything.

mod error;
mod reader;
mod values;

pub use error::PackageJsonError;

use super::json::Located;
use crate::app::App;
use slugbuilder_report::Origin;
use std::collections::BTreeMap;

/// A map of texts, such as `scripts`, by name.
pub type Texts = BTreeMap<String, Located<String>>;

/// The name of the file.
pub const FILE_NAME: &str = "package.json";

/// `package.json`. Fields are named as in the file, in Rust's spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageJson {
    /// Its path below the source: `package.json`, `packages/api/package.json`.
    pub path: String,
    /// `name`.
    pub name: Option<Located<String>>,
    /// `version`.
    pub version: Option<Located<String>>,
    /// `private`, by JavaScript's truth: `"true"` is, too.
    pub private: bool,
    /// `main`; not a string says nothing, as in Node.js.
    pub main: Option<Located<String>>,
    /// `type`, by the same rule.
    pub module_type: Option<Located<String>>,
    /// `bin` by name; a plain text stands for one of the package's own name.
    pub bin: Texts,
    /// `engines`.
    pub engines: Engines,
    /// `devEngines`.
    pub dev_engines: DevEngines,
    /// `volta`.
    pub volta: Volta,
    /// `packageManager`.
    pub package_manager: Option<Located<String>>,
    /// `scripts`. One that is not a string is not there, as for npm, unless the build would run it: then it is an error.
    pub scripts: Texts,
    /// `dependencies`.
    pub dependencies: Texts,
    /// `devDependencies`.
    pub dev_dependencies: Texts,
    /// `optionalDependencies`.
    pub optional_dependencies: Texts,
    /// `peerDependencies`.
    pub peer_dependencies: Texts,
    /// `workspaces`, or its `packages`: folders or patterns of folders. `Some` and empty where it is written so.
    pub workspaces: Option<Vec<Located<String>>>,
    /// `cacheDirectories` or `cache_directories`, Heroku's names: folders that are kept between builds.
    pub cache_directories: Vec<Located<String>>,
    /// `pnpm`: its settings, as they are.
    pub pnpm: Option<Located<serde_json::Value>>,
    /// `os`.
    pub os: Vec<Located<String>>,
    /// `cpu`.
    pub cpu: Vec<Located<String>>,
    /// Names that are written twice in one of the objects above, each as a dotted path (`dependencies.next`) with the
    /// line of the value that counts.
    pub duplicates: Vec<Located<String>>,
}

/// `engines`: what the package says it runs with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engines {
    /// `engines.node`.
    pub node: Option<Located<String>>,
    /// `engines.npm`.
    pub npm: Option<Located<String>>,
    /// `engines.yarn`.
    pub yarn: Option<Located<String>>,
    /// `engines.pnpm`.
    pub pnpm: Option<Located<String>>,
}

/// `devEngines`: what the package is developed and built with (npm's `package.json`, "devEngines").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DevEngines {
    /// `devEngines.runtime`, one or several.
    pub runtime: Vec<DevEngine>,
    /// `devEngines.packageManager`, one or several.
    pub package_manager: Vec<DevEngine>,
}

/// One entry of `devEngines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevEngine {
    /// `node`, `pnpm`, …
    pub name: Located<String>,
    /// The range.
    pub version: Option<Located<String>>,
    /// What npm does where it is not so.
    pub on_fail: Option<OnFail>,
}

/// `onFail` of `devEngines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFail {
    /// `ignore`.
    Ignore,
    /// `warn`.
    Warn,
    /// `error`.
    Error,
    /// `download`.
    Download,
}

/// `volta`: what Volta has pinned (docs.volta.sh, "package.json").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volta {
    /// `volta.node`.
    pub node: Option<Located<String>>,
    /// `volta.npm`.
    pub npm: Option<Located<String>>,
    /// `volta.yarn`.
    pub yarn: Option<Located<String>>,
    /// `volta.pnpm`.
    pub pnpm: Option<Located<String>>,
    /// `volta.extends`: the file, relative to this one, that what is missing here is taken from.
    pub extends: Option<Located<String>>,
}

impl PackageJson {
    /// Reads `package.json` of `folder`, which is relative to the app's folder and empty for that itself; nothing where
    /// there is none.
    pub fn read(app: &App, folder: &str) -> Result<Option<Self>, PackageJsonError> {
        let path = match folder.trim_matches('/') {
            "" | "." => FILE_NAME.to_owned(),
            folder => format!("{folder}/{FILE_NAME}"),
        };
        Self::read_file(app, &path)
    }

    /// Reads the file at `path`, which is relative to the app's folder.
    pub fn read_file(app: &App, path: &str) -> Result<Option<Self>, PackageJsonError> {
        match app.text(path)? {
            Some(text) => Self::parse(&app.shown(path), &text).map(Some),
            None => Ok(None),
        }
    }

    /// Reads `text`, which stands in the file `path`.
    pub fn parse(path: &str, text: &str) -> Result<Self, PackageJsonError> {
        if text.trim().is_empty() {
            return Ok(Self {
                path: path.to_owned(),
                ..Self::default()
            });
        }
        reader::read(path, text)
    }

    /// A line of this file.
    #[must_use]
    pub fn origin(&self, line: usize) -> Origin {
        Origin::line(self.path.as_str(), line)
    }

    /// Whether it has anything that makes the app a Node.js app.
    #[must_use]
    pub fn says_something(&self) -> bool {
        let engines = &self.engines;
        self.main.is_some()
            || [&engines.node, &engines.npm, &engines.yarn, &engines.pnpm]
                .into_iter()
                .any(Option::is_some)
            || !(self.scripts.is_empty()
                && self.dependencies.is_empty()
                && self.dev_dependencies.is_empty()
                && self.optional_dependencies.is_empty())
            || self.workspaces.is_some()
            || self.package_manager.is_some()
            || self.volta != Volta::default()
            || self.dev_engines != DevEngines::default()
    }

    /// The text of a script.
    #[must_use]
    pub fn script(&self, name: &str) -> Option<&str> {
        self.scripts.get(name).map(|script| script.value.as_str())
    }
}

#[cfg(test)]
mod tests;
