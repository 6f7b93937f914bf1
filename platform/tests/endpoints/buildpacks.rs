//! Which buildpacks build an app.

use crate::platform::{Answer, Platform};
use serde_json::{Value, json};

const PATH: &str = "/apps/example/buildpack-installations";

async fn put(platform: &Platform, buildpacks: &[&str]) -> Answer {
    let updates: Vec<Value> = buildpacks
        .iter()
        .map(|one| json!({"buildpack": one}))
        .collect();
    // The CLI sends an empty `Range` with it.
    let body = Some(json!({"updates": updates}));
    let method = axum::http::Method::PUT;
    platform
        .ann()
        .call_with(&method, PATH, body, &[("range", "")])
        .await
}

#[tokio::test]
async fn buildpacks_are_replaced_as_a_whole() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    assert_eq!(platform.ann().get(PATH).await.items().len(), 0);
    let answer = put(&platform, &["heroku/nodejs", "https://example.test/bp.git"]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = json!([
        {"ordinal": 0, "buildpack": {"name": "heroku/nodejs", "url": "urn:buildpack:heroku/nodejs"}},
        {"ordinal": 1, "buildpack": {"name": "https://example.test/bp.git", "url": "https://example.test/bp.git"}},
    ]);
    assert_eq!(answer.body, expected);
    assert_eq!(platform.ann().get(PATH).await.body, expected);
    platform
        .assert_described("buildpack-installation", &expected[0])
        .await;
    // What was answered can be sent again.
    let again = put(
        &platform,
        &["urn:buildpack:heroku/nodejs", "https://example.test/bp.git"],
    )
    .await;
    assert_eq!(again.body, expected);

    let many: Vec<String> = (0..12)
        .map(|number| format!("https://example.test/{number}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    put(&platform, &many).await;
    let listed = platform.ann().list(PATH, "id ..; max=11").await;
    assert_eq!((listed.status, listed.items().len()), (206, 11));
    assert_eq!(listed.items()[10]["buildpack"]["name"], many[10]);
    let next = listed.headers["next-range"].to_str().unwrap();
    let listed = platform.ann().list(PATH, next).await;
    assert_eq!(
        (listed.items().len(), &listed.items()[0]["ordinal"]),
        (1, &json!(11))
    );

    assert_eq!(put(&platform, &[]).await.body, json!([]));
    assert_eq!(platform.ann().get(PATH).await.body, json!([]));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    put(&platform, &["heroku/go"]).await;
    for (body, text) in [
        (json!({}), "`updates` is required"),
        (
            json!({"updates": ["heroku/go"]}),
            "`updates` must be a list of objects",
        ),
        (
            json!({"updates": [{}]}),
            "`buildpack` is required in each of `updates`",
        ),
        (
            json!({"updates": [{"buildpack": "heroku/nodejs"}, {"buildpack": "heroku/cobol"}]}),
            "Couldn't find that buildpack. This server has heroku/go, heroku/nodejs and heroku/ruby; others are given by \
             their address, which begins with https://.",
        ),
        (
            json!({"updates": [{"buildpack": "heroku/go"}, {"buildpack": "urn:buildpack:heroku/go"}]}),
            "The buildpack heroku/go is there twice.",
        ),
        (
            json!({"updates": [{"buildpack": "file:///srv/buildpack"}]}),
            "The address of a buildpack has to be a URL that begins with https://, of at most 2048 characters.",
        ),
    ] {
        let refused = platform.ann().put(PATH, body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    let many: Vec<String> = (0..21)
        .map(|number| format!("https://example.test/{number}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = put(&platform, &many).await;
    refused.assert_error(422, "invalid_params", "An app has at most 20 buildpacks.");
    let kept = platform.ann().get(PATH).await;
    assert_eq!(kept.items()[0]["buildpack"]["name"], "heroku/go");
}
