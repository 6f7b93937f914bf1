//! A built app as the started ones have it.

use crate::app_copy::copy_tree;
use crate::folder::Folder;
use slugbuilder::compile::{BuiltApp, CompileError};
use slugbuilder::sandbox::{
    AppDirectory, HostView, Interrupt, Namespaced, SandboxError, SandboxOptions,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a slug would hold, as files. Started apps do not change it: each has a view of its own.
pub(crate) struct Image {
    app: PathBuf,
    folder: PathBuf,
    started: AtomicU64,
}

impl Image {
    /// Lays `built` out in `folder`.
    pub(crate) fn new(built: &BuiltApp, folder: &Folder) -> Result<Self, CompileError> {
        let folder = folder.path().join("image");
        slugbuilder::workspace::remove_tree(&folder).map_err(set_up("removing an app"))?;
        let app = folder.join("app");
        std::fs::create_dir_all(&app).map_err(set_up("laying the app out"))?;
        built.copy_to(&app)?;
        give(&app).map_err(set_up("laying the app out"))?;
        Ok(Self {
            app,
            folder,
            started: AtomicU64::new(0),
        })
    }

    /// A place for one app to run in: it has the app directory, and a network, to itself. `mounts` are paths of this machine
    /// and of the place.
    pub(crate) fn place(&self, mounts: &[(PathBuf, PathBuf)]) -> Result<Place, SandboxError> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("run-{number}"));
        let (scratch, upper, work) = (
            folder.join("scratch"),
            folder.join("upper"),
            folder.join("work"),
        );
        for path in [&scratch, &upper, &work] {
            std::fs::create_dir_all(path).map_err(set_up("making a folder"))?;
        }
        give(&upper).map_err(set_up("making a folder"))?;
        let mut options = SandboxOptions {
            app: AppDirectory::Overlay {
                lower: self.app.clone(),
                upper,
                work,
                mapped_owner: None,
            },
            scratch,
            home_is_app: true,
            cache: None,
            shared_cache: None,
            buildpacks: Vec::new(),
            view: view(mounts),
            network: false,
            deadline: None,
            interrupt: Interrupt::new().map_err(set_up("making a pipe"))?,
        };
        let sandbox = match Namespaced::start(&options) {
            // Not on this file system or kernel.
            Err(SandboxError::SetUp { .. }) => {
                let copy = folder.join("app");
                copy_tree(&self.app, &copy, &give).map_err(set_up("copying the app"))?;
                options.app = AppDirectory::Directory(copy);
                Namespaced::start(&options)?
            }
            result => result?,
        };
        Ok(Place {
            sandbox: Some(sandbox),
            folder,
        })
    }
}

/// A place for one app, gone when dropped.
pub(crate) struct Place {
    sandbox: Option<Namespaced>,
    folder: PathBuf,
}

impl Place {
    pub(crate) fn sandbox(&self) -> &Namespaced {
        // There until it is dropped.
        match &self.sandbox {
            Some(sandbox) => sandbox,
            None => unreachable!("the place has ended"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.sandbox.take());
        // What stays goes with the test's folder, which says so where it cannot.
        let _ = slugbuilder::workspace::remove_tree(&self.folder);
    }
}

/// What an app sees: the system, and its own folders under the names that they have in an image of `pack`'s, too.
fn view(mounts: &[(PathBuf, PathBuf)]) -> HostView {
    let view = HostView::for_running()
        .with_link(Path::new("/workspace"), Path::new("app"))
        .with_link(Path::new("/layers"), Path::new("app/.slugbuilder/layers"));
    mounts.iter().fold(view, |view, (outside, inside)| {
        view.with_mount(outside, &real(inside))
    })
}

/// `path` without the links of [`view`].
fn real(path: &Path) -> PathBuf {
    [
        ("/workspace", "/app"),
        ("/layers", "/app/.slugbuilder/layers"),
    ]
    .iter()
    .find_map(|(link, target)| Some(Path::new(target).join(path.strip_prefix(link).ok()?)))
    .unwrap_or_else(|| path.to_owned())
}

/// Gives a folder to the user that apps run as.
fn give(path: &Path) -> io::Result<()> {
    match SandboxOptions::owner() {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

fn set_up(step: &'static str) -> impl Fn(io::Error) -> SandboxError {
    move |source| SandboxError::SetUp {
        step: step.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_an_image_mean_those_here() {
        for (path, expected) in [
            ("/workspace/a", "/app/a"),
            ("/layers/b/l", "/app/.slugbuilder/layers/b/l"),
            ("/data", "/data"),
            ("/workspaces", "/workspaces"),
        ] {
            assert_eq!(real(Path::new(path)), Path::new(expected));
        }
    }
}
