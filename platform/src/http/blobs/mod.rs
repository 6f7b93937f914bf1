//! `PUT` and `GET` (`HEAD`) of `/blobs/{id}` and `/sources/{id}`: the bytes of slugs and of sources, by signed addresses.
//!
//! What is outside of the API's conventions here: no `Authorization` and no `Accept` is needed or looked at, `Range` means
//! bytes, and a 2xx answer to a `PUT` has no body, all as at the store that Heroku's addresses lead to. Errors are the
//! API's own JSON with `id` and `message`, which clients show as they are:
//!
//! | status | `id` | when |
//! | --- | --- | --- |
//! | 400 | `bad_request` | the URL's parameters are damaged; the upload is empty, shorter than announced, or only a part |
//! | 403 | `url_not_signed`, `url_signature`, `url_method`, `url_expired` | the URL does not allow it |
//! | 404 | `not_found` | no such slug, or nothing was uploaded for it |
//! | 405 | `method_not_allowed` | neither `PUT`, `GET` nor `HEAD` |
//! | 408 | `timeout` | nothing came for the idle timeout, or too little for a minute |
//! | 409 | `conflict` | other bytes were uploaded before: a slug never changes. The same bytes again are 200 |
//! | 412, 416 | `precondition_failed`, `requested_range_not_satisfiable` | as RFC 9110 has them |
//! | 413 | `too_large` | more bytes than the server takes |
//! | 422 | `checksum_mismatch` | the bytes are not those of the slug's `checksum` |
//! | 500, 503 | `internal_server_error`, `service_unavailable` | disk or ledger fail, for long or not; the log says how |
//! | 507 | `insufficient_storage` | the disk is full |
//!
//! Like Heroku's, the server does not look into the bytes: that is up to what unpacks them.

mod byte_range;
mod download;
mod ledger;
mod refusal;
#[cfg(test)]
mod tests;
mod upload;

pub use ledger::SourceLedger;

use crate::blobs::{BlobStore, Received};
use crate::settings::MAX_SLUG_SIZE;
use crate::signed_url::{BlobMethod, Signer};
use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use refusal::Refusal;
use slugbuilder_report::{Explain, Reporter};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What uploads may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// Bytes that an upload may have.
    pub max_size: u64,
    /// How long a client may send nothing at all before its upload is given up.
    pub idle_timeout: Duration,
    /// Bytes a second that have to come on average over each `rate_window`, else an upload is given up: who sends one byte
    /// a minute is never idle, and would keep a connection and a file for years.
    pub minimum_rate: u64,
    /// The time over which `minimum_rate` is measured, in whole seconds. Only the time that the server waits for the client counts.
    pub rate_window: Duration,
}

impl Default for UploadLimits {
    /// Heroku's 500 MB, one minute, and 1 KiB a second over one minute.
    fn default() -> Self {
        Self {
            max_size: MAX_SLUG_SIZE,
            idle_timeout: Duration::from_mins(1),
            minimum_rate: 1 << 10,
            rate_window: Duration::from_mins(1),
        }
    }
}

/// What the ledger knows of the bytes of a slug.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobBytes {
    /// SHA-256 that they have to have, 64 hexadecimal digits, where the slug was created with a checksum.
    pub expected_sha256: Option<String>,
    /// Those that were uploaded.
    pub uploaded: Option<Received>,
}

/// Why the ledger could not answer.
#[derive(Debug)]
pub enum LedgerError {
    /// There is no such resource (any more).
    NotFound(&'static str),
    /// It does not take these bytes; the text is for the client.
    Refused(String),
    /// It failed; for the log.
    Failed(Box<dyn Explain + Send + Sync>),
}

/// The records that uploads and downloads go by.
pub trait BlobLedger: Send + Sync + 'static {
    /// What the blobs are of, as the API calls it.
    const RESOURCE: &'static str;
    /// The path of the addresses, with `{id}`.
    const PATH: &'static str;

    /// What is known of slug `id`.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn blob_bytes(&self, id: Uuid) -> impl Future<Output = Result<BlobBytes, LedgerError>> + Send;

    /// Records that the bytes of slug `id` are in place. It is durable when this returns.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn finish_upload(
        &self,
        id: Uuid,
        received: Received,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;
}

/// What the endpoints work with.
pub struct Blobs<L> {
    /// The bytes.
    pub store: BlobStore,
    /// Who may.
    pub signer: Signer,
    /// The records.
    pub ledger: L,
    /// What uploads may take.
    pub limits: UploadLimits,
    /// Told of faults that show when an answer has begun.
    pub reporter: Arc<dyn Reporter>,
}

/// The endpoints. To be merged into the server's router outside of the layers that ask for credentials, look at `Accept` or
/// gather bodies.
pub fn routes<L: BlobLedger>(blobs: Blobs<L>) -> Router {
    let service = Arc::new(Service { blobs });
    let methods = get(download::get)
        .put(upload::put)
        .fallback(async || Refusal::Method);
    Router::new().route(L::PATH, methods).with_state(service)
}

struct Service<L> {
    blobs: Blobs<L>,
}

impl<L: BlobLedger> Service<L> {
    /// The blob that a request is about, if its address allows `method` on it.
    fn allowed(
        &self,
        method: BlobMethod,
        id: Result<Path<String>, PathRejection>,
        parts: &Parts,
    ) -> Result<Uuid, Refusal> {
        // One spelling only, the one that addresses are made with.
        let id = id.map_err(|_| Refusal::NotFound(L::RESOURCE))?.0;
        let id = id
            .parse::<Uuid>()
            .ok()
            .filter(|uuid| uuid.to_string() == id)
            .ok_or(Refusal::NotFound(L::RESOURCE))?;
        self.blobs
            .signer
            .check(method, id, parts.uri.query(), Timestamp::now())?;
        Ok(id)
    }
}

/// The strong tag of bytes: their hash.
fn etag(received: &Received) -> String {
    format!("\"{}\"", received.sha256)
}

/// An answer without a body.
fn empty(builder: axum::http::response::Builder) -> Result<Response, Refusal> {
    builder
        .body(axum::body::Body::empty())
        .map_err(|error| Refusal::internal(error.to_string()))
}
