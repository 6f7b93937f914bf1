//! What holds for every endpoint of the table.

use crate::fixture::Names;
use crate::platform::{Answer, Platform};
use axum::http::Method;
use serde_json::{Value, json};
use slugbuilder_platform::api::{Access, ENDPOINTS, Endpoint, REFUSALS};

/// The path of an endpoint, with `app` for the app, oneself for the account, and what is the same for everybody; names of nothing for the
/// rest.
fn path(endpoint: &Endpoint, app: &str) -> String {
    Names::public(&[("app", app), ("account", "~")]).path(endpoint)
}

/// What an error has to be, and that nothing in it names what is not to be known.
fn assert_error(answer: &Answer, status: u16, id: &str, endpoint: &Endpoint) {
    let what = format!("{} {}: {answer:?}", endpoint.method, endpoint.path);
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.body["id"], id, "{what}");
    assert!(
        answer.body["message"]
            .as_str()
            .is_some_and(|text| text.len() > 10),
        "{what}"
    );
}

#[tokio::test]
async fn no_endpoint_takes_a_body_that_is_no_json() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.rel.request().is_some())
    {
        for body in ["{", "[]", "\"text\"", "{\"a\":1}{}"] {
            let answer = platform
                .send(
                    Some(Platform::ANN),
                    &endpoint.method,
                    &path(endpoint, "example"),
                    body.as_bytes().to_vec(),
                    &[],
                )
                .await;
            assert_error(&answer, 400, "bad_request", endpoint);
        }
    }
}

#[tokio::test]
async fn every_answer_says_what_every_answer_has_to() {
    let platform = Platform::new().await;
    let names = Names::make(&platform, &platform.ann(), "anns").await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method == "GET") {
        let answer = platform
            .ann()
            .call(&endpoint.method, &names.path(endpoint), None)
            .await;
        for header in ["request-id", "content-type", "cache-control"] {
            assert!(
                answer.headers.contains_key(header),
                "{header} of {}",
                endpoint.path
            );
        }
        if endpoint.access == Access::Token {
            assert!(
                answer.headers.contains_key("ratelimit-remaining"),
                "{}",
                endpoint.path
            );
        }
        if endpoint.rel.is_list() {
            assert!(answer.body.is_array(), "{answer:?}");
            assert!(answer.headers.contains_key("accept-ranges"), "{answer:?}");
            assert!(answer.headers.contains_key("content-range"), "{answer:?}");
        }
    }
}

/// Whether what is asked for twice is sent once.
async fn asks_twice(platform: &Platform, path: &str) -> bool {
    let answer = platform.ann().get(path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let headers = [("if-none-match", answer.headers["etag"].to_str().unwrap())];
    let again = platform
        .ann()
        .call_with(&Method::GET, path, None, &headers)
        .await;
    again.status == 304 && again.body == Value::Null
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let platform = Platform::new().await;
    let names = Names::make(&platform, &platform.ann(), "anns").await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method == "GET") {
        let path = names.path(endpoint);
        // The addresses of blobs change every five minutes, which may be now.
        if !asks_twice(&platform, &path).await {
            assert!(asks_twice(&platform, &path).await, "{path}");
        }
    }
}

/// HEAD is GET without a body; whatever else a path does not have is an endpoint that is not there.
#[tokio::test]
async fn every_method_is_answered() {
    let platform = Platform::new().await;
    let names = Names::make(&platform, &platform.ann(), "anns").await;
    for endpoint in ENDPOINTS {
        let path = names.path(endpoint);
        let has = |method: &str| {
            let offered = ENDPOINTS
                .iter()
                .any(|other| other.path == endpoint.path && other.method == method);
            let refused = REFUSALS
                .iter()
                .any(|other| other.path == endpoint.path && other.method == method);
            offered || refused
        };
        for method in [
            "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE",
        ] {
            if has(method) {
                continue;
            }
            let method = method.parse().unwrap();
            let answer = platform.ann().call(&method, &path, None).await;
            let what = format!("{method} {path}: {answer:?}");
            assert_eq!(
                (answer.status, &answer.body["id"]),
                (404, &json!("not_found")),
                "{what}"
            );
            let stranger = platform.call(None, &method, &path, None, &[]).await;
            let expected = match endpoint.access {
                Access::Open => 404,
                Access::Token => 401,
            };
            assert_eq!(stranger.status, expected, "{what}");
        }
        let head = platform.ann().call(&Method::HEAD, &path, None).await;
        if !has("GET") {
            assert_eq!(head.status, 404, "HEAD {path}: {head:?}");
            continue;
        }
        let get = platform.ann().get(&path).await;
        assert_eq!(
            (head.status, &head.body),
            (get.status, &Value::Null),
            "{path}"
        );
        for header in ["etag", "content-type", "content-range", "accept-ranges"] {
            assert_eq!(
                head.headers.get(header),
                get.headers.get(header),
                "{header} of HEAD {path}"
            );
        }
    }
}

#[tokio::test]
async fn changes_are_made_only_of_what_the_client_has_seen() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let seen = platform.ann().get("/apps/example/config-vars").await;
    let headers = [("if-match", seen.headers["etag"].to_str().unwrap())];
    let change = Some(json!({"A": "1"}));
    let path = "/apps/example/config-vars";
    let made = platform
        .ann()
        .call_with(&Method::PATCH, path, change.clone(), &headers)
        .await;
    assert_eq!(made.status, 200);
    let refused = platform
        .ann()
        .call_with(&Method::PATCH, path, change, &headers)
        .await;
    assert_eq!(
        (refused.status, &refused.body["id"]),
        (412, &json!("precondition_failed"))
    );
}

#[tokio::test]
async fn other_versions_are_not_answered() {
    let platform = Platform::new().await;
    for endpoint in ENDPOINTS {
        let headers = [("accept", "application/vnd.heroku+json; version=2")];
        let path = path(endpoint, "example");
        let answer = platform
            .ann()
            .call_with(&endpoint.method, &path, None, &headers)
            .await;
        match endpoint.access {
            Access::Token => assert_error(&answer, 406, "not_acceptable", endpoint),
            Access::Open => assert_eq!(answer.status, 200),
        }
    }
}

#[tokio::test]
async fn names_that_are_no_text_are_told_so() {
    let platform = Platform::new().await;
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path.contains('{'))
    {
        let segments = endpoint.path.split('/');
        let segments = segments.map(|one| if one.starts_with('{') { "%ff" } else { one });
        let path = segments.collect::<Vec<_>>().join("/");
        let answer = platform.ann().call(&endpoint.method, &path, None).await;
        assert_error(&answer, 400, "bad_request", endpoint);
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_so() {
    let platform = Platform::new().await;
    for (method, path) in [
        ("GET", "/no-such-thing"),
        ("DELETE", "/apps"),
        ("PUT", "/apps/example"),
    ] {
        let answer = platform
            .ann()
            .call(&method.parse().unwrap(), path, None)
            .await;
        assert_eq!(
            (answer.status, &answer.body["id"]),
            (404, &json!("not_found")),
            "{path}"
        );
    }
}
