//! A temporary folder, removed with whatever a build has made of it.

use slugbuilder::workspace::remove_tree;
use std::path::{Path, PathBuf};

/// Gone when dropped, also where folders in it are not writable, as builds make them.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("slugbuilder-test-")
            .tempdir();
        let folder = folder.unwrap_or_else(|error| {
            panic!("cannot make a temporary folder: {error}\nTMPDIR says where it goes.")
        });
        // Canonical, because a sandbox knows folders by their paths.
        let path = folder.keep();
        Self(path.canonicalize().unwrap_or(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.0)
            && !std::thread::panicking()
        {
            panic!("cannot remove {}: {error}", self.0.display());
        }
    }
}
