//! Connections: only so many at once, and none to a client that does not read.

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// As long as a client may take nothing of its answer while the server stops.
const STOPPING_STALL: Duration = Duration::from_secs(2);

/// Takes connections while there are fewer than its limit. Others wait where the system keeps them before they are taken,
/// so that descriptors remain for the ledger and the blobs.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    places: Arc<Semaphore>,
    rules: Arc<Rules>,
}

/// What goes for all connections of a server.
#[derive(Debug)]
pub(crate) struct Rules {
    stall_timeout: Duration,
    stopping: AtomicBool,
}

impl Rules {
    /// Says that the server stops: a client that reads nothing has less time from now on.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn stall_timeout(&self) -> Duration {
        if self.stopping.load(Ordering::Relaxed) {
            self.stall_timeout.min(STOPPING_STALL)
        } else {
            self.stall_timeout
        }
    }
}

impl Listener {
    /// Takes at most `limit` connections at once, and ends those whose clients take nothing of an answer for
    /// `stall_timeout`.
    pub(crate) fn new(
        listener: std::net::TcpListener,
        limit: NonZeroUsize,
        stall_timeout: Duration,
    ) -> io::Result<(Self, Arc<Rules>)> {
        let rules = Arc::new(Rules {
            stall_timeout,
            stopping: AtomicBool::new(false),
        });
        let listener = Self {
            socket: TcpListener::from_std(listener)?,
            places: Arc::new(Semaphore::new(limit.get().min(Semaphore::MAX_PERMITS))),
            rules: Arc::clone(&rules),
        };
        Ok((listener, rules))
    }
}

/// The address of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<Peer> for Peer {
    fn connect_info(peer: Peer) -> Self {
        peer
    }
}

impl Address for Peer {
    type Stream = Connection;
    type Listener = Listener;
}

impl AddrListener<Connection, Peer> for Listener {
    async fn bind_to(_: Peer) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn accept_stream(&self) -> io::Result<(Connection, Peer)> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(io::Error::other)?;
        let (stream, client) = self.socket.accept().await?;
        let connection = Connection {
            stream,
            rules: Arc::clone(&self.rules),
            stalled: None,
            _place: place,
        };
        Ok((connection, Peer(client)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.socket.local_addr().map(Peer)
    }
}

/// A connection, which fails when its client takes nothing for too long.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    rules: Arc<Rules>,
    /// Since when the client has taken nothing, and what wakes up when that is too long.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// The outcome of an attempt to write, or its failure if there was none for too long.
    fn timed<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let allowed = self.rules.stall_timeout();
        let (since, timer) = self
            .stalled
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(allowed))));
        // Sooner than when it was set, if the server has been told to stop since then.
        let end = *since + allowed;
        if timer.deadline() != end {
            *timer = Box::pin(sleep_until(end));
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client reads nothing of its answer",
        )))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.timed(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
