//! What the endpoints work on.

use crate::blobs::BlobStore;
use crate::builds::Builds;
use crate::git::Git;
use crate::signed_url::{BlobKind, BlobMethod, Signer};
use crate::store::Store;
use jiff::Timestamp;
use slugbuilder::api::types::Blob;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Addresses to download from stay the same for so many seconds, so that what has them keeps its `ETag`.
const STEADY: i64 = 300;

/// What the endpoints work on. Clones are the same.
#[derive(Debug, Clone)]
pub struct State {
    /// The ledger.
    pub store: Store,
    /// The bytes of slugs.
    pub blobs: BlobStore,
    /// The repositories of apps.
    pub git: Git,
    /// Signs the addresses of blobs and of output.
    pub signer: Signer,
    /// The builds.
    pub builds: Builds,
    /// Where clients find this server, without a slash at the end: `https://localhost:5000`.
    pub external_url: Arc<str>,
    /// How long the addresses of blobs are good for; at least ten minutes.
    pub url_lifetime: Duration,
}

impl State {
    /// Where the bytes of a slug are to be put.
    pub(super) fn upload(&self, slug: Uuid) -> Blob {
        self.blob(BlobMethod::Put, slug, Timestamp::now())
    }

    /// Where the bytes of a slug are to be had.
    pub(super) fn download(&self, slug: Uuid) -> Blob {
        let now = Timestamp::now();
        let steady = now.as_second() - now.as_second().rem_euclid(STEADY);
        self.blob(
            BlobMethod::Get,
            slug,
            Timestamp::from_second(steady).unwrap_or(now),
        )
    }

    /// Where the bytes of a source are to be put, and where they are to be had then.
    pub(super) fn source(&self, source: Uuid) -> (String, String) {
        let signer = self.signer.of(BlobKind::Source);
        let now = Timestamp::now();
        let url = |method| signer.url(&self.external_url, method, source, now, self.url_lifetime);
        (url(BlobMethod::Put), url(BlobMethod::Get))
    }

    fn blob(&self, method: BlobMethod, slug: Uuid, now: Timestamp) -> Blob {
        Blob {
            method: method.name().to_owned(),
            url: self
                .signer
                .url(&self.external_url, method, slug, now, self.url_lifetime),
        }
    }
}
