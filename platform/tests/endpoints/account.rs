//! Account and rate limit.

use crate::platform::Platform;
use serde_json::{Value, json};

#[tokio::test]
async fn an_account_has_every_attribute() {
    let platform = Platform::new().await;
    let answer = platform.ann().get("/account").await;
    assert_eq!(answer.status, 200);
    platform.assert_described("account", &answer.body).await;
    assert_eq!(answer.body["email"], "ann@example.test");
    assert_eq!(answer.body["name"], Value::Null);
    for account in [
        "~",
        "ann@example.test",
        "Ann@Example.Test",
        answer.body["id"].as_str().unwrap(),
    ] {
        let same = platform.ann().get(&format!("/users/{account}")).await;
        assert_eq!(same.body, answer.body, "{account}");
    }
}

#[tokio::test]
async fn accounts_change_what_they_may() {
    let platform = Platform::new().await;
    let changed = platform
        .ann()
        .patch("/account", json!({"name": "Ann", "allow_tracking": "false", "beta": 1, "email": "eve@example.test"}))
        .await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.body["name"], "Ann");
    assert_eq!(changed.body["allow_tracking"], false);
    assert_eq!(changed.body["beta"], true);
    assert_eq!(changed.body["email"], "ann@example.test");
    let unnamed = platform
        .ann()
        .patch("/users/~", json!({"name": null, "beta": null}))
        .await;
    assert_eq!(unnamed.body["name"], Value::Null);
    assert_eq!(unnamed.body["beta"], true);
    assert_eq!(platform.ann().get("/account").await.body, unnamed.body);
    let wrong = platform
        .ann()
        .patch("/account", json!({"name": ["Ann"]}))
        .await;
    wrong.assert_error(422, "invalid_params", "`name` must be a string");
}

#[tokio::test]
async fn accounts_of_others_are_not_there() {
    let platform = Platform::new().await;
    for answer in [
        platform.bob().get("/users/ann@example.test").await,
        platform.bob().get("/users/ann@example.test/apps").await,
        platform
            .bob()
            .patch("/users/ann@example.test", json!({"name": "Bob"}))
            .await,
    ] {
        answer.assert_error(404, "not_found", "Couldn't find that account.");
    }
}

#[tokio::test]
async fn rate_limits_count_down_but_for_who_asks_for_them() {
    let platform = Platform::new().await;
    let before = platform.ann().get("/account/rate-limits").await;
    platform.assert_described("rate-limit", &before.body).await;
    platform.ann().get("/account").await;
    let after = platform.ann().get("/account/rate-limits").await;
    let again = platform.ann().get("/account/rate-limits").await;
    let remaining = |value: &Value| value["remaining"].as_u64().unwrap();
    assert_eq!(remaining(&before.body) - 1, remaining(&after.body));
    assert_eq!(after.body, again.body);
    assert_eq!(
        again.headers["ratelimit-remaining"],
        remaining(&again.body).to_string()
    );
}
