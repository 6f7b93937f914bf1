//! The store as the records that uploads and downloads go by.

use super::{LedgerError, SlugBytes, SlugLedger};
use crate::blobs::Received;
use crate::store::{Store, StoreError};
use slugbuilder::slug::Checksum;
use uuid::Uuid;

impl SlugLedger for Store {
    async fn slug_bytes(&self, id: Uuid) -> Result<SlugBytes, LedgerError> {
        let slug = self.slug_for_upload(id).await?;
        let expected = slug.create.checksum.as_deref().map(str::parse);
        let expected: Option<Checksum> = expected
            .transpose()
            .map_err(|error| LedgerError::Failed(Box::new(error)))?;
        Ok(SlugBytes {
            expected_sha256: expected.map(|checksum| hex::encode(checksum.0)),
            uploaded: slug
                .size
                .zip(slug.sha256)
                .map(|(size, sha256)| Received { size, sha256 }),
        })
    }

    async fn finish_upload(&self, id: Uuid, received: Received) -> Result<(), LedgerError> {
        // The store's own method of this name, not this one.
        Store::finish_upload(self, id, received.size, &received.sha256).await?;
        Ok(())
    }
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::NotFound,
            StoreError::Invalid(text) | StoreError::Conflict(text) => Self::Refused(text),
            error => Self::Failed(Box::new(error)),
        }
    }
}
