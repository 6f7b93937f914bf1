//! The files of the app around its installed packages: what an installation depends on, and what it made.

use super::failure::NodeBuildError;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Read as _;
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
    pub(crate) fn of(app: &Path) -> Result<Self, NodeBuildError> {
        let mut survey = Self::default();
        let mut walk = walkdir::WalkDir::new(app).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|error| unreadable(app, error))?;
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
            let metadata = entry.metadata().map_err(|error| unreadable(app, error))?;
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
    pub(crate) fn inputs(&self, app: &Path) -> Result<[(&'static str, String); 3], NodeBuildError> {
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
            hash.update(path.as_os_str().as_bytes());
            hash.update([0]);
            hash.update(content(app, path)?);
        }
        let short = |hash: Sha256| hex::encode(&hash.finalize()[..8]);
        Ok([
            ("lockfile", short(lockfiles)),
            ("package-json", short(manifests)),
            ("configuration", short(others)),
        ])
    }

    /// Every `package.json`.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Path> {
        let paths = self.entries.keys().map(PathBuf::as_path);
        paths.filter(|path| path.file_name().is_some_and(|name| name == "package.json"))
    }

    /// The content of every file, for packages that are depended upon as folders of the source and copied.
    pub(crate) fn whole(&self, app: &Path) -> Result<String, NodeBuildError> {
        let mut hash = Sha256::new();
        for (path, mark) in &self.entries {
            hash.update(path.as_os_str().as_bytes());
            hash.update([0]);
            if !mark.is_folder {
                hash.update(content(app, path)?);
            }
            hash.update([0]);
        }
        Ok(hex::encode(&hash.finalize()[..8]))
    }
}

fn unreadable(app: &Path, error: walkdir::Error) -> NodeBuildError {
    let path = error.path().unwrap_or(app);
    let path = path.strip_prefix(app).unwrap_or(path).to_owned();
    NodeBuildError::Unreadable(path, error.into())
}

/// A hash of what is at `path` of the app directory. A link is its target's name, and what it leads to only where that is a
/// file of the app: neither a device, which has no end, nor a pipe is ever opened.
fn content(app: &Path, path: &Path) -> Result<[u8; 32], NodeBuildError> {
    let file = app.join(path);
    let unreadable = |error| NodeBuildError::Unreadable(path.to_owned(), error);
    let metadata = file.symlink_metadata().map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut is_read = metadata.is_file();
    if metadata.is_symlink() {
        let target = std::fs::read_link(&file).map_err(unreadable)?;
        hash.update(target.as_os_str().as_bytes());
        hash.update([0]);
        let app = std::fs::canonicalize(app).map_err(unreadable)?;
        // A link that leads nowhere is its name alone.
        is_read = std::fs::canonicalize(&file)
            .is_ok_and(|target| target.starts_with(app) && target.is_file());
    }
    if is_read {
        let mut opened = std::fs::File::open(&file).map_err(unreadable)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match opened.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                length => hash.update(&buffer[..length]),
            }
        }
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests;
