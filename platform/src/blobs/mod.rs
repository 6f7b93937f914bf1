//! Where the bytes of slugs are kept: a folder, or a bucket of an S3-compatible store.
//!
//! Bytes come and go in pieces, so that no blob is ever in memory as a whole. An upload is first brought to where it
//! outlives a crash, and then put in place by one step that happens or does not: [`BlobStore::begin`],
//! [`Upload::write`] for each piece, [`Upload::finish`], [`Staged::put_in_place`]. Whatever is dropped before the last
//! step leaves nothing.
//!
//! The ledger says which blobs there are; a blob that was put in place and never recorded (the server was killed in
//! between) counts as absent and is replaced by the next upload.

mod error;
mod folder;
#[cfg(feature = "object-store")]
mod object;
mod received;
#[cfg(test)]
mod tests;

pub use error::BlobError;
#[cfg(feature = "object-store")]
pub use object::ObjectStoreSettings;
pub use received::Received;

use bytes::Bytes;
use folder::{Folder, FolderUpload, StagedFile};
use futures_util::stream::BoxStream;
#[cfg(feature = "object-store")]
use object::{ObjectUpload, Objects, StagedObject};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// The bytes of a blob, piece by piece.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Where blobs are. Cloning is cheap, and all clones are the same place.
#[derive(Debug, Clone)]
pub struct BlobStore(Place);

#[derive(Debug, Clone)]
enum Place {
    Folder(Arc<Folder>),
    #[cfg(feature = "object-store")]
    Objects(Arc<Objects>),
}

impl BlobStore {
    /// Blobs as files below `folder`, which is made if its parent is there. Mode 0700.
    ///
    /// # Errors
    /// [`BlobError::Folder`] where it cannot be made.
    pub fn folder(folder: &Path) -> Result<Self, BlobError> {
        Ok(Self(Place::Folder(Arc::new(Folder::open(folder)?))))
    }

    /// Blobs in a bucket.
    ///
    /// # Errors
    /// [`BlobError::Settings`]. Whether the bucket is there shows with the first blob.
    #[cfg(feature = "object-store")]
    pub fn object_store(settings: &ObjectStoreSettings) -> Result<Self, BlobError> {
        Ok(Self(Place::Objects(Arc::new(Objects::connect(settings)?))))
    }

    /// Blobs in any store of the crate `object_store`, for its other kinds and for tests.
    #[cfg(feature = "object-store")]
    #[must_use]
    pub fn objects(store: Arc<dyn object_store::ObjectStore>) -> Self {
        Self(Place::Objects(Arc::new(Objects::new(store))))
    }

    /// Removes what is left of uploads that a killed server was taking, and says how many there were. To be called at start,
    /// before the first upload and by no other process than the server: the uploads of a living one look the same.
    ///
    /// An object store keeps the parts of such uploads out of sight; a lifecycle rule of the bucket
    /// (`AbortIncompleteMultipartUpload`) removes them.
    ///
    /// # Errors
    /// [`BlobError::Folder`].
    pub fn remove_abandoned(&self) -> Result<usize, BlobError> {
        match &self.0 {
            Place::Folder(folder) => folder.remove_abandoned(),
            #[cfg(feature = "object-store")]
            Place::Objects(_) => Ok(0),
        }
    }

    /// Begins to take the bytes of blob `id`. What is in place under that name stays until the upload is.
    ///
    /// # Errors
    /// [`BlobError::Write`].
    pub async fn begin(&self, id: Uuid) -> Result<Upload, BlobError> {
        Ok(match &self.0 {
            Place::Folder(folder) => Upload(UploadTo::Folder(folder.begin(id).await?)),
            #[cfg(feature = "object-store")]
            Place::Objects(objects) => Upload(UploadTo::Objects(objects.begin(id))),
        })
    }

    /// Bytes of blob `id`; nothing where it is not in place.
    ///
    /// # Errors
    /// [`BlobError::Read`].
    pub async fn size(&self, id: Uuid) -> Result<Option<u64>, BlobError> {
        match &self.0 {
            Place::Folder(folder) => folder.size(id).await,
            #[cfg(feature = "object-store")]
            Place::Objects(objects) => objects.size(id).await,
        }
    }

    /// The bytes `range` of blob `id`; nothing where it is not in place. The range has to be within its size.
    ///
    /// # Errors
    /// [`BlobError::Read`], also as an item of the stream.
    pub async fn read(&self, id: Uuid, range: Range<u64>) -> Result<Option<BlobStream>, BlobError> {
        match &self.0 {
            Place::Folder(folder) => folder.read(id, range).await,
            #[cfg(feature = "object-store")]
            Place::Objects(objects) => objects.read(id, range).await,
        }
    }

    /// Removes blob `id`; says whether it was there. Downloads that run go on.
    ///
    /// # Errors
    /// [`BlobError::Write`].
    pub async fn remove(&self, id: Uuid) -> Result<bool, BlobError> {
        match &self.0 {
            Place::Folder(folder) => folder.remove(id).await,
            #[cfg(feature = "object-store")]
            Place::Objects(objects) => objects.remove(id).await,
        }
    }
}

/// A blob whose bytes are coming in. It leaves nothing when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Upload(UploadTo);

#[derive(Debug)]
enum UploadTo {
    Folder(FolderUpload),
    #[cfg(feature = "object-store")]
    Objects(ObjectUpload),
}

impl Upload {
    /// Takes the next bytes. After an error nothing is left of the upload.
    ///
    /// # Errors
    /// [`BlobError::Write`].
    pub async fn write(self, bytes: Bytes) -> Result<Self, BlobError> {
        Ok(Self(match self.0 {
            UploadTo::Folder(upload) => UploadTo::Folder(upload.write(bytes).await?),
            #[cfg(feature = "object-store")]
            UploadTo::Objects(upload) => UploadTo::Objects(upload.write(bytes).await?),
        }))
    }

    /// Says that there are no more bytes, and brings those that came to where they outlive a crash.
    ///
    /// # Errors
    /// [`BlobError::Write`].
    pub async fn finish(self) -> Result<(Received, Staged), BlobError> {
        Ok(match self.0 {
            UploadTo::Folder(upload) => {
                let (received, staged) = upload.finish().await?;
                (received, Staged(StagedIn::Folder(staged)))
            }
            #[cfg(feature = "object-store")]
            UploadTo::Objects(upload) => {
                let (received, staged) = upload.finish().await?;
                (received, Staged(StagedIn::Objects(staged)))
            }
        })
    }
}

/// A blob whose bytes are all there, but not yet under its name. It leaves nothing when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Staged(StagedIn);

#[derive(Debug)]
enum StagedIn {
    Folder(StagedFile),
    #[cfg(feature = "object-store")]
    Objects(StagedObject),
}

impl Staged {
    /// Makes these bytes the blob, instead of any that were: at once, and so that it outlives a crash.
    ///
    /// # Errors
    /// [`BlobError::Write`].
    pub async fn put_in_place(self) -> Result<(), BlobError> {
        match self.0 {
            StagedIn::Folder(staged) => staged.put_in_place().await,
            #[cfg(feature = "object-store")]
            StagedIn::Objects(staged) => staged.put_in_place().await,
        }
    }
}

/// The folder of a blob: the first two characters of its name, so that no folder has too many files.
fn shard(id: Uuid) -> String {
    id.to_string().chars().take(2).collect()
}
