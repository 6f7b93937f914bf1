//! How much there is, and whether it is worth counting again.

use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use walkdir::{DirEntry, WalkDir};

/// The sizes of all files below `path`, in bytes. Links are not followed; what cannot be read, or vanishes meanwhile,
/// counts nothing.
pub(crate) fn bytes(path: &Path) -> u64 {
    walk(path)
        .filter_map(|entry| entry.metadata().ok())
        .filter(Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

fn walk(path: &Path) -> impl Iterator<Item = DirEntry> {
    WalkDir::new(path)
        .follow_root_links(false)
        .into_iter()
        .flatten()
}

/// What tells layers that a build has made anew from those that it only used again: identity and time of what is right
/// in each layer. Counting thousands of files after every build would take longer than a build that changes nothing.
pub(super) fn state_of_layers(layers: &Path) -> String {
    let mut lines: Vec<Vec<u8>> = WalkDir::new(layers)
        .follow_root_links(false)
        .min_depth(2)
        .max_depth(3)
        .into_iter()
        .filter_entry(|entry| entry.depth() < 3 || !is_written_each_time(entry.file_name()))
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            // Of a layer itself only the identity: writing what is written each time touches it.
            let time = (entry.depth() == 3).then(|| (metadata.mtime(), metadata.mtime_nsec()));
            let is_a_layer_or_in_one = entry.depth() == 3 || metadata.is_dir();
            is_a_layer_or_in_one.then(|| {
                let path = entry.path().strip_prefix(layers).unwrap_or(entry.path());
                let known = format!(" {} {time:?}\0", metadata.ino());
                [path.as_os_str().as_bytes(), known.as_bytes()].concat()
            })
        })
        .collect();
    lines.sort();
    let mut digits = hex::encode(Sha256::digest(lines.concat()));
    digits.truncate(32);
    digits
}

/// What tells a folder from any other that takes its place.
pub(super) fn state_of_folder(path: &Path) -> String {
    path.symlink_metadata().map_or_else(
        |_| String::new(),
        |metadata| {
            let (device, inode) = (metadata.dev(), metadata.ino());
            format!(
                "{device} {inode} {}.{}",
                metadata.ctime(),
                metadata.ctime_nsec()
            )
        },
    )
}

/// The folders of a layer that buildpacks write in each build (buildpack API 0.10, "Provided by the Buildpacks").
fn is_written_each_time(name: &OsStr) -> bool {
    name == "exec.d" || name.as_bytes().starts_with(b"env")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn sizes_are_those_of_files_and_links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/file"), [0; 10]).unwrap();
        fs::write(folder.path().join("file"), [0; 5]).unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        assert_eq!(bytes(folder.path()), 15);
        assert_eq!(bytes(&folder.path().join("link")), 0);
        assert_eq!(bytes(&folder.path().join("absent")), 0);
    }

    #[test]
    fn layers_that_were_only_used_again_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let layers = folder.path().join("layers");
        let layer = layers.join("bp/node");
        fs::create_dir_all(layer.join("bin")).unwrap();
        let before = state_of_layers(&layers);
        // As a build does: the description and the environment are written each time.
        fs::write(layers.join("bp/node.toml"), "").unwrap();
        fs::create_dir(layer.join("env")).unwrap();
        let moved = folder.path().join("moved");
        fs::rename(&layers, &moved).unwrap();
        fs::rename(&moved, &layers).unwrap();
        assert_eq!(state_of_layers(&layers), before);
        fs::write(layer.join("bin/node"), "").unwrap();
        let changed = state_of_layers(&layers);
        assert_ne!(changed, before);
        fs::create_dir(layers.join("bp/modules")).unwrap();
        assert_ne!(state_of_layers(&layers), changed);
    }
}
