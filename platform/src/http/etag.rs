//! Conditional requests: `ETag`, `If-None-Match` and `If-Match` (RFC 9110, section 13).

use crate::http::answer::{self, NEXT_RANGE};
use crate::http::body::whole;
use crate::http::linger::read_on;
use crate::http::turns::Turns;
use crate::http::{ApiError, answer::set};
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH,
    IF_NONE_MATCH,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use std::panic::resume_unwind;

/// Carries a request out if its conditions hold.
///
/// A change with `If-Match` is made only if a GET of the same path answers with such a tag, and no other change of the same
/// `subject` comes in between: see [`Turns`]. That holds of requests for the same app, pipeline or account. What changes an app
/// by another path does not wait: a promotion to it, a build or a push that ends in a release.
///
/// A change whose request has arrived is made, whether or not its client waits for the answer.
pub(crate) async fn conditional(
    turns: &Turns,
    subject: &str,
    mut request: Request,
    next: Next,
) -> Response {
    let is_head = request.method() == Method::HEAD;
    let conditions = Conditions::of(request.headers());
    if is_head || request.method() == Method::GET {
        // Some clients send `{}`. If that comes after the answer, the connection is closed, and the next request fails.
        let (parts, mut body) = request.into_parts();
        if let Err(error) = whole(&mut body).await {
            return refused(error, &parts.headers, body);
        }
        request = Request::from_parts(parts, Body::empty());
        // Handlers know of GET alone: the tag is that of the body.
        *request.method_mut() = Method::GET;
        let (response, tag) = tagged(next.run(request).await).await;
        let mut response = if response.status().is_success() {
            conditions.answer(response, tag.as_deref())
        } else {
            response
        };
        if is_head {
            *response.body_mut() = Body::empty();
        }
        return response;
    }

    // In memory before anyone waits for it: a slow client holds nobody up.
    let (mut parts, mut body) = request.into_parts();
    let bytes = match whole(&mut body).await {
        Ok(bytes) => bytes,
        Err(error) => return refused(error, &parts.headers, body),
    };
    let turn = if conditions.are_none() {
        turns.shared(subject).await
    } else {
        turns.exclusive(subject).await
    };
    parts.extensions.insert(turn.clone());
    let change = async move {
        let response = change(&conditions, parts, bytes, next).await;
        turn.end();
        response
    };
    match tokio::spawn(change).await {
        Ok(response) => response,
        Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
        Err(failed) => ApiError::internal(failed.to_string()).into_response(),
    }
}

/// The answer to a request whose body did not come, or of which this is left.
fn refused(error: ApiError, headers: &HeaderMap, body: Body) -> Response {
    let is_too_large = error.status == StatusCode::PAYLOAD_TOO_LARGE;
    let mut refusal = error.into_response();
    // Else there is nothing to wait for.
    if is_too_large {
        read_on(headers, body, &mut refusal);
    }
    refusal
}

/// Makes a change if its conditions hold. Nobody else makes one meanwhile if it has any.
async fn change(conditions: &Conditions, mut parts: Parts, body: Bytes, next: Next) -> Response {
    let change = Request::from_parts(parts.clone(), Body::from(body));
    if conditions.are_none() {
        return tagged(next.run(change).await).await.0;
    }
    parts.method = Method::GET;
    for name in [CONTENT_LENGTH, CONTENT_TYPE] {
        parts.headers.remove(name);
    }
    let now = next
        .clone()
        .run(Request::from_parts(parts, Body::empty()))
        .await;
    let (now, tag) = tagged(now).await;
    let tag = tag.filter(|_| now.status().is_success());
    if conditions.allow_change(tag.as_deref()) {
        tagged(next.run(change).await).await.0
    } else {
        ApiError::precondition_failed().into_response()
    }
}

/// The values of `If-Match` and `If-None-Match`.
struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

enum Tags {
    Any,
    Of(Vec<String>),
}

impl Conditions {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            if_match: Tags::of(headers, &IF_MATCH),
            if_none_match: Tags::of(headers, &IF_NONE_MATCH),
        }
    }

    fn are_none(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// The answer to a GET that found this.
    fn answer(&self, found: Response, tag: Option<&str>) -> Response {
        if self
            .if_match
            .as_ref()
            .is_some_and(|tags| !tags.have(tag, false))
        {
            return ApiError::precondition_failed().into_response();
        }
        if self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| tags.have(tag, true))
        {
            let mut response = found;
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
            return response;
        }
        found
    }

    /// Whether what has this tag now, or is not there, may be changed.
    fn allow_change(&self, tag: Option<&str>) -> bool {
        self.if_match
            .as_ref()
            .is_none_or(|tags| tags.have(tag, false))
            && !self
                .if_none_match
                .as_ref()
                .is_some_and(|tags| tags.have(tag, true))
    }
}

impl Tags {
    /// The tags of a header, if there is one. What is no tag matches nothing.
    fn of(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        let mut tags = Vec::new();
        for value in values.filter_map(|value| value.to_str().ok()) {
            for tag in value.split(',').map(str::trim) {
                if tag == "*" {
                    return Some(Self::Any);
                }
                tags.push(tag.to_owned());
            }
        }
        Some(Self::Of(tags))
    }

    /// Whether `tag` is one of them. With `weakly`, those with `W/` count, too: a proxy that compresses makes them of ours.
    fn have(&self, tag: Option<&str>, weakly: bool) -> bool {
        let Some(tag) = tag else { return false };
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|one| {
                let one = if weakly {
                    one.strip_prefix("W/").unwrap_or(one)
                } else {
                    one
                };
                one == tag
            }),
        }
    }
}

/// An answer with its tag: of the bytes of its body, and of the headers that tell which part of a list they are. An answer
/// of success without a body gets one: clients read every body as JSON.
async fn tagged(response: Response) -> (Response, Option<String>) {
    // What is not in memory yet, a stream, has no tag.
    if !response.status().is_success() || response.body().size_hint().exact().is_none() {
        return (response, None);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(bytes) => bytes.to_bytes(),
        Err(error) => {
            let error = ApiError::internal(format!("cannot read an answer: {error}"));
            return (error.into_response(), None);
        }
    };
    let bytes = if bytes.is_empty() {
        let empty = answer::json(parts.status, &serde_json::Map::new());
        parts.headers.extend(empty.headers().clone());
        parts.headers.remove(CONTENT_LENGTH);
        Bytes::from_static(b"{}")
    } else {
        bytes
    };
    let mut hash = Sha256::new();
    hash.update(&bytes);
    for name in [CONTENT_RANGE, NEXT_RANGE] {
        let value = parts.headers.get(name);
        hash.update(b"\n");
        hash.update(
            value
                .map(axum::http::HeaderValue::as_bytes)
                .unwrap_or_default(),
        );
    }
    let tag = format!("\"{}\"", hex::encode(&hash.finalize()[..16]));
    let mut response = Response::from_parts(parts, Body::from(bytes));
    set(&mut response, ETAG, &tag);
    (response, Some(tag))
}
