//! `PUT` of a blob.

use super::refusal::Refusal;
use super::{BlobLedger, LedgerError, Service, empty, etag};
use crate::blobs::{Received, Staged};
use crate::http::linger::read_on;
use crate::signed_url::BlobMethod;
use axum::body::{Body, HttpBody as _};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, CONTENT_RANGE, ETAG, HeaderMap};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

pub(super) async fn put<L: BlobLedger>(
    State(service): State<Arc<Service<L>>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, mut body) = request.into_parts();
    let received = match service.allowed(BlobMethod::Put, id, &parts) {
        Ok(id) => service.receive(id, &parts.headers, &mut body).await,
        Err(refusal) => Err(refusal),
    };
    match received {
        Ok(received) => empty(Response::builder().header(ETAG, etag(&received)))
            .unwrap_or_else(IntoResponse::into_response),
        Err(refusal) => {
            // There is nothing to wait for from who stopped sending.
            let gone = matches!(
                refusal,
                Refusal::Idle(_) | Refusal::Slow { .. } | Refusal::Incomplete { .. }
            );
            let mut response = refusal.into_response();
            if gone {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            } else {
                read_on(&parts.headers, body, &mut response);
            }
            response
        }
    }
}

impl<L: BlobLedger> Service<L> {
    /// Takes the bytes of slug `id`. They count when this returns.
    async fn receive(
        self: &Arc<Self>,
        id: Uuid,
        headers: &HeaderMap,
        body: &mut Body,
    ) -> Result<Received, Refusal> {
        let slug = self.blobs.ledger.blob_bytes(id).await?;
        // RFC 9110, section 14.4: else the part would be taken for the whole.
        if headers.contains_key(CONTENT_RANGE) {
            return Err(Refusal::Partial);
        }
        if let Some(announced) = body.size_hint().exact() {
            self.check_size(announced)?;
            if announced == 0 {
                return Err(Refusal::Empty);
            }
            if let Some(uploaded) = &slug.uploaded
                && uploaded.size != announced
            {
                return Err(other_than::<L>(uploaded));
            }
        }
        let (received, staged) = self.stage(id, body).await?;
        if received.size == 0 {
            return Err(Refusal::Empty);
        }
        if let Some(expected) = slug.expected_sha256
            && !expected.eq_ignore_ascii_case(&received.sha256)
        {
            let found = received.sha256;
            return Err(Refusal::Checksum { expected, found });
        }
        let service = Arc::clone(self);
        // A task of its own: a client that goes away now must not stop it half-way.
        tokio::spawn(async move { service.commit(id, received, staged).await })
            .await
            .map_err(|error| Refusal::internal(error.to_string()))?
    }

    /// Brings the body to where it outlives a crash.
    async fn stage(&self, id: Uuid, body: &mut Body) -> Result<(Received, Staged), Refusal> {
        let mut upload = self.blobs.store.begin(id).await?;
        let (mut received, mut pace) = (0, Pace::default());
        while let Some(bytes) = self.next(body, received, &mut pace).await? {
            received += bytes.len() as u64;
            self.check_size(received)?;
            upload = upload.write(bytes).await?;
        }
        Ok(upload.finish().await?)
    }

    async fn next(
        &self,
        body: &mut Body,
        received: u64,
        pace: &mut Pace,
    ) -> Result<Option<Bytes>, Refusal> {
        let limits = &self.blobs.limits;
        let (idle, patience) = (limits.idle_timeout, limits.rate_window);
        let mut silent = Duration::ZERO;
        loop {
            // What the disk takes is not the client's fault: only the time that is waited for it counts.
            let wait = idle.min(patience.saturating_sub(pace.waited));
            let begun = Instant::now();
            let frame = timeout(wait.saturating_sub(silent), body.frame()).await;
            let waited = begun.elapsed();
            pace.waited += waited;
            silent += waited;
            if silent >= idle {
                return Err(Refusal::Idle(idle));
            }
            if pace.waited >= patience {
                let least = limits.minimum_rate * patience.as_secs().max(1);
                if pace.received < least {
                    return Err(Refusal::Slow {
                        rate: limits.minimum_rate,
                    });
                }
                *pace = Pace::default();
            }
            match frame {
                Err(_) => {}
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Refusal::Incomplete { received }),
                Ok(Some(Ok(frame))) => {
                    // Else it has trailers, which say nothing here.
                    if let Ok(bytes) = frame.into_data() {
                        pace.received += bytes.len() as u64;
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    fn check_size(&self, size: u64) -> Result<(), Refusal> {
        let limit = self.blobs.limits.max_size;
        if size > limit {
            return Err(Refusal::TooLarge { limit });
        }
        Ok(())
    }

    /// Puts bytes in place, then records them. Of two uploads, the second sees what the first recorded.
    async fn commit(
        &self,
        id: Uuid,
        received: Received,
        staged: Staged,
    ) -> Result<Received, Refusal> {
        let blobs = &self.blobs;
        let _one_at_a_time = blobs.store.lock(id).await;
        match blobs.ledger.blob_bytes(id).await?.uploaded {
            Some(uploaded) if uploaded != received => return Err(other_than::<L>(&uploaded)),
            Some(_) => {
                // The same again mends a blob that was lost.
                if blobs.store.size(id).await? != Some(received.size) {
                    staged.put_in_place().await?;
                }
            }
            None => {
                staged.put_in_place().await?;
                let recorded = blobs.ledger.finish_upload(id, received.clone()).await;
                // Its app was deleted in between, and who did that has been here already, or waits for the lock in vain:
                // nobody else will ever look for this blob.
                if let Err(LedgerError::NotFound(_)) = &recorded {
                    blobs.store.remove(id).await?;
                }
                recorded?;
            }
        }
        Ok(received)
    }
}

/// How fast bytes come: how many since when, not counting the time in which nobody waited for them.
#[derive(Debug, Default)]
struct Pace {
    received: u64,
    waited: Duration,
}

fn other_than<L: BlobLedger>(uploaded: &Received) -> Refusal {
    Refusal::OtherBytes {
        resource: L::RESOURCE,
        uploaded: uploaded.clone(),
    }
}
