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
    /// The place of the folder that it is in among all folders by their paths' bytes: most files have namesakes, and two of
    /// those are told apart by a number so.
    pub(super) rank: usize,
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

    fn path(&self) -> &[u8] {
        self.path.as_os_str().as_bytes()
    }

    fn base_name(&self) -> &[u8] {
        &self.path()[self.base..]
    }
}

/// Puts entries into the order of the archive: by part; in a part folders first, by path; then the rest, by base name and
/// by the folder that it is in.
pub(super) fn sort(entries: &mut [Entry]) {
    entries.sort_unstable_by(|one, other| {
        one.part
            .cmp(&other.part)
            .then_with(|| other.is_folder().cmp(&one.is_folder()))
            .then_with(|| {
                if one.is_folder() {
                    one.path().cmp(other.path())
                } else {
                    let names = one.base_name().cmp(other.base_name());
                    names.then(one.rank.cmp(&other.rank))
                }
            })
    });
}
