//! The three calls of Heroku's article on slugs, to a server that runs: make a slug, upload it, release it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slugbuilder_platform::store::UserTokens;
use slugbuilder_platform::{Running, Server, Settings, Users};
use slugbuilder_report::Silent;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

const TOKEN: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// A server of one user, on a port of its own.
async fn server(folder: &TempDir) -> Running {
    let mut settings = Settings::new(folder.path().join("data"));
    settings.users = Some(Users(vec![UserTokens {
        email: "ann@example.test".to_owned(),
        tokens: vec![TOKEN.to_owned()],
        password: None,
    }]));
    Server::start(settings, Arc::new(Silent)).await.unwrap()
}

/// A client that does as little as `curl`.
struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self {
            agent: config.into(),
            url: url.to_owned(),
        }
    }

    /// A call of the API, as `curl -n` makes it.
    fn call(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Accept", "application/vnd.heroku+json; version=3")
            .header("Content-Type", "application/json")
            .header(
                "Authorization",
                format!(
                    "Basic {}",
                    STANDARD.encode(format!("ann@example.test:{TOKEN}"))
                ),
            )
            .body(body.to_string())
            .unwrap();
        let (status, bytes) = read(self.agent.run(request).unwrap());
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// An upload to an address that the API gave.
    fn upload(&self, url: &str, bytes: &[u8]) -> (u16, Vec<u8>) {
        let request = Request::put(url).body(bytes.to_vec()).unwrap();
        read(self.agent.run(request).unwrap())
    }

    /// A download from an address that the API gave.
    fn download(&self, url: &str) -> (u16, Vec<u8>) {
        read(self.agent.run(Request::get(url).body(()).unwrap()).unwrap())
    }
}

fn read(response: Response<Body>) -> (u16, Vec<u8>) {
    let status = response.status().as_u16();
    (
        status,
        response
            .into_body()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .unwrap(),
    )
}

/// Bytes that no compression makes small, more than any buffer on their way.
fn bytes() -> Vec<u8> {
    let mut block = Sha256::digest(b"slug");
    let mut bytes = Vec::new();
    while bytes.len() < 9 << 20 {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_is_made_uploaded_and_released() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).await;
    let client = Client::new(server.url());
    let flow = move || {
        let (status, app) = client.call(Method::POST, "/apps", &json!({"name": "example"}));
        assert_eq!(status, 201, "{app}");

        let bytes = bytes();
        let checksum = format!("SHA256:{}", hex::encode(Sha256::digest(&bytes)));
        let create = json!({"process_types": {"web": "node-v0.10.20-linux-x64/bin/node web.js"}, "checksum": checksum});
        let (status, slug) = client.call(Method::POST, "/apps/example/slugs", &create);
        assert_eq!(
            (status, &slug["blob"]["method"]),
            (201, &json!("put")),
            "{slug}"
        );

        let (status, answer) = client.upload(slug["blob"]["url"].as_str().unwrap(), &bytes);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));

        let (status, release) = client.call(
            Method::POST,
            "/apps/example/releases",
            &json!({"slug": slug["id"]}),
        );
        assert_eq!(status, 201, "{release}");
        assert_eq!(release["version"], 3);
        assert_eq!(release["slug"]["id"], slug["id"]);

        let path = format!("/apps/example/slugs/{}", slug["id"].as_str().unwrap());
        let (_, slug) = client.call(Method::GET, &path, &json!({}));
        assert_eq!(slug["size"], bytes.len());
        assert_eq!(slug["checksum"], checksum);
        let (status, downloaded) = client.download(slug["blob"]["url"].as_str().unwrap());
        assert_eq!(status, 200);
        assert!(downloaded == bytes, "other bytes came back");
    };
    spawn_blocking(flow).await.unwrap();
    server.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_promised_are_never_released() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).await;
    let client = Client::new(server.url());
    let flow = move || {
        client.call(Method::POST, "/apps", &json!({"name": "example"}));
        let checksum = format!("SHA256:{}", hex::encode(Sha256::digest(b"promised")));
        let create = json!({"process_types": {"web": "x"}, "checksum": checksum});
        let (_, slug) = client.call(Method::POST, "/apps/example/slugs", &create);
        let (status, answer) = client.upload(slug["blob"]["url"].as_str().unwrap(), b"other");
        assert_eq!(status, 422);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["id"], "checksum_mismatch");

        let create = json!({"slug": slug["id"]});
        let (status, refused) = client.call(Method::POST, "/apps/example/releases", &create);
        assert_eq!(
            (status, &refused["id"]),
            (422, &json!("invalid_params")),
            "{refused}"
        );

        let (status, _) = client.upload(slug["blob"]["url"].as_str().unwrap(), b"promised");
        assert_eq!(status, 200);
        let (status, release) = client.call(Method::POST, "/apps/example/releases", &create);
        assert_eq!(status, 201, "{release}");
    };
    spawn_blocking(flow).await.unwrap();
    server.shutdown().await.unwrap();
}
