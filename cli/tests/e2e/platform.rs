//! A platform of the test's own: `slugbuilder serve` with an empty data folder, on a port that nobody uses.

use crate::context::Context;
use crate::invocation::{Invocation, Started, eventually};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// The token of the platform's only user.
pub(crate) const TOKEN: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// Their e-mail address.
pub(crate) const EMAIL: &str = "me@example.com";

/// A platform that runs as long as this.
pub(crate) struct Platform<'a> {
    context: &'a Context,
    _server: Started,
    /// Where it listens: `127.0.0.1:PORT`
    pub(crate) listening: String,
    /// Where clients reach it.
    pub(crate) authority: String,
}

impl<'a> Platform<'a> {
    /// Starts one, with an app `my-app`.
    pub(crate) fn start(context: &'a Context) -> Self {
        Self::with(context, None)
    }

    /// The same, for clients that reach it at another address than the one where it listens.
    pub(crate) fn reached_at(context: &'a Context, authority: &str) -> Self {
        Self::with(context, Some(authority))
    }

    fn with(context: &'a Context, authority: Option<&str>) -> Self {
        let url = authority.map(|authority| format!("--url=http://{authority}"));
        let server = context
            .slugbuilder(["serve", "--json", "--listen", "127.0.0.1:0"])
            .arguments(["--data", "../platform"])
            .arguments(&url)
            .env("SLUGBUILDER_SERVE_USERS", format!("{EMAIL}:{TOKEN}"))
            .start();
        let ready = eventually("the platform's address", || {
            let output = server.output();
            let line = output.lines().find(|line| line.starts_with('{'))?;
            serde_json::from_str::<Value>(line).ok()
        });
        let listening = ready["address"].as_str().unwrap().to_owned();
        let platform = Self {
            context,
            _server: server,
            authority: authority.map_or_else(|| listening.clone(), str::to_owned),
            listening,
        };
        platform.create_app("my-app");
        platform
    }

    pub(crate) fn create_app(&self, name: &str) {
        self.call("POST", "/apps", &json!({ "name": name }));
    }

    /// A command that speaks to it as its user.
    pub(crate) fn slugbuilder<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Invocation<'a> {
        self.anonymous(arguments).env("HEROKU_API_KEY", TOKEN)
    }

    /// The same without a token.
    pub(crate) fn anonymous<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Invocation<'a> {
        self.context
            .slugbuilder(arguments)
            .env("HEROKU_HOST", format!("http://{}", self.authority))
    }

    /// What a client that is not ours gets, as JSON; the status has to be 2xx.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Accept: application/vnd.heroku+json; version=3\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.listening,
            body.len()
        );
        let mut connection = TcpStream::connect(&self.listening).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path, &json!({}))
    }

    /// `text` without what differs from one platform to the next.
    pub(crate) fn normalized(&self, text: &str) -> String {
        let text = text.replace(&self.authority, "[HOST]");
        let port = self.authority.rsplit(':').next().unwrap();
        let text = text.replace(&format!("localhost:{port}"), "localhost:[PORT]");
        let text = without_measures(&text);
        without_ids(&text)
    }
}

/// `text` without times, how long something took, and how large a slug is.
fn without_measures(text: &str) -> String {
    let line = |line: &str| {
        // Of a compressor's next version, too.
        let line = match line.split_once("uploaded, ") {
            Some((before, after)) if after.starts_with(|c: char| c.is_ascii_digit()) => {
                let end = after.find(')').unwrap_or(after.len());
                format!("{before}uploaded, [SIZE]{}", &after[end..])
            }
            _ => line.to_owned(),
        };
        let words = line.split(' ').map(|word| {
            let time = word.trim_end_matches(';');
            let is_time = time.len() >= 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T';
            if is_time {
                word.replace(time, "[WHEN]")
            } else {
                word.to_owned()
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        match line.split_once(" in ") {
            Some((before, after)) => match after.split_once(" s") {
                Some((seconds, after)) if seconds.parse::<f64>().is_ok() => {
                    format!("{before} in [TIME]{after}")
                }
                _ => line,
            },
            None => line,
        }
    };
    text.lines().map(|one| line(one) + "\n").collect()
}

/// `text` with `[ID]` for each UUID.
fn without_ids(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(id) = rest.get(..36).filter(|id| is_id(id)) {
            result.push_str("[ID]");
            rest = &rest[id.len()..];
        } else {
            let next = rest.chars().next().unwrap();
            result.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    result
}

fn is_id(text: &str) -> bool {
    text.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    })
}
