//! What clients ask for, and whether the answers are right.

use super::client::{Answer, Payload, Unanswered};
use super::ledger::{Ledger, Token};
use super::random::Random;
use crate::error::BenchError;
use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, RANGE};
use hyper::{Method, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How many items a page of a list has: what the heroku CLI shows of releases is 15, and the small ledger has so many.
pub(super) const PAGE: usize = 10;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `POST /apps/{app}/releases` of a slug that the app has.
    Create,
    /// `GET /apps/{app}/releases/{version}`.
    Info,
    /// `GET /apps/{app}/releases`, the newest [`PAGE`].
    Releases,
    /// `GET /apps`, [`PAGE`] by name from somewhere on.
    Apps,
    /// Of 100 requests 5 of `Create`, 60 of `Info`, 25 of `Releases` and 10 of `Apps`.
    Mixed,
    /// The same for whatever is asked for: what no server could be faster than.
    Floor,
}

impl Kind {
    /// Names its rows in bars and results.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Info => "info",
            Self::Releases => "releases",
            Self::Apps => "apps",
            Self::Mixed => "mixed",
            Self::Floor => "floor",
        }
    }

    /// Names them in tables.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Create => "release create",
            Self::Info => "release info",
            Self::Releases => "page of releases",
            Self::Apps => "page of apps",
            Self::Mixed => "mixed",
            Self::Floor => "fixed answer",
        }
    }

    /// One of the kinds that this is a mixture of.
    fn drawn(self, random: &mut Random) -> Self {
        match (self, random.below(100)) {
            (Self::Mixed, 0..5) => Self::Create,
            (Self::Mixed, 5..65) => Self::Info,
            (Self::Mixed, 65..90) => Self::Releases,
            (Self::Mixed, _) => Self::Apps,
            (kind, _) => kind,
        }
    }
}

/// A request, and what tells whether its answer is right.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) request: Request<Payload>,
    kind: Kind,
    app: usize,
    expected: String,
}

/// A release that was answered: its app's index and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Created {
    pub(super) app: usize,
    pub(super) version: u64,
}

/// What of a release's answer is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) slug: Option<Identified>,
}

/// Something with an identifier.
#[derive(Debug, Deserialize)]
pub(super) struct Identified {
    pub(super) id: String,
}

impl Planned {
    /// A request of this kind, about an app that `random` draws.
    pub(super) fn draw(
        kind: Kind,
        ledger: &Ledger,
        random: &mut Random,
    ) -> Result<Self, BenchError> {
        let kind = kind.drawn(random);
        let app = match kind {
            Kind::Apps => ledger.app_before(PAGE, random),
            _ => random.below(ledger.apps.len()),
        };
        let (token, found) = (ledger.token_of(app)?, ledger.app(app)?);
        let name = &found.name;
        let (request, expected) = match kind {
            Kind::Create => {
                let slug = random.choose(&found.slugs).copied().unwrap_or_default();
                let path = format!("/apps/{name}/releases");
                let body = serde_json::json!({ "slug": slug });
                (post(&path, token, &body)?, slug.to_string())
            }
            Kind::Info | Kind::Mixed | Kind::Floor => {
                let version = 1 + random.below(ledger.size.releases);
                let path = format!("/apps/{name}/releases/{version}");
                (get(&path, token, None)?, version.to_string())
            }
            Kind::Releases => {
                let range = format!("version ..; max={PAGE}, order=desc");
                let path = format!("/apps/{name}/releases");
                (get(&path, token, Some(&range))?, name.clone())
            }
            Kind::Apps => {
                let range = format!("name {name}..; max={PAGE}");
                (get("/apps", token, Some(&range))?, name.clone())
            }
        };
        Ok(Self {
            request,
            kind,
            app,
            expected,
        })
    }

    /// What has to be known to check the answer, without the request.
    pub(super) fn split(self) -> (Request<Payload>, Check) {
        let check = Check {
            kind: self.kind,
            app: self.app,
            expected: self.expected,
        };
        (self.request, check)
    }
}

/// What the answer to a request has to be.
#[derive(Debug)]
pub(super) struct Check {
    kind: Kind,
    app: usize,
    expected: String,
}

impl Check {
    /// Sees that the answer is right; the release, if it made one.
    pub(super) fn see(&self, answer: &Answer) -> Result<Option<Created>, BenchError> {
        let row = self.kind.key();
        match self.kind {
            Kind::Create => {
                expect(row, answer, &[201])?;
                let release: Release = parse(row, answer)?;
                let slug = release.slug.map(|slug| slug.id).unwrap_or_default();
                if slug != self.expected {
                    return Err(wrong(row, format!("it runs the slug {slug:?}")));
                }
                return Ok(Some(Created {
                    app: self.app,
                    version: release.version,
                }));
            }
            Kind::Releases | Kind::Apps => expect(row, answer, &[200, 206])?,
            Kind::Floor => return expect(row, answer, &[200]).map(|()| None),
            Kind::Info | Kind::Mixed => {
                expect(row, answer, &[200])?;
                let release: Release = parse(row, answer)?;
                return if release.version.to_string() == self.expected {
                    Ok(None)
                } else {
                    Err(wrong(
                        row,
                        format!("v{} is not what was asked for", release.version),
                    ))
                };
            }
        }
        // Cheaper than to read it as JSON: who measures shares the machine with the server.
        let expected = self.expected.as_bytes();
        if answer
            .body
            .windows(expected.len())
            .any(|window| window == expected)
        {
            Ok(None)
        } else {
            Err(wrong(
                row,
                format!("an answer has no `{}` in it", self.expected),
            ))
        }
    }
}

/// A request of the API.
pub(super) fn get(
    path: &str,
    token: &Token,
    range: Option<&str>,
) -> Result<Request<Payload>, BenchError> {
    let mut request = request(Method::GET, path, token);
    if let Some(range) = range {
        request = request.header(RANGE, range);
    }
    built(request.body(Payload::empty()))
}

/// A request of the API that makes something.
pub(super) fn post(
    path: &str,
    token: &Token,
    body: &serde_json::Value,
) -> Result<Request<Payload>, BenchError> {
    let body = Bytes::from(body.to_string());
    built(request(Method::POST, path, token).body(body.into()))
}

/// A request to a signed address of the server: its path and query. It needs no token.
pub(super) fn signed(
    method: Method,
    url: &str,
    body: Payload,
) -> Result<Request<Payload>, BenchError> {
    let address = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|start| rest.get(start..)))
        .ok_or_else(|| wrong("platform", format!("{url:?} is no address")))?;
    built(Request::builder().method(method).uri(address).body(body))
}

fn request(method: Method, path: &str, token: &Token) -> hyper::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(ACCEPT, "application/vnd.heroku+json; version=3")
        .header(AUTHORIZATION, format!("Bearer {token}"))
}

fn built(
    request: Result<Request<Payload>, hyper::http::Error>,
) -> Result<Request<Payload>, BenchError> {
    request.map_err(|error| wrong("platform", error.to_string()))
}

/// Sees that the answer has one of these statuses.
pub(super) fn expect(row: &str, answer: &Answer, statuses: &[u16]) -> Result<(), BenchError> {
    if statuses.contains(&answer.status.as_u16()) {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&answer.body);
    Err(wrong(row, format!("{} {body}", answer.status)))
}

/// The answer's body, of JSON.
pub(super) fn parse<T: DeserializeOwned>(row: &str, answer: &Answer) -> Result<T, BenchError> {
    serde_json::from_slice(&answer.body).map_err(|error| wrong(row, error.to_string()))
}

/// An answer that is not right.
pub(super) fn wrong(row: &str, reason: impl Into<String>) -> BenchError {
    BenchError::WrongOutput {
        row: row.into(),
        reason: reason.into(),
    }
}

impl From<Unanswered> for BenchError {
    fn from(error: Unanswered) -> Self {
        wrong("platform", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::{HeaderMap, StatusCode};

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn answers_are_looked_at() {
        let check = |kind, expected: &str| Check {
            kind,
            app: 7,
            expected: expected.into(),
        };
        let create = check(Kind::Create, "s");
        let body = r#"{"id": "i", "version": 3, "slug": {"id": "s"}}"#;
        let created = create.see(&answer(201, body)).unwrap().unwrap();
        assert_eq!((created.app, created.version), (7, 3));
        create.see(&answer(200, body)).unwrap_err();
        create.see(&answer(201, "{}")).unwrap_err();
        check(Kind::Create, "t")
            .see(&answer(201, body))
            .unwrap_err();
        let info = check(Kind::Info, "3");
        info.see(&answer(200, body)).unwrap();
        info.see(&answer(200, r#"{"id": "i", "version": 30}"#))
            .unwrap_err();
        let page = check(Kind::Releases, "app-1");
        page.see(&answer(206, r#"[{"name":"app-1"}]"#)).unwrap();
        page.see(&answer(200, "[]")).unwrap_err();
        info.see(&answer(429, "")).unwrap_err();
    }

    #[test]
    fn kinds_are_mixed_as_they_say() {
        let mut random = Random::new(1);
        let drawn: Vec<_> = (0..10_000)
            .map(|_| Kind::Mixed.drawn(&mut random))
            .collect();
        let share = |kind| drawn.iter().filter(|one| **one == kind).count();
        assert!((400..600).contains(&share(Kind::Create)));
        assert!((5700..6300).contains(&share(Kind::Info)));
        assert!((2300..2700).contains(&share(Kind::Releases)));
        assert!((850..1150).contains(&share(Kind::Apps)));
        assert_eq!(Kind::Info.drawn(&mut random), Kind::Info);
    }

    #[test]
    fn signed_addresses_lose_their_host() {
        let url = "http://127.0.0.1:5100/blobs/1?signature=a%20b";
        let request = signed(Method::GET, url, Payload::empty()).unwrap();
        assert_eq!(request.uri(), "/blobs/1?signature=a%20b");
        signed(Method::GET, "nonsense", Payload::empty()).unwrap_err();
    }
}
