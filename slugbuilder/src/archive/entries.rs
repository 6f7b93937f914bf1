//! What goes into the archive, and in which order.

use super::Part;
use crate::tree::{Kind, Stat};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// One entry of the archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the root, which itself has the empty path.
    pub(super) path: PathBuf,
    /// Where the base name begins in it.
    pub(super) base: usize,
    pub(super) stat: Stat,
    pub(super) part: Part,
    /// Whether its file system keeps inode numbers and times itself, see [`super::recipe`].
    pub(super) is_local: bool,
}

impl Entry {
    /// Bytes of content that follow the header.
    pub(super) fn content_length(&self) -> u64 {
        match self.stat.kind {
            Kind::File => self.stat.size,
            Kind::Directory | Kind::Link | Kind::Special(_) => 0,
        }
    }

    fn is_folder(&self) -> bool {
        self.stat.kind == Kind::Directory
    }

    /// Folders before everything else, by path; the rest by base name.
    fn key(&self) -> (Part, bool, &[u8], &[u8]) {
        let path = self.path.as_os_str().as_bytes();
        let name = if self.is_folder() {
            b""
        } else {
            &path[self.base..]
        };
        (self.part, !self.is_folder(), name, path)
    }
}

/// Puts entries into the order of the archive.
pub(super) fn sort(entries: &mut [Entry]) {
    entries.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
}
