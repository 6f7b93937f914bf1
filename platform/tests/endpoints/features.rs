//! Features of apps.

use crate::platform::Platform;
use serde_json::{Value, json};

const PATH: &str = "/apps/example/features";

async fn platform() -> Platform {
    let platform = Platform::new().await;
    let app = json!({"name": "example"});
    assert_eq!(platform.ann().post("/apps", app).await.status, 201);
    platform
}

#[tokio::test]
async fn features_are_switched_on_and_off() {
    let platform = platform().await;
    let all = platform.ann().get(PATH).await;
    assert_eq!(all.status, 200);
    for feature in all.items() {
        platform.assert_described("app-feature", feature).await;
        assert_eq!(feature["enabled"], false);
    }
    assert!(all.names().contains(&"preboot") && all.names().contains(&"runtime-dyno-metadata"));
    let path = format!("{PATH}/preboot");
    let before = platform.ann().get(&path).await.body;
    assert_eq!(before["state"], "general");
    for (sent, enabled) in [
        (json!(true), true),
        (json!("false"), false),
        (json!(1), true),
    ] {
        let switched = platform.ann().patch(&path, json!({"enabled": sent})).await;
        assert_eq!(
            (switched.status, &switched.body["enabled"]),
            (200, &json!(enabled))
        );
        platform
            .assert_described("app-feature", &switched.body)
            .await;
        assert_eq!(platform.ann().get(&path).await.body, switched.body);
        // The same once more changes nothing.
        let again = platform
            .ann()
            .patch(&path, json!({"enabled": enabled}))
            .await;
        assert_eq!(again.body, switched.body);
    }
    // By identifier, and on that app only.
    let by_id = format!("{PATH}/{}", before["id"].as_str().unwrap());
    assert_eq!(platform.ann().get(&by_id).await.body["enabled"], true);
    platform.ann().post("/apps", json!({"name": "other"})).await;
    let other = platform.ann().get("/apps/other/features/preboot").await;
    assert_eq!(other.body, before);
    // No release is made of it.
    let releases = platform.ann().get("/apps/example/releases").await;
    assert_eq!(releases.items().len(), 2);
}

#[tokio::test]
async fn a_new_app_has_the_features_that_it_was_asked_for() {
    let platform = Platform::new().await;
    let body = json!({"name": "example", "feature_flags": ["preboot", "http-session-affinity"]});
    assert_eq!(platform.ann().post("/apps", body).await.status, 201);
    let all = platform.ann().get(PATH).await;
    let enabled: Vec<&Value> = all
        .items()
        .iter()
        .filter(|feature| feature["enabled"] == true)
        .map(|feature| &feature["name"])
        .collect();
    assert_eq!(enabled.len(), 2, "{enabled:?}");
    let body = json!({"name": "typed", "feature_flags": "preboot, log-runtime-metrics"});
    assert_eq!(platform.ann().post("/apps", body).await.status, 201);
    let path = "/apps/typed/features/log-runtime-metrics";
    assert_eq!(platform.ann().get(path).await.body["enabled"], true);
    for (flags, text) in [
        (
            json!({"preboot": true}),
            "`feature_flags` must be a list of strings",
        ),
        (json!([1]), "`feature_flags` must be a list of strings"),
    ] {
        let body = json!({"name": "another", "feature_flags": flags});
        let refused = platform.ann().post("/apps", body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    let body = json!({"name": "another", "feature_flags": ["prebot"]});
    let refused = platform.ann().post("/apps", body).await;
    assert_eq!(refused.status, 422);
    let message = refused.body["message"].as_str().unwrap();
    assert!(
        message.starts_with("No such app feature as prebot. There are: "),
        "{message}"
    );
    // Nothing of it is left.
    assert_eq!(platform.ann().get("/apps/another").await.status, 404);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let platform = platform().await;
    for answer in [
        platform.ann().get(&format!("{PATH}/prebot")).await,
        platform
            .ann()
            .patch(&format!("{PATH}/prebot"), json!({"enabled": true}))
            .await,
    ] {
        answer.assert_error(404, "not_found", "Couldn't find that app feature.");
    }
    for (body, text) in [
        (json!({}), "`enabled` is required"),
        (json!({"enabled": null}), "`enabled` is required"),
        (
            json!({"enabled": "maybe"}),
            "`enabled` must be true or false",
        ),
    ] {
        let refused = platform.ann().patch(&format!("{PATH}/preboot"), body).await;
        refused.assert_error(422, "invalid_params", text);
    }
}
