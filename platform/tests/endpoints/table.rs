//! What holds for every endpoint of the table.

use crate::platform::{Answer, Platform};
use serde_json::json;
use slugbuilder_platform::api::{Access, ENDPOINTS, Endpoint};
use std::collections::BTreeSet;

/// The path of an endpoint, with `app` for the app and names of nothing for the rest.
fn path(endpoint: &Endpoint, app: &str) -> String {
    endpoint
        .path
        .replace("{app}", app)
        .replace("{account}", "~")
        .replace("{slug}", "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11")
        .replace("{release}", "1")
        .replace("{formation}", "web")
        .replace("{stack}", "heroku-24")
        .replace("{region}", "us")
        .replace("{dyno_size}", "eco")
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
async fn no_endpoint_answers_without_a_token() {
    let platform = Platform::new().await;
    for endpoint in ENDPOINTS {
        let path = path(endpoint, "example");
        for token in [None, Some("not-a-token")] {
            let answer = platform
                .call(token, &endpoint.method, &path, Some(json!({})), None)
                .await;
            match endpoint.access {
                Access::Token => assert_error(&answer, 401, "unauthorized", endpoint),
                Access::Open => assert_eq!(answer.status, 200, "{path}"),
            }
        }
    }
}

#[tokio::test]
async fn no_endpoint_knows_the_app_of_someone_else() {
    let platform = Platform::new().await;
    let created = platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let id = created.body["id"].as_str().unwrap();
    let mut asked = 0;
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path.contains("{app}"))
    {
        let mut answers = Vec::new();
        for app in ["example", id, "no-such-app"] {
            let path = path(endpoint, app);
            let answer = platform
                .bob()
                .call(&endpoint.method, &path, Some(json!({})))
                .await;
            assert_error(&answer, 404, "not_found", endpoint);
            assert_eq!(answer.body["resource"], "app", "{path}");
            answers.push(answer.body.to_string());
            asked += 1;
        }
        assert_eq!(
            answers.iter().collect::<BTreeSet<_>>().len(),
            1,
            "{answers:?}"
        );
    }
    assert!(asked > 40, "{asked}");
    assert_eq!(platform.ann().get("/apps/example").await.status, 200);
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
                    None,
                )
                .await;
            assert_error(&answer, 400, "bad_request", endpoint);
        }
    }
}

#[tokio::test]
async fn every_answer_says_what_every_answer_has_to() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method == "GET") {
        let answer = platform
            .ann()
            .call(&endpoint.method, &path(endpoint, "example"), None)
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
