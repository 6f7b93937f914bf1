//! The conventions, put around the endpoints.

use crate::connections::Peer;
use crate::http::ApiError;
use crate::http::accept::asks_for_version_3;
use crate::http::answer::set;
use crate::http::auth::{Actor, Tokens, actor};
use crate::http::error::Cause;
use crate::http::etag::conditional;
use crate::http::linger::read_on;
use crate::http::login::Logins;
use crate::http::rate_limit::{RateLimiter, Remaining};
use crate::http::request_id::{REQUEST_ID, RequestId};
use crate::http::turns::Turns;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use slugbuilder_report::{Event, Reporter, Warning};
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;

/// How many requests are left to the user.
pub const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");

/// What takes nothing from the rate limit: looking how much is left of it.
pub(crate) const NOT_COUNTED: &str = "/account/rate-limits";

/// Where an e-mail address and a password are as good as a token: who has them gets one there (`heroku login -i`;
/// platform-api.md, section 3.1). Nowhere else, since checking a password takes long, and is for a person.
const LOGIN: (Method, &str) = (Method::POST, "/oauth/authorizations");

/// What the conventions of the API need.
pub struct Conventions<T> {
    tokens: T,
    limiter: RateLimiter,
    logins: Logins,
    open: Vec<&'static str>,
    /// See [`conditional`].
    turns: Turns,
}

impl<T: Tokens> Conventions<T> {
    /// Conventions for users with these tokens and these limits. What is at the `open` paths anyone may read, without a
    /// token and in whatever version.
    pub fn new(tokens: T, limiter: RateLimiter, open: Vec<&'static str>) -> Self {
        Self {
            tokens,
            limiter,
            logins: Logins::new(),
            open,
            turns: Turns::new(),
        }
    }

    /// Puts the conventions of the API around its routes: the version asked for, users, the rate limit, conditional
    /// requests. What no route is for is an error of 404, with a wrong method, too.
    pub fn around(self, routes: Router) -> Router {
        let routes = routes
            .fallback(unknown_endpoint)
            .method_not_allowed_fallback(unknown_endpoint);
        // Around the router and not its routes: `conditional` makes a request with another method of the same path.
        let service = from_fn_with_state(Arc::new(self), convention::<T>).layer(routes);
        Router::new().fallback_service(service)
    }

    /// What a change is about, for its turn: an app, a pipeline and an account have one each, by whichever of their names they
    /// are called. Everything else goes by its path.
    async fn subject(&self, method: &Method, path: &str, actor: Option<&Actor>) -> String {
        let is_change = !matches!(*method, Method::GET | Method::HEAD);
        let (true, Some(Actor(user))) = (is_change, actor) else {
            return path.to_owned();
        };
        let mut segments = path.split('/').skip(1);
        let kind = segments.next().unwrap_or_default();
        let name = segments.next().map(unescaped);
        let id = match (kind, name) {
            ("apps", Some(app)) => self.tokens.app(user, &app).await,
            ("pipelines", Some(pipeline)) => self.tokens.pipeline(user, &pipeline).await,
            ("account", _) => Some(user.id),
            ("users", Some(account)) => user.is_called(&account).then_some(user.id),
            _ => None,
        };
        id.map_or_else(|| path.to_owned(), |id| id.to_string())
    }

    /// Checks what every request has to have; the answer's `RateLimit-Remaining`, if the user is known.
    async fn admit(&self, request: &mut Request) -> (Option<Remaining>, Result<(), ApiError>) {
        if self.open.contains(&request.uri().path()) {
            return (None, Ok(()));
        }
        if !asks_for_version_3(request.headers()) {
            return (None, Err(ApiError::not_acceptable()));
        }
        let is_login = (request.method(), request.uri().path()) == (&LOGIN.0, LOGIN.1);
        let logins = is_login.then_some(&self.logins);
        let peer = request.extensions().get::<ConnectInfo<Peer>>();
        let from = peer.map(|ConnectInfo(Peer(address))| address.ip());
        let actor = actor(request.headers(), &self.tokens, logins, from).await;
        let (actor, credential) = match actor {
            Ok(actor) => actor,
            Err(error) => return (None, Err(error)),
        };
        let (user, now) = (actor.0.id, Instant::now());
        let remaining = if request.uri().path() == NOT_COUNTED {
            self.limiter.look(&user, now)
        } else {
            match self.limiter.take(user, now) {
                Ok(remaining) => remaining,
                Err(wait) => return (Some(Remaining(0)), Err(ApiError::rate_limit(wait))),
            }
        };
        request.extensions_mut().insert(actor);
        request.extensions_mut().insert(credential);
        request.extensions_mut().insert(remaining);
        (Some(remaining), Ok(()))
    }
}

/// A name of a path as the router reads it: names need no escapes (`%2D`), but may have them.
fn unescaped(name: &str) -> String {
    let mut pieces = name.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let byte = piece
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, piece.get(2..)) {
            (Some(byte), Some(rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            _ => return name.to_owned(),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

async fn convention<T: Tokens>(
    State(conventions): State<Arc<Conventions<T>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (remaining, admitted) = conventions.admit(&mut request).await;
    let mut response = match admitted {
        Ok(()) => {
            let method = request.method().clone();
            let path = request.uri().path().to_owned();
            let actor = request.extensions().get().cloned();
            let subject = conventions.subject(&method, &path, actor.as_ref()).await;
            conditional(&conventions.turns, &subject, request, next).await
        }
        Err(error) => {
            let mut refusal = error.into_response();
            let (parts, body) = request.into_parts();
            read_on(&parts.headers, body, &mut refusal);
            refusal
        }
    };
    if let Some(Remaining(remaining)) = remaining {
        set(&mut response, RATE_LIMIT_REMAINING, &remaining.to_string());
    }
    response
}

async fn unknown_endpoint(request: Request) -> ApiError {
    ApiError::unknown_endpoint(request.method())
}

/// Puts around all routes, those of blobs included, what no answer goes without: a `Request-Id`, a `Cache-Control`, an
/// answer to panics, and a line for whoever runs the server.
pub fn around_all(routes: Router, reporter: Arc<dyn Reporter>) -> Router {
    let caught = CatchPanicLayer::custom(answer_to_panic).layer(routes);
    let service = from_fn_with_state(reporter, every).layer(caught);
    Router::new().fallback_service(service)
}

async fn every(
    State(reporter): State<Arc<dyn Reporter>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    // Without the query, in which the addresses of blobs have their signature.
    let path = request.uri().path().to_owned();

    let mut unanswered = Unanswered {
        reporter: Some(Arc::clone(&reporter)),
        request: format!("{method} {path}"),
        started,
        id: id.clone(),
    };
    let mut response = next.run(request).await;
    unanswered.reporter = None;
    set(&mut response, REQUEST_ID, &id.0);
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-store"));

    let RequestId(id) = id;
    let status = response.status().as_u16();
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        let message = format!("`{method} {path}` failed with {status} (Request-Id {id}): {cause}");
        reporter.report(Event::Warning(&Warning::new("request-failed", message)));
    }
    let milliseconds = started.elapsed().as_millis();
    reporter.report(Event::Note(&format!(
        "{method} {path} {status} {milliseconds} ms {id}"
    )));
    response
}

/// Writes the line of a request that there is no answer to any more: it is dropped while the answer is made when its client
/// goes away, or when the server ends and does not wait for it.
struct Unanswered {
    reporter: Option<Arc<dyn Reporter>>,
    request: String,
    started: Instant,
    id: RequestId,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(reporter) = self.reporter.take() else {
            return;
        };
        let Self { request, id, .. } = self;
        let milliseconds = self.started.elapsed().as_millis();
        reporter.report(Event::Note(&format!(
            "{request} unanswered {milliseconds} ms {} (its connection ended)",
            id.0
        )));
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is that of the layer"
)]
fn answer_to_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    ApiError::internal(format!("a panic: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::rate_limit::PER_HOUR;
    use crate::store::{NewApp, Store};

    #[tokio::test]
    async fn whatever_has_several_names_has_one_turn() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let ann = store.put_user("ann@example.test", &[]).await.unwrap();
        let bob = store.put_user("bob@example.test", &[]).await.unwrap();
        let new = NewApp {
            name: Some("example".into()),
            stack: "heroku-24".into(),
            region: "eu".into(),
        };
        let app = store.create_app(&ann, new).await.unwrap().id;
        let pipeline = store.create_pipeline(&ann, "line").await.unwrap().id;
        let conventions = Conventions::new(store, RateLimiter::new(PER_HOUR), Vec::new());
        let (ann, bob) = (Actor(ann), Actor(bob));
        let own = ann.0.id;
        for (path, id) in [
            ("/apps/example/config-vars", app),
            (&format!("/apps/{app}"), app),
            ("/apps/ex%61mple", app),
            ("/pipelines/line", pipeline),
            (&format!("/pipelines/{pipeline}"), pipeline),
            ("/account", own),
            ("/account/features/x", own),
            ("/users/~", own),
            ("/users/ANN@example.test", own),
            (&format!("/users/{own}"), own),
        ] {
            let subject = conventions.subject(&Method::PATCH, path, Some(&ann)).await;
            assert_eq!(subject, id.to_string(), "{path}");
            let subject = conventions.subject(&Method::PATCH, path, Some(&bob)).await;
            assert_ne!(subject, id.to_string(), "{path}");
        }
        for path in ["/apps", "/pipelines", "/pipelines/none", "/oauth/clients"] {
            let subject = conventions.subject(&Method::POST, path, Some(&ann)).await;
            assert_eq!(subject, path);
        }
    }

    #[test]
    fn escapes_are_read() {
        for (name, read) in [
            ("example", "example"),
            ("ex%2Damp%6ce", "ex-ample"),
            ("%", "%"),
            ("a%2", "a%2"),
            ("%é0", "%é0"),
            ("%ff", "%ff"),
            ("%C3%A9", "é"),
        ] {
            assert_eq!(unescaped(name), read);
        }
    }
}
