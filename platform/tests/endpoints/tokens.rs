//! That nobody is let in who has no token, by whatever endpoint of the table.

use crate::fixture::Names;
use crate::platform::Platform;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use slugbuilder_platform::api::{Access, ENDPOINTS, REFUSALS};
use slugbuilder_platform::store::UserTokens;
use std::time::Duration;

/// What no token is, with Ann's in a form that nobody sends, or nearly hers, and one that has expired.
fn wrong_headers(expired: &str) -> Vec<String> {
    let ann = Platform::ANN;
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    vec![
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer not-a-token".to_owned(),
        format!("Bearer {ann} {ann}"),
        format!("Bearer {ann},"),
        format!("Bearer \"{ann}\""),
        format!("Bearer {}", ann.to_uppercase()),
        format!("Bearer {}", &ann[1..]),
        format!("Bearer {ann}0"),
        format!("Bearer {}", hex::encode(Sha256::digest(ann))),
        format!("Bearer {}", STANDARD.encode(ann)),
        format!("Bearer {}", "a".repeat(5000)),
        "Bearer ' OR 1=1 --".to_owned(),
        "Bearer %".to_owned(),
        format!("Token {ann}"),
        format!("Digest {ann}"),
        format!("Bearer{ann}"),
        ann.to_owned(),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        basic(ann),
        basic(&format!("{ann}:")),
        basic("ann@example.test:"),
        basic("ann@example.test:ann@example.test"),
        basic(&format!(":{ann}\0")),
        format!("Bearer {expired}"),
        basic(&format!("ann@example.test:{expired}")),
    ]
}

/// Calls everything that needs a token; all answers are the same refusal.
async fn assert_refused(platform: &Platform, names: &Names, header: Option<&str>) {
    let mut asked = 0;
    let headers: Vec<_> = header
        .map(|header| ("authorization", header))
        .into_iter()
        .collect();
    let offered = ENDPOINTS.iter().map(|endpoint| {
        let body = endpoint.rel.request().map(|_| json!({}));
        let path = names.path(endpoint);
        (&endpoint.method, path, body, endpoint.access)
    });
    let refused = REFUSALS.iter().map(|refusal| {
        let path = names.refused_path(refusal);
        (&refusal.method, path, None, Access::Token)
    });
    for (method, path, body, access) in offered.chain(refused) {
        let answer = platform.call(None, method, &path, body, &headers).await;
        let what = format!("{method} {path} with {header:?}: {answer:?}");
        if access == Access::Open {
            assert_eq!(answer.status, 200, "{what}");
            continue;
        }
        assert_eq!(answer.status, 401, "{what}");
        assert_eq!(
            answer.body,
            json!({ "id": "unauthorized", "message": "Invalid credentials provided." }),
            "{what}"
        );
        assert!(answer.headers.contains_key("www-authenticate"), "{what}");
        asked += 1;
    }
    assert!(asked > 30 + REFUSALS.len(), "{asked}");
}

/// A token of Ann's, made by a request.
async fn token(platform: &Platform, expires_in: Option<u64>) -> String {
    let body = json!({ "expires_in": expires_in });
    let made = platform.ann().post("/oauth/authorizations", body).await;
    made.body["access_token"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn no_endpoint_answers_without_a_token() {
    let platform = Platform::new().await;
    let names = Names::make(&platform, &platform.ann(), "anns").await;
    let expired = token(&platform, Some(1)).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_refused(&platform, &names, None).await;
    for header in wrong_headers(&expired) {
        assert_refused(&platform, &names, Some(&header)).await;
    }
    assert_eq!(platform.ann().get("/account").await.status, 200);
}

/// Who is not among the users any more has no token: neither one of the settings nor one that they made themselves.
#[tokio::test]
async fn no_endpoint_answers_a_user_who_was_removed() {
    let platform = Platform::new().await;
    let names = Names::make(&platform, &platform.ann(), "anns").await;
    let store = platform.store();
    let requested = token(&platform, None).await;
    let bob = UserTokens {
        email: "bob@example.test".to_owned(),
        tokens: vec![Platform::BOB.to_owned()],
        password: None,
    };
    store.put_users(vec![bob]).await.unwrap();
    for token in [Platform::ANN, &requested] {
        assert_refused(&platform, &names, Some(&format!("Bearer {token}"))).await;
    }
    assert_eq!(platform.bob().get("/account").await.status, 200);
    // What they made is there, and still nobody else's.
    let app = names.path(
        ENDPOINTS
            .iter()
            .find(|one| one.path == "/apps/{app}")
            .unwrap(),
    );
    let answer = platform.bob().call(&Method::GET, &app, None).await;
    assert_eq!(answer.status, 404, "{answer:?}");
}
