//! The files of the app around its installed packages: what an installation depends on, and what it made.

use fs_err as fs;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Folders that are never the app's own files.
const PASSED_BY: [&str; 2] = [".git", ".slugbuilder"];

/// Files that decide what an installation does, wherever they are.
const NAMES: [&str; 13] = [
    "package.json",
    "package.json5",
    "package.yaml",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".yarnclean",
    "binding.gyp",
];

/// The same by their endings: patches, hooks of pnpm, packages as archives, and the schemas from which `@prisma/client`
/// makes its code while it is installed.
const ENDINGS: [&str; 7] = [
    ".patch",
    ".diff",
    "pnpmfile.cjs",
    "pnpmfile.js",
    "pnpmfile.mjs",
    ".tgz",
    ".prisma",
];

/// Scripts that package managers run while they install, in their order.
const LIFECYCLE: [&str; 7] = [
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
];

/// What tells a file from one that was written again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    inode: u64,
    modified: (i64, i64),
    size: u64,
    is_folder: bool,
}

/// The app directory without what is in `node_modules`.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    entries: BTreeMap<PathBuf, Mark>,
    /// Folders called `node_modules` that are not inside of another one, by path.
    pub(crate) node_modules: Vec<PathBuf>,
}

/// What an installation made outside of `node_modules`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// These files and folders, which were not there before.
    Added(Vec<PathBuf>),
    /// It changed or removed this file of the source.
    Changed(PathBuf),
}

impl Survey {
    /// Looks at the app directory; links are not followed.
    pub(crate) fn of(app: &Path) -> io::Result<Self> {
        let mut survey = Self::default();
        let mut walk = walkdir::WalkDir::new(app).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let Ok(path) = entry.path().strip_prefix(app) else {
                continue;
            };
            let is_folder = entry.file_type().is_dir();
            if is_folder && PASSED_BY.iter().any(|name| entry.file_name() == *name) {
                walk.skip_current_dir();
                continue;
            }
            if is_folder && entry.file_name() == "node_modules" {
                survey.node_modules.push(path.to_owned());
                walk.skip_current_dir();
                continue;
            }
            let metadata = entry.metadata()?;
            let mark = Mark {
                inode: metadata.ino(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                size: metadata.len(),
                is_folder,
            };
            survey.entries.insert(path.to_owned(), mark);
        }
        survey.node_modules.sort();
        Ok(survey)
    }

    /// Whether there is something at `path`.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.entries.contains_key(path) || self.node_modules.iter().any(|tree| tree == path)
    }

    /// What is there `after` an installation that was not there before, the topmost folder of each; files at `trees` and
    /// below do not count, and neither does `ignored`.
    pub(crate) fn made(&self, after: &Self, trees: &[PathBuf], ignored: &[PathBuf]) -> Made {
        let counts = |path: &Path| {
            !trees.iter().any(|tree| path.starts_with(tree))
                && !ignored.iter().any(|other| path == other)
        };
        for (path, mark) in &self.entries {
            if !mark.is_folder && after.entries.get(path) != Some(mark) && counts(path) {
                return Made::Changed(path.clone());
            }
        }
        let mut added: Vec<PathBuf> = Vec::new();
        for path in after.entries.keys() {
            let is_below = added.last().is_some_and(|above| path.starts_with(above));
            let holds_tree = trees.iter().any(|tree| tree.starts_with(path));
            if !self.entries.contains_key(path) && !is_below && !holds_tree && counts(path) {
                added.push(path.clone());
            }
        }
        Made::Added(added)
    }

    /// The parts of a key that stand for the content of the files that decide what an installation does: one part for
    /// lockfiles, one for manifests, one for everything else.
    pub(crate) fn inputs(&self, app: &Path) -> io::Result<[(&'static str, String); 3]> {
        let mut lockfiles = Sha256::new();
        let mut manifests = Sha256::new();
        let mut others = Sha256::new();
        for (path, mark) in &self.entries {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let of_yarn = ["patches", "plugins", "releases", "versions"]
                .iter()
                .any(|folder| path.components().any(|part| part.as_os_str() == *folder))
                && path.components().any(|part| part.as_os_str() == ".yarn");
            let counts = NAMES.contains(&name)
                || ENDINGS.iter().any(|ending| name.ends_with(ending))
                || of_yarn;
            if mark.is_folder || !counts {
                continue;
            }
            let hash = match name {
                "package.json" => &mut manifests,
                "package-lock.json" | "npm-shrinkwrap.json" | "yarn.lock" | "pnpm-lock.yaml" => {
                    &mut lockfiles
                }
                _ => &mut others,
            };
            let file = app.join(path);
            let content = if file.is_symlink() && !file.exists() {
                Vec::new()
            } else {
                fs::read(file)?
            };
            hash.update(path.as_os_str().as_bytes());
            hash.update([0]);
            hash.update(Sha256::digest(&content));
        }
        let short = |hash: Sha256| hex::encode(&hash.finalize()[..8]);
        Ok([
            ("lockfile", short(lockfiles)),
            ("package-json", short(manifests)),
            ("configuration", short(others)),
        ])
    }

    /// The scripts that the package at `package` itself runs while it is installed, in their order.
    pub(crate) fn lifecycle(app: &Path, package: &Path) -> io::Result<Vec<&'static str>> {
        #[derive(Default, Deserialize)]
        struct Manifest {
            #[serde(default)]
            scripts: BTreeMap<String, serde_json::Value>,
        }
        let text = match fs::read(app.join(package).join("package.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        // Detection has read it; whoever changed it since then finds out from the package manager.
        let manifest: Manifest = serde_json::from_slice(&text).unwrap_or_default();
        Ok(LIFECYCLE
            .into_iter()
            .filter(|name| manifest.scripts.contains_key(*name))
            .collect())
    }

    /// Another package of the source that has scripts which run while it is installed, if it is installed: a part of a
    /// workspace, or one that is depended upon as a folder.
    pub(crate) fn other_lifecycle(&self, app: &Path, root: &Path) -> io::Result<Option<PathBuf>> {
        for path in self.entries.keys() {
            let Some(folder) = path.parent() else {
                continue;
            };
            let is_other = folder != root && folder.starts_with(root);
            if is_other
                && path.file_name().is_some_and(|name| name == "package.json")
                && !Self::lifecycle(app, folder)?.is_empty()
            {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }

    /// The content of every file, for packages that are depended upon as folders of the source and copied.
    pub(crate) fn whole(&self, app: &Path) -> io::Result<String> {
        let mut hash = Sha256::new();
        for (path, mark) in &self.entries {
            let file = app.join(path);
            hash.update(path.as_os_str().as_bytes());
            hash.update([0]);
            if file.is_symlink() {
                hash.update(fs::read_link(file)?.as_os_str().as_bytes());
            } else if !mark.is_folder && file.is_file() {
                hash.update(Sha256::digest(fs::read(file)?));
            }
            hash.update([0]);
        }
        Ok(hex::encode(&hash.finalize()[..8]))
    }
}

#[cfg(test)]
mod tests;
