//! The stream of what a build prints.
//!
//! As `text/plain`, the bytes as they come, with `Range: bytes=N-` to go on where a connection was lost. As
//! `text/event-stream`, for who accepts that: an event for each line, whose id is where the next one begins, and which
//! `Last-Event-Id` goes on from; 204, which tells browsers not to come back, where there is nothing more.

use super::super::State;
use super::super::path::Path;
use crate::http::ApiError;
use crate::signed_url::OutputOf;
use axum::body::Body;
use axum::extract::{RawQuery, State as Of};
use axum::http::header::{
    ACCEPT, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt as _};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// How long a stream of events may be silent before a comment shows that it lives: proxies end what is silent for a minute.
const SILENCE: Duration = Duration::from_secs(20);

/// Where a stream of events goes on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET /builds/{build}/output`. Its address is signed, because whoever follows the output sends no token.
pub(in super::super) async fn output(
    Of(state): Of<State>,
    Path(build): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = Uuid::try_parse(&build).map_err(|_| ApiError::not_found("build"))?;
    if !state
        .signer
        .allows_output(OutputOf::Build(id), query.as_deref())
    {
        return Err(ApiError::forbidden(
            "The address of this output was changed, or another server gave it out.",
        ));
    }
    state.store.build_of_server(id).await?;
    let length = state.builds.output_length(id);
    let events = text(&headers, ACCEPT).is_some_and(|accept| accept.contains("text/event-stream"));
    Ok(if events {
        events_from(&state, id, &headers, length)
    } else {
        bytes_from(&state, id, &headers, length)
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The bytes from where `Range` says.
fn bytes_from(state: &State, id: Uuid, headers: &HeaderMap, length: Option<u64>) -> Response {
    // Any other range than an open one asks for nothing that a stream could give: the whole is answered (RFC 9110, 14.2).
    let from = text(headers, RANGE).and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    if let (Some(from), Some(length)) = (from, length)
        && from >= length
    {
        let range = format!("bytes */{length}");
        let refused = ApiError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "requested_range_not_satisfiable",
            "The build has ended, and its output has no more than that.",
        );
        return ([(CONTENT_RANGE, range)], refused).into_response();
    }
    let body = Body::from_stream(state.builds.output(id, from.unwrap_or_default()));
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (ACCEPT_RANGES, "bytes"),
        // For proxies such as nginx, which would wait for more.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    match from {
        None => (headers, body).into_response(),
        Some(from) => {
            // How much there will be is not known while the build runs.
            let range = match length {
                Some(length) => format!("bytes {from}-{}/{length}", length - 1),
                None => format!("bytes {from}-*/*"),
            };
            let status = StatusCode::PARTIAL_CONTENT;
            (status, headers, [(CONTENT_RANGE, range)], body).into_response()
        }
    }
}

/// The lines from where `Last-Event-Id` says.
fn events_from(state: &State, id: Uuid, headers: &HeaderMap, length: Option<u64>) -> Response {
    let from = text(headers, LAST_EVENT_ID)
        .and_then(|id| id.parse().ok())
        .unwrap_or_default();
    if length.is_some_and(|length| from >= length) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let lines = events(state.builds.output(id, from), from);
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(lines)).into_response()
}

/// Chunks of bytes, the first of which begins at `from`, as events of whole lines.
fn events(
    chunks: impl Stream<Item = io::Result<Bytes>> + Send,
    from: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let state = (Box::pin(chunks), BytesMut::new(), from, false);
    unfold(state, async |(mut chunks, mut line, mut at, ended)| {
        if ended {
            return None;
        }
        let next = timeout(SILENCE, pin!(chunks.next())).await;
        let (answer, ended) = match next {
            Err(_) => (Ok(Bytes::from_static(b": still there\n\n")), false),
            Ok(Some(Ok(chunk))) => {
                line.extend_from_slice(&chunk);
                (Ok(take_events(&mut line, &mut at, false)), false)
            }
            Ok(Some(Err(error))) => (Err(error), true),
            Ok(None) => (Ok(take_events(&mut line, &mut at, true)), true),
        };
        Some((answer, (chunks, line, at, ended)))
    })
}

/// The events of the whole lines in `buffer`, which is left with what is none yet; nothing is left at the end.
fn take_events(buffer: &mut BytesMut, at: &mut u64, end: bool) -> Bytes {
    let mut events = BytesMut::new();
    loop {
        let length = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if end && !buffer.is_empty() => buffer.len(),
            None => return events.freeze(),
        };
        let line = buffer.split_to(length);
        *at += length as u64;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        events.extend_from_slice(format!("id: {at}\n").as_bytes());
        // A carriage return ends a line of an event, too: each part has a line of its own.
        for part in line
            .strip_suffix(b"\r")
            .unwrap_or(line)
            .split(|byte| *byte == b'\r')
        {
            events.extend_from_slice(b"data: ");
            events.extend_from_slice(part);
            events.extend_from_slice(b"\n");
        }
        events.extend_from_slice(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;

    #[tokio::test]
    async fn events_are_lines_and_say_where_the_next_one_begins() {
        let chunks = ["one\ntw", "o\r\n", "a\rb\n", "rest"];
        let chunks = futures_util::stream::iter(chunks.map(|chunk| Ok(Bytes::from(chunk))));
        let events: Vec<Bytes> = events(chunks, 10).try_collect().await.unwrap();
        assert_eq!(
            String::from_utf8(events.concat()).unwrap(),
            "id: 14\ndata: one\n\nid: 19\ndata: two\n\nid: 23\ndata: a\ndata: b\n\nid: 27\ndata: rest\n\n"
        );
    }
}
