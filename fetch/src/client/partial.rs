//! What has arrived of a body so far.

use super::Downloaded;
use crate::{Algorithm, Checksum, Digester, FetchError};
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

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
            Store::File(..) => Vec::new(),
        }
    }
}

fn disk(path: &Path, source: io::Error) -> FetchError {
    FetchError::Disk {
        action: "write",
        path: path.to_owned(),
        source,
    }
}
