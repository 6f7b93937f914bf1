//! Taking over what someone else put into a cache.

use super::store::{Store, regular};
use super::{Cache, CacheError};
use crate::{Algorithm, Checksum};
use std::path::{Path, PathBuf};

/// The most files that one cache takes over from another: a build downloads a handful.
const MOST_FILES: usize = 1000;

impl Cache {
    /// Takes over every content of the cache at `other`, whose writer is not trusted and has ended. Each one is filed
    /// under the checksum that it has, whatever it was called; links, and folders that are links, are passed over.
    /// Gives the number of contents taken over.
    pub fn adopt(&self, other: &Path) -> Result<u64, CacheError> {
        let theirs = Store::at(other);
        let mut adopted = 0;
        for note in files_in(&theirs, &theirs.notes())? {
            let Some(sha512) = checksum_named(Algorithm::Sha512, &note) else {
                continue;
            };
            let content = std::fs::read_to_string(&note)
                .ok()
                .and_then(|text| Checksum::from_hex(Algorithm::Sha256, text.trim()).ok())
                .map(|sha256| theirs.content(&sha256.hex()));
            if let Some(content) = content
                && regular(&content)?.is_some()
            {
                match self.insert(&content, Some(&sha512)) {
                    // A lie is passed over; the content is taken over below, under its own name.
                    Ok(_) | Err(CacheError::Checksum { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        for content in files_in(&theirs, &theirs.contents())? {
            let known = checksum_named(Algorithm::Sha256, &content)
                .map(|sha256| self.find(&sha256))
                .transpose()?
                .flatten();
            if known.is_none() {
                self.insert(&content, None)?;
            }
            adopted += 1;
        }
        Ok(adopted)
    }
}

fn checksum_named(algorithm: Algorithm, path: &Path) -> Option<Checksum> {
    Checksum::from_hex(algorithm, path.file_name()?.to_str()?).ok()
}

/// The regular files in a folder of a store whose folders are all real ones.
fn files_in(store: &Store, folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let real =
        |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let contents = store.contents();
    let bucket = contents.parent().unwrap_or(&contents);
    if !real(bucket) || !real(folder) {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(CacheError::disk("read", folder))? {
        let path = entry.map_err(CacheError::disk("read", folder))?.path();
        if regular(&path)?.is_some() {
            files.push(path);
        }
        if files.len() == MOST_FILES {
            break;
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_taken_over_under_the_checksum_that_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        let file = folder.path().join("file");
        std::fs::write(&file, "content").unwrap();
        let sha512 = Checksum::of(Algorithm::Sha512, b"content".as_slice()).unwrap();
        let inserted = Cache::open(&theirs)
            .unwrap()
            .insert(&file, Some(&sha512))
            .unwrap();

        let secret = folder.path().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        let store = Store::at(&theirs);
        let lie = Checksum::of(Algorithm::Sha256, b"other".as_slice()).unwrap();
        std::fs::write(store.content(&lie.hex()), "poison").unwrap();
        std::os::unix::fs::symlink(&secret, store.contents().join("link")).unwrap();
        let false_note = Checksum::of(Algorithm::Sha512, b"other".as_slice()).unwrap();
        std::fs::write(store.note(&false_note.hex()), inserted.sha256.hex()).unwrap();

        let cache = Cache::open(&ours).unwrap();
        assert_eq!(cache.adopt(&theirs).unwrap(), 2);
        let found = |text: &str, algorithm| {
            let checksum = Checksum::of(algorithm, text.as_bytes()).unwrap();
            cache.find(&checksum).unwrap().is_some()
        };
        assert!(found("content", Algorithm::Sha256));
        assert!(found("content", Algorithm::Sha512));
        assert!(found("poison", Algorithm::Sha256));
        assert!(!found("other", Algorithm::Sha256));
        assert!(!found("other", Algorithm::Sha512));
        assert!(!found("secret", Algorithm::Sha256));
    }

    #[test]
    fn a_folder_that_is_a_link_is_not_entered() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        let private = folder.path().join("private");
        std::fs::create_dir(&private).unwrap();
        std::fs::write(private.join("key"), "secret").unwrap();
        drop(Cache::open(&theirs).unwrap());
        let contents = Store::at(&theirs).contents();
        std::fs::remove_dir(&contents).unwrap();
        std::os::unix::fs::symlink(&private, &contents).unwrap();
        assert_eq!(Cache::open(&ours).unwrap().adopt(&theirs).unwrap(), 0);
    }
}
