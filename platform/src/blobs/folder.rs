//! Blobs as files of a folder.
//!
//! `ab/ab12….` is the blob `ab12…`; `incoming/` holds what is being uploaded, on the same file system so that a rename
//! puts it in place. Folders have mode 0700, files 0600: blobs hold other people's code.

use super::received::Meter;
use super::{BlobError, Received};
use bytes::Bytes;
use fs_err as fs;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use std::collections::HashSet;
use std::io::{Error, ErrorKind, Result as IoResult, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// Bytes that are gathered before they are written, and read at once. Large enough that the change of thread for each does
/// not count.
const BLOCK: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, BlobError> {
        let folder = Self {
            root: root.to_owned(),
        };
        let make = || {
            make_private(&folder.root)?;
            // Tighter than its parent may have made it: nobody else may list or guess blobs.
            fs::set_permissions(&folder.root, std::fs::Permissions::from_mode(0o700))?;
            make_private(&folder.incoming())?;
            // All at once, and on the disk before the first upload is: of two uploads into a new one, the second would
            // find it made, and could be answered before the first has brought its name to the disk.
            for first in 0..=u8::MAX {
                make_private(&folder.root.join(super::shard_of(first)))?;
            }
            sync(&folder.root)
        };
        make().map_err(BlobError::Folder)?;
        Ok(folder)
    }

    /// Removes what uploads left behind that a killed server was taking, and says how many.
    pub(super) fn remove_abandoned(&self) -> Result<usize, BlobError> {
        let remove = || {
            let mut removed = 0;
            for entry in fs::read_dir(self.incoming())? {
                fs::remove_file(entry?.path())?;
                removed += 1;
            }
            Ok(removed)
        };
        remove().map_err(BlobError::Folder)
    }

    /// Removes the blobs that are not among `recorded`, and says how many. What is no blob stays.
    pub(super) async fn remove_unrecorded(
        self: &Arc<Self>,
        recorded: &HashSet<Uuid>,
    ) -> Result<usize, BlobError> {
        let folder = Arc::clone(self);
        let found = blocking(move || folder.blobs())
            .await
            .map_err(BlobError::Folder)?;
        let mut removed = 0;
        for id in found.into_iter().filter(|id| !recorded.contains(id)) {
            removed += usize::from(self.remove(id).await?);
        }
        Ok(removed)
    }

    /// Every blob that is in place.
    fn blobs(&self) -> IoResult<Vec<Uuid>> {
        let mut found = Vec::new();
        for first in 0..=u8::MAX {
            for entry in fs::read_dir(self.root.join(super::shard_of(first)))? {
                found.extend(entry?.file_name().to_str().and_then(super::identifier));
            }
        }
        Ok(found)
    }

    pub(super) async fn begin(self: &Arc<Self>, id: Uuid) -> Result<FolderUpload, BlobError> {
        let folder = Arc::clone(self);
        blocking(move || {
            let incoming = folder.incoming();
            // Mode 0600 is the default of temporary files.
            let file = tempfile::Builder::new()
                .prefix(&format!("{id}."))
                .tempfile_in(&incoming)
                .map_err(|error| named(&error, "create a file in", &incoming))?;
            Ok(FolderUpload {
                folder,
                id,
                file,
                buffer: Vec::with_capacity(BLOCK),
                meter: Meter::default(),
            })
        })
        .await
        .map_err(|source| BlobError::Write { id, source })
    }

    pub(super) async fn size(&self, id: Uuid) -> Result<Option<u64>, BlobError> {
        match fs::tokio::metadata(self.file(id)).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(BlobError::Read { id, source }),
        }
    }

    pub(super) async fn read(
        &self,
        id: Uuid,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, BlobError>>>, BlobError> {
        let failed = move |source| BlobError::Read { id, source };
        let mut file = match fs::tokio::File::open(self.file(id)).await {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start))
                .await
                .map_err(failed)?;
        }
        let length = range.end.saturating_sub(range.start);
        let stream = ReaderStream::with_capacity(file.take(length), BLOCK).map_err(failed);
        Ok(Some(Box::pin(stream)))
    }

    pub(super) async fn remove(&self, id: Uuid) -> Result<bool, BlobError> {
        match fs::tokio::remove_file(self.file(id)).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(BlobError::Write { id, source }),
        }
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    fn shard(&self, id: Uuid) -> PathBuf {
        self.root.join(super::shard(id))
    }

    fn file(&self, id: Uuid) -> PathBuf {
        self.shard(id).join(id.to_string())
    }

    /// Moves `file`, whose bytes are on the disk, to its final name, and that name to the disk.
    fn put_in_place(&self, id: Uuid, file: NamedTempFile) -> IoResult<()> {
        let shard = self.shard(id);
        let target = self.file(id);
        file.persist(&target)
            .map_err(|failed| named(&failed.error, "rename an upload to", &target))?;
        sync(&shard)
    }
}

/// An upload that is coming in. Its file goes away when this is dropped.
#[derive(Debug)]
pub(super) struct FolderUpload {
    folder: Arc<Folder>,
    id: Uuid,
    file: NamedTempFile,
    buffer: Vec<u8>,
    meter: Meter,
}

impl FolderUpload {
    pub(super) async fn write(mut self, mut bytes: Bytes) -> Result<Self, BlobError> {
        while !bytes.is_empty() {
            let fitting = bytes.len().min(BLOCK - self.buffer.len());
            self.buffer.extend_from_slice(&bytes.split_to(fitting));
            if self.buffer.len() == BLOCK {
                self = self.in_background(Self::flush).await?;
            }
        }
        Ok(self)
    }

    /// Brings the bytes to the disk, still under a name of their own.
    pub(super) async fn finish(self) -> Result<(Received, StagedFile), BlobError> {
        self.in_background(|mut upload| {
            upload = upload.flush()?;
            upload.file.as_file().sync_all()?;
            let staged = StagedFile {
                folder: upload.folder,
                id: upload.id,
                file: upload.file,
            };
            Ok((upload.meter.finish(), staged))
        })
        .await
    }

    fn flush(mut self) -> IoResult<Self> {
        self.file.write_all(&self.buffer)?;
        self.meter.take(&self.buffer);
        self.buffer.clear();
        Ok(self)
    }

    async fn in_background<T: Send + 'static>(
        self,
        work: impl FnOnce(Self) -> IoResult<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let id = self.id;
        blocking(move || work(self))
            .await
            .map_err(|source| BlobError::Write { id, source })
    }
}

/// A whole upload that is on the disk, but not under the name of its blob.
#[derive(Debug)]
pub(super) struct StagedFile {
    folder: Arc<Folder>,
    id: Uuid,
    file: NamedTempFile,
}

impl StagedFile {
    pub(super) async fn put_in_place(self) -> Result<(), BlobError> {
        let id = self.id;
        blocking(move || self.folder.put_in_place(id, self.file))
            .await
            .map_err(|source| BlobError::Write { id, source })
    }
}

/// Runs what waits for the disk on a thread that may. It goes on if the caller goes away, and what it made is dropped.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> IoResult<T> + Send + 'static,
) -> IoResult<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|lost| Err(Error::other(lost)))
}

/// Makes a folder that only its owner enters, where there is none.
fn make_private(folder: &Path) -> IoResult<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(named(&error, "create", folder)),
    }
}

/// Brings a folder's list of names to the disk.
fn sync(folder: &Path) -> IoResult<()> {
    fs::File::open(folder)?.sync_all()
}

/// The same error in the words of `fs_err`, for calls that it does not have.
fn named(error: &Error, what: &str, path: &Path) -> Error {
    Error::new(
        error.kind(),
        format!("failed to {what} `{}`: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests;
