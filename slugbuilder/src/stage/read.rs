//! Reading one file of what is staged.

use super::Survey;
use crate::stop::Stopped;
use crate::tree::links::Fault;
use crate::tree::{Failure, Kind};
use std::io::{Error, Read as _};
use std::path::Path;

/// Why a staged file was not read. `Display` is the end of a sentence about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is a symbolic link to something that is not staged.
    #[error("is a symbolic link that leads out of what is archived")]
    Leaves,
    /// It is a symbolic link that leads back to itself.
    #[error("is a symbolic link that leads back to itself")]
    Loops,
    /// It is a folder.
    #[error("is no file")]
    NoFile,
    /// It has more bytes than were asked for.
    #[error("is larger than {limit} bytes")]
    TooLarge {
        /// Bytes that would be read.
        limit: u64,
    },
    /// It is not what the survey saw.
    #[error("changed while it was read")]
    Changed,
    /// Reading failed.
    #[error("cannot be read: {0}")]
    Io(Error),
    /// Reading had to end.
    #[error("was not read: the work {0}")]
    Stopped(Stopped),
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Changed => Self::Changed,
            Failure::Io(source) => Self::Io(source),
        }
    }
}

impl Survey {
    /// Reads the staged file at `path` (relative to the root); nothing where nothing is staged there.
    ///
    /// Links are followed as they would be with the tree at `/app`, and only to files that are staged, too. Nothing but
    /// a regular file of at most `limit` bytes is opened. Of an
    /// [outline](super::outline), which knows neither size nor time of most files, what is there now is read.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let staged = |path: &Path| self.staged_entries.iter().find(|entry| entry.path == path);
        if staged(path).is_none() {
            return Ok(None);
        }
        let path = self.links.resolve(path).map_err(|fault| match fault {
            Fault::Leaves => ReadError::Leaves,
            Fault::Loops => ReadError::Loops,
        })?;
        let entry = staged(&path).ok_or(ReadError::Leaves)?;
        if entry.stat.kind != Kind::File {
            return Err(ReadError::NoFile);
        }
        if entry.stat.size > limit {
            return Err(ReadError::TooLarge { limit });
        }
        self.stop.check().map_err(ReadError::Stopped)?;
        let mut content = Vec::new();
        let is_outline = self.tree.tells_kinds_only();
        let file = if is_outline {
            self.tree.open_any(&path)?
        } else {
            self.tree.open_file(&path, &entry.stat)?
        };
        if !file.metadata().map_err(ReadError::Io)?.is_file() {
            return Err(ReadError::Changed);
        }
        file.take(limit + 1)
            .read_to_end(&mut content)
            .map_err(ReadError::Io)?;
        if content.len() as u64 > limit {
            return Err(ReadError::TooLarge { limit });
        }
        if !is_outline && content.len() as u64 != entry.stat.size {
            return Err(ReadError::Changed);
        }
        Ok(Some(content))
    }
}
