//! `GET` and `HEAD` of a blob.

use super::byte_range::Asked;
use super::refusal::Refusal;
use super::{BlobLedger, Service, empty, etag};
use crate::blobs::BlobStream;
use crate::signed_url::BlobMethod;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, IF_MATCH, IF_NONE_MATCH,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use slugbuilder_report::{Diagnosis, Event, Reporter, Warning};
use std::sync::Arc;
use uuid::Uuid;

pub(super) async fn get<L: BlobLedger>(
    State(service): State<Arc<Service<L>>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let answer = match service.allowed(BlobMethod::Get, id, &parts) {
        Ok(id) => service.send(id, &parts).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

impl<L: BlobLedger> Service<L> {
    async fn send(&self, id: Uuid, parts: &Parts) -> Result<Response, Refusal> {
        let blobs = &self.blobs;
        let slug = blobs.ledger.blob_bytes(id).await?;
        let uploaded = slug.uploaded.ok_or(Refusal::NotUploaded(L::RESOURCE))?;
        let (size, etag, headers) = (uploaded.size, etag(&uploaded), &parts.headers);

        // In the order of RFC 9110, section 13.2.2.
        if names(headers, &IF_MATCH, &etag, false) == Some(false) {
            return Err(Refusal::Precondition);
        }
        let answer = Response::builder()
            .header(ETAG, &etag)
            // The address is a credential, and what it leads to never changes.
            .header(CACHE_CONTROL, "private, immutable");
        if names(headers, &IF_NONE_MATCH, &etag, true) == Some(true) {
            return empty(answer.status(StatusCode::NOT_MODIFIED));
        }

        let found = blobs.store.size(id).await?;
        if found != Some(size) {
            return Err(Refusal::internal(match found {
                Some(found) => {
                    format!("blob `{id}` has {found} bytes, and was recorded with {size}")
                }
                None => format!("blob `{id}` of {size} bytes was recorded and is not there"),
            }));
        }
        let mut answer = answer
            .header(CONTENT_TYPE, "application/gzip")
            .header(ACCEPT_RANGES, "bytes");
        // Only a GET has ranges (RFC 9110, section 14.2).
        let asked = if parts.method == Method::GET {
            Asked::of(headers, size, &etag)
        } else {
            Asked::Whole
        };
        let range = match asked {
            Asked::Whole => 0..size,
            Asked::Part(range) => {
                let value = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                answer = answer
                    .status(StatusCode::PARTIAL_CONTENT)
                    .header(CONTENT_RANGE, value);
                range
            }
            Asked::Nothing => return Err(Refusal::Range { size }),
        };
        answer = answer.header(CONTENT_LENGTH, range.end - range.start);
        if parts.method == Method::HEAD {
            return empty(answer);
        }
        let bytes = blobs.store.read(id, range).await?;
        let bytes = bytes.ok_or_else(|| Refusal::internal(format!("blob `{id}` is gone")))?;
        answer
            .body(told(bytes, Arc::clone(&blobs.reporter)))
            .map_err(|error| Refusal::internal(error.to_string()))
    }
}

/// The bytes as a body. When they break off, so does the connection, and only the log can say why.
fn told(bytes: BlobStream, reporter: Arc<dyn Reporter>) -> Body {
    Body::from_stream(bytes.inspect_err(move |error| {
        let text = Diagnosis::of(error).one_line();
        let warning = Warning::new(
            "download-broken-off",
            format!("a download broke off: {text}"),
        );
        reporter.report(Event::Warning(&warning));
    }))
}

/// Whether header `name` has `etag` among its tags, or any (`*`); nothing where it is not there. A weak comparison takes
/// `W/"…"` as well.
fn names(headers: &HeaderMap, name: &HeaderName, etag: &str, weakly: bool) -> Option<bool> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    // Tags of blobs have no comma in them.
    Some(
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| {
                tag == "*" || tag == etag || (weakly && tag.strip_prefix("W/") == Some(etag))
            }),
    )
}
