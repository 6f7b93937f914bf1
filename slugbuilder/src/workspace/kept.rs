//! The built app that is kept from one build to the next.
//!
//! It is whole as long as `dirty` is not there: a build that is killed while it puts the app there has `dirty` still, and
//! one that is killed while it takes the layers out of it has removed the record before.

use super::{Workspace, WorkspaceError, move_tree, remove_tree};
use crate::cnb::LAYERS_FOLDER;
use fs_err as fs;
use std::io;
use std::path::{Path, PathBuf};

/// The layers in a kept app, below an app's folder.
pub(crate) const KEPT_LAYERS: &str = "kept/app/.slugbuilder/layers";

impl Workspace {
    /// The kept app; a folder, where there is one.
    pub(crate) fn kept_app(&self) -> PathBuf {
        self.folder.join("kept/app")
    }

    /// What is known of it.
    pub(crate) fn kept_record(&self) -> PathBuf {
        self.folder.join("kept/record")
    }

    /// The layers in it.
    pub(super) fn kept_layers(&self) -> PathBuf {
        self.kept_app().join(LAYERS_FOLDER)
    }

    /// Whether the last build was ended before it could leave anything.
    pub(crate) fn was_cut_short(&self) -> bool {
        self.lost_layers
    }

    /// Whether a build of the app has succeeded before.
    pub(crate) fn was_built(&self) -> bool {
        super::AppRecord::read(&self.folder).is_some()
    }

    /// Takes the app directory `app`, with the layers that were lent in it. They are this build's until
    /// [`Workspace::settle_kept`]. What fails leaves `app` where it was.
    pub(crate) fn keep_app(&self, app: &Path) -> io::Result<()> {
        remove_tree(&self.folder.join("kept"))?;
        fs::create_dir(self.folder.join("kept"))?;
        // Never by copying, which would lose what knows an unchanged file again.
        std::fs::rename(app, self.kept_app())
    }

    /// Says that the kept app is whole, and its record written.
    pub(crate) fn settle_kept(&self) -> Result<(), WorkspaceError> {
        fs::remove_file(self.dirty_marker())?;
        Ok(())
    }

    /// Keeps of the app only the layers, where builds look for them.
    pub(crate) fn release_kept(&self) -> Result<(), WorkspaceError> {
        if self.folder.join("kept").symlink_metadata().is_err() {
            return Ok(());
        }
        // First: without it the rest is nothing.
        remove_tree(&self.kept_record())?;
        let layers = self.lendable_layers();
        if layers == self.kept_layers() {
            remove_tree(&self.layers())?;
            move_tree(&layers, &self.layers())?;
        }
        self.forget_kept()?;
        Ok(())
    }

    /// The layers of the last build, wherever they are: those of the kept app, if there is one, or else its own.
    pub(crate) fn lendable_layers(&self) -> PathBuf {
        let layers = self.kept_layers();
        // The build's programs may have left a link on the way.
        let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if layers.parent().is_some_and(is_folder) && is_folder(&layers) {
            layers
        } else {
            self.layers()
        }
    }

    /// Removes the kept app with its layers.
    pub(crate) fn forget_kept(&self) -> io::Result<()> {
        remove_tree(&self.kept_record())?;
        remove_tree(&self.folder.join("kept"))
    }
}
