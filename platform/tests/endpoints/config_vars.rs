//! Config vars.

use crate::platform::Platform;
use serde_json::json;

#[tokio::test]
async fn config_vars_are_merged_and_make_releases() {
    let platform = Platform::new().await;
    let ann = platform.ann();
    ann.post("/apps", json!({"name": "example"})).await;
    assert_eq!(ann.get("/apps/example/config-vars").await.body, json!({}));
    let set = ann
        .patch(
            "/apps/example/config-vars",
            json!({"B": "2", "A": "1", "EMPTY": ""}),
        )
        .await;
    assert_eq!(
        (set.status, &set.body),
        (200, &json!({"A": "1", "B": "2", "EMPTY": ""}))
    );
    let changed = ann
        .patch(
            "/apps/example/config-vars",
            json!({"A": 3, "B": null, "NOT_THERE": null}),
        )
        .await;
    assert_eq!(changed.body, json!({"A": "3", "EMPTY": ""}));
    assert_eq!(
        ann.get("/apps/example/config-vars").await.body,
        changed.body
    );
    let unchanged = ann
        .patch("/apps/example/config-vars", json!({"A": "3"}))
        .await;
    assert_eq!(unchanged.body, changed.body);

    let newest = ann
        .list("/apps/example/releases", "version ..; order=desc,max=1")
        .await;
    assert_eq!(newest.items()[0]["version"], 4);
    assert_eq!(newest.items()[0]["current"], true);
    // Each release keeps its own.
    for (version, expected) in [
        ("2", json!({})),
        ("v3", json!({"A": "1", "B": "2", "EMPTY": ""})),
        ("4", changed.body.clone()),
    ] {
        let of_release = ann
            .get(&format!("/apps/example/releases/{version}/config-vars"))
            .await;
        assert_eq!(
            (of_release.status, &of_release.body),
            (200, &expected),
            "{version}"
        );
    }
    let missing = ann.get("/apps/example/releases/9/config-vars").await;
    missing.assert_error(404, "not_found", "Couldn't find that release.");
}

#[tokio::test]
async fn config_vars_that_cannot_be_are_refused_together() {
    let platform = Platform::new().await;
    let ann = platform.ann();
    ann.post("/apps", json!({"name": "example"})).await;
    let spaced = ann
        .patch("/apps/example/config-vars", json!({"OK": "1", "A B": "1"}))
        .await;
    spaced.assert_error(
        422,
        "invalid_params",
        "Invalid config var \"A B\": names are letters, digits and `_`",
    );
    let secret = ann
        .patch("/apps/example/config-vars", json!({"KEY": {"secret": 1}}))
        .await;
    secret.assert_error(
        422,
        "invalid_params",
        "The value of config var KEY must be a string or null",
    );
    assert_eq!(ann.get("/apps/example/config-vars").await.body, json!({}));
    assert_eq!(ann.get("/apps/example/releases").await.items().len(), 2);
}
