//! Slugs.

use crate::platform::Platform;
use serde_json::{Value, json};

#[tokio::test]
async fn a_slug_has_every_attribute_before_and_after_its_upload() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let body = json!({
        "process_types": {"web": "node web.js"},
        "buildpack_provided_description": "Node.js",
        "commit": "60883d9e8947a57e04dc9124f25df004866a2051",
        "commit_description": null,
        "checksum": null,
        "stack": "heroku-26",
    });
    let created = platform.ann().post("/apps/example/slugs", body).await;
    assert_eq!(created.status, 201);
    platform.assert_described("slug", &created.body).await;
    assert_eq!(created.body["blob"]["method"], "put");
    assert_eq!(created.body["size"], Value::Null);
    assert_eq!(created.body["stack"]["name"], "heroku-26");
    assert_eq!(created.body["commit_description"], Value::Null);
    assert_eq!(created.body["process_types"], json!({"web": "node web.js"}));

    let url = created.body["blob"]["url"].as_str().unwrap();
    let (status, _) = platform.blob("PUT", url, b"the bytes".to_vec()).await;
    assert_eq!(status / 100, 2);
    let path = format!(
        "/apps/example/slugs/{}",
        created.body["id"].as_str().unwrap()
    );
    let info = platform.ann().get(&path).await;
    platform.assert_described("slug", &info.body).await;
    assert_eq!(info.body["size"], 9);
    assert_eq!(info.body["blob"]["method"], "get");
    let (status, bytes) = platform
        .blob(
            "GET",
            info.body["blob"]["url"].as_str().unwrap(),
            Vec::new(),
        )
        .await;
    assert_eq!((status, bytes.as_slice()), (200, b"the bytes".as_slice()));
}

#[tokio::test]
async fn the_stack_of_a_slug_is_that_of_its_app_unless_it_says_so() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example", "stack": "heroku-22"}))
        .await;
    let created = platform
        .ann()
        .post(
            "/apps/example/slugs",
            json!({"process_types": {}, "stack": null}),
        )
        .await;
    assert_eq!(
        (created.status, &created.body["stack"]["name"]),
        (201, &json!("heroku-22"))
    );
}

#[tokio::test]
async fn slugs_that_cannot_be_are_refused() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for (body, message) in [
        (json!({}), "`process_types` is required"),
        (
            json!({"process_types": []}),
            "`process_types` must be an object of process types and their commands",
        ),
        (
            json!({"process_types": {"web": null}}),
            "`process_types` must have a string as the command of \"web\"",
        ),
        (
            json!({"process_types": {}, "stack": "cnb"}),
            "No such stack as cnb. There are: heroku-22, heroku-24, heroku-26.",
        ),
        (
            json!({"process_types": {}, "commit": 5}),
            "`commit` must be a string",
        ),
    ] {
        let refused = platform.ann().post("/apps/example/slugs", body).await;
        refused.assert_error(422, "invalid_params", message);
    }
    let checksum = platform
        .ann()
        .post(
            "/apps/example/slugs",
            json!({"process_types": {}, "checksum": "MD5:00"}),
        )
        .await;
    assert_eq!(
        (checksum.status, &checksum.body["id"]),
        (422, &json!("invalid_params"))
    );
    for slug in ["8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11", "v2"] {
        let unknown = platform
            .ann()
            .get(&format!("/apps/example/slugs/{slug}"))
            .await;
        unknown.assert_error(404, "not_found", "Couldn't find that slug.");
        assert_eq!(unknown.body["resource"], "slug");
    }
}
