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
    /// The start of the base name, then zeros: reading it from the path would be a journey through all of the memory.
    pub(super) start: [u8; START],
    /// The place of a folder among all folders by their paths' bytes; of anything else, the place of the folder that it is
    /// in: most files have namesakes, and two of those are told apart by a number so.
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

/// Bytes of a base name that its place is decided by first; what is left of the number says in which part it is.
const START: usize = size_of::<u128>() - 1;

/// Entries in the order of the archive: by part; in a part folders first, by path; then the rest, by base name and by the
/// folder that it is in.
pub(super) fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    // Most names differ in their first few bytes or not at all, so numbers decide.
    let keyed = |(position, entry): (usize, &Entry)| (key(entry), entry.rank, position);
    let mut keys: Vec<_> = entries.iter().enumerate().map(keyed).collect();
    keys.sort_unstable();
    for namesakes in keys.chunk_by_mut(|one, other| one.0 == other.0) {
        let may_be_longer = namesakes[0].0.to_be_bytes()[START] != 0;
        if may_be_longer {
            namesakes.sort_by_key(|(_, rank, position)| (entries[*position].base_name(), *rank));
        }
    }
    let take = |(.., position): (u128, usize, usize)| {
        let entry = &mut entries[position];
        Entry {
            path: std::mem::take(&mut entry.path),
            ..*entry
        }
    };
    keys.into_iter().map(take).collect()
}

/// The first bytes of a base name, then zeros.
pub(super) fn start_of(name: &[u8]) -> [u8; START] {
    let mut start = [0; START];
    for (byte, of_name) in start.iter_mut().zip(name) {
        *byte = *of_name;
    }
    start
}

/// A number for the part, and whether it is a folder; then the first bytes of a name, or zeros: no name has one of those.
/// Of a folder its rank says all.
fn key(entry: &Entry) -> u128 {
    let mut bytes = [0; START + 1];
    bytes[0] = match (entry.part, entry.is_folder()) {
        (Part::Runtime, true) => 0,
        (Part::Runtime, false) => 1,
        (Part::Dependencies, true) => 2,
        (Part::Dependencies, false) => 3,
        (Part::App, true) => 4,
        (Part::App, false) => 5,
    };
    if !entry.is_folder() {
        bytes[1..].copy_from_slice(&entry.start);
    }
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(path: &str, kind: Kind, part: Part, rank: usize) -> Entry {
        Entry {
            path: path.into(),
            base: path.rfind('/').map_or(0, |slash| slash + 1),
            start: start_of(path.rsplit('/').next().unwrap().as_bytes()),
            rank,
            stat: Stat {
                kind,
                mode: 0o644,
                owner: (0, 0),
                size: 0,
                modified: (0, 0),
                changed: (0, 0),
                device: 0,
                inode: 0,
            },
            part,
            is_local: true,
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_whole_names(
            names in proptest::collection::btree_set("[ab]{1,2}/[ab~]{0,3}[ab]{14,17}|[ab]/[ab]{1,3}", 0..40),
            parts in proptest::collection::vec(0..3_usize, 40),
        ) {
            let parts = parts.into_iter().map(|part| [Part::Runtime, Part::Dependencies, Part::App][part]);
            let mut entries: Vec<Entry> = names
                .iter()
                .zip(parts)
                .enumerate()
                .map(|(number, (name, part))| {
                    let kind = [Kind::File, Kind::Directory, Kind::Link][number % 3];
                    // Names are sorted, so these are the ranks of folders by path.
                    entry(name, kind, part, number)
                })
                .collect();
            let mut expected: Vec<(Part, bool, Vec<u8>, usize)> = entries
                .iter()
                .map(|one| {
                    let name = if one.is_folder() { Vec::new() } else { one.base_name().to_vec() };
                    (one.part, !one.is_folder(), name, one.rank)
                })
                .collect();
            expected.sort();
            entries.reverse();
            let sorted: Vec<usize> = sorted(entries).iter().map(|one| one.rank).collect();
            let expected: Vec<usize> = expected.into_iter().map(|one| one.3).collect();
            prop_assert_eq!(sorted, expected);
        }
    }
}
