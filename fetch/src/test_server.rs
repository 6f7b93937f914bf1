//! A local HTTP server that answers as it is told, for tests (cargo feature `test-server`).
//!
//! ```
//! use slugbuilder_fetch::test_server::{Answer, TestServer};
//! use slugbuilder_fetch::{Client, Settings};
//!
//! let server = TestServer::start()?;
//! server.answer("/SHASUMS256.txt", [Answer::status(500), Answer::ok("abc  node.tar.gz")]);
//! let settings = Settings { backoff: std::time::Duration::ZERO, ..Settings::default() };
//! let text = Client::new(settings)?.text(&server.url("/SHASUMS256.txt"), 1024)?;
//! assert_eq!(text, "abc  node.tar.gz");
//! assert_eq!(server.count("/SHASUMS256.txt"), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use nix::sys::socket::{setsockopt, sockopt::Linger};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What the server answers to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Arc<[u8]>,
    length: Length,
    end: End,
    ranges: bool,
}

/// What the server says of the body's length.
#[derive(Debug, Clone, Copy)]
enum Length {
    /// What it is.
    True,
    /// Something else, in bytes.
    Claimed(u64),
    /// Nothing: the connection's end is the body's.
    Unsaid,
}

/// How the body ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// After all of it.
    Whole,
    /// After so many bytes the connection is closed.
    Closed(usize),
    /// After so many bytes the connection is reset.
    Reset(usize),
    /// After so many bytes nothing more comes for so long, then the rest.
    Stalled(usize, Duration),
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
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `CONNECT`, …
    pub method: String,
    /// What was asked for: the path with its query, or whatever else stands there.
    pub target: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// The first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct State {
    /// What is answered to each target, the next answer last.
    answers: HashMap<String, Vec<Answer>>,
    requests: Vec<Request>,
}

/// The server, on a free port of 127.0.0.1 until it is dropped.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
}

impl TestServer {
    /// Starts one that answers 404 to everything.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
            ended: Arc::default(),
        };
        let (state, ended) = (Arc::clone(&server.state), Arc::clone(&server.ended));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let state = Arc::clone(&state);
                // A client that goes away in the middle is what many tests are about.
                thread::spawn(move || drop(serve(&connection, &state)));
            }
        });
        Ok(server)
    }

    /// Sets what is answered to `target`: each answer once, the last one again and again.
    pub fn answer(&self, target: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut answers: Vec<Answer> = answers.into_iter().collect();
        answers.reverse();
        lock(&self.state).answers.insert(target.to_owned(), answers);
    }

    /// The URL of `target`, which begins with `/`.
    #[must_use]
    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    /// How many requests for `target` there were.
    #[must_use]
    pub fn count(&self, target: &str) -> usize {
        lock(&self.state)
            .requests
            .iter()
            .filter(|request| request.target == target)
            .count()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, so that it sees the flag.
        drop(TcpStream::connect(self.address));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of one connection until either side is done.
fn serve(connection: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    while let Some(request) = read_request(&mut reader)? {
        let answer = {
            let mut state = lock(state);
            state.requests.push(request.clone());
            match state.answers.get_mut(&request.target) {
                Some(answers) if answers.len() > 1 => answers.pop(),
                Some(answers) => answers.last().cloned(),
                None => None,
            }
        };
        if !write_answer(
            connection,
            &request,
            &answer.unwrap_or_else(|| Answer::status(404)),
        )? {
            break;
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.take(64 * 1024).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.take(64 * 1024).read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => {
                return Ok(Some(Request {
                    method,
                    target,
                    headers,
                }));
            }
        }
    }
}

/// Whether the connection can take another request.
fn write_answer(
    mut connection: &TcpStream,
    request: &Request,
    answer: &Answer,
) -> io::Result<bool> {
    let (status, range, body) = select(request, answer);
    let mut head = Vec::new();
    write!(head, "HTTP/1.1 {status} Test\r\n{range}")?;
    for (name, value) in &answer.headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    match answer.length {
        Length::True => write!(head, "Content-Length: {}\r\n", body.len())?,
        Length::Claimed(bytes) => write!(head, "Content-Length: {bytes}\r\n")?,
        Length::Unsaid => write!(head, "Connection: close\r\n")?,
    }
    head.extend_from_slice(b"\r\n");
    connection.write_all(&head)?;
    match answer.end {
        End::Whole => {
            connection.write_all(body)?;
            Ok(matches!(answer.length, Length::True))
        }
        End::Closed(bytes) => {
            connection.write_all(&body[..bytes.min(body.len())])?;
            Ok(false)
        }
        End::Reset(bytes) => {
            connection.write_all(&body[..bytes.min(body.len())])?;
            // What was sent must have been read before the reset, which throws away what is still under way.
            thread::sleep(Duration::from_millis(100));
            setsockopt(
                &connection,
                Linger,
                &nix::libc::linger {
                    l_onoff: 1,
                    l_linger: 0,
                },
            )?;
            Ok(false)
        }
        End::Stalled(bytes, pause) => {
            let (first, rest) = body.split_at(bytes.min(body.len()));
            connection.write_all(first)?;
            thread::sleep(pause);
            connection.write_all(rest)?;
            Ok(matches!(answer.length, Length::True))
        }
    }
}

/// Status, further headers and the part of the body that is asked for.
fn select<'a>(request: &Request, answer: &'a Answer) -> (u16, String, &'a [u8]) {
    let whole = (answer.status, String::new(), &*answer.body);
    let start = request.header("range").and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    let current = answer
        .headers
        .iter()
        .find(|(name, _)| name == "ETag")
        .map(|(_, value)| value.as_str());
    match start {
        Some(start)
            if answer.ranges
                && start < answer.body.len()
                && request.header("if-range") == current =>
        {
            let total = answer.body.len();
            (
                206,
                format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1),
                &answer.body[start..],
            )
        }
        _ => whole,
    }
}
