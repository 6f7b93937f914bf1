//! What speeds the next build up and never enters a slug: the package managers' own caches, and those of frameworks.

use super::failure::NodeBuildError;
use super::job::Job;
use super::package_json::{PackageJson, PackageJsonError};
use super::plan::{Linker, Manager, NodeApp};
use super::trees::Store;
use crate::app::App;
use crate::version::Version;
use fs_err as fs;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A cache that has grown over this many bytes starts anew.
const MAX_BYTES: u64 = 2 << 30;

/// Folders in which frameworks and their tools keep what they can use again, relative to a package. None of them is read by
/// a running app.
const FRAMEWORK_CACHES: [&str; 9] = [
    ".next/cache",
    "node_modules/.cache",
    "node_modules/.vite",
    "node_modules/.astro",
    ".angular/cache",
    ".turbo",
    "node_modules/.turbo",
    ".parcel-cache",
    ".rollup.cache",
];

/// The layer of a manager's own cache.
pub(crate) fn layer_name(manager: Manager) -> &'static str {
    match manager {
        Manager::Npm => "npm-cache",
        Manager::YarnClassic | Manager::YarnBerry => "yarn-cache",
        Manager::Pnpm => "pnpm-store",
    }
}

/// The variables that tell a manager to keep its cache in `folder`: never a file of the project.
pub(crate) fn variables(
    app: &NodeApp,
    version: Version,
    root: &Path,
    folder: &Path,
) -> Vec<(String, OsString)> {
    let path = |name: &str| folder.join(name).into_os_string();
    let mut variables: Vec<(&str, OsString)> = Vec::new();
    match app.manager.manager {
        Manager::Npm => variables.extend([
            ("npm_config_cache", path("npm")),
            // A log would be a new file in the cache, even where nothing is installed.
            ("npm_config_logs_max", "0".into()),
        ]),
        Manager::YarnClassic => variables.push(("YARN_CACHE_FOLDER", path("classic"))),
        Manager::YarnBerry => {
            variables.extend([
                // The mirror of every archive is in here; what Plug'n'Play needs at run time stays in the project.
                ("YARN_GLOBAL_FOLDER", path("berry")),
                ("YARN_ENABLE_GLOBAL_CACHE", "0".into()),
                ("YARN_ENABLE_MIRROR", "1".into()),
            ]);
            let is_plug_and_play = matches!(app.linker, Linker::PlugAndPlay { .. });
            if !is_plug_and_play && !root.join(".yarn/cache").exists() {
                variables.push(("YARN_CACHE_FOLDER", path("berry-project")));
            }
        }
        Manager::Pnpm => {
            // From version 11 on pnpm has variables of its own.
            let [store, cache, state] = if version.major >= 11 {
                [
                    "pnpm_config_store_dir",
                    "pnpm_config_cache_dir",
                    "pnpm_config_state_dir",
                ]
            } else {
                [
                    "npm_config_store_dir",
                    "npm_config_cache_dir",
                    "npm_config_state_dir",
                ]
            };
            variables.extend([
                (store, path("store")),
                (cache, path("cache")),
                (state, path("state")),
            ]);
        }
    }
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Empties a cache that has grown too large; what is needed of it comes back.
pub(crate) fn bound(folder: &Path, note: &dyn Fn(&str)) -> io::Result<()> {
    if Store::at(folder.to_owned()).size()? > MAX_BYTES {
        note("The package manager's cache has grown over 2 GB and starts anew");
        for entry in fs::read_dir(folder)? {
            super::trees::remove(&entry?.path())?;
        }
    }
    Ok(())
}

/// The caches of frameworks, in the folder of their layer.
pub(crate) struct FrameworkCaches {
    /// Moved into the app for the build, and out of it afterwards.
    moved: Store,
    /// `cacheDirectories` of `package.json`: copied, since the running app may need them.
    copied: Store,
}

impl FrameworkCaches {
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            moved: Store::at(folder.join("frameworks")),
            copied: Store::at(folder.join("directories")),
        }
    }

    /// Puts what the last build left into the app, where the source has nothing there.
    pub(crate) fn restore(&self, job: &Job<'_>) -> io::Result<()> {
        let mut given = self.moved.give(job.folder)?;
        given.extend(self.copied.give(job.folder)?);
        if !given.is_empty() {
            job.note(&format!("Restored {}", shown(&given)));
        }
        Ok(())
    }

    /// Takes what is there now. `in_source` says what was there before anything was built, which stays.
    pub(crate) fn save(
        &self,
        job: &Job<'_>,
        in_source: &dyn Fn(&Path) -> bool,
    ) -> Result<(), NodeBuildError> {
        let is_new = |path: &PathBuf| {
            let found = job.folder.join(path);
            found.is_dir() && !found.is_symlink() && !in_source(path)
        };
        let copied: Vec<PathBuf> = directories(job)?.into_iter().filter(is_new).collect();
        self.copied
            .fill(job.folder, &copied, super::trees::Sharing::Copies)?;
        let moved: Vec<PathBuf> = frameworks(job).filter(is_new).collect();
        self.moved.absorb(job.folder, &moved)?;
        for store in [&self.moved, &self.copied] {
            if store.size()? > MAX_BYTES {
                job.note("The caches of frameworks have grown over 2 GB and start anew");
                store.clear()?;
            }
        }
        if !moved.is_empty() {
            job.note(&format!("Kept {} for the next build", shown(&moved)));
        }
        Ok(())
    }
}

/// Where the caches of frameworks are, in the app directory.
pub(crate) fn frameworks(job: &Job<'_>) -> impl Iterator<Item = PathBuf> {
    let mut packages = vec![job.app.root.clone(), job.app.package.clone()];
    packages.dedup();
    packages.into_iter().flat_map(|package| {
        FRAMEWORK_CACHES
            .iter()
            .map(move |cache| Path::new(&package).join(cache))
    })
}

fn shown(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    names.join(", ")
}

/// `cacheDirectories` (or `cache_directories`) of `package.json`, as classic has it, but for `node_modules`, which are kept
/// anyway, and for what leads out of the app.
fn directories(job: &Job<'_>) -> Result<Vec<PathBuf>, NodeBuildError> {
    let app = App::open(job.folder).map_err(PackageJsonError::from)?;
    let package = PackageJson::read(&app, &job.app.package)?.unwrap_or_default();
    Ok(package
        .cache_directories
        .iter()
        .map(|folder| folder.value.trim_start_matches("./").trim_matches('/'))
        .map(|folder| Path::new(&job.app.package).join(folder))
        .filter(|path| {
            let is_inside = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let is_tree = path
                .components()
                .any(|part| part.as_os_str() == "node_modules");
            let is_known = FRAMEWORK_CACHES.iter().any(|cache| path.ends_with(cache));
            is_inside && !is_tree && !is_known && path.file_name().is_some()
        })
        .collect())
}

#[cfg(test)]
mod tests;
