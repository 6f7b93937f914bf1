//! Archives by their checksum, shared by every build of a user.

mod adopt;
mod error;
mod prune;
mod store;
#[cfg(test)]
mod tests;

pub use error::CacheError;
pub use prune::{Pruned, Stored};

use crate::client::Partial;
use crate::{Algorithm, Checksum, Client, Digester, Download, FetchError};
use slugbuilder_report::Reporter;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use store::{NewFile, Store};

/// How much of a file is copied at once, in bytes.
const BUFFER: usize = 256 * 1024;

/// A verified file of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is. Open it soon: [`Cache::prune`] of another process may remove it.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Checksum,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it was there already.
    pub from_cache: bool,
}

/// A file that was put into the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// Where it is. Open it soon: [`Cache::prune`] of another process may remove it.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Checksum,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Files by their checksum, in a folder.
///
/// Several processes may use the folder at once, and each may be killed at any moment. What is read is verified each
/// time. A folder `upstream` in it, if there is one, is another cache that is searched after the first and never
/// written: a sandbox puts the user's shared cache there.
#[derive(Debug)]
pub struct Cache {
    store: Store,
    upstream: Option<Store>,
}

impl Cache {
    /// Opens the cache in the folder `root`, which is created if need be, and removes what killed processes left in it.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        let upstream = root.join("upstream");
        Ok(Self {
            store: Store::create(root)?,
            upstream: upstream.is_dir().then(|| Store::at(&upstream)),
        })
    }

    /// The path of the content with this checksum, verified now. What was damaged is removed and counts as missing.
    pub fn find(&self, checksum: &Checksum) -> Result<Option<PathBuf>, CacheError> {
        Ok(self.look_up(checksum)?.map(|found| found.path))
    }

    /// Copies `file` into the cache; with `expected`, only if it is that, and so that it is found by that.
    pub fn insert(&self, file: &Path, expected: Option<&Checksum>) -> Result<Inserted, CacheError> {
        let mut source = std::fs::File::open(file).map_err(CacheError::disk("read", file))?;
        let mut new = self.store.new_file()?;
        let mut digester = Digester::new(
            [Algorithm::Sha256]
                .into_iter()
                .chain(expected.map(Checksum::algorithm)),
        );
        let mut bytes = 0;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.map_err(CacheError::disk("read", file))?,
            };
            new.file
                .write_all(&buffer[..count])
                .map_err(CacheError::disk("write", &new.path))?;
            digester.update(&buffer[..count]);
            bytes += count as u64;
        }
        if let Some(expected) = expected {
            let actual = digester.finish_as(expected.algorithm());
            if actual != *expected {
                return Err(CacheError::Checksum {
                    path: file.to_owned(),
                    expected: Box::new(*expected),
                    actual: Box::new(actual),
                });
            }
        }
        let sha256 = digester.finish_as(Algorithm::Sha256);
        let path = self.keep(new, &sha256, expected)?;
        Ok(Inserted {
            path,
            sha256,
            bytes,
        })
    }

    /// Finds `request` by its checksum, or downloads and keeps it. Without a checksum it is always downloaded.
    pub fn fetch(
        &self,
        client: &Client,
        request: &Download,
        reporter: &dyn Reporter,
    ) -> Result<Fetched, FetchError> {
        if let Some(checksum) = &request.checksum
            && let Some(found) = self.look_up(checksum)?
        {
            return Ok(found);
        }
        let new = self.store.new_file()?;
        let file = new
            .file
            .try_clone()
            .map_err(CacheError::disk("write", &new.path))?;
        let mut partial = Partial::in_file(file, &new.path);
        let downloaded = client.transfer(request, &mut partial, reporter)?;
        let path = self.keep(new, &downloaded.sha256, request.checksum.as_ref())?;
        Ok(Fetched {
            path,
            sha256: downloaded.sha256,
            bytes: downloaded.bytes,
            from_cache: false,
        })
    }

    /// What is in the cache in the folder `root`, least recently used first. Nothing is created, verified or changed; a
    /// folder that is not there holds nothing.
    pub fn stored(root: &Path) -> Result<Vec<Stored>, CacheError> {
        prune::stored(&Store::at(root))
    }

    /// Removes the least recently used files until those left have at most `max_bytes` together.
    pub fn prune(&self, max_bytes: u64) -> Result<Pruned, CacheError> {
        prune::prune(&self.store, max_bytes)
    }

    fn keep(
        &self,
        new: NewFile,
        sha256: &Checksum,
        verified: Option<&Checksum>,
    ) -> Result<PathBuf, CacheError> {
        let sha512 = verified.filter(|checksum| checksum.algorithm() == Algorithm::Sha512);
        self.store.keep(new, sha256, sha512)
    }

    fn look_up(&self, checksum: &Checksum) -> Result<Option<Fetched>, CacheError> {
        if let Some(mut file) = self.store.open(checksum)? {
            match verify(&mut file, checksum)? {
                Ok(found) => {
                    // Says when it was last used. A cache that this user can only read works too.
                    drop(file.set_modified(SystemTime::now()));
                    return Ok(Some(found));
                }
                Err(actual_sha256) => self.remove_damaged(checksum, &file, &actual_sha256)?,
            }
        }
        if let Some(upstream) = &self.upstream
            && let Some(mut file) = upstream.open(checksum)?
        {
            return Ok(verify(&mut file, checksum)?.ok());
        }
        Ok(None)
    }

    /// Removes what a look-up of `wanted` led to in vain: `file`, whose content is `actual`.
    fn remove_damaged(
        &self,
        wanted: &Checksum,
        file: &fs_err::File,
        actual: &Checksum,
    ) -> Result<(), CacheError> {
        let _lock = self.store.lock()?;
        if wanted.algorithm() == Algorithm::Sha512 {
            store::remove(&self.store.note(&wanted.hex()))?;
        }
        // A note may be wrong about a content that is not.
        let right_name = self.store.content(&actual.hex()) == file.path();
        // Another process may have put a good file there since this one was opened.
        if !right_name && is_same_file(file)? {
            store::remove(file.path())?;
        }
        Ok(())
    }
}

/// Reads all of `file`: what was found if it has `checksum`, or else the SHA-256 that it has.
fn verify(
    file: &mut fs_err::File,
    checksum: &Checksum,
) -> Result<Result<Fetched, Checksum>, CacheError> {
    let path = file.path().to_owned();
    let mut digester = Digester::new([Algorithm::Sha256, checksum.algorithm()]);
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        match file.file_mut().read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                digester.update(&buffer[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(CacheError::disk("read", &path)(source)),
        }
    }
    let sha256 = digester.finish_as(Algorithm::Sha256);
    if digester.finish_as(checksum.algorithm()) == *checksum {
        Ok(Ok(Fetched {
            path,
            sha256,
            bytes,
            from_cache: true,
        }))
    } else {
        Ok(Err(sha256))
    }
}

/// Whether the path of `file` still names it.
fn is_same_file(file: &fs_err::File) -> Result<bool, CacheError> {
    use std::os::unix::fs::MetadataExt as _;
    let opened = file
        .file()
        .metadata()
        .map_err(CacheError::disk("read", file.path()))?;
    let named = store::regular(file.path())?;
    Ok(named.is_some_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino())))
}
