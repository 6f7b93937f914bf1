//! The two ends of a connection: asking an app, and a mirror that never answers.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A port that nobody uses.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The body of the answer to `GET /`, once there is one.
pub(crate) fn get(port: u16) -> String {
    crate::invocation::eventually("an answer", || {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
        connection
            .set_read_timeout(Some(Duration::from_secs(30)))
            .ok()?;
        connection
            .write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        assert!(head.contains("200"), "{head}");
        Some(body.to_owned())
    })
}

/// A mirror that takes connections and says nothing.
pub(crate) struct Stalling {
    listener: TcpListener,
}

impl Stalling {
    pub(crate) fn new() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Waits for somebody to ask; the connection stays open as long as it is kept.
    pub(crate) fn asked(&self) -> TcpStream {
        self.listener.accept().unwrap().0
    }
}
