//! Installed packages between builds: the whole tree, as the build script had it, and the tree without development
//! dependencies, as the slug has it.
//!
//! Where nothing that decides an installation has changed, the whole tree is renamed into the app and nothing is installed.
//! If the build script leaves it as it was, it is renamed back, and a clone of the other tree takes its place in the app.

use super::failure::NodeBuildError;
use super::job::Job;
use super::leftovers;
use super::plan::{DevDependencies, Linker, Manager};
use super::survey::{Made, Survey};
use super::trees::{self, Sharing, Store, Taken};
use fs_err as fs;
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
    /// The same without development dependencies; nothing where those are kept.
    pruned: Store,
    /// What the installation made elsewhere in the app.
    extras: Store,
}

/// Packages that are in the app for the build script.
pub(crate) struct Present<'a> {
    trees: Option<&'a Trees>,
    /// How they came from the layer, with their mark; nothing where they were installed.
    restored: Option<(Taken, [u8; 32])>,
    /// Why nothing is kept.
    not_kept: Option<String>,
}

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

/// Why the installed packages of this app cannot be kept; nothing where they can.
pub(crate) fn reason_against(
    job: &Job<'_>,
    survey: &Survey,
) -> Result<Option<String>, NodeBuildError> {
    let root = Path::new(&job.app.root);
    if job.app.settings.node_modules_cache.as_deref() == Some("false") {
        return Ok(Some("`NODE_MODULES_CACHE` is `false`".into()));
    }
    if job.is_cross {
        return Ok(Some("they are for another machine".into()));
    }
    if matches!(job.app.linker, Linker::PlugAndPlay { zero_install: true })
        && job.manager() == Manager::YarnBerry
    {
        return Ok(Some("the source brings them".into()));
    }
    if let Some(path) = survey.node_modules.first() {
        return Ok(Some(format!("`{}` is part of the source", path.display())));
    }
    if survey.has(&root.join("binding.gyp")) {
        return Ok(Some("the app itself is a native addon".into()));
    }
    let may_have_others = job.app.is_workspace || has_copied_folders(job)?;
    if may_have_others && let Some(path) = survey.other_lifecycle(job.folder, root)? {
        let path = path.display();
        return Ok(Some(format!(
            "`{path}` has scripts that run while it is installed"
        )));
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

    /// Whether they can be put into the app.
    fn can_be_used(&self, job: &Job<'_>) -> Result<bool, NodeBuildError> {
        let prunes = prunes(job);
        Ok(self.full.paths()?.is_some()
            && (!prunes || self.pruned.paths()?.is_some())
            && self.extras.paths()?.is_some()
            && self.full.fits(job.folder)?
            && self.extras.fits(job.folder)?)
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
        if let Some(trees) = trees.filter(|_| is_hit)
            && trees.can_be_used(job)?
        {
            let mark = trees.full.mark()?;
            let taken = trees.full.hand_out(job.folder)?;
            trees.extras.clone_to(job.folder, Sharing::Copies)?;
            job.note("Installed packages: those of the last build, as nothing that decides them has changed");
            for name in of_the_app(job)? {
                job.script_in(name, &job.root(), &job.app.root)?;
            }
            return Ok(Self {
                trees: Some(trees),
                restored: Some((taken, mark)),
                not_kept: None,
            });
        }
        job.install()?;
        let Some(trees) = trees else {
            return Ok(Self {
                trees: None,
                restored: None,
                not_kept: None,
            });
        };
        let after = Survey::of(job.folder)?;
        let paths = tree_paths(job, &after);
        let lockfile: Vec<PathBuf> = job
            .app
            .lockfile
            .iter()
            .map(|lockfile| Path::new(&job.app.root).join(&lockfile.path))
            .collect();
        let not_kept = match before.made(&after, &paths, &lockfile) {
            Made::Added(extras) => {
                trees.extras.fill(job.folder, &extras, Sharing::Copies)?;
                None
            }
            Made::Changed(path) => Some(format!("their installation changes `{}`", path.display())),
        };
        Ok(Self {
            trees: Some(trees),
            restored: None,
            not_kept,
        })
    }

    /// Leaves in the app what the slug needs, and keeps everything for the next build. The build script has run, and caches
    /// of frameworks are out of the way. `cleanup` runs last.
    pub(crate) fn finish(
        self,
        job: &Job<'_>,
        cleanup: &dyn Fn() -> Result<(), NodeBuildError>,
    ) -> Result<Kept, NodeBuildError> {
        let Some(trees) = self.trees else {
            prune(job)?;
            cleanup()?;
            return Ok(Kept::Nothing(String::new()));
        };
        let paths = tree_paths(job, &Survey::of(job.folder)?);
        // Whatever writes into a clone later writes into what it shares.
        let sharing = match job.app.scripts.cleanup {
            Some(_) => Sharing::Copies,
            None => Sharing::Links,
        };
        if let Some((_, mark)) = self.restored
            && trees::mark(job.folder, &paths)? == mark
        {
            trees.full.take_back(job.folder)?;
            let kept = if prunes(job) {
                &trees.pruned
            } else {
                &trees.full
            };
            kept.clone_to(job.folder, sharing)?;
            if !prunes(job) {
                leftovers::remove(job, &paths)?;
            }
            cleanup()?;
            return Ok(Kept::Same);
        }
        if let Some(reason) = self.not_kept {
            trees.full.clear()?;
            trees.pruned.clear()?;
            trees.extras.clear()?;
            prune(job)?;
            cleanup()?;
            return Ok(Kept::Nothing(reason));
        }
        trees.full.fill(job.folder, &paths, sharing)?;
        let full = trees.full.mark()?;
        prune(job)?;
        let mut pruned = None;
        if prunes(job) {
            let paths = tree_paths(job, &Survey::of(job.folder)?);
            trees.pruned.fill(job.folder, &paths, sharing)?;
            // Only the script can change it from here on.
            if job.app.scripts.cleanup.is_some() {
                pruned = Some(trees.pruned.mark()?);
            }
        }
        cleanup()?;
        let is_sound = trees.full.mark()? == full
            && match pruned {
                Some(mark) => trees.pruned.mark()? == mark,
                None => true,
            };
        if is_sound {
            return Ok(Kept::New);
        }
        trees.full.clear()?;
        trees.pruned.clear()?;
        trees.extras.clear()?;
        Ok(Kept::Nothing(
            "files of packages were changed in place while development dependencies were removed"
                .into(),
        ))
    }
}

/// Whether a package may be a copy of a folder of the source: only then its files decide what is installed. Parts of a
/// workspace are linked.
pub(crate) fn has_copied_folders(job: &Job<'_>) -> std::io::Result<bool> {
    const MARKS: [&str; 4] = ["file:", "portal:", "directory:", "\"injected\""];
    let mut texts = vec![
        job.root().join("package.json"),
        job.package().join("package.json"),
    ];
    texts.extend(
        job.app
            .lockfile
            .iter()
            .map(|lockfile| job.root().join(&lockfile.path)),
    );
    for file in texts {
        match fs::read_to_string(file) {
            Ok(text) if MARKS.iter().any(|mark| text.contains(mark)) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn prunes(job: &Job<'_>) -> bool {
    job.app.dev_dependencies == DevDependencies::Removed
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
    let paths = tree_paths(job, &Survey::of(job.folder)?);
    leftovers::remove(job, &paths)?;
    Ok(())
}

/// The scripts of the app's own package that a manager runs while it installs: they may read any file of the source, so
/// they run at every build.
fn of_the_app(job: &Job<'_>) -> Result<Vec<&'static str>, NodeBuildError> {
    let mut scripts = Survey::lifecycle(job.folder, Path::new(&job.app.root))?;
    if job.manager() == Manager::YarnBerry {
        scripts.retain(|name| ["preinstall", "install", "postinstall"].contains(name));
    }
    Ok(scripts)
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
