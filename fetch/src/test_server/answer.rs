//! What a server answers, and how it fails to.

use std::sync::Arc;
use std::time::Duration;

/// What the server answers to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Arc<[u8]>,
    pub(super) length: Length,
    pub(super) end: End,
    pub(super) ranges: bool,
    /// How many bytes of the request's body are read; all where nothing is said.
    pub(super) takes: Option<usize>,
    pub(super) delay: Duration,
    pub(super) stays: Duration,
    pub(super) hangs_up: Option<HangUp>,
}

/// What the server says of the body's length.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    /// What it is.
    True,
    /// Something else, in bytes.
    Claimed(u64),
    /// Nothing: the connection's end is the body's.
    Unsaid,
}

/// How the body ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// After all of it.
    Whole,
    /// After so many bytes the connection is closed.
    Closed(usize),
    /// After so many bytes the connection is reset.
    Reset(usize),
    /// After so many bytes nothing more comes for so long, then the rest.
    Stalled(usize, Duration),
}

/// How a connection ends without an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum HangUp {
    Closed,
    Reset,
}

impl Answer {
    /// Status 200 with this body and its length.
    #[must_use]
    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.as_ref().into(),
            length: Length::True,
            end: End::Whole,
            ranges: false,
            takes: None,
            delay: Duration::ZERO,
            stays: Duration::ZERO,
            hangs_up: None,
        }
    }

    /// This status, with the status as the body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::ok(status.to_string())
        }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Status 302 to `location`.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::status(302).header("Location", location)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with an `ETag`, and `Range` answered by 206 where `If-Range` agrees with it.
    #[must_use]
    pub fn resumable(mut self, etag: &str) -> Self {
        self.ranges = true;
        self.header("ETag", etag).header("Accept-Ranges", "bytes")
    }

    /// The same, but the connection is closed after `bytes` of the body.
    #[must_use]
    pub fn truncated_at(self, bytes: usize) -> Self {
        Self {
            end: End::Closed(bytes),
            ..self
        }
    }

    /// The same, but the connection is reset after `bytes` of the body.
    #[must_use]
    pub fn reset_at(self, bytes: usize) -> Self {
        Self {
            end: End::Reset(bytes),
            ..self
        }
    }

    /// The same, but nothing comes for `pause` after `bytes` of the body.
    #[must_use]
    pub fn stalled_at(self, bytes: usize, pause: Duration) -> Self {
        Self {
            end: End::Stalled(bytes, pause),
            ..self
        }
    }

    /// The same, but with this `Content-Length`.
    #[must_use]
    pub fn claiming(self, bytes: u64) -> Self {
        Self {
            length: Length::Claimed(bytes),
            ..self
        }
    }

    /// The same without a `Content-Length`.
    #[must_use]
    pub fn without_length(self) -> Self {
        Self {
            length: Length::Unsaid,
            ..self
        }
    }

    /// The same, but it comes after `bytes` of the request's body, and the connection is closed with the rest unread. After
    /// 0 bytes a client that asks first is not told to go on.
    #[must_use]
    pub fn after_upload_of(self, bytes: usize) -> Self {
        Self {
            takes: Some(bytes),
            ..self
        }
    }

    /// The same, but it comes after `delay`.
    #[must_use]
    pub fn delayed(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same, but a connection that is to be closed after it stays for so long.
    #[must_use]
    pub fn then_staying(self, stays: Duration) -> Self {
        Self { stays, ..self }
    }

    /// No answer: once the request is there, the connection is closed.
    #[must_use]
    pub fn none() -> Self {
        Self {
            hangs_up: Some(HangUp::Closed),
            ..Self::status(204)
        }
    }

    /// No answer: after `bytes` of the request's body the connection is reset.
    #[must_use]
    pub fn reset_upload_at(bytes: usize) -> Self {
        Self {
            takes: Some(bytes),
            hangs_up: Some(HangUp::Reset),
            ..Self::status(204)
        }
    }
}
