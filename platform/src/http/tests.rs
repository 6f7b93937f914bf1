//! The conventions, around endpoints of their own.

use super::*;
use crate::range::{Attribute, Offered};
use crate::scope::Scopes;
use crate::store::{PasswordCheck, StoreError, TokenHolder, User};
use axum::Router;
use axum::body::Body as Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use slugbuilder_report::{Event, Reporter};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;
use uuid::Uuid;

const V3: &str = "application/vnd.heroku+json; version=3";

/// The body of an answer, as text.
pub(crate) async fn body_of(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ann's token is `secret`; that of no one breaks the store.
struct OneUser(User);

impl Tokens for OneUser {
    async fn token_holder(&self, token: &str) -> Result<Option<TokenHolder>, StoreError> {
        match token {
            "secret" => Ok(Some(TokenHolder {
                user: self.0.clone(),
                authorization: None,
                scopes: Scopes::global(),
            })),
            "broken" => Err(StoreError::Damaged("page 7".into())),
            _ => Ok(None),
        }
    }

    async fn password_check(&self, _: &str) -> Result<PasswordCheck, StoreError> {
        Ok(PasswordCheck::default())
    }

    async fn app(&self, _: &User, _: &str) -> Option<Uuid> {
        None
    }
}

fn ann() -> OneUser {
    OneUser(User {
        id: Uuid::new_v4(),
        email: "ann@example.com".into(),
        name: None,
        allow_tracking: false,
        beta: false,
        last_login: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    })
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Reporter for Lines {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Note(text) => text.to_owned(),
            Event::Warning(warning) => warning.message.clone(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

struct Server {
    router: Router,
    lines: Arc<Lines>,
}

fn server(per_hour: u32) -> Server {
    let count = Arc::new(AtomicU64::new(1));
    let (read, changed) = (Arc::clone(&count), Arc::clone(&count));
    let slow = Arc::clone(&count);
    let number = get(async move || answer::ok(&read.load(Ordering::SeqCst))).patch(
        async move |Body(_): Body<Value>| answer::ok(&(changed.fetch_add(1, Ordering::SeqCst) + 1)),
    );
    let list = |paging: Paging| async move {
        let page = paging.page(Offered::ID)?;
        let ids: Vec<Uuid> = (0..3).map(Uuid::from_u128).collect();
        let listed = page.of(ids, |id, _| id.to_string());
        let value = |id: &Uuid, _: Attribute| id.to_string();
        Ok::<_, ApiError>(answer::list(listed, &page, Offered::ID, value, |id| id))
    };
    let endpoints = Router::new()
        .route("/number", number)
        .route("/list", get(list))
        .route("/empty", get(async || StatusCode::OK))
        .route(
            "/panic",
            get(async || -> StatusCode { panic!("at the disco") }),
        )
        .route(
            "/slow",
            get(async || ()).post(async move || {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                slow.store(100, Ordering::SeqCst);
            }),
        )
        .route("/schema", get(async || answer::ok(&json!({}))))
        .route(
            "/account",
            get(async |Actor(user): Actor| answer::ok(&user.email)),
        )
        .route(
            "/account/rate-limits",
            get(async |Remaining(remaining): Remaining| {
                answer::ok(&json!({"remaining": remaining}))
            }),
        );
    let lines = Arc::new(Lines::default());
    let limiter = RateLimiter::new(NonZeroU32::new(per_hour).unwrap());
    let conventions = Conventions::new(ann(), limiter, vec!["/schema"]);
    let router = around_all(conventions.around(endpoints), Arc::clone(&lines) as _);
    Server { router, lines }
}

impl Server {
    /// A request with these headers, and those that a client always sends where they are not among them.
    async fn send(&self, line: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in [("accept", V3), ("authorization", "Bearer secret")] {
            if !headers.iter().any(|(sent, _)| *sent == name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers.iter().filter(|(_, value)| *value != "none") {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, body_of(response).await)
    }

    async fn error(&self, line: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let (status, _, body) = self.send(line, headers).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["id"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn answers_have_the_headers() {
    let (status, headers, body) = server(4500).send("GET /account", &[]).await;
    assert_eq!((status, body.as_str()), (200, r#""ann@example.com""#));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["cache-control"], "private, no-store");
    assert_eq!(headers["ratelimit-remaining"], "4499");
    assert!(headers["etag"].to_str().unwrap().starts_with('"'));
    assert!(Uuid::try_parse(headers["request-id"].to_str().unwrap()).is_ok());
}

#[tokio::test]
async fn users_are_those_of_the_token() {
    let server = server(4500);
    // `:secret`, with padding and without.
    for header in [
        "Bearer secret",
        "Basic OnNlY3JldA==",
        "OnNlY3JldA==",
        "Basic OnNlY3JldA",
    ] {
        let (status, ..) = server
            .send("GET /account", &[("authorization", header)])
            .await;
        assert_eq!(status, 200, "{header}");
    }
    for header in ["none", "", "Bearer", "Bearer undefined", "Bearer "] {
        let sent = server
            .send("GET /account", &[("authorization", header)])
            .await;
        assert_eq!(sent.0, 401, "{header}");
        assert_eq!(
            sent.2,
            r#"{"id":"unauthorized","message":"Invalid credentials provided."}"#
        );
        assert!(sent.1.contains_key("www-authenticate"));
    }
    let broken = server
        .error("GET /account", &[("authorization", "Bearer broken")])
        .await;
    assert_eq!(broken, (500, "internal_server_error".into()));
    let lines = server.lines.0.lock().unwrap();
    assert!(
        lines.iter().any(|line| line.contains("page 7")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_version_is_asked_for_except_where_anyone_may_look() {
    let server = server(4500);
    for accept in ["none", "*/*", "application/json"] {
        let error = server.error("GET /account", &[("accept", accept)]).await;
        assert_eq!(error, (406, "not_acceptable".into()), "{accept}");
    }
    let open = [("accept", "*/*"), ("authorization", "none")];
    assert_eq!(server.send("GET /schema", &open).await.0, 200);
}

#[tokio::test]
async fn what_is_not_there_is_404_with_the_verb() {
    let server = server(4500);
    for line in [
        "GET /nothing",
        "POST /nothing/at/all",
        "DELETE /number",
        "OPTIONS /number",
    ] {
        let (status, _, body) = server.send(line, &[]).await;
        assert_eq!(status, 404, "{line}");
        let (verb, _) = line.split_once(' ').unwrap();
        assert!(
            body.contains(&format!("`{verb}`")) && body.contains("`Accept`"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn request_ids_are_echoed() {
    let (_, headers, _) = server(4500)
        .send("GET /number", &[("request-id", "a,b c,d")])
        .await;
    assert_eq!(headers["request-id"], "a,d");
    let sent = [("request-id", "mine"), ("authorization", "none")];
    let (_, headers, _) = server(4500).send("GET /number", &sent).await;
    assert_eq!(headers["request-id"], "mine");
}

#[tokio::test]
async fn the_rate_limit_is_kept() {
    let server = server(2);
    for remaining in ["1", "0"] {
        let (status, headers, _) = server.send("GET /number", &[]).await;
        assert_eq!(status, 200);
        assert_eq!(headers["ratelimit-remaining"], remaining);
    }
    let (status, headers, body) = server.send("GET /number", &[]).await;
    assert_eq!(status, 429);
    assert!(body.contains(r#""id":"rate_limit""#), "{body}");
    assert_eq!(headers["ratelimit-remaining"], "0");
    assert_eq!(headers["retry-after"], "1800");
    // Looking costs nothing, not even when nothing is left.
    let (status, _, body) = server.send("GET /account/rate-limits", &[]).await;
    assert_eq!((status, body.as_str()), (200, r#"{"remaining":0}"#));
}

#[tokio::test]
async fn what_has_not_changed_is_304() {
    let server = server(4500);
    let (_, headers, _) = server.send("GET /number", &[]).await;
    let tag = headers["etag"].to_str().unwrap();
    for sent in [tag, "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
        let (status, headers, body) = server.send("GET /number", &[("if-none-match", sent)]).await;
        assert_eq!((status, body.as_str()), (304, ""), "{sent}");
        assert_eq!(headers["etag"], tag);
        assert!(headers.contains_key("request-id") && !headers.contains_key("content-type"));
    }
    server.send("PATCH /number", &[]).await;
    let (status, ..) = server.send("GET /number", &[("if-none-match", tag)]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn changes_of_what_has_changed_are_412() {
    let server = server(4500);
    let (_, headers, _) = server.send("GET /number", &[]).await;
    let first = headers["etag"].to_str().unwrap();
    let (status, _, body) = server.send("PATCH /number", &[("if-match", first)]).await;
    assert_eq!((status, body.as_str()), (200, "2"));
    for sent in [first, "\"other\"", "junk", ""] {
        let error = server.error("PATCH /number", &[("if-match", sent)]).await;
        assert_eq!(error, (412, "precondition_failed".into()), "{sent}");
    }
    assert_eq!(
        server.error("GET /number", &[("if-match", first)]).await.0,
        412
    );
    assert_eq!(
        server.send("PATCH /number", &[("if-match", "*")]).await.2,
        "3"
    );
    assert_eq!(
        server
            .error("PATCH /number", &[("if-none-match", "*")])
            .await
            .0,
        412
    );
    assert_eq!(
        server.error("PATCH /nothing", &[("if-match", "*")]).await.0,
        412
    );
    assert_eq!(server.send("GET /number", &[]).await.2, "3");
}

#[tokio::test]
async fn pages_have_tags_of_their_own() {
    let server = server(4500);
    let (_, whole, _) = server.send("GET /list", &[]).await;
    let (status, part, _) = server.send("GET /list", &[("range", "id ..; max=2")]).await;
    assert_eq!(status, 206);
    assert_ne!(whole["etag"], part["etag"]);
    let error = server.error("GET /list", &[("range", "lines 1-2")]).await;
    assert_eq!(error, (400, "bad_request".into()));
    let error = server
        .error(
            "GET /list",
            &[("range", "id ..00000000-0000-0000-0000-000000000001")],
        )
        .await;
    assert_eq!(error, (416, "requested_range_not_satisfiable".into()));
    // `heroku-client` sends one with everything.
    let (status, ..) = server
        .send("PATCH /number", &[("range", "lines 1-2")])
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn no_answer_of_success_is_empty_but_that_to_head() {
    let server = server(4500);
    let (status, headers, body) = server.send("GET /empty", &[]).await;
    assert_eq!((status, body.as_str()), (200, "{}"));
    assert_eq!(headers["content-type"], "application/json");
    let (_, of_get, _) = server.send("GET /number", &[]).await;
    let (status, of_head, body) = server.send("HEAD /number", &[]).await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(of_head["etag"], of_get["etag"]);
}

#[tokio::test]
async fn panics_are_answered_and_told() {
    let server = server(4500);
    let (status, headers, body) = server.send("GET /panic", &[("request-id", "p")]).await;
    assert_eq!(status, 500);
    assert_eq!(headers["request-id"], "p");
    assert!(
        body.contains("internal_server_error") && !body.contains("disco"),
        "{body}"
    );
    let lines = server.lines.0.lock().unwrap();
    assert!(
        lines[0].contains("(Request-Id p): a panic: at the disco"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("GET /panic 500 "), "{lines:?}");
}

#[tokio::test]
async fn a_change_is_made_and_logged_when_its_client_goes_away() {
    let server = server(4500);
    let wait = std::time::Duration::from_millis(20);
    let gone = tokio::time::timeout(
        wait,
        server.send("POST /slow", &[("request-id", "gone-1234567890abcdef")]),
    );
    assert!(gone.await.is_err());
    let lines = server.lines.0.lock().unwrap().join("\n");
    assert!(lines.starts_with("POST /slow unanswered "), "{lines}");
    assert!(lines.ends_with("(its connection ended)"), "{lines}");
    for _ in 0..100 {
        if server.send("GET /number", &[]).await.2 == "100" {
            return;
        }
        tokio::time::sleep(wait).await;
    }
    panic!("the change was not made");
}
