//! Answers that are read as they come.

use super::failure::classify;
use super::transfer::Response;
use crate::url::Url;
use crate::{FetchError, Settings};
use std::fmt;
use std::io::{self, Read};
use ureq::http::header::HeaderMap;

/// An answer whose body is read as it comes.
pub struct Stream {
    /// The status.
    pub status: u16,
    url: Url,
    headers: HeaderMap,
    body: Box<dyn Read + Send>,
    settings: Settings,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("status", &self.status)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What a read of a [`Stream`] brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes.
    Bytes(usize),
    /// Nothing for now.
    Pause,
    /// The end.
    End,
}

impl Stream {
    /// The body of `response`, which came from `url`.
    pub(super) fn new(url: Url, response: Response, settings: &Settings) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            url,
            headers: parts.headers,
            body: Box::new(body.into_with_config().limit(u64::MAX).reader()),
            settings: settings.clone(),
        }
    }

    /// The first header field of this name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// Where it comes from, without what may be secret.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// Reads what has come, or waits for it, but not for longer than the pause that the stream was opened with.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Piece, FetchError> {
        match self.body.read(buffer) {
            Ok(0) => Ok(Piece::End),
            Ok(count) => Ok(Piece::Bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Piece::Pause),
            Err(error) => match error.into() {
                ureq::Error::Timeout(_) => Ok(Piece::Pause),
                error => Err(classify(&self.url, error, &self.settings).interrupted()),
            },
        }
    }
}
