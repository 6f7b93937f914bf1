//! Reading on after an answer.
//!
//! A client that is still sending when its connection is closed may never see the answer: the reset that follows discards it.

use axum::body::{Body, HttpBody as _};
use axum::http::header::{CONNECTION, EXPECT, HeaderMap, HeaderValue};
use axum::response::Response;
use http_body_util::BodyExt as _;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long the rest of a refused body is read: as nginx has it (`lingering_time`, `lingering_timeout`).
const LINGER: Duration = Duration::from_secs(30);
const LINGER_IDLE: Duration = Duration::from_secs(5);

/// Reads the rest of a body that is refused with `refusal`, for a while, so that its client gets to read why, and closes the
/// connection afterwards.
pub(crate) fn read_on(headers: &HeaderMap, mut body: Body, refusal: &mut Response) {
    if body.is_end_stream() {
        return;
    }
    let close = HeaderValue::from_static("close");
    refusal.headers_mut().insert(CONNECTION, close);
    // Who waits for `100 Continue` has sent nothing, and reading would ask for it.
    if !headers.contains_key(EXPECT) {
        tokio::spawn(async move {
            let end = Instant::now() + LINGER;
            let next = || end.min(Instant::now() + LINGER_IDLE);
            while let Ok(Some(Ok(_))) = timeout_at(next(), body.frame()).await {}
        });
    }
}
