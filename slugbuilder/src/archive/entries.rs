//! What goes into the archive, and in which order.

use super::{ArchiveError, Layout, Part, Placement, recipe};
use crate::stop::Stop;
use crate::tree::links::Links;
use crate::tree::{Failure, Kind, Stat, Tree, below};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One entry of the archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the root, which itself has the empty path.
    pub(super) path: PathBuf,
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
        let name = if self.is_folder() {
            OsStr::new("")
        } else {
            self.path.file_name().unwrap_or_default()
        };
        (
            self.part,
            !self.is_folder(),
            name.as_bytes(),
            self.path.as_os_str().as_bytes(),
        )
    }
}

/// The root and everything below it that the layout places, in the order of the archive, and all links.
pub(super) fn collect(
    tree: &Tree,
    root: &Path,
    layout: &dyn Layout,
    stop: &Stop,
) -> Result<(Vec<Entry>, Links), ArchiveError> {
    let stat = tree
        .stat_root()
        .map_err(|error| ArchiveError::of_entry(root, Failure::Io(error)))?;
    let mut entries = vec![Entry {
        path: PathBuf::new(),
        stat,
        part: Part::Runtime,
        is_local: false,
    }];
    let mut links = Links::default();
    // Folders that are still to be listed, with the device of the one that they are in and whether that is local.
    let mut pending = vec![(PathBuf::new(), stat, None)];
    while let Some((folder, stat, above)) = pending.pop() {
        let named = if folder.as_os_str().is_empty() {
            root
        } else {
            &folder
        };
        let is_local = match above {
            Some((device, is_local)) if device == stat.device => is_local,
            // Another file system begins here. If that cannot be told, its times are not trusted.
            _ => tree.file_system(&folder).is_ok_and(recipe::is_local),
        };
        let above = Some((stat.device, is_local));
        for (name, stat) in tree
            .list(&folder, &stat)
            .map_err(|failure| ArchiveError::of_entry(named, failure))?
        {
            stop.check()?;
            let path = below(&folder, &name);
            let Placement::In(part) = layout.place(&path, stat.kind == Kind::Directory) else {
                continue;
            };
            match stat.kind {
                Kind::Directory => pending.push((path.clone(), stat, above)),
                Kind::File => {}
                Kind::Link => {
                    let target = tree
                        .read_link(&path)
                        .map_err(|failure| ArchiveError::of_entry(&path, failure))?;
                    links.insert(path.clone(), target);
                }
                Kind::Special(what) => return Err(ArchiveError::SpecialFile { path, what }),
            }
            entries.push(Entry {
                path,
                stat,
                part,
                is_local,
            });
        }
    }
    hoist_folders(&mut entries);
    entries.sort_unstable_by(|one, other| one.key().cmp(&other.key()));
    Ok((entries, links))
}

/// Moves folders into the first part that has something in them. Expects folders before what is in them.
fn hoist_folders(entries: &mut [Entry]) {
    let mut earliest: HashMap<PathBuf, Part> = HashMap::new();
    for entry in entries.iter_mut().rev() {
        if entry.is_folder()
            && let Some(below) = earliest.remove(&entry.path)
        {
            entry.part = entry.part.min(below);
        }
        // The app comes last: what is in it hoists nothing.
        if entry.part != Part::App
            && let Some(parent) = entry.path.parent()
        {
            let part = earliest.entry(parent.to_owned()).or_insert(entry.part);
            *part = (*part).min(entry.part);
        }
    }
}
