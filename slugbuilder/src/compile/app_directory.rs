//! The app directory of a build: an overlay over the source where that works, else over a copy that is kept from build to
//! build, else a copy.

use super::CompileError;
use crate::cnb::LAYERS_FOLDER;
use crate::place::Place;
use crate::sandbox::{AppDirectory, Namespaced, SandboxError, SandboxOptions, make_whiteout};
use crate::stage::Survey;
use crate::tree::Tree;
use crate::workspace::{Workspace, remove_tree};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

/// A place with the staged source and the layers of the last build in it.
pub(super) struct Prepared {
    pub(super) place: Place,
    /// Where the layers really are; the merged view of an overlay is no place to move them from.
    layers: PathBuf,
    /// The two folders, where the app directory is an overlay.
    overlaid: Option<Overlaid>,
}

struct Overlaid {
    lower: PathBuf,
    upper: PathBuf,
}

impl Prepared {
    /// The app directory as the build left it.
    pub(super) fn tree(&self, survey: &Survey) -> io::Result<Tree> {
        match &self.overlaid {
            Some(Overlaid { lower, upper }) if *lower == survey.root => survey.overlaid(upper),
            Some(Overlaid { lower, upper }) => Tree::overlaid(lower, upper, std::iter::empty()),
            None => Tree::open(&self.root()),
        }
    }

    /// Where the layers are, seen from here.
    pub(super) fn layers(&self) -> &Path {
        &self.layers
    }

    /// Where the app directory is, seen from here.
    pub(super) fn root(&self) -> PathBuf {
        let executor = self.place.executor();
        executor.outside(executor.app_dir())
    }
}

/// Stages the source, lends it the layers, and opens a place for the build.
pub(super) fn prepare(
    survey: &Survey,
    workspace: &Workspace,
    sandbox: &mut SandboxOptions,
    trusted: bool,
) -> Result<Prepared, CompileError> {
    let owner = SandboxOptions::owner();
    let app = workspace.build().join("app");
    let over_source = match Lower::source(survey, owner) {
        Some(lower) => overlay(lower, workspace, sandbox)?,
        None => Over::NotThis,
    };
    match over_source {
        Over::Laid(prepared) => {
            workspace.forget_source()?;
            return Ok(*prepared);
        }
        Over::NoNamespaces => survey.copy_to(&app, owner)?,
        Over::NotThis => {
            let copy = workspace.source();
            survey.refresh_copy(&copy, &workspace.source_index(), owner)?;
            if let Over::Laid(prepared) = overlay(Lower::copy(&copy, owner), workspace, sandbox)? {
                return Ok(*prepared);
            }
            // No overlays at all: the copy is all that the build needs.
            workspace.give_source(&app)?;
        }
    }
    give(&app, owner)?;
    lend(workspace, &app, owner)?;
    sandbox.app = AppDirectory::Directory(app.clone());
    let refused = match Namespaced::start(sandbox) {
        Ok(started) => {
            return Ok(Prepared {
                place: Place::Sandbox(started),
                layers: app.join(LAYERS_FOLDER),
                overlaid: None,
            });
        }
        Err(refused @ SandboxError::Refused { .. }) => refused,
        // Something of ours failed, or of the app's making: no reason to build it in the open.
        Err(failed) => {
            take_layers_back(workspace, &app.join(LAYERS_FOLDER))?;
            return Err(failed.into());
        }
    };
    if !trusted {
        take_layers_back(workspace, &app.join(LAYERS_FOLDER))?;
        return Err(CompileError::UntrustedWithoutSandbox(refused));
    }
    let place = Place::open(sandbox, &refused, |directory| {
        if directory == app {
            return Ok(());
        }
        take_layers_back(workspace, &app.join(LAYERS_FOLDER))?;
        survey.copy_to(directory, owner)?;
        lend(workspace, directory, owner)
    })?;
    let layers = place.executor().app_dir().join(LAYERS_FOLDER);
    Ok(Prepared {
        place,
        layers,
        overlaid: None,
    })
}

/// Ends the place and takes the layers back for the next build.
pub(super) fn finish(prepared: Prepared, workspace: &Workspace) -> Result<(), CompileError> {
    let Prepared { place, layers, .. } = prepared;
    match place {
        Place::Sandbox(sandbox) => {
            // The overlay is unmounted before its upper folder changes.
            drop(sandbox);
            workspace.return_layers(&layers)?;
        }
        // `/app` goes with the place, so the layers have to leave before.
        Place::Open { .. } => workspace.return_layers(&layers)?,
    }
    Ok(())
}

/// Ends a place in which nothing was built, and leaves the next build what the last one left.
pub(super) fn give_back(prepared: Prepared, workspace: &Workspace) -> Result<(), CompileError> {
    let Prepared { place, layers, .. } = prepared;
    match place {
        Place::Sandbox(sandbox) => {
            // The overlay is unmounted before its upper folder changes.
            drop(sandbox);
            workspace.give_back_layers(&layers)?;
        }
        // `/app` goes with the place, so the layers have to leave before.
        Place::Open { .. } => workspace.give_back_layers(&layers)?,
    }
    Ok(())
}

/// What of an app directory stays for the next build.
pub(super) enum Keeping {
    /// All of it, and what is below it.
    App(Under),
    /// Its layers: it is not on the file system of the work folder.
    LayersOnly,
}

/// What is below a kept app directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Under {
    /// Nothing: it is whole.
    Nothing,
    /// The source itself.
    Source,
    /// The copy of the source in the work folder.
    Copy,
}

/// The app directory that `workspace` keeps.
pub(super) fn kept(under: Under, survey: &Survey, workspace: &Workspace) -> io::Result<Tree> {
    let app = workspace.kept_app();
    match under {
        Under::Nothing => Tree::open(&app),
        Under::Source => survey.overlaid(&app),
        Under::Copy => Tree::overlaid(&workspace.source(), &app, std::iter::empty()),
    }
}

/// Ends the place and keeps the app directory with its layers, or at least these. The app is kept only once
/// [`Workspace::settle_kept`] says so.
pub(super) fn keep(prepared: Prepared, workspace: &Workspace) -> Result<Keeping, CompileError> {
    let root = prepared.root();
    let Prepared {
        place,
        layers,
        overlaid,
    } = prepared;
    let (app, under) = match overlaid {
        Some(Overlaid { lower, upper }) if lower == workspace.source() => (upper, Under::Copy),
        Some(Overlaid { upper, .. }) => (upper, Under::Source),
        None => (root, Under::Nothing),
    };
    let kept = match place {
        Place::Sandbox(sandbox) => {
            // The overlay is unmounted before its upper folder changes.
            drop(sandbox);
            workspace.keep_app(&app)
        }
        // `/app` goes with the place, so it has to leave before. Its programs have ended.
        Place::Open { .. } => workspace.keep_app(&app),
    };
    if kept.is_err() {
        // Another file system, a mount: whatever it is, the layers can be kept without the rest.
        workspace.release_kept()?;
        workspace.return_layers(&layers)?;
        return Ok(Keeping::LayersOnly);
    }
    Ok(Keeping::App(under))
}

/// A folder below an overlay.
struct Lower<'a> {
    root: PathBuf,
    /// What is not to be seen of it.
    hidden: Vec<&'a Path>,
    /// Whom the programs run as, where that is not us.
    owner: Option<(u32, u32)>,
    /// Whom the folder belongs to, where it has to look as if it belonged to them.
    mapped_owner: Option<(u32, u32)>,
}

impl<'a> Lower<'a> {
    /// The source itself. Nothing where programs would meet files that they cannot use: a file of someone else cannot be
    /// copied up, of several owners only one can be shown as the programs' uid, and what root can read only because it is
    /// root, they cannot. What is mounted below the source would not be there at all.
    fn source(survey: &'a Survey, owner: Option<(u32, u32)>) -> Option<Self> {
        let mut owners = survey.owners.iter();
        let (Some(&source), None, true) = (owners.next(), owners.next(), survey.one_device) else {
            return None;
        };
        let me = (
            nix::unistd::geteuid().as_raw(),
            nix::unistd::getegid().as_raw(),
        );
        let fits = match owner {
            None => source == me,
            Some(_) => survey.owner_may_use_all,
        };
        fits.then(|| Self {
            root: survey.root.clone(),
            hidden: survey.whiteouts().collect(),
            owner,
            mapped_owner: owner.filter(|owner| source != *owner).map(|_| source),
        })
    }

    /// A copy of what is staged.
    fn copy(copy: &Path, owner: Option<(u32, u32)>) -> Self {
        Self {
            root: copy.to_owned(),
            hidden: Vec::new(),
            owner,
            mapped_owner: None,
        }
    }
}

/// What came of laying an overlay.
enum Over {
    Laid(Box<Prepared>),
    /// Not over this folder, or nowhere: for example because the cache folder is on an overlay already, or because the
    /// kernel or the file system cannot map owners.
    NotThis,
    /// There is no sandbox at all.
    NoNamespaces,
}

fn overlay(
    lower: Lower<'_>,
    workspace: &Workspace,
    sandbox: &mut SandboxOptions,
) -> Result<Over, CompileError> {
    let upper = workspace.build().join("upper");
    let layers = upper.join(LAYERS_FOLDER);
    match start(&lower, workspace, sandbox, &upper) {
        Ok(place) => Ok(Over::Laid(Box::new(Prepared {
            place,
            layers,
            overlaid: Some(Overlaid {
                lower: lower.root,
                upper,
            }),
        }))),
        Err(CompileError::Sandbox(SandboxError::Refused { .. })) => {
            undo(workspace, &upper)?;
            Ok(Over::NoNamespaces)
        }
        Err(CompileError::Sandbox(_) | CompileError::Workspace(_)) => {
            undo(workspace, &upper)?;
            Ok(Over::NotThis)
        }
        Err(other) => Err(other),
    }
}

fn undo(workspace: &Workspace, upper: &Path) -> Result<(), CompileError> {
    take_layers_back(workspace, &upper.join(LAYERS_FOLDER))?;
    remove_tree(upper).map_err(set_up("removing an overlay"))?;
    Ok(())
}

fn start(
    lower: &Lower<'_>,
    workspace: &Workspace,
    sandbox: &mut SandboxOptions,
    upper: &Path,
) -> Result<Place, CompileError> {
    let work = workspace.build().join("overlay-work");
    for folder in [upper, &work] {
        fs::create_dir_all(folder).map_err(set_up("making an overlay"))?;
    }
    give(upper, lower.owner)?;
    for path in &lower.hidden {
        hide(&lower.root, upper, path, lower.owner).map_err(set_up("hiding what is left out"))?;
    }
    lend(workspace, upper, lower.owner)?;
    sandbox.app = AppDirectory::Overlay {
        lower: lower.root.clone(),
        upper: upper.to_owned(),
        work,
        mapped_owner: lower.mapped_owner,
    };
    Ok(Place::Sandbox(Namespaced::start(sandbox)?))
}

/// Makes a whiteout, and the folders above it with the modes that they have in the source: a folder that is in both
/// takes its mode from the upper one.
fn hide(lower: &Path, upper: &Path, path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let mut above = PathBuf::new();
    for part in path.parent().into_iter().flat_map(Path::components) {
        above.push(part);
        let folder = upper.join(&above);
        if !folder.exists() {
            fs::create_dir(&folder)?;
            if let Some((uid, gid)) = owner {
                std::os::unix::fs::chown(&folder, Some(uid), Some(gid))?;
            }
            fs::set_permissions(&folder, fs::metadata(lower.join(&above))?.permissions())?;
        }
    }
    make_whiteout(&upper.join(path))
}

fn lend(workspace: &Workspace, app: &Path, owner: Option<(u32, u32)>) -> Result<(), CompileError> {
    let layers = app.join(LAYERS_FOLDER);
    if let Some(own_folder) = layers.parent() {
        fs::create_dir_all(own_folder)
            // Not left to the umask: it enters the slug.
            .and_then(|()| fs::set_permissions(own_folder, PermissionsExt::from_mode(0o755)))
            .map_err(set_up("making a folder in the app"))?;
        give(own_folder, owner)?;
    }
    forget_layers_of_others(workspace, owner)
        .map_err(set_up("looking at the layers of the last build"))?;
    workspace.lend_layers(&layers)?;
    Ok(())
}

/// Forgets layers that the programs of this build could not change: whoever built last was root with other ids, or was
/// not root.
fn forget_layers_of_others(workspace: &Workspace, owner: Option<(u32, u32)>) -> io::Result<()> {
    let expected = owner.map_or_else(|| nix::unistd::geteuid().as_raw(), |(uid, _)| uid);
    let layers = workspace.lendable_layers();
    match layers.symlink_metadata() {
        Ok(metadata) if metadata.uid() != expected => {
            workspace.forget_kept()?;
            remove_tree(&layers)
        }
        _ => Ok(()),
    }
}

fn take_layers_back(workspace: &Workspace, layers: &Path) -> Result<(), CompileError> {
    if layers.exists() {
        workspace.give_back_layers(layers)?;
    }
    Ok(())
}

fn give(path: &Path, owner: Option<(u32, u32)>) -> Result<(), SandboxError> {
    match owner {
        Some((uid, gid)) => std::os::unix::fs::chown(path, Some(uid), Some(gid))
            .map_err(set_up("giving a folder away")),
        None => Ok(()),
    }
}

fn set_up(step: &'static str) -> impl Fn(io::Error) -> SandboxError {
    move |source| SandboxError::SetUp {
        step: step.to_owned(),
        source,
    }
}
