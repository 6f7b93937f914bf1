//! The app directory of a build: an overlay over the source where that works, a copy of it elsewhere.

use super::CompileError;
use crate::cnb::LAYERS_FOLDER;
use crate::place::Place;
use crate::sandbox::{AppDirectory, Namespaced, SandboxError, SandboxOptions, make_whiteout};
use crate::stage::Survey;
use crate::tree::Tree;
use crate::workspace::{Workspace, remove_tree};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

/// A place with the staged source and the layers of the last build in it.
pub(super) struct Prepared {
    pub(super) place: Place,
    /// Where the layers really are; the merged view of an overlay is no place to move them from.
    layers: PathBuf,
    /// The upper folder, where the app directory is an overlay.
    upper: Option<PathBuf>,
}

impl Prepared {
    /// The app directory as the build left it.
    pub(super) fn tree(&self, survey: &Survey) -> io::Result<Tree> {
        match &self.upper {
            Some(upper) => survey.overlaid(upper),
            None => Tree::open(&self.root()),
        }
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
    if let Some(lower) = Lower::of(survey, owner) {
        let upper = workspace.build().join("upper");
        match overlay(survey, workspace, sandbox, &upper, &lower) {
            Ok(place) => {
                return Ok(Prepared {
                    place,
                    layers: upper.join(LAYERS_FOLDER),
                    upper: Some(upper),
                });
            }
            // No overlays here, for example because the cache folder is on one already: copying does.
            Err(CompileError::Sandbox(_) | CompileError::Workspace(_)) => {
                take_layers_back(workspace, &upper.join(LAYERS_FOLDER))?;
                remove_tree(&upper).map_err(set_up("removing an overlay"))?;
            }
            Err(other) => return Err(other),
        }
    }
    let app = workspace.build().join("app");
    survey.copy_to(&app, owner)?;
    give(&app, owner)?;
    lend(workspace, &app, owner)?;
    sandbox.app = AppDirectory::Directory(app.clone());
    let refused = match Namespaced::start(sandbox) {
        Ok(started) => {
            return Ok(Prepared {
                place: Place::Sandbox(started),
                layers: app.join(LAYERS_FOLDER),
                upper: None,
            });
        }
        Err(refused @ SandboxError::Refused { .. }) => refused,
        // Something of ours failed, or of the app's making: no reason to build it in the open.
        Err(failed) => return Err(failed.into()),
    };
    if !trusted {
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
        upper: None,
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

/// How a source can be the lower folder of an overlay.
struct Lower {
    /// Whom the programs run as, where that is not us.
    owner: Option<(u32, u32)>,
    /// Whom the source belongs to, where it has to look as if it belonged to them.
    mapped_owner: Option<(u32, u32)>,
}

impl Lower {
    /// Nothing where programs would meet files that they cannot use: a file of someone else cannot be copied up, of
    /// several owners only one can be shown as the programs' uid, and what root can read only because it is root, they
    /// cannot. What is mounted below the source would not be there at all.
    fn of(survey: &Survey, owner: Option<(u32, u32)>) -> Option<Self> {
        let [source] = survey.owners.iter().copied().collect::<Vec<_>>()[..] else {
            return None;
        };
        if !survey.one_device {
            return None;
        }
        let mapped_owner = match owner {
            None => {
                let me = (
                    nix::unistd::geteuid().as_raw(),
                    nix::unistd::getegid().as_raw(),
                );
                if source != me {
                    return None;
                }
                None
            }
            Some(owner) if source == owner => None,
            Some(_) => Some(source),
        };
        (owner.is_none() || survey.owner_may_use_all).then_some(Self {
            owner,
            mapped_owner,
        })
    }
}

fn overlay(
    survey: &Survey,
    workspace: &Workspace,
    sandbox: &mut SandboxOptions,
    upper: &Path,
    lower: &Lower,
) -> Result<Place, CompileError> {
    let work = workspace.build().join("overlay-work");
    for folder in [upper, &work] {
        fs::create_dir_all(folder).map_err(set_up("making an overlay"))?;
    }
    give(upper, lower.owner)?;
    for path in survey.whiteouts() {
        hide(&survey.root, upper, path, lower.owner).map_err(set_up("hiding what is left out"))?;
    }
    lend(workspace, upper, lower.owner)?;
    sandbox.app = AppDirectory::Overlay {
        lower: survey.root.clone(),
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
    match workspace.layers().symlink_metadata() {
        Ok(metadata) if metadata.uid() != expected => remove_tree(&workspace.layers()),
        _ => Ok(()),
    }
}

fn take_layers_back(workspace: &Workspace, layers: &Path) -> Result<(), CompileError> {
    if layers.exists() {
        workspace.return_layers(layers)?;
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
