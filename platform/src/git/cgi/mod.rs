//! Runs a CGI program (RFC 3875): the request's body to its stdin, its stdout to the answer, neither of them in memory.

mod head;

use super::program::said;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use head::Head;
use http_body_util::BodyExt as _;
use slugbuilder_report::{Event, Reporter, Warning, printable};
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// As long as a client may send nothing of a body that is not yet whole.
const IDLE: Duration = Duration::from_mins(1);
/// As long as all of a body may take.
const ARRIVAL: Duration = Duration::from_hours(1);
/// Bytes that are read from the program at once.
const PIECE: usize = 32 << 10;
/// The most that is kept of what the program writes to its stderr.
const COMPLAINTS: usize = 4 << 10;

/// Why a program gave no answer; for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum CgiError {
    #[error("`git http-backend` cannot be run: {0}")]
    Start(#[source] io::Error),
    #[error("`git http-backend` gave no answer: {0}")]
    NoAnswer(String),
    #[error("the answer of `git http-backend` cannot be understood: {0}")]
    Head(String),
}

/// What a program gets on its stdin.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) body: Body,
    /// The most bytes that it may have; one that has more breaks off there.
    pub(super) most: u64,
}

/// Runs `command` with `body` on its stdin, and answers what it says.
///
/// It runs to its end even if the client goes away: without an answer to send, and, unless the body has arrived, with one
/// that breaks off, which git takes for what it is. `after` is done then.
pub(super) async fn run(
    mut command: Command,
    body: Input,
    reporter: Arc<dyn Reporter>,
    after: impl Future<Output = ()> + Send + 'static,
) -> Result<Response, CgiError> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(CgiError::Start)?;
    let missing = || CgiError::Start(io::ErrorKind::BrokenPipe.into());
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let (to_client, mut pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        let feeding = tokio::spawn(timeout(ARRIVAL, feed(body, stdin)));
        let complaints = tokio::spawn(keep_some(stderr));
        drain(stdout, to_client).await;
        tell(child, complaints.await.unwrap_or_default(), &*reporter).await;
        // Nobody reads the rest of the body.
        feeding.abort();
        after.await;
    });

    let mut begun = BytesMut::new();
    let (head, rest) = loop {
        if let Some((length, body)) = head::end(&begun) {
            let rest = begun.split_off(body).freeze();
            begun.truncate(length);
            break (Head::parse(&begun).map_err(CgiError::Head)?, rest);
        }
        if begun.len() > head::LIMIT {
            return Err(CgiError::Head("its head has no end".into()));
        }
        match pieces.recv().await {
            Some(Ok(piece)) => begun.extend_from_slice(&piece),
            Some(Err(error)) => return Err(CgiError::NoAnswer(error.to_string())),
            None => return Err(CgiError::NoAnswer("it ended without one".into())),
        }
    };
    Ok(answer(head, rest, pieces))
}

/// The answer: what has come, and what comes.
fn answer(head: Head, rest: Bytes, pieces: mpsc::Receiver<io::Result<Bytes>>) -> Response {
    let first = (!rest.is_empty()).then_some(Ok(rest));
    let pieces = stream::unfold((first, pieces), async |(first, mut pieces)| {
        let next = match first {
            Some(first) => Some(first),
            None => pieces.recv().await,
        };
        next.map(|piece| (piece, (None, pieces)))
    });
    let Head { status, headers } = head;
    let mut response = (status, Body::from_stream(pieces)).into_response();
    // What `IntoResponse` says of the body's type is its guess.
    *response.headers_mut() = HeaderMap::new();
    response.headers_mut().extend(headers);
    response
}

/// Writes a body to a program, until either ends. A body that breaks off ends the program's input early.
async fn feed(Input { mut body, most }: Input, mut stdin: impl AsyncWrite + Unpin) {
    let mut room = most;
    while let Ok(Some(Ok(frame))) = timeout(IDLE, body.frame()).await {
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        let Some(left) = room.checked_sub(bytes.len() as u64) else {
            return;
        };
        room = left;
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads all that a program answers, and hands it on for as long as there is someone to take it.
async fn drain(mut stdout: ChildStdout, to_client: mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE);
        let read = stdout.read_buf(&mut buffer).await;
        let piece = match read {
            Ok(0) => return,
            Ok(_) => Ok(buffer.split().freeze()),
            Err(error) => Err(error),
        };
        let failed = piece.is_err();
        // Who has gone away needs nothing more; the program goes on.
        drop(to_client.send(piece).await);
        if failed {
            return;
        }
    }
}

/// The beginning of what comes; all of it is read.
async fn keep_some(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let room = COMPLAINTS.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
    }
    kept
}

/// Tells whoever runs the server of a program that failed. (It ends well when it refuses something.)
async fn tell(mut child: Child, complaints: Vec<u8>, reporter: &dyn Reporter) {
    match child.wait().await {
        Ok(status) if status.success() => {}
        Ok(status) => {
            let text = format!("git ended with a failure: {}", said(&complaints, status));
            reporter.report(Event::Note(&printable(&text)));
        }
        Err(error) => {
            let text = format!("git's end was not seen: {error}");
            reporter.report(Event::Warning(&Warning::new("git-lost", text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_breaks_off_where_it_is_too_long() {
        for (most, arrived) in [(9, 9), (8, 6), (2, 0)] {
            let pieces = (0..3).map(|_| Ok::<_, io::Error>(Bytes::from_static(b"abc")));
            let body = Body::from_stream(stream::iter(pieces));
            let mut stdin = std::io::Cursor::new(Vec::new());
            feed(Input { body, most }, &mut stdin).await;
            assert_eq!(stdin.into_inner().len(), arrived, "{most}");
        }
    }

    #[tokio::test]
    async fn what_comes_after_goes_with_a_program_that_cannot_be_started() {
        let (held, mut let_go) = mpsc::channel::<()>(1);
        let input = Input {
            body: Body::empty(),
            most: 0,
        };
        let command = Command::new("/there/is/no/such/program");
        let reporter = Arc::new(slugbuilder_report::Silent);
        let answer = run(command, input, reporter, async move { drop(held) }).await;
        assert!(matches!(answer, Err(CgiError::Start(_))));
        assert_eq!(let_go.recv().await, None);
    }
}
