//! One connection that is kept: hyper's client, and bodies that need no memory.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// A request that got no answer: the server, or the connection to it, is gone.
#[derive(Debug, thiserror::Error)]
#[error("there is no answer: {0}")]
pub(super) struct Unanswered(String);

/// A body that is sent: these bytes, so many times.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload {
    block: Bytes,
    times: u64,
}

impl Payload {
    /// No body.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    /// `block` over and over.
    pub(super) fn repeated(block: Bytes, times: u64) -> Self {
        Self { block, times }
    }

    /// Its length, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.block.len() as u64 * self.times
    }
}

impl<B: Into<Bytes>> From<B> for Payload {
    fn from(bytes: B) -> Self {
        Self::repeated(bytes.into(), 1)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(times) = self.times.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.times = times;
        Poll::Ready(Some(Ok(Frame::data(self.block.clone()))))
    }

    fn is_end_stream(&self) -> bool {
        self.times == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A connection, for one request after the other.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Payload>,
    host: HeaderValue,
}

impl Connection {
    /// Connects. Within a runtime, which drives the connection.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Unanswered> {
        let unanswered = |error: String| Unanswered(error);
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| unanswered(error.to_string()))?;
        // Else the last part of a request would wait for the acknowledgement of the one before.
        stream
            .set_nodelay(true)
            .map_err(|error| unanswered(error.to_string()))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unanswered(error.to_string()))?;
        // Its error is that of the request that runs into it.
        tokio::spawn(async { drop(connection.await) });
        let host = HeaderValue::try_from(address.to_string())
            .map_err(|error| unanswered(error.to_string()))?;
        Ok(Self { sender, host })
    }

    /// Sends a request and reads its answer to the end.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Payload>,
    ) -> Result<Answer, Unanswered> {
        let unanswered = |error: hyper::Error| Unanswered(error.to_string());
        request.headers_mut().insert(HOST, self.host.clone());
        self.sender.ready().await.map_err(unanswered)?;
        let (parts, body) = self
            .sender
            .send_request(request)
            .await
            .map_err(unanswered)?
            .into_parts();
        let body = body.collect().await.map_err(unanswered)?.to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_as_long_as_it_says() {
        for (payload, expected) in [
            (Payload::empty(), ""),
            (Payload::from("once"), "once"),
            (Payload::repeated("ab".into(), 3), "ababab"),
        ] {
            assert_eq!(payload.size_hint().exact(), Some(expected.len() as u64));
            assert_eq!(payload.is_end_stream(), expected.is_empty());
            let Ok(collected) = payload.collect().await;
            assert_eq!(collected.to_bytes(), expected);
        }
    }
}
