//! Where the bytes of slugs are kept: a folder, or a bucket of an S3-compatible store.
//!
//! Bytes come and go in pieces, so that no blob is ever in memory as a whole. An upload is first brought to where it
//! outlives a crash, and then put in place by one step that happens or does not: [`BlobStore::begin`],
//! [`Upload::write`] for each piece, [`Upload::finish`], [`Staged::put_in_place`]. Whatever is dropped before the last
//! step leaves nothing.
//!
//! The ledger says which blobs there are; a blob that was put in place and never recorded (the server was killed in
//! between) counts as absent and is replaced by the next upload, or found at the next start
//! ([`BlobStore::remove_unrecorded`]).

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
use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// The bytes of a blob, piece by piece.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Where blobs are. Cloning is cheap, and all clones are the same place.
#[derive(Debug, Clone)]
pub struct BlobStore {
    place: Place,
    /// See [`BlobStore::lock`].
    locks: Arc<[Mutex<()>; 64]>,
}

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
        Ok(Self::at(Place::Folder(Arc::new(Folder::open(folder)?))))
    }

    /// Blobs in a bucket.
    ///
    /// # Errors
    /// [`BlobError::Settings`]. Whether the bucket is there shows with the first blob.
    #[cfg(feature = "object-store")]
    pub fn object_store(settings: &ObjectStoreSettings) -> Result<Self, BlobError> {
        Ok(Self::at(Place::Objects(Arc::new(Objects::connect(
            settings,
        )?))))
    }

    /// Blobs in any store of the crate `object_store`, for its other kinds and for tests.
    #[cfg(feature = "object-store")]
    #[must_use]
    pub fn objects(store: Arc<dyn object_store::ObjectStore>) -> Self {
        Self::at(Place::Objects(Arc::new(Objects::new(store))))
    }

    /// Whether the blobs are in a folder, which the lock of the data folder keeps others off.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            locks: Arc::new(std::array::from_fn(|_| Mutex::default())),
        }
    }

    /// Waits for everybody else who changes blob `id` and what the ledger says of it, and keeps them off: uploads that are
    /// put in place and recorded, and removals. A blob's lock is found by its identifier; that some share one does no harm.
    pub async fn lock(&self, id: Uuid) -> MutexGuard<'_, ()> {
        let [first, ..] = id.as_bytes();
        self.locks[usize::from(*first) % self.locks.len()]
            .lock()
            .await
    }

    /// Removes the blobs that are in no ledger: `recorded` are those that are. A server that was killed after it put an
    /// upload in place and before it recorded it leaves such a blob, and so does one that was killed while it removed those
    /// of an app. To be called at start, while the data folder is locked and before the first upload.
    ///
    /// Nothing is removed from a bucket: nothing locks it, so that what this ledger does not know may be in another one,
    /// such as that of the server that a backup was restored from. Its blobs are only counted.
    ///
    /// # Errors
    /// [`BlobError::Folder`], or what the object store says.
    pub async fn remove_unrecorded(
        &self,
        recorded: &HashSet<Uuid>,
    ) -> Result<Unrecorded, BlobError> {
        match &self.place {
            Place::Folder(folder) => folder
                .remove_unrecorded(recorded)
                .await
                .map(Unrecorded::Removed),
            #[cfg(feature = "object-store")]
            Place::Objects(objects) => objects
                .count_unrecorded(recorded)
                .await
                .map(Unrecorded::Kept),
        }
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
        match &self.place {
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
        Ok(match &self.place {
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
        match &self.place {
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
        match &self.place {
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
        match &self.place {
            Place::Folder(folder) => folder.remove(id).await,
            #[cfg(feature = "object-store")]
            Place::Objects(objects) => objects.remove(id).await,
        }
    }
}

/// How many blobs were found that no ledger has, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrecorded {
    /// They are removed.
    Removed(usize),
    /// They are left where they are, since they may be somebody else's.
    Kept(usize),
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
    let [first, ..] = id.as_bytes();
    shard_of(*first)
}

/// The folder of the blobs whose identifiers begin with this byte.
fn shard_of(first: u8) -> String {
    hex::encode([first])
}

/// The blob of that name, in the one spelling that they have.
fn identifier(name: &str) -> Option<Uuid> {
    name.parse().ok().filter(|id: &Uuid| id.to_string() == name)
}
