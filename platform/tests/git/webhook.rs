//! Pushes elsewhere that a webhook tells of.

use crate::scene::{BOB, Scene, send};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use ureq::http::{Method, Request};

/// Serves the repositories of a folder to everybody; its address.
async fn elsewhere(folder: PathBuf) -> String {
    let answer =
        async move |method: axum::http::Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let header = |name: &str| {
                headers
                    .get(name)
                    .map_or("", |value| value.to_str().unwrap())
            };
            let mut git = tokio::process::Command::new("git")
                .arg("http-backend")
                .env("GIT_PROJECT_ROOT", &folder)
                .env("GIT_HTTP_EXPORT_ALL", "1")
                .env("REQUEST_METHOD", method.as_str())
                .env("PATH_INFO", uri.path())
                .env("QUERY_STRING", uri.query().unwrap_or_default())
                .env("CONTENT_TYPE", header("content-type"))
                .env("CONTENT_LENGTH", body.len().to_string())
                .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
                .env("GIT_PROTOCOL", header("git-protocol"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            git.stdin.take().unwrap().write_all(&body).await.unwrap();
            let output = git.wait_with_output().await.unwrap().stdout;
            let end = output
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
                .unwrap();
            let head = str::from_utf8(&output[..end]).unwrap();
            let mut response = Response::new(Body::from(output[end + 4..].to_vec()));
            for line in head.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                if name == "Status" {
                    *response.status_mut() = value[..3].parse().unwrap();
                } else {
                    let name: axum::http::HeaderName = name.parse().unwrap();
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
            }
            response
        };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = axum::serve(listener, Router::new().fallback(answer)).into_future();
    tokio::spawn(serving);
    format!("http://{address}")
}

/// A webhook of `example`: its address and secret.
async fn webhook(scene: &Scene, body: Value) -> (String, String) {
    let made = scene
        .api(Method::POST, "/apps/example/push-webhook", body)
        .await;
    let text = |name: &str| {
        made[name]
            .as_str()
            .unwrap_or_else(|| panic!("{made}"))
            .to_owned()
    };
    (text("url"), text("secret"))
}

/// Sends an event.
async fn tell(url: &str, secret: &str, event: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap()
        .chain_update(&body)
        .finalize();
    let request = Request::post(url)
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", event)
        .header(
            "X-Hub-Signature-256",
            format!("sha256={}", hex::encode(signature.as_bytes())),
        )
        .body(body)
        .unwrap();
    let (status, answer) = send(request).await;
    (status, answer["message"].as_str().unwrap().to_owned())
}

fn push(commit: &str, clone_url: &str) -> Value {
    json!({"ref": "refs/heads/main", "after": commit, "repository": {"clone_url": clone_url}})
}

/// What became of a push, when that says this.
async fn outcome(scene: &Scene, expected: &str) -> String {
    let mut found = Value::Null;
    for _ in 0..400 {
        found = scene
            .api(Method::GET, "/apps/example/push-webhook", json!({}))
            .await;
        if let Some(text) = found["last_outcome"]
            .as_str()
            .filter(|text| text.contains(expected))
        {
            return text.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{expected}: {found}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn what_is_pushed_elsewhere_is_built() {
    let scene = Scene::with(|settings| {
        settings.builder.as_mut().unwrap().allow_private_sources = true;
    })
    .await;
    let commit = scene.commit("echo built").await;
    let newer = scene.commit("exit 1").await;
    scene
        .git_ok(["clone", "--quiet", "--bare", ".", "../there/a.git"])
        .await;
    let clone_url = format!(
        "{}/a.git",
        elsewhere(scene.folder.path().join("there")).await
    );
    let (url, secret) = webhook(&scene, json!({})).await;

    assert_eq!(
        tell(&url, &secret, "ping", &json!({"zen": "…"})).await,
        (200, "pong".into())
    );
    let (status, text) = tell(&url, &secret, "issues", &push(&commit, &clone_url)).await;
    assert!(
        status == 200 && text.contains("only the event `push`"),
        "{text}"
    );
    let (status, text) = tell(&url, &secret, "push", &push(&commit, &clone_url)).await;
    assert_eq!((status, text), (202, format!("{commit} is being built.")));
    let text = outcome(&scene, "released").await;
    assert_eq!(text, format!("{commit} was released as v3."));
    let release = scene
        .api(Method::GET, "/apps/example/releases/3", json!({}))
        .await;
    assert_eq!(release["user"]["email"], "ann@example.test");

    assert_eq!(
        tell(&url, &secret, "push", &push(&newer, &clone_url))
            .await
            .0,
        202
    );
    assert!(outcome(&scene, "not released").await.contains("its build"));
    let unknown = "1".repeat(40);
    assert_eq!(
        tell(&url, &secret, "push", &push(&unknown, &clone_url))
            .await
            .0,
        202
    );
    assert!(
        outcome(&scene, "cannot be fetched")
            .await
            .contains(&unknown)
    );
    let wrong = clone_url.replace("http://", "http://ann:secret@");
    assert_eq!(
        tell(&url, &secret, "push", &push(&commit, &wrong)).await.0,
        202
    );
    assert!(
        outcome(&scene, "cannot be used")
            .await
            .contains("it has a user name")
    );
    assert_eq!(scene.releases().await, 3);
    assert!(crate::scene::entries(&scene.data().join("git")).len() <= 3);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn nothing_but_public_hosts_is_reached() {
    let scene = Scene::new().await;
    let commit = scene.commit("echo built").await;
    let (url, secret) = webhook(&scene, json!({})).await;
    for (clone_url, problem) in [
        (
            "http://git.example.test/a.git",
            "does not start with `https://`",
        ),
        ("file:///etc", "cannot be used"),
        ("https://127.0.0.1/a.git", "is not public"),
        ("https://[::ffff:169.254.169.254]/a.git", "is not public"),
        ("https://localhost/a.git", "is not public"),
        ("https://name-that-is-nobodys.invalid/a.git", "is not found"),
    ] {
        let (url, secret) = webhook(&scene, json!({})).await;
        assert_eq!(
            tell(&url, &secret, "push", &push(&commit, clone_url))
                .await
                .0,
            202
        );
        outcome(&scene, problem).await;
    }
    // Of several, only the newest one is there.
    assert_eq!(tell(&url, &secret, "ping", &json!({})).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn only_those_who_know_the_secret_are_heard() {
    let scene = Scene::new().await;
    let commit = scene.commit("echo built").await;
    let (url, secret) = webhook(&scene, json!({"branch": "release/1"})).await;
    let event = push(&commit, "https://git.example.test/a.git");
    let (status, text) = tell(&url, "another", "push", &event).await;
    assert!(status == 403 && text.contains("not signed"), "{text}");
    let unsigned = Request::post(&url).body("{}").unwrap();
    assert_eq!(send(unsigned).await.0, 403);
    let (status, text) = tell(&url, &secret, "push", &event).await;
    assert!(
        status == 200 && text.contains("only `release/1` is"),
        "{text}"
    );
    let (status, _) = tell(&url, &secret, "push", &json!({})).await;
    assert_eq!(status, 400);
    let large = json!({"x": "x".repeat(26 << 20)});
    assert_eq!(tell(&url, &secret, "push", &large).await.0, 413);
    let nobodys = format!("{}x", &url[..url.len() - 1]);
    assert_eq!(tell(&nobodys, &secret, "ping", &json!({})).await.0, 404);
    assert_eq!(send(Request::get(&url).body(()).unwrap()).await.0, 404);

    // The secret is told once, and not to others.
    let info = scene
        .api(Method::GET, "/apps/example/push-webhook", json!({}))
        .await;
    assert_eq!(
        (&info["secret"], &info["branch"]),
        (&Value::Null, &json!("release/1"))
    );
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let (status, _) = scene
            .api_as(BOB, method, "/apps/example/push-webhook", json!({}))
            .await;
        assert_eq!(status, 404);
    }
    // Who no longer works on the app has none of its webhooks either.
    let body = json!({"user": "bob@example.test"});
    scene
        .api(Method::POST, "/apps/example/collaborators", body)
        .await;
    let (_, made) = scene
        .api_as(BOB, Method::POST, "/apps/example/push-webhook", json!({}))
        .await;
    let (url, secret) = (
        made["url"].as_str().unwrap(),
        made["secret"].as_str().unwrap(),
    );
    assert_eq!(tell(url, secret, "ping", &json!({})).await.0, 200);
    scene
        .api(
            Method::DELETE,
            "/apps/example/collaborators/bob@example.test",
            json!({}),
        )
        .await;
    assert_eq!(tell(url, secret, "ping", &json!({})).await.0, 404);
}
