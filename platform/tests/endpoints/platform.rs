//! A platform with two users, Ann and Bob, and calls as clients make them.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use slugbuilder_platform::api::{ENDPOINTS, Endpoint, State};
use slugbuilder_platform::blobs::BlobStore;
use slugbuilder_platform::builds::{Builds, Parameters};
use slugbuilder_platform::git::{self, Git};
use slugbuilder_platform::signed_url::{DEFAULT_LIFETIME, Signer};
use slugbuilder_platform::store::Store;
use slugbuilder_platform::{Builder, Settings, routes};
use slugbuilder_report::{Reporter, Silent};
use std::collections::BTreeSet;
use std::sync::Arc;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Where the platform says that it is.
const URL: &str = "http://127.0.0.1:5000";

/// A platform in a folder of its own, which goes with it.
pub(crate) struct Platform {
    router: Router,
    store: Store,
    blobs: BlobStore,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body; `null` where there is none.
    pub(crate) body: Value,
}

/// What a signed address has.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

impl Fetched {
    /// The body.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Calls of one user.
pub(crate) struct Caller<'a> {
    platform: &'a Platform,
    token: &'static str,
}

impl Platform {
    /// Ann's token.
    pub(crate) const ANN: &'static str = "11111111-ann-1111-1111-111111111111";
    /// Bob's token.
    pub(crate) const BOB: &'static str = "22222222-bob-2222-2222-222222222222";

    /// A new platform, with nothing but them and Carol, who has no token.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store
            .put_user("ann@example.test", &[Self::ANN])
            .await
            .unwrap();
        store
            .put_user("bob@example.test", &[Self::BOB])
            .await
            .unwrap();
        store.put_user("carol@example.test", &[]).await.unwrap();
        let blobs = BlobStore::folder(&folder.path().join("blobs")).unwrap();
        let signer = Signer::new(&[7; 32]);
        let reporter: Arc<dyn Reporter> = Arc::new(Silent);
        // Builds run a small program in the place of slugbuilder's.
        let builder = Builder {
            arguments: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/builder.sh").into()],
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            ..Builder::new("/bin/sh")
        };
        let settings = Settings {
            builder: Some(builder),
            ..Settings::new(folder.path())
        };
        let builds = Builds::open(
            folder.path(),
            Parameters {
                builder: settings.builder.clone(),
                max_slug_size: settings.max_slug_size,
                store: store.clone(),
                blobs: blobs.clone(),
                signer: signer.clone(),
                external_url: URL.into(),
                reporter: Arc::clone(&reporter),
            },
        );
        let builds = builds.unwrap();
        let git = git::Parameters {
            program: settings.git.clone(),
            max_push_size: settings.max_push_size,
            builder: settings.builder.clone(),
            store: store.clone(),
            builds: builds.clone(),
            external_url: URL.into(),
            reporter: Arc::clone(&reporter),
        };
        let git = Git::open(folder.path(), git).await.unwrap();
        let state = State {
            store: store.clone(),
            blobs: blobs.clone(),
            signer,
            builds,
            git,
            external_url: URL.into(),
            url_lifetime: DEFAULT_LIFETIME,
        };
        Self {
            router: routes(&settings, state, &reporter),
            store,
            blobs,
            _folder: folder,
        }
    }

    /// Its ledger.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The bytes of its slugs.
    pub(crate) fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    /// Ann, who makes the apps.
    pub(crate) fn ann(&self) -> Caller<'_> {
        Caller {
            platform: self,
            token: Self::ANN,
        }
    }

    /// Bob, who has nothing to do with them.
    pub(crate) fn bob(&self) -> Caller<'_> {
        Caller {
            platform: self,
            token: Self::BOB,
        }
    }

    /// A request with a JSON body.
    pub(crate) async fn call(
        &self,
        token: Option<&str>,
        method: &Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        self.send(token, method, path, body, headers).await
    }

    /// A request with any body.
    pub(crate) async fn send(
        &self,
        token: Option<&str>,
        method: &Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let given = |name| headers.iter().any(|(given, _)| *given == name);
        if !given("accept") {
            request = request.header(header::ACCEPT, "application/vnd.heroku+json; version=3");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_documented(method, path, response.status().as_u16());
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: if bytes.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&bytes).unwrap()
            },
        }
    }

    /// A request for what an answer gave the address of: without a token, and without asking for a version.
    pub(crate) async fn blob(&self, method: &str, url: &str, bytes: Vec<u8>) -> (u16, Vec<u8>) {
        let path = url
            .strip_prefix(URL)
            .unwrap_or_else(|| panic!("{url} is not of this server"));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_LENGTH, bytes.len())
            .body(Body::from(bytes))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .to_vec(),
        )
    }

    /// The same, with these headers, and with all of the answer.
    pub(crate) async fn fetch(&self, url: &str, headers: &[(&str, &str)]) -> Fetched {
        let path = url.strip_prefix(URL).unwrap();
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Fetched {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// An app of Ann's with a slug of these bytes, which is uploaded. The slug's identifier.
    pub(crate) async fn published(&self, app: &str, process_types: Value, bytes: &[u8]) -> String {
        self.ann().post("/apps", json!({"name": app})).await;
        let body = json!({"process_types": process_types});
        let slug = self.ann().post(&format!("/apps/{app}/slugs"), body).await;
        let url = slug.body["blob"]["url"].as_str().unwrap();
        let (status, _) = self.blob("PUT", url, bytes.to_vec()).await;
        assert_eq!(status / 100, 2);
        slug.body["id"].as_str().unwrap().to_owned()
    }

    /// An app of Ann's with a slug that is released.
    pub(crate) async fn released(&self, app: &str, process_types: Value) {
        let slug = self.published(app, process_types, b"slug").await;
        let release = self
            .ann()
            .post(&format!("/apps/{app}/releases"), json!({"slug": slug}))
            .await;
        assert_eq!(release.status, 201, "{release:?}");
    }

    /// Lets someone work on an app of Ann's.
    pub(crate) async fn collaborate(&self, app: &str, email: &str) {
        let path = format!("/apps/{app}/collaborators");
        let added = self.ann().post(&path, json!({"user": email})).await;
        assert_eq!(added.status, 201, "{added:?}");
    }

    /// Asserts that an answer has the attributes that `/schema` says the resource has, all of them and no others.
    pub(crate) async fn assert_described(&self, resource: &str, body: &Value) {
        let schema = self.ann().get("/schema").await.body;
        let described: BTreeSet<&str> = schema["definitions"][resource]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("/schema has no {resource}"))
            .iter()
            .map(|(name, described)| {
                let kind = match &body[name] {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_u64() => "integer",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                let kinds = described["type"].as_array().unwrap();
                let fits = kinds
                    .iter()
                    .any(|one| one == kind || (one == "number" && kind == "integer"));
                assert!(
                    fits,
                    "`{name}` of {resource} is {} and not {kinds:?}",
                    body[name]
                );
                if described["format"] == "date-time" && kind == "string" {
                    let time = body[name].as_str().unwrap();
                    assert!(
                        time.len() == 20 && time.ends_with('Z'),
                        "`{name}` of {resource} is {time}"
                    );
                }
                name.as_str()
            })
            .collect();
        let answered: BTreeSet<&str> = body
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(answered, described, "{resource}");
    }
}

/// Asserts that the description of the API knows of an answer: every call of every test here is one of it.
fn assert_documented(method: &Method, path: &str, status: u16) {
    let path = path.split('?').next().unwrap_or(path);
    // HEAD is answered as GET is.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let fits = |endpoint: &&Endpoint| {
        let pairs = || endpoint.path.split('/').zip(path.split('/'));
        endpoint.method == *method
            && endpoint.path.split('/').count() == path.split('/').count()
            && pairs().all(|(own, asked)| own.starts_with('{') || own == asked)
    };
    // Of several, the one with the most words.
    let endpoint = ENDPOINTS
        .iter()
        .filter(fits)
        .min_by_key(|endpoint| endpoint.path.matches('{').count());
    if let Some(endpoint) = endpoint {
        assert!(
            endpoint.statuses().contains(&status),
            "{method} {path} answers {status}, of which /openapi.json does not know: it belongs behind the title in the row of the table of \
             endpoints"
        );
    }
}

impl Caller<'_> {
    /// The caller's e-mail address.
    pub(crate) fn email(&self) -> &'static str {
        if self.token == Platform::ANN {
            "ann@example.test"
        } else {
            "bob@example.test"
        }
    }

    /// A request with a method of any name.
    pub(crate) async fn call(&self, method: &Method, path: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    /// The same with further headers.
    pub(crate) async fn call_with(
        &self,
        method: &Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let token = Some(self.token);
        self.platform.call(token, method, path, body, headers).await
    }

    /// `GET`
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&Method::GET, path, None).await
    }

    /// `GET` with a `Range`.
    pub(crate) async fn list(&self, path: &str, range: &str) -> Answer {
        self.call_with(&Method::GET, path, None, &[("range", range)])
            .await
    }

    /// `POST`
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(&Method::POST, path, Some(body)).await
    }

    /// `PATCH`
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(&Method::PATCH, path, Some(body)).await
    }

    /// `PUT`
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(&Method::PUT, path, Some(body)).await
    }

    /// `DELETE`
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(&Method::DELETE, path, None).await
    }
}

impl Answer {
    /// The items of a list.
    pub(crate) fn items(&self) -> &[Value] {
        self.body
            .as_array()
            .unwrap_or_else(|| panic!("no list: {self:?}"))
    }

    /// The names of the items of a list.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.items()
            .iter()
            .map(|item| item["name"].as_str().unwrap())
            .collect()
    }

    /// Asserts that it is this error.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, id: &str, message: &str) {
        assert_eq!(
            (
                self.status,
                self.body["id"].as_str(),
                self.body["message"].as_str()
            ),
            (status, Some(id), Some(message))
        );
    }
}
