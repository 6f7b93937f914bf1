//! What has arrived of a body so far.

use super::Downloaded;
use crate::{Algorithm, Checksum, Digester, FetchError};
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What has arrived of a body so far, hashed on its way.
#[derive(Debug)]
pub(crate) struct Partial {
    store: Store,
    digester: Digester,
    bytes: u64,
    /// What the server can tell this version of the content by: a strong `ETag`, or `Last-Modified`.
    pub(super) validator: Option<String>,
    /// Whether it was put together from the answers to several requests.
    pub(super) resumed: bool,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    /// An empty file, and the path that messages name.
    File(File, PathBuf),
    /// A file that is made for the first bytes, beside the path, so that a wait for them leaves nothing behind.
    Beside(Option<NamedTempFile>, PathBuf),
}

impl Partial {
    /// Keeps it in memory.
    pub(crate) fn in_memory() -> Self {
        Self::new(Store::Memory(Vec::new()))
    }

    /// Writes it to `file`, which is empty; errors name `path`.
    pub(crate) fn in_file(file: File, path: &Path) -> Self {
        Self::new(Store::File(file, path.to_owned()))
    }

    /// Writes it to a file beside `path` that [`Self::finish`] moves there.
    pub(super) fn beside(path: &Path) -> Self {
        Self::new(Store::Beside(None, path.to_owned()))
    }

    fn new(store: Store) -> Self {
        Self {
            store,
            digester: Digester::default(),
            bytes: 0,
            validator: None,
            resumed: false,
        }
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        match &mut self.store {
            Store::Memory(all) => all.extend_from_slice(bytes),
            Store::File(file, path) => {
                file.write_all(bytes).map_err(|source| disk(path, source))?;
            }
            Store::Beside(file, path) => {
                made(file, path)
                    .and_then(|file| file.write_all(bytes))
                    .map_err(|source| disk(path, source))?;
            }
        }
        self.digester.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what there is; SHA-256 and the algorithm of `checksum` are computed from here on.
    pub(super) fn restart(&mut self, checksum: Option<&Checksum>) -> Result<(), FetchError> {
        match &mut self.store {
            Store::Memory(all) => all.clear(),
            Store::File(file, path) => {
                file.set_len(0)
                    .and_then(|()| file.rewind())
                    .map_err(|source| disk(path, source))?;
            }
            // Removed.
            Store::Beside(file, _) => *file = None,
        }
        self.digester = Digester::new(
            [Algorithm::Sha256]
                .into_iter()
                .chain(checksum.map(Checksum::algorithm)),
        );
        self.bytes = 0;
        self.validator = None;
        self.resumed = false;
        Ok(())
    }

    /// Checks the whole body, which came from `url`.
    pub(super) fn verify(
        &self,
        url: &str,
        checksum: Option<&Checksum>,
    ) -> Result<Downloaded, FetchError> {
        if let Some(expected) = checksum {
            let actual = self.digester.finish_as(expected.algorithm());
            if actual != *expected {
                return Err(FetchError::Checksum {
                    url: url.to_owned(),
                    expected: Box::new(*expected),
                    actual: Box::new(actual),
                });
            }
        }
        Ok(Downloaded {
            bytes: self.bytes,
            sha256: self.digester.finish_as(Algorithm::Sha256),
        })
    }

    /// What was kept in memory.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self.store {
            Store::Memory(all) => all,
            Store::File(..) | Store::Beside(..) => Vec::new(),
        }
    }

    /// Moves what was written beside a path there, over what it has.
    pub(super) fn finish(self) -> Result<(), FetchError> {
        if let Store::Beside(mut file, path) = self.store {
            // An empty body has none yet.
            made(&mut file, &path).map_err(|source| disk(&path, source))?;
            if let Some(file) = file {
                file.persist(&path)
                    .map_err(|error| disk(&path, error.error))?;
            }
        }
        Ok(())
    }
}

/// The file beside `path`, made where there is none.
fn made<'a>(file: &'a mut Option<NamedTempFile>, path: &Path) -> io::Result<&'a mut NamedTempFile> {
    if file.is_none() {
        *file = Some(
            tempfile::Builder::new()
                .prefix(".fetching-")
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
                .tempfile_in(folder(path))?,
        );
    }
    file.as_mut()
        .ok_or_else(|| io::Error::other("a file that was made is not there"))
}

/// The folder of the file `path`.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn disk(path: &Path, source: io::Error) -> FetchError {
    FetchError::Disk {
        action: "write",
        path: path.to_owned(),
        source,
    }
}
