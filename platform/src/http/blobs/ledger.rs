//! The store as the ledger of blobs.

use super::{LedgerError, SlugBytes, SlugLedger};
use crate::blobs::Received;
use crate::store::{Store, StoreError};
use uuid::Uuid;

impl SlugLedger for Store {
    async fn slug_bytes(&self, id: Uuid) -> Result<SlugBytes, LedgerError> {
        let slug = self.slug_for_upload(id).await?;
        let checksum = slug.create.checksum;
        Ok(SlugBytes {
            // `SHA256:<hex>`, which the store has checked.
            expected_sha256: checksum.map(|checksum| match checksum.split_once(':') {
                Some((_, digits)) => digits.to_ascii_lowercase(),
                None => checksum,
            }),
            uploaded: slug
                .size
                .zip(slug.sha256)
                .map(|(size, sha256)| Received { size, sha256 }),
        })
    }

    async fn finish_upload(&self, id: Uuid, received: Received) -> Result<(), LedgerError> {
        let Received { size, sha256 } = received;
        Store::finish_upload(self, id, size, &sha256).await?;
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
