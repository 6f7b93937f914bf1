//! What there is none of.

use crate::platform::Platform;
use serde_json::json;
use slugbuilder_platform::api::{ENDPOINTS, REFUSALS, Refusal};

#[tokio::test]
async fn lists_of_nothing_are_empty() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for path in [
        "/addons",
        "/users/~/addons",
        "/apps/example/addons",
        "/addon-attachments",
        "/apps/example/addon-attachments",
        "/addon-services",
        "/apps/example/sni-endpoints",
        "/apps/example/webhooks",
        "/apps/example/webhook-deliveries",
        "/apps/example/webhook-events",
        "/apps/example/telemetry-drains",
        "/account/app-transfers",
        "/spaces",
    ] {
        let answer = platform.ann().get(path).await;
        assert_eq!((answer.status, &answer.body), (200, &json!([])), "{path}");
        assert_eq!(answer.headers["content-range"], "id ..; max=200", "{path}");
        let wrong = platform.ann().list(path, "what?").await;
        assert_eq!(wrong.status, 400, "{path}");
    }
    let usage = platform.ann().get("/apps/example/usage").await;
    assert_eq!((usage.status, usage.body), (200, json!({"addons": []})));
    let others = platform.bob().get("/users/ann@example.test/addons").await;
    others.assert_error(404, "not_found", "Couldn't find that account.");
}

/// The path of a refusal, for an app.
fn path(refusal: &Refusal, app: &str) -> String {
    let parts = refusal.path.split('/').map(|part| match part {
        "{app}" => app,
        part if part.starts_with('{') => "nothing",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Whatever is always refused says so, with a status that clients understand, and no release or anything else is made of it.
#[tokio::test]
async fn what_cannot_be_is_refused_with_a_text() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for refusal in REFUSALS {
        let path = path(refusal, "example");
        let body = json!({"plan": "postgres:mini"});
        let answer = platform
            .ann()
            .call(&refusal.method, &path, Some(body))
            .await;
        let id = answer.body["id"].as_str().unwrap();
        assert!(
            matches!(
                (answer.status, id),
                (404, "not_found") | (422, "invalid_params")
            ),
            "{} {path}: {answer:?}",
            refusal.method
        );
        let text = answer.body["message"].as_str().unwrap();
        assert!(!text.contains("endpoint was not found"), "{path}: {text}");
    }
    let releases = platform.ann().get("/apps/example/releases").await;
    assert_eq!(releases.items().len(), 2);
}

/// What is refused to everybody tells a stranger no more than what is not: nothing without a token, nor of others' apps.
#[tokio::test]
async fn refusals_tell_nothing_of_others() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let mut asked = 0;
    for refusal in REFUSALS {
        let example = path(refusal, "example");
        for token in [None, Some("not-a-token")] {
            let answer = platform
                .call(token, &refusal.method, &example, None, &[])
                .await;
            assert_eq!(answer.status, 401, "{example}");
        }
        if refusal.path.contains("{app}") {
            let answer = platform
                .bob()
                .call(&refusal.method, &example, Some(json!({})))
                .await;
            answer.assert_error(404, "not_found", "Couldn't find that app.");
            let none = path(refusal, "no-such-app");
            let none = platform
                .bob()
                .call(&refusal.method, &none, Some(json!({})))
                .await;
            assert_eq!(answer.body, none.body, "{example}");
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
}

#[test]
fn nothing_is_both_offered_and_refused() {
    for refusal in REFUSALS {
        let offered = ENDPOINTS
            .iter()
            .any(|endpoint| endpoint.path == refusal.path && endpoint.method == refusal.method);
        assert!(!offered, "{} {}", refusal.method, refusal.path);
    }
}

#[tokio::test]
async fn an_add_on_is_refused_by_its_name() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let body =
        json!({"attachment": {}, "config": {}, "plan": {"name": "heroku-postgresql:essential-0"}});
    let refused = platform.ann().post("/apps/example/addons", body).await;
    refused.assert_error(
        404,
        "not_found",
        "Couldn't find either the add-on service or the add-on plan of \"heroku-postgresql:essential-0\". This server has no \
         add-ons. Please set config vars for services of others.",
    );
    assert_eq!(refused.body["resource"], "add_on_service");
    let refused = platform.ann().post("/apps/example/addons", json!({})).await;
    refused.assert_error(422, "invalid_params", "`plan` is required");
}

#[tokio::test]
async fn certificates_are_not_managed() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let app = platform.ann().get("/apps/example").await;
    let disabled = platform.ann().delete("/apps/example/acm").await;
    assert_eq!((disabled.status, disabled.body), (200, app.body));
    let text = "This server keeps no certificates for apps. Please let what stands in front of it speak TLS.";
    let enabled = platform.ann().post("/apps/example/acm", json!({})).await;
    enabled.assert_error(422, "invalid_params", text);
}
