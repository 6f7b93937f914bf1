//! The addresses that git uses (gitprotocol-http(5)): three for each repository, of which only the "smart" ones are there.

mod refusal;

use super::cgi;
use super::hook::{self, PushFolder};
use super::places::Place;
use super::program::Tool;
use super::push::Push;
use super::{Git, Inner, PUSHES_OF_REPOSITORY};
use crate::http::linger::read_on;
use crate::http::{Actor, actor};
use crate::scope::Scope;
use crate::store::{App, User};
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use refusal::Refusal;
use std::sync::Arc;
use tokio::process::Command;
use tokio::task::JoinSet;

/// Which version of the protocol the client speaks (gitprotocol-v2(5)).
const GIT_PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");

/// Bytes that the body of a push may have beside its pack, and that of a fetch: names of references and objects.
const NAMES: u64 = 16 << 20;

/// Puts the addresses of repositories around the others. Everything below `/NAME.git` is git's: no other path has a dot there.
pub(crate) fn around(git: Git, routes: Router) -> Router {
    let service = from_fn_with_state(git, dispatch);
    Router::new().fallback_service(tower::Layer::layer(&service, routes))
}

async fn dispatch(State(git): State<Git>, request: Request, next: Next) -> Response {
    let Some((name, rest)) = repository(request.uri().path()) else {
        return next.run(request).await;
    };
    let asked = Asked::of(request.method(), rest, request.uri().query());
    let (name, (parts, body)) = (name.to_owned(), request.into_parts());
    match git.inner.admit(&parts, &name, asked).await {
        Ok(admitted) => git.inner.run(admitted, &parts, body).await,
        Err(refusal) => {
            let mut response = refusal.into_response();
            read_on(&parts.headers, body, &mut response);
            response
        }
    }
}

/// The name of the app, and what is asked of its repository, in the path `/NAME.git/…`.
fn repository(path: &str) -> Option<(&str, &str)> {
    let (first, rest) = path.strip_prefix('/')?.split_once('/')?;
    let name = first.strip_suffix(".git")?;
    Some((name, rest))
}

/// The two things that clients do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    /// Fetch, clone.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// What is asked of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// `GET …/info/refs?service=SERVICE`: the references, before anything else.
    References(Service),
    /// `POST …/SERVICE`.
    Exchange(Service),
}

impl Asked {
    fn of(method: &Method, rest: &str, query: Option<&str>) -> Option<Self> {
        if rest == "info/refs" {
            let service = query?.strip_prefix("service=")?;
            return (method == Method::GET).then_some(Self::References(Service::parse(service)?));
        }
        (method == Method::POST).then_some(Self::Exchange(Service::parse(rest)?))
    }

    fn service(self) -> Service {
        match self {
            Self::References(service) | Self::Exchange(service) => service,
        }
    }
}

/// A request that may go to git.
struct Admitted {
    asked: Asked,
    actor: User,
    app: App,
    tool: Tool,
    place: Place,
}

impl Inner {
    /// Whether a request may go to git: who makes it, on which app, and whether there is anything to do it with.
    async fn admit(
        &self,
        parts: &Parts,
        name: &str,
        asked: Option<Asked>,
    ) -> Result<Admitted, Refusal> {
        // First of all: nobody else learns anything.
        let (Actor(actor), credential) = actor(&parts.headers, &self.store, None, None).await?;
        let app = self.store.app(&actor, name).await?;
        let Some(asked) = asked else {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "git finds nothing there: repositories are cloned, fetched and pushed over \"smart\" HTTP only.",
            ));
        };
        let needed = match asked.service() {
            Service::UploadPack => Scope::Read,
            Service::ReceivePack => Scope::Write,
        };
        if !credential.scopes.allow(needed) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                format!(
                    "This token is good for {} only, and this needs `{needed}`.",
                    credential.scopes
                ),
            ));
        }
        let tool = self.tool().map_err(|unusable| {
            Refusal::new(StatusCode::NOT_IMPLEMENTED, sentence(&unusable.to_string()))
        })?;
        let places = match asked {
            Asked::Exchange(Service::ReceivePack) => &self.pushing,
            _ => &self.fetching,
        };
        if asked == Asked::References(Service::ReceivePack) {
            self.may_push(&app)?;
        }
        if asked.service() == Service::ReceivePack {
            self.has_room(&app)?;
        }
        let place = places.take(actor.id).await.ok_or_else(|| {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server has too much to do. Please try again.",
            )
        })?;
        Ok(Admitted {
            asked,
            actor,
            app,
            tool: tool.clone(),
            place,
        })
    }

    /// Refuses, before anything is sent, a push that would be refused in the end.
    fn may_push(&self, app: &App) -> Result<(), Refusal> {
        if !self.builds_anything {
            return Err(Refusal::new(
                StatusCode::NOT_IMPLEMENTED,
                "This server builds nothing: its operator started it so. Please build elsewhere, and release the slug \
                 (`slugbuilder deploy`).",
            ));
        }
        if *self.pushes.stopping().borrow() {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is stopping. Please push again when it is back.",
            ));
        }
        if self.pushes.is_pushed_to(app.id) {
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "Another push to the app is being built. Please push again when it is done.",
            ));
        }
        Ok(())
    }

    /// Refuses what would make a repository larger that is too large already.
    fn has_room(&self, app: &App) -> Result<(), Refusal> {
        let most = self.max_push_size.saturating_mul(PUSHES_OF_REPOSITORY);
        if app.repo_size.is_some_and(|size| size > most) {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "The repository of the app has more than {} MB, which is the most here. Please push to another app, or \
                     build elsewhere and release the slug (`slugbuilder deploy`).",
                    most >> 20
                ),
            ));
        }
        Ok(())
    }

    /// Has git answer a request.
    async fn run(self: &Arc<Self>, admitted: Admitted, parts: &Parts, body: Body) -> Response {
        let Admitted {
            asked,
            actor,
            app,
            tool,
            place,
        } = admitted;
        let id = app.id;
        let repository = match self.repositories.make(&tool, id).await {
            Ok(repository) => repository,
            Err(error) => return Refusal::of(&error).into_response(),
        };
        // An app that was deleted since the request was admitted had its repository removed before this made it anew.
        match self.store.unknown_apps(vec![id]).await {
            Ok(gone) if gone.is_empty() => {}
            Ok(_) => {
                // What stays is removed at the next start.
                drop(self.repositories.remove(id).await);
                return Refusal::not_found().into_response();
            }
            Err(error) => return Refusal::from(error).into_response(),
        }
        let mut command = tool.command(None, ["http-backend"]);
        let length = body.size_hint().exact();
        if let Err(refusal) = describe(&mut command, asked, parts, length) {
            return refusal.into_response();
        }
        command
            .env("GIT_PROJECT_ROOT", self.repositories.folder())
            .env("PATH_INFO", path_info(asked, &repository))
            .env("REMOTE_USER", &actor.email);

        let reporter = Arc::clone(&self.reporter);
        let body = cgi::Input {
            body,
            most: NAMES
                + match asked.service() {
                    Service::UploadPack => 0,
                    Service::ReceivePack => self.max_push_size,
                },
        };
        let answer = if asked == Asked::Exchange(Service::ReceivePack) {
            let folder = match PushFolder::new(&self.folder) {
                Ok(folder) => folder,
                Err(error) => return Refusal::of(&error).into_response(),
            };
            let hook = match folder.open() {
                Ok(hook) => hook,
                Err(error) => return Refusal::of(&error).into_response(),
            };
            command.env(hook::VARIABLE, folder.path());
            let push = Arc::new(Push::new(Arc::clone(self), actor, app, repository, place));
            // Dropped, even if git is never started, it ends.
            let mut deciding = JoinSet::new();
            deciding.spawn({
                let push = Arc::clone(&push);
                async move { push.decide(hook).await }
            });
            let git = Arc::clone(self);
            cgi::run(command, body, reporter, async move {
                // git has ended, so that nobody waits for a decision, if there was anything to decide.
                drop(deciding);
                push.end();
                drop(folder);
                git.tidy(id, push.built()).await;
            })
            .await
        } else {
            cgi::run(command, body, reporter, async move { drop(place) }).await
        };
        match answer {
            Ok(response) => response,
            Err(error) => Refusal::internal(error.to_string()).into_response(),
        }
    }
}

/// A text as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

/// The path below `GIT_PROJECT_ROOT`.
fn path_info(asked: Asked, repository: &std::path::Path) -> std::ffi::OsString {
    let mut path = std::ffi::OsString::from("/");
    path.push(repository.file_name().unwrap_or_default());
    path.push("/");
    path.push(match asked {
        Asked::References(_) => "info/refs",
        Asked::Exchange(service) => service.name(),
    });
    path
}

/// Tells git about a request (RFC 3875, section 4.1): of what the client sent only this, each of it in one of the forms that
/// git's clients send.
fn describe(
    command: &mut Command,
    asked: Asked,
    parts: &Parts,
    length: Option<u64>,
) -> Result<(), Refusal> {
    let method = match asked {
        Asked::References(service) => {
            command.env("QUERY_STRING", format!("service={}", service.name()));
            "GET"
        }
        Asked::Exchange(service) => {
            let expected = format!("application/x-{}-request", service.name());
            if one(&parts.headers, &CONTENT_TYPE)? != Some(&*expected) {
                let text = format!("The `Content-Type` has to be `{expected}`.");
                return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            }
            command
                .env("QUERY_STRING", "")
                .env("CONTENT_TYPE", expected);
            if let Some(length) = length {
                command.env("CONTENT_LENGTH", length.to_string());
            }
            match one(&parts.headers, &CONTENT_ENCODING)? {
                None | Some("identity") => {}
                Some("gzip" | "x-gzip") => {
                    command.env("HTTP_CONTENT_ENCODING", "gzip");
                }
                Some(_) => {
                    return Err(Refusal::new(
                        StatusCode::UNSUPPORTED_MEDIA_TYPE,
                        "The `Content-Encoding` has to be `gzip`, if any.",
                    ));
                }
            }
            "POST"
        }
    };
    command
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("SERVER_PROTOCOL", "HTTP/1.1")
        .env("REQUEST_METHOD", method)
        .env("GIT_HTTP_EXPORT_ALL", "1");
    // Others are of protocols that nobody speaks yet: without it, the oldest one is spoken.
    if let Some(version @ ("version=1" | "version=2")) = one(&parts.headers, &GIT_PROTOCOL)? {
        command.env("GIT_PROTOCOL", version);
    }
    Ok(())
}

/// The one value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    match (value, values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("The header `{name}` is there twice, or is no text."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gits_and_what_is_not() {
        for (path, expected) in [
            ("/my-app.git/info/refs", Some(("my-app", "info/refs"))),
            ("/.git/config", Some(("", "config"))),
            ("/a.git/", Some(("a", ""))),
            ("/apps/a.git/info", None),
            ("/apps", None),
            ("/a.git", None),
            ("//a.git/x", None),
            ("", None),
        ] {
            assert_eq!(repository(path), expected, "{path}");
        }
    }

    #[test]
    fn only_smart_requests_are_known() {
        let of = |method: &str, rest, query| Asked::of(&method.parse().unwrap(), rest, query);
        let (upload, receive) = (Service::UploadPack, Service::ReceivePack);
        assert_eq!(
            of("GET", "info/refs", Some("service=git-upload-pack")),
            Some(Asked::References(upload))
        );
        assert_eq!(
            of("POST", "git-receive-pack", None),
            Some(Asked::Exchange(receive))
        );
        for (method, rest, query) in [
            ("GET", "info/refs", None),
            ("GET", "info/refs", Some("service=git-upload-archive")),
            ("GET", "info/refs", Some("service=git-upload-pack&x=y")),
            ("POST", "info/refs", Some("service=git-upload-pack")),
            ("GET", "git-upload-pack", None),
            ("POST", "git-upload-archive", None),
            ("GET", "HEAD", None),
            ("GET", "objects/info/packs", None),
            ("POST", "../other.git/git-upload-pack", None),
        ] {
            assert_eq!(of(method, rest, query), None, "{method} {rest}");
        }
    }
}
