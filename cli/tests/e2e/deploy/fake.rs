//! A platform that does what a real one does at the worst moment only.

use crate::context::Context;
use crate::invocation::Invocation;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How it answers a request.
pub(super) enum Reply {
    Json(Value),
    Text(&'static str),
    Missing,
    /// The connection ends instead.
    Lost,
    /// The answer begins, and does not go on.
    Stalled,
}

/// It has the app `fake`.
pub(super) struct Fake {
    /// `http://127.0.0.1:PORT`
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// `answer` gets its address, what is asked for as `GET /apps/fake`, and the body.
    pub(super) fn new(
        answer: impl Fn(&str, &str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, own, heard) = (Arc::new(answer), url.clone(), Arc::clone(&requests));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (answer, own, heard) = (Arc::clone(&answer), own.clone(), Arc::clone(&heard));
                std::thread::spawn(move || {
                    let client = client.unwrap();
                    while let Some((asked, body)) = request(&client) {
                        heard.lock().unwrap().push(asked.clone());
                        let reply = match asked.as_str() {
                            "GET /apps/fake" => Reply::Json(app()),
                            "GET /account" => Reply::Json(account()),
                            _ => answer(&own, &asked, &body),
                        };
                        if !respond(&client, &reply) {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// A command that speaks to it.
    pub(super) fn slugbuilder<'a>(&self, context: &'a Context, words: &[&str]) -> Invocation<'a> {
        context
            .slugbuilder(words.iter().copied())
            .env("HEROKU_HOST", &self.url)
            .env("HEROKU_API_KEY", "0123-token")
            .env("HEROKU_APP", "fake")
    }

    /// How often it was asked for something that begins so.
    pub(super) fn asked(&self, beginning: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        let those = requests.iter().filter(|one| one.starts_with(beginning));
        those.count()
    }
}

fn request(client: &TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let asked = line.rsplit_once(" HTTP/")?.0.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((asked, serde_json::from_slice(&body).unwrap_or_default()))
}

/// Whether another request may come.
fn respond(mut client: &TcpStream, reply: &Reply) -> bool {
    let (status, body) = match reply {
        Reply::Json(value) => (200, value.to_string()),
        Reply::Text(text) => (200, (*text).to_owned()),
        Reply::Missing => (404, r#"{"id":"not_found","message":"No"}"#.to_owned()),
        Reply::Lost => return false,
        Reply::Stalled => {
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nbegun");
            std::thread::sleep(Duration::from_secs(60));
            return false;
        }
    };
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all((head + &body).as_bytes()).is_ok()
}

/// The id of its own that a thing has.
pub(super) fn id(number: u64) -> String {
    format!("{number:08}-0000-0000-0000-000000000000")
}

const TIME: &str = "2026-01-01T00:00:00Z";

fn account() -> Value {
    json!({"id": id(2), "email": "me@example.com", "created_at": TIME, "updated_at": TIME})
}

fn app() -> Value {
    json!({
        "id": id(1), "name": "fake", "created_at": TIME, "updated_at": TIME,
        "owner": {"id": id(2), "email": "me@example.com"},
        "region": {"id": id(3), "name": "us"}, "stack": {"id": id(4), "name": "heroku-24"},
    })
}

/// A release of the slug 50.
pub(super) fn release(version: u64, status: &str, description: &str) -> Value {
    json!({
        "id": id(100 + version), "version": version, "app": {"id": id(1), "name": "fake"},
        "created_at": TIME, "updated_at": TIME, "status": status, "current": status == "succeeded",
        "description": description, "slug": {"id": id(50)},
        "user": {"id": id(2), "email": "me@example.com"},
    })
}

/// The slug 50, whose bytes are at `url`.
pub(super) fn slug(url: &str) -> Value {
    json!({
        "id": id(50), "blob": {"method": "get", "url": url}, "created_at": TIME, "updated_at": TIME,
        "process_types": {"web": "bin/web"}, "checksum": null, "size": 100_000,
        "stack": {"id": id(4), "name": "heroku-24"},
    })
}
