//! Installed packages between builds: the whole tree, as the build script had it, and the tree without development
//! dependencies, as the slug has it.
//!
//! Where nothing that decides an installation has changed, the whole tree is renamed into the app and nothing is installed.
//! If the build script leaves it as it was, it is renamed back, and a clone of the other tree takes its place in the app.

use super::caches;
use super::development::Development;
use super::failure::NodeBuildError;
use super::job::Job;
use super::leftovers;
use super::lifecycle;
use super::plan::{DevDependencies, Linker, Manager};
use super::survey::{Made, Survey};
use super::trees::{self, Marks, Sharing, Store};
use std::io;
use std::path::{Path, PathBuf};

/// What Yarn 2 and later makes beside or instead of `node_modules`.
const OF_YARN: [&str; 7] = [
    ".yarn/cache",
    ".yarn/unplugged",
    ".yarn/install-state.gz",
    ".yarn/build-state.yml",
    ".pnp.cjs",
    ".pnp.loader.mjs",
    ".pnp.data.json",
];

/// The layer of installed packages.
pub(crate) struct Trees {
    /// The whole trees, after the build script and without caches of frameworks.
    full: Store,
    /// The same without development dependencies; nothing where those are kept, or npm's record in the whole trees says
    /// which they are.
    pruned: Store,
    /// What the installation made elsewhere in the app.
    extras: Store,
}

/// Packages that are in the app for the build script.
pub(crate) struct Present<'a> {
    trees: Option<&'a Trees>,
    /// Where they are: what the installation made, or what came from the layer.
    paths: Vec<PathBuf>,
    /// Whether they came from the layer.
    is_restored: bool,
    /// What they were before the build script; nothing where there is none.
    before_build: Option<Marks>,
    /// Why nothing is kept.
    not_kept: Option<String>,
}

/// Why nothing of the last build is used, where the user says so.
pub(crate) const CACHE_OFF: &str = "`NODE_MODULES_CACHE` says so";

/// What became of the layer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is as the last build left it.
    Same,
    /// It is whole and holds what this build made.
    New,
    /// It holds nothing, for this reason.
    Nothing(String),
}

/// Why the installed packages of this app cannot be kept; nothing where they can. `source` is what the user brings, `survey`
/// what is there when the installation begins, after `heroku-prebuild`.
pub(crate) fn reason_against(
    job: &Job<'_>,
    source: &Survey,
    survey: &Survey,
) -> Result<Option<String>, NodeBuildError> {
    let root = Path::new(&job.app.root);
    if !job.app.settings.uses_cache() {
        return Ok(Some(CACHE_OFF.into()));
    }
    if job.is_cross {
        return Ok(Some("they are for another machine".into()));
    }
    if matches!(job.app.linker, Linker::PlugAndPlay { zero_install: true })
        && job.manager() == Manager::YarnBerry
    {
        return Ok(Some("the source brings them".into()));
    }
    if let Some(path) = source.node_modules.first() {
        return Ok(Some(format!("`{}` is part of the source", path.display())));
    }
    if survey.has(&root.join("binding.gyp")) {
        return Ok(Some("the app itself is a native addon".into()));
    }
    if let Some(reason) = lifecycle::of_the_app(job)? {
        return Ok(Some(reason));
    }
    if job.app.is_workspace || has_copied_folders(job)? {
        return lifecycle::of_others(job, survey);
    }
    Ok(None)
}

impl Trees {
    pub(crate) fn at(layer: &Path) -> Self {
        Self {
            full: Store::at(layer.join("full")),
            pruned: Store::at(layer.join("pruned")),
            extras: Store::at(layer.join("extras")),
        }
    }

    fn clear(&self) -> io::Result<()> {
        self.full.clear()?;
        self.pruned.clear()?;
        self.extras.clear()
    }

    /// Keeps what the installation made outside of the trees at `paths`; what it returns is why nothing can be kept.
    fn keep_extras(
        &self,
        job: &Job<'_>,
        before: &Survey,
        after: &Survey,
        paths: &[PathBuf],
    ) -> io::Result<Option<String>> {
        let lockfile: Vec<PathBuf> = job
            .app
            .lockfile
            .iter()
            .map(|lockfile| Path::new(&job.app.root).join(&lockfile.path))
            .collect();
        Ok(match before.made(after, paths, &lockfile) {
            Made::Added(extras) => {
                self.extras.fill(job.folder, &extras, Sharing::Copies)?;
                None
            }
            Made::Changed(path) => Some(format!("their installation changes `{}`", path.display())),
        })
    }

    /// Whether they can be put into the app.
    pub(crate) fn can_be_used(&self, job: &Job<'_>) -> Result<bool, NodeBuildError> {
        Ok(self.full.paths()?.is_some()
            && (!prunes(job) || self.pruned.paths()?.is_some() || self.has_record(job)?)
            && self.extras.paths()?.is_some()
            && self.full.fits(job.folder)?
            && self.extras.fits(job.folder)?)
    }

    /// Whether npm's record says which of the packages only development needs.
    fn has_record(&self, job: &Job<'_>) -> io::Result<bool> {
        let modules = Path::new(&job.app.root).join("node_modules");
        let is_npm = job.manager() == Manager::Npm;
        Ok(match self.full.place(&modules)?.filter(|_| is_npm) {
            Some(place) => Development::read(&place)?.is_some(),
            None => false,
        })
    }
}

impl<'a> Present<'a> {
    /// Puts the kept trees into the app, or installs: whole trees only, if `is_hit`.
    pub(crate) fn bring(
        job: &Job<'_>,
        trees: Option<&'a Trees>,
        is_hit: bool,
        before: &Survey,
    ) -> Result<Self, NodeBuildError> {
        let mut present = Self {
            trees,
            paths: Vec::new(),
            is_restored: false,
            before_build: None,
            not_kept: None,
        };
        let Some(trees) = trees else {
            job.install()?;
            return Ok(present);
        };
        if is_hit && trees.can_be_used(job)? {
            present.paths = trees.full.paths()?.unwrap_or_default();
            trees.full.hand_out(job.folder)?;
            trees.extras.clone_to(job.folder, Sharing::Copies)?;
            job.note("Installed packages: those of the last build, as nothing that decides them has changed");
            present.is_restored = true;
        } else {
            let of_prebuild = Marks::of(job.folder, &before.node_modules)?;
            job.install()?;
            let after = Survey::of(job.folder)?;
            let all = tree_paths(job, &after);
            present.not_kept = trees.keep_extras(job, before, &after, &all)?;
            // What `heroku-prebuild` installed it will install again.
            let of_both = Marks::of(job.folder, &before.node_modules)?;
            if let Some(path) = of_prebuild.difference(&of_both, &|_| true) {
                present.not_kept = Some(format!(
                    "their installation changes `{}`, which `heroku-prebuild` makes",
                    path.display()
                ));
            }
            present.paths = all;
            present
                .paths
                .retain(|path| !before.node_modules.contains(path));
        }
        if job.app.scripts.build.is_some() && present.not_kept.is_none() {
            present.before_build = Some(Marks::of(job.folder, &present.paths)?);
        }
        Ok(present)
    }

    /// Leaves in the app what the slug needs, and keeps everything for the next build. The build script has run, and caches
    /// of frameworks are out of the way. `cleanup` runs last.
    pub(crate) fn finish(
        self,
        job: &Job<'_>,
        cleanup: &dyn Fn() -> Result<(), NodeBuildError>,
    ) -> Result<Kept, NodeBuildError> {
        let not_kept = match self.not_kept.clone() {
            Some(reason) => Some(reason),
            None => self.change_by_build(job)?,
        };
        let Some(trees) = self.trees else {
            prune(job)?;
            cleanup()?;
            return Ok(Kept::Nothing(String::new()));
        };
        if let Some(reason) = not_kept {
            trees.clear()?;
            prune(job)?;
            cleanup()?;
            return Ok(Kept::Nothing(reason));
        }
        // Whatever writes into a clone later writes into what it shares.
        let sharing = match job.app.scripts.cleanup {
            Some(_) => Sharing::Copies,
            None => Sharing::Links,
        };
        let development = if prunes(job) {
            job.development()?
        } else {
            None
        };
        let is_selected = !prunes(job) || development.is_some();
        let kept = if self.is_restored {
            trees.full.take_back(job.folder)?;
            Kept::Same
        } else if is_selected {
            trees.full.absorb(job.folder, &self.paths)?;
            trees.pruned.clear()?;
            Kept::New
        } else {
            return self.keep_pruned(job, trees, sharing, cleanup);
        };
        if is_selected {
            select(job, &trees.full, development.as_ref(), sharing)?;
        } else {
            trees.pruned.clone_to(job.folder, sharing)?;
        }
        cleanup()?;
        Ok(kept)
    }

    /// Keeps new trees, and what the package manager makes of them for the slug, which it may do by writing into files.
    fn keep_pruned(
        self,
        job: &Job<'_>,
        trees: &Trees,
        sharing: Sharing,
        cleanup: &dyn Fn() -> Result<(), NodeBuildError>,
    ) -> Result<Kept, NodeBuildError> {
        trees.full.fill(job.folder, &self.paths, sharing)?;
        let full = trees.full.marks()?;
        prune(job)?;
        let mut paths = self.paths;
        paths.retain(|path| job.folder.join(path).symlink_metadata().is_ok());
        trees.pruned.fill(job.folder, &paths, sharing)?;
        // Only the script can change it from here on.
        let pruned = match job.app.scripts.cleanup {
            Some(_) => Some(trees.pruned.marks()?),
            None => None,
        };
        cleanup()?;
        let is_sound = trees.full.marks()? == full
            && match pruned {
                Some(mark) => trees.pruned.marks()? == mark,
                None => true,
            };
        if is_sound {
            return Ok(Kept::New);
        }
        trees.clear()?;
        Ok(Kept::Nothing(
            "files of packages were changed in place while development dependencies were removed"
                .into(),
        ))
    }

    /// Why they are not to be kept after the build script; nothing where it left them as they were.
    fn change_by_build(&self, job: &Job<'_>) -> io::Result<Option<String>> {
        let (Some(before), Some(name)) = (&self.before_build, job.app.scripts.build) else {
            return Ok(None);
        };
        let after = Marks::of(job.folder, &self.paths)?;
        let caches: Vec<PathBuf> = caches::frameworks(job).collect();
        let counts = |path: &Path| !caches.iter().any(|cache| path.starts_with(cache));
        let change = before.difference(&after, &counts);
        Ok(change.map(|path| format!("the script `{name}` changes `{}`", path.display())))
    }
}

/// Whether a package may be a copy of a folder of the source: only then its files decide what is installed. Parts of a
/// workspace are linked.
pub(crate) fn has_copied_folders(job: &Job<'_>) -> Result<bool, NodeBuildError> {
    let root = Path::new(&job.app.root);
    let mut texts = vec![
        root.join("package.json"),
        Path::new(&job.app.package).join("package.json"),
    ];
    texts.extend(
        job.app
            .lockfile
            .iter()
            .map(|lockfile| root.join(&lockfile.path)),
    );
    for path in texts {
        match std::fs::read_to_string(job.folder.join(&path)) {
            Ok(text) if names_copied_folder(&text) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(NodeBuildError::Unreadable(path, error)),
        }
    }
    Ok(false)
}

/// Whether a manifest or lockfile has a specifier of a folder: not `excludeLinksFromLockfile:` of pnpm, nor a script that is
/// called `build-file:x`.
fn names_copied_folder(text: &str) -> bool {
    const MARKS: [&str; 4] = ["file:", "portal:", "directory:", "\"injected\""];
    let is_specifier = |at: usize| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "-_".contains(before))
    };
    MARKS
        .iter()
        .any(|mark| text.match_indices(mark).any(|(at, _)| is_specifier(at)))
}

fn prunes(job: &Job<'_>) -> bool {
    job.app.dev_dependencies == DevDependencies::Removed
}

/// Puts clones of the whole trees into the app, without packages that only `development` needs.
fn select(
    job: &Job<'_>,
    full: &Store,
    development: Option<&Development>,
    sharing: Sharing,
) -> Result<(), NodeBuildError> {
    if let Some(development) = development {
        let is_left_out = |path: &Path| {
            let below = path.strip_prefix(&job.app.root);
            below.is_ok_and(|below| development.contains(below))
        };
        job.note_removal_of(development);
        full.clone_without(job.folder, sharing, &is_left_out)?;
        development.remove(&job.root())?;
    } else {
        full.clone_to(job.folder, sharing)?;
    }
    remove_leftovers(job)
}

fn remove_leftovers(job: &Job<'_>) -> Result<(), NodeBuildError> {
    let paths = tree_paths(job, &Survey::of(job.folder)?);
    Ok(leftovers::remove(job, &paths)?)
}

fn prune(job: &Job<'_>) -> Result<(), NodeBuildError> {
    if job.is_cross {
        for path in tree_paths(job, &Survey::of(job.folder)?) {
            trees::remove(&job.folder.join(path))?;
        }
        job.install_for_slug()?;
    } else if prunes(job) {
        job.prune()?;
        if matches!(job.app.linker, Linker::PlugAndPlay { .. })
            && job.manager() == Manager::YarnBerry
        {
            leftovers::remove_unused_archives(&job.root())?;
        }
    }
    remove_leftovers(job)
}

/// Where installed packages are; no tree is inside of another.
fn tree_paths(job: &Job<'_>, survey: &Survey) -> Vec<PathBuf> {
    let mut paths = survey.node_modules.clone();
    if job.manager() == Manager::YarnBerry {
        let root = Path::new(&job.app.root);
        paths.extend(
            OF_YARN
                .iter()
                .map(|path| root.join(path))
                .filter(|path| survey.has(path)),
        );
    }
    // An unplugged package is in a `node_modules` of its own.
    let all = paths.clone();
    paths.retain(|path| {
        let mut above = path.ancestors().skip(1);
        !above.any(|folder| all.iter().any(|other| other == folder))
    });
    paths
}

#[cfg(test)]
mod tests;
