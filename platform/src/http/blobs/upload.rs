//! `PUT` of a blob.

use super::refusal::Refusal;
use super::{Service, SlugLedger, empty, etag};
use crate::blobs::{Received, Staged};
use crate::signed_url::BlobMethod;
use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, CONTENT_RANGE, ETAG, EXPECT, HeaderMap};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

/// How long the rest of a refused upload is read, so that its client gets to read why: as nginx has it
/// (`lingering_time`, `lingering_timeout`).
const LINGER: Duration = Duration::from_secs(30);
const LINGER_IDLE: Duration = Duration::from_secs(5);

pub(super) async fn put<L: SlugLedger>(
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
            read_on(&refusal, &parts.headers, body);
            let mut response = refusal.into_response();
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

/// Reads the rest of a refused upload, for a while. A client that is still sending when its connection is closed may never
/// see the answer: the reset that follows discards it.
fn read_on(refusal: &Refusal, headers: &HeaderMap, mut body: Body) {
    // Who waits for `100 Continue` has sent nothing, and reading would ask for it.
    let sends = !headers.contains_key(EXPECT) && !body.is_end_stream();
    if sends && !matches!(refusal, Refusal::Idle(_) | Refusal::Incomplete { .. }) {
        tokio::spawn(async move {
            let end = Instant::now() + LINGER;
            let next = || end.min(Instant::now() + LINGER_IDLE);
            while let Ok(Some(Ok(_))) = timeout_at(next(), body.frame()).await {}
        });
    }
}

impl<L: SlugLedger> Service<L> {
    /// Takes the bytes of slug `id`. They count when this returns.
    async fn receive(
        self: &Arc<Self>,
        id: Uuid,
        headers: &HeaderMap,
        body: &mut Body,
    ) -> Result<Received, Refusal> {
        let slug = self.blobs.ledger.slug_bytes(id).await?;
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
                return Err(other_than(uploaded));
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
        let mut received = 0;
        while let Some(bytes) = self.next(body, received).await? {
            received += bytes.len() as u64;
            self.check_size(received)?;
            upload = upload.write(bytes).await?;
        }
        Ok(upload.finish().await?)
    }

    async fn next(&self, body: &mut Body, received: u64) -> Result<Option<Bytes>, Refusal> {
        let idle = self.blobs.limits.idle_timeout;
        loop {
            match timeout(idle, body.frame()).await {
                Err(_) => return Err(Refusal::Idle(idle)),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Refusal::Incomplete { received }),
                Ok(Some(Ok(frame))) => {
                    // Else it has trailers, which say nothing here.
                    if let Ok(bytes) = frame.into_data() {
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
        let _one_at_a_time = self.committing(id).lock().await;
        match blobs.ledger.slug_bytes(id).await?.uploaded {
            Some(uploaded) if uploaded != received => return Err(other_than(&uploaded)),
            Some(_) => {
                // The same again mends a blob that was lost.
                if blobs.store.size(id).await? != Some(received.size) {
                    staged.put_in_place().await?;
                }
            }
            None => {
                staged.put_in_place().await?;
                blobs.ledger.finish_upload(id, received.clone()).await?;
            }
        }
        Ok(received)
    }
}

fn other_than(uploaded: &Received) -> Refusal {
    Refusal::OtherBytes {
        uploaded: uploaded.clone(),
    }
}
