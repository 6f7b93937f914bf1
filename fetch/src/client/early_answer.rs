//! Connections that read the answer even where the server stopped listening before it had everything.
//!
//! A server that refuses an upload answers and closes, while the body is still on its way. Writing then fails, though the
//! answer that says why is there to be read: a slug's blob store tells so that an address has expired. The HTTP library
//! gives up at the write. This layer of its connections takes such a write as done, and what is written after it, so that
//! the library goes on to the answer; where there is none, the write's error is the error.
//!
//! It also marks every error that comes after something was sent, for [`crate::FetchError::may_have_arrived`]. Connecting
//! and the TLS handshake are over before a connection gets here.

use std::io;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

/// Makes such connections of others.
#[derive(Debug)]
pub(super) struct ReadsEarlyAnswers;

impl<In: Transport> Connector<In> for ReadsEarlyAnswers {
    type Out = Connection<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Connection {
            inner,
            sent: false,
            not_written: None,
            lost: false,
            asked_first: false,
        }))
    }
}

/// A connection, TLS included.
#[derive(Debug)]
pub(super) struct Connection<In> {
    inner: In,
    /// Whether anything was sent since it was made, be it an earlier request.
    sent: bool,
    /// The error of the write that failed, until it is told.
    not_written: Option<Error>,
    /// Whether a write has failed.
    lost: bool,
    /// Whether the last read waited for the server's word that it wants the body.
    asked_first: bool,
}

impl<In: Transport> Transport for Connection<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.lost {
            return Ok(());
        }
        match self.inner.transmit_output(amount, timeout) {
            Ok(()) => {
                self.sent = true;
                Ok(())
            }
            // Not what comes first: that is the request's head, and there is no answer to half of it.
            Err(error) if self.sent && may_have_been_answered(&error) => {
                self.lost = true;
                self.not_written = Some(after_sending(error));
                Ok(())
            }
            Err(error) if self.sent => Err(after_sending(error)),
            Err(error) => Err(error),
        }
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        // An answer that came instead of that word is whole as it lies there. The library would read on, and wait for what
        // does not come where the server keeps the connection.
        let asked_first =
            std::mem::replace(&mut self.asked_first, timeout.reason == Timeout::Await100);
        if asked_first && !self.asked_first && !self.buffers().input().is_empty() {
            return Ok(true);
        }
        if timeout.reason == Timeout::RecvResponse {
            // The header has a time limit of its own; streams wait for their bodies in small steps.
            timeout.per_read = None;
        }
        match self.inner.await_input(timeout) {
            Ok(true) => Ok(true),
            Ok(false) => self.not_written.take().map_or(Ok(false), Err),
            Err(error) => Err(self
                .not_written
                .take()
                .unwrap_or_else(|| after_sending(error))),
        }
    }

    fn is_open(&mut self) -> bool {
        !self.lost && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Whether the other side may have answered before it stopped to listen.
fn may_have_been_answered(error: &Error) -> bool {
    match error {
        Error::Timeout(_) => true,
        Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::TimedOut
        ),
        _ => false,
    }
}

/// Marks `error`, which otherwise stays what it is.
fn after_sending(error: Error) -> Error {
    match error {
        Error::Io(source) if !is_after_sending(&source) => {
            Error::Io(io::Error::new(source.kind(), AfterSending(source)))
        }
        other => other,
    }
}

/// Whether `error` came after something was sent.
pub(crate) fn is_after_sending(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<AfterSending>)
}

/// An error that came after something was sent.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct AfterSending(io::Error);
