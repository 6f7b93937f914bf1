use super::*;
use crate::blobs::BlobError;
use crate::http::around_all;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use slugbuilder_report::{Event, Fault};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex as StdMutex;
use tempfile::TempDir;
use tower::ServiceExt;

mod downloads;
mod over_the_wire;
mod uploads;

const LIFETIME: Duration = Duration::from_mins(1);

/// Records in memory.
#[derive(Debug, Clone, Default)]
struct Ledger {
    slugs: Arc<StdMutex<HashMap<Uuid, BlobBytes>>>,
    /// Whether it is to fail when an upload is done.
    broken: bool,
    /// Whether an app, and so its slug, is deleted when an upload is about to be recorded.
    deleting: bool,
}

impl BlobLedger for Ledger {
    const RESOURCE: &'static str = "slug";
    const PATH: &'static str = "/blobs/{id}";

    async fn blob_bytes(&self, id: Uuid) -> Result<BlobBytes, LedgerError> {
        let slugs = self.slugs.lock().unwrap();
        slugs.get(&id).cloned().ok_or(LedgerError::NotFound("slug"))
    }

    async fn finish_upload(&self, id: Uuid, received: Received) -> Result<(), LedgerError> {
        if self.broken {
            return Err(LedgerError::Failed(Box::new(OnFire)));
        }
        // Long enough for another upload to come in between, if it could.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut slugs = self.slugs.lock().unwrap();
        if self.deleting {
            slugs.remove(&id);
        }
        let slug = slugs.get_mut(&id).ok_or(LedgerError::NotFound("slug"))?;
        assert_eq!(slug.uploaded, None, "an upload is recorded once");
        slug.uploaded = Some(received);
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the ledger is on fire")]
struct OnFire;

impl Explain for OnFire {
    fn code(&self) -> &'static str {
        "on-fire"
    }
    fn fault(&self) -> Fault {
        Fault::Io
    }
}

/// What the log would say.
#[derive(Debug, Default)]
struct Log(StdMutex<Vec<String>>);

impl Reporter for Log {
    fn report(&self, event: Event<'_>) {
        if let Event::Warning(warning) = event {
            self.0.lock().unwrap().push(warning.message.clone());
        }
    }
}

/// A server with an empty data folder.
struct Scene {
    folder: TempDir,
    router: Router,
    signer: Signer,
    ledger: Ledger,
    log: Arc<Log>,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Status, and `id` and `message` of its body.
    fn error(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let text = |key: &str| body[key].as_str().unwrap().to_owned();
        format!(
            "{} {}: {}",
            self.status.as_u16(),
            text("id"),
            text("message")
        )
    }
}

impl Scene {
    fn new() -> Self {
        Self::with(Ledger::default(), UploadLimits::default())
    }

    fn with(ledger: Ledger, limits: UploadLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signer = Signer::new(&[7; 32]);
        let log = Arc::new(Log::default());
        let blobs = routes(Blobs {
            store: BlobStore::folder(folder.path()).unwrap(),
            signer: signer.clone(),
            ledger: ledger.clone(),
            limits,
            reporter: log.clone(),
        });
        let router = around_all(blobs, log.clone());
        Self {
            folder,
            router,
            signer,
            ledger,
            log,
        }
    }

    fn limited(max_size: u64) -> Self {
        let limits = UploadLimits {
            max_size,
            ..UploadLimits::default()
        };
        Self::with(Ledger::default(), limits)
    }

    /// A new slug, and where its blob is to be.
    fn slug(&self) -> Uuid {
        self.slug_with(BlobBytes::default())
    }

    fn slug_with(&self, bytes: BlobBytes) -> Uuid {
        let id = Uuid::new_v4();
        self.ledger.slugs.lock().unwrap().insert(id, bytes);
        id
    }

    /// A slug with these bytes.
    async fn uploaded(&self, content: &'static [u8]) -> Uuid {
        let id = self.slug();
        assert_eq!(self.put(id, content).await.status, 200);
        id
    }

    /// Path and query of a signed address.
    fn path(&self, method: BlobMethod, id: Uuid) -> String {
        self.signer.url("", method, id, Timestamp::now(), LIFETIME)
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn put(&self, id: Uuid, body: impl Into<Body>) -> Answer {
        let path = self.path(BlobMethod::Put, id);
        self.send(Request::put(path).body(body.into()).unwrap())
            .await
    }

    /// A download with this method and these headers.
    async fn get(&self, method: &str, id: Uuid, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(self.path(BlobMethod::Get, id));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    fn record(&self, id: Uuid) -> Option<Received> {
        self.ledger.slugs.lock().unwrap()[&id].uploaded.clone()
    }

    /// Every file below the folder of the blobs.
    fn files(&self) -> Vec<PathBuf> {
        let folders = fs_err::read_dir(self.folder.path()).unwrap();
        let files = folders.flat_map(|folder| fs_err::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }

    fn log(&self) -> String {
        self.log.0.lock().unwrap().join("\n")
    }
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A body whose length nobody is told.
fn chunked(pieces: &[&'static str]) -> Body {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok::<_, BlobError>(*piece))
        .collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn an_address_that_does_not_allow_it_is_refused() {
    let scene = Scene::new();
    let id = scene.uploaded(b"slug").await;
    let valid = scene.path(BlobMethod::Put, id);
    let get = scene.path(BlobMethod::Get, id);
    let unsigned = valid.split_once('?').unwrap().0.to_owned();
    let other = valid.replace(&id.to_string(), &scene.slug().to_string());
    let past = Timestamp::UNIX_EPOCH;
    let expired = scene.signer.url("", BlobMethod::Put, id, past, LIFETIME);
    let damaged = valid.replace("expires=", "expires=x");
    let mut answers = Vec::new();
    for path in [unsigned, other, get.clone(), expired, damaged] {
        let request = Request::put(path).body(Body::from("x")).unwrap();
        answers.push(scene.send(request).await.error());
    }
    let request = Request::get(&valid).body(Body::empty()).unwrap();
    answers.push(scene.send(request).await.error());
    let request = Request::delete(&get).body(Body::empty()).unwrap();
    let answer = scene.send(request).await;
    assert_eq!(answer.headers["allow"], "GET, HEAD, PUT");
    answers.push(answer.error());
    insta::assert_snapshot!(answers.join("\n"), @r"
    403 url_not_signed: The URL is not signed. Use it as the API answered it, with everything after the `?`.
    403 url_signature: The URL's signature is wrong: it was changed, or another server gave it out.
    403 url_method: The URL is for GET only. What is uploaded has another one, which the answer to its creation has.
    403 url_expired: The URL expired at 1970-01-01T00:01:00Z. Ask the API for a new one.
    400 bad_request: The URL's `expires` is damaged. Use it as the API answered it.
    403 url_method: The URL is for PUT only. Another one, which the API answers too, is to download.
    405 method_not_allowed: A blob is uploaded with PUT and downloaded with GET.
    ");
    assert_eq!(scene.record(id).unwrap().sha256, sha256(b"slug"));
    assert_eq!(scene.files().len(), 1);
}

#[tokio::test]
async fn a_name_that_is_no_identifier_is_not_found() {
    let scene = Scene::new();
    let id = scene.uploaded(b"slug").await;
    let query = scene.path(BlobMethod::Get, id);
    let query = query.split_once('?').unwrap().1;
    let names = [
        "..".to_owned(),
        "%2e%2e".to_owned(),
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd".to_owned(),
        "%00".to_owned(),
        "%ff".to_owned(),
        "x".repeat(60_000),
        id.simple().to_string(),
        id.to_string().to_uppercase(),
        format!("%7B{id}%7D"),
        format!("{id}%20"),
    ];
    for name in names {
        for method in ["GET", "PUT", "HEAD"] {
            let request = Request::builder()
                .method(method)
                .uri(format!("/blobs/{name}?{query}"))
                .body(Body::from("x"))
                .unwrap();
            assert_eq!(scene.send(request).await.status, 404, "{method} {name}");
        }
    }
    for path in ["/blobs/", "/blobs/../x", "/blobs/a/b"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(scene.send(request).await.status, 404, "{path}");
    }
    assert_eq!(scene.files().len(), 1);
}

#[tokio::test]
async fn a_slug_that_nobody_knows_is_not_found() {
    let scene = Scene::new();
    let id = Uuid::new_v4();
    assert_eq!(
        scene.put(id, "x").await.error(),
        "404 not_found: Couldn't find that slug."
    );
    assert_eq!(
        scene.get("GET", id, &[]).await.error(),
        "404 not_found: Couldn't find that slug."
    );
    assert_eq!(
        scene.get("GET", scene.slug(), &[]).await.error(),
        "404 not_found: Nothing was uploaded for that slug yet."
    );
    assert!(scene.files().is_empty());
}
