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

mod answer;

pub use answer::Answer;

use answer::{End, HangUp, Length};
use nix::sys::socket::{setsockopt, sockopt::Linger};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `CONNECT`, …
    pub method: String,
    /// What was asked for: the path with its query, or whatever else stands there.
    pub target: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// As much of the body as was read.
    pub body: Vec<u8>,
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

    /// Sets what is answered to `target`, `/path?query`, or `METHOD /path?query` for that method alone: each answer once,
    /// the last one again and again.
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

    /// Every request so far for `target`, which may begin with a method: `POST /path`.
    #[must_use]
    pub fn requests_for(&self, target: &str) -> Vec<Request> {
        let (method, target) = match target.split_once(' ') {
            Some((method, target)) => (Some(method), target),
            None => (None, target),
        };
        let mut requests = self.requests();
        requests.retain(|request| {
            request.target == target && method.is_none_or(|method| request.method == method)
        });
        requests
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
    while let Some(mut request) = read_request(&mut reader)? {
        let answer = {
            let mut state = lock(state);
            let by_method = format!("{} {}", request.method, request.target);
            let key = if state.answers.contains_key(&by_method) {
                &by_method
            } else {
                &request.target
            };
            match state.answers.get_mut(key) {
                Some(answers) if answers.len() > 1 => answers.pop(),
                Some(answers) => answers.last().cloned(),
                None => None,
            }
        };
        let answer = answer.unwrap_or_else(|| Answer::status(404));
        let whole = read_body(connection, &mut reader, &mut request, &answer);
        lock(state).requests.push(request.clone());
        let whole = whole?;
        thread::sleep(answer.delay);
        match answer.hangs_up {
            Some(HangUp::Reset) => return reset(connection),
            Some(HangUp::Closed) => break,
            None => {}
        }
        if !write_answer(connection, &request, &answer)? || !whole {
            thread::sleep(answer.stays);
            break;
        }
    }
    Ok(())
}

/// Reads as much of the body as `answer` wants. Whether that is all of it.
fn read_body(
    mut connection: &TcpStream,
    reader: &mut impl Read,
    request: &mut Request,
    answer: &Answer,
) -> io::Result<bool> {
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let taken = answer.takes.unwrap_or(length).min(length);
    let asks_first = request.header("expect") == Some("100-continue");
    if asks_first && taken > 0 {
        connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    reader
        .take(taken as u64)
        .read_to_end(&mut request.body)
        .map(|read| read == length)
}

/// Throws the connection away, with what is still under way.
fn reset(connection: &TcpStream) -> io::Result<()> {
    setsockopt(
        connection,
        Linger,
        &nix::libc::linger {
            l_onoff: 1,
            l_linger: 0,
        },
    )?;
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
                    body: Vec::new(),
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
    if matches!(answer.end, End::Whole) {
        // In one piece: what waits for an acknowledgement is lost when the connection is closed amid an upload.
        head.extend_from_slice(body);
    }
    connection.write_all(&head)?;
    match answer.end {
        End::Whole => Ok(matches!(answer.length, Length::True)),
        End::Closed(bytes) => {
            connection.write_all(&body[..bytes.min(body.len())])?;
            Ok(false)
        }
        End::Reset(bytes) => {
            connection.write_all(&body[..bytes.min(body.len())])?;
            // What was sent must have been read before the reset, which throws away what is still under way.
            thread::sleep(Duration::from_millis(100));
            reset(connection)?;
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
