//! What is in a slug, and whether a folder has changed.

use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The slug's SHA-256 in hexadecimal digits.
pub(crate) fn checksum(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

/// One line an entry: mode, modification time, name, target.
pub(crate) fn listing(path: &Path) -> String {
    let mut text = String::new();
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(path).unwrap()));
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let _ = write!(
            text,
            "{:04o} {} {name}",
            header.mode().unwrap(),
            header.mtime().unwrap()
        );
        if let Some(target) = entry.link_name_bytes() {
            let _ = write!(text, " -> {}", String::from_utf8_lossy(&target));
        }
        text.push('\n');
    }
    text
}

/// The names of the slug's entries, as bytes.
pub(crate) fn names(path: &Path) -> Vec<Vec<u8>> {
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(path).unwrap()));
    archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path_bytes().into_owned())
        .collect()
}

/// Everything of a tree that a build must not change: names, content, kinds, modes, owners, times.
pub(crate) fn fingerprint(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_file() {
            hex::encode(Sha256::digest(fs::read(&path).unwrap()))
        } else if metadata.is_symlink() {
            fs::read_link(&path).unwrap().display().to_string()
        } else {
            for entry in fs::read_dir(&path).unwrap() {
                pending.push(entry.unwrap().path());
            }
            String::new()
        };
        lines.push(format!(
            "{path:?} {:o} {}:{} {}.{} {}.{} {} {content}",
            metadata.mode(),
            metadata.uid(),
            metadata.gid(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            metadata.ino(),
        ));
    }
    lines.sort();
    lines
}

/// The names in a folder, sorted.
pub(crate) fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
