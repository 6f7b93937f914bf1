//! What holds for every endpoint of the table.

use crate::platform::{Answer, Platform};
use axum::http::Method;
use serde_json::{Value, json};
use slugbuilder_platform::api::{Access, ENDPOINTS, Endpoint};
use std::collections::BTreeSet;

/// What no slug is called by.
const NO_SLUG: &str = "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11";

/// Where nothing is to be read, because nothing is there by the names of [`path`].
const NOT_THERE: &[&str] = &[
    "/account/keys/{key}",
    "/apps/{app}/pipeline-couplings",
    "/enterprise-accounts/{enterprise_account}",
    "/oauth/authorizations/{oauth_authorization}",
    "/oauth/clients/{oauth_client}",
    "/spaces/{space}",
    "/teams/{team}",
];

/// The path of an endpoint, with `app` for the app and names of nothing for the rest.
fn path(endpoint: &Endpoint, app: &str) -> String {
    endpoint
        .path
        .replace("{app}", app)
        .replace("{account}", "~")
        .replace("{collaborator}", "ann@example.test")
        .replace("{slug}", NO_SLUG)
        .replace("{release}", "1")
        .replace("{formation}", "web")
        .replace("{stack}", "heroku-24")
        .replace("{region}", "us")
        .replace("{dyno_size}", "eco")
        .replace("{account_feature}", "app-overview")
        .replace("{key}", NO_SLUG)
        .replace("{oauth_authorization}", NO_SLUG)
        .replace("{oauth_client}", NO_SLUG)
        .replace("{oauth_session}", "~")
        .replace("{team}", "example")
        .replace("{enterprise_account}", "example")
        .replace("{space}", "example")
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
                .call(token, &endpoint.method, &path, Some(json!({})), &[])
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

/// Whether what is asked for twice is sent once; nothing where it is not there.
async fn asks_twice(platform: &Platform, path: &str) -> Option<bool> {
    let answer = platform.ann().get(path).await;
    if answer.status != 200 {
        return None;
    }
    let headers = [("if-none-match", answer.headers["etag"].to_str().unwrap())];
    let again = platform
        .ann()
        .call_with(&Method::GET, path, None, &headers)
        .await;
    Some(again.status == 304 && again.body == Value::Null)
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let platform = Platform::new().await;
    platform
        .released("example", json!({"web": "x", "release": "y"}))
        .await;
    let slug = platform.ann().get("/apps/example/releases/3").await.body["slug"]["id"].clone();
    let mut asked = 0;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method == "GET") {
        let path = path(endpoint, "example").replace(NO_SLUG, slug.as_str().unwrap());
        let unchanged = asks_twice(&platform, &path).await;
        // The addresses of blobs change every five minutes, which may be now.
        if unchanged == Some(false) {
            assert_eq!(asks_twice(&platform, &path).await, Some(true), "{path}");
        }
        asked += usize::from(unchanged.is_some());
    }
    assert_eq!(
        asked,
        ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.method == "GET" && !NOT_THERE.contains(&endpoint.path))
            .count()
    );
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
