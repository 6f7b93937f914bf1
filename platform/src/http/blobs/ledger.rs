//! The store as the ledger of blobs.

use super::{BlobBytes, BlobLedger, LedgerError};
use crate::blobs::Received;
use crate::store::{Store, StoreError};
use uuid::Uuid;

impl BlobLedger for Store {
    const RESOURCE: &'static str = "slug";
    const PATH: &'static str = "/blobs/{id}";

    async fn blob_bytes(&self, id: Uuid) -> Result<BlobBytes, LedgerError> {
        let slug = self.slug_for_upload(id).await?;
        let checksum = slug.create.checksum;
        Ok(BlobBytes {
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
            StoreError::NotFound { resource } => Self::NotFound(resource),
            StoreError::Invalid(text) | StoreError::Conflict(text) => Self::Refused(text),
            error => Self::Failed(Box::new(error)),
        }
    }
}

/// The same of sources.
#[derive(Debug, Clone)]
pub struct SourceLedger(
    /// The store.
    pub Store,
);

impl BlobLedger for SourceLedger {
    const RESOURCE: &'static str = "source";
    const PATH: &'static str = "/sources/{id}";

    async fn blob_bytes(&self, id: Uuid) -> Result<BlobBytes, LedgerError> {
        Ok(BlobBytes {
            // A build has a checksum, and not its source.
            expected_sha256: None,
            uploaded: self.0.source(id).await?,
        })
    }

    async fn finish_upload(&self, id: Uuid, received: Received) -> Result<(), LedgerError> {
        Ok(self.0.finish_source(id, &received).await?)
    }
}
