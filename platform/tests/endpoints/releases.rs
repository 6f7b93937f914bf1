//! Releases.

use crate::platform::Platform;
use serde_json::{Value, json};

#[tokio::test]
async fn a_slug_is_released() {
    let platform = Platform::new().await;
    let slug = platform
        .published("example", json!({"web": "node web.js"}), b"slug")
        .await;
    let body = json!({"slug": slug, "description": "Deploy 60883d9"});
    let created = platform.ann().post("/apps/example/releases", body).await;
    assert_eq!(created.status, 201, "{created:?}");
    platform.assert_described("release", &created.body).await;
    assert_eq!(created.body["version"], 3);
    assert_eq!(created.body["status"], "succeeded");
    assert_eq!(created.body["current"], true);
    assert_eq!(created.body["description"], "Deploy 60883d9");
    assert_eq!(created.body["slug"]["id"], slug);
    assert_eq!(
        created.body["artifacts"],
        json!([{"type": "slug", "id": slug}])
    );
    assert_eq!(created.body["user"]["email"], "ann@example.test");
    assert_eq!(created.body["output_stream_url"], Value::Null);
    for identity in ["3", "v3", created.body["id"].as_str().unwrap()] {
        let info = platform
            .ann()
            .get(&format!("/apps/example/releases/{identity}"))
            .await;
        assert_eq!(
            (info.status, &info.body),
            (200, &created.body),
            "{identity}"
        );
    }
    let app = platform.ann().get("/apps/example").await;
    assert_eq!(app.body["slug_size"], 4);
    assert_eq!(app.body["released_at"], created.body["created_at"]);
}

#[tokio::test]
async fn rolling_back_makes_a_new_release_of_the_old_slug_and_config_vars() {
    let platform = Platform::new().await;
    let ann = platform.ann();
    platform
        .released("example", json!({"web": "node web.js"}))
        .await;
    let third = ann.get("/apps/example/releases/3").await;
    ann.patch("/apps/example/config-vars", json!({"A": "1"}))
        .await;
    // By identifier as the CLI does, by version as heroku3's users do.
    for (release, version) in [
        (third.body["id"].clone(), 5),
        (json!("v3"), 6),
        (json!("3"), 7),
        (json!(3), 8),
    ] {
        let created = ann
            .post("/apps/example/releases", json!({"release": release}))
            .await;
        assert_eq!(
            (created.status, &created.body["version"]),
            (201, &json!(version)),
            "{created:?}"
        );
        assert_eq!(created.body["description"], "Rollback to v3");
        assert_eq!(created.body["slug"], third.body["slug"]);
        assert_eq!(ann.get("/apps/example/config-vars").await.body, json!({}));
        ann.get("/apps/example/releases/3").await;
    }
    let list = ann
        .list("/apps/example/releases", "version ..; order=desc")
        .await;
    let current: Vec<_> = list
        .items()
        .iter()
        .filter(|one| one["current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["version"], 8);
}

#[tokio::test]
async fn releases_that_cannot_be_are_refused() {
    let platform = Platform::new().await;
    let ann = platform.ann();
    ann.post("/apps", json!({"name": "example"})).await;
    let slug = ann
        .post(
            "/apps/example/slugs",
            json!({"process_types": {"web": "x"}}),
        )
        .await;
    let slug = slug.body["id"].as_str().unwrap();
    let not_uploaded = ann
        .post("/apps/example/releases", json!({"slug": slug}))
        .await;
    assert_eq!(
        (not_uploaded.status, &not_uploaded.body["id"]),
        (422, &json!("invalid_params")),
        "{not_uploaded:?}"
    );
    for (body, message) in [
        (json!({}), "`slug` is required, or `release` to go back to"),
        (
            json!({"slug": null}),
            "`slug` is required, or `release` to go back to",
        ),
        (
            json!({"slug": slug, "release": "1"}),
            "`slug` and `release` exclude each other",
        ),
        (
            json!({"oci_image": slug}),
            "This server releases slugs, not images: `slug` is required",
        ),
    ] {
        ann.post("/apps/example/releases", body)
            .await
            .assert_error(422, "invalid_params", message);
    }
    for (body, resource) in [
        (
            json!({"slug": "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11"}),
            "slug",
        ),
        (json!({"slug": "not-a-uuid"}), "slug"),
        (json!({"release": "v9"}), "release"),
        (
            json!({"release": "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11"}),
            "release",
        ),
    ] {
        let unknown = ann.post("/apps/example/releases", body).await;
        unknown.assert_error(404, "not_found", &format!("Couldn't find that {resource}."));
    }
    let before_any_slug = ann
        .post("/apps/example/releases", json!({"release": "v1"}))
        .await;
    assert_eq!(
        (before_any_slug.status, &before_any_slug.body["id"]),
        (422, &json!("invalid_params"))
    );
    assert_eq!(ann.get("/apps/example/releases").await.items().len(), 2);
}

#[tokio::test]
async fn one_slug_is_released_to_several_apps_of_its_owner_only() {
    let platform = Platform::new().await;
    let slug = platform
        .published("staging", json!({"web": "x"}), b"slug")
        .await;
    platform
        .ann()
        .post("/apps", json!({"name": "production"}))
        .await;
    platform
        .bob()
        .post("/apps", json!({"name": "stolen"}))
        .await;
    let promoted = platform
        .ann()
        .post("/apps/production/releases", json!({"slug": slug}))
        .await;
    assert_eq!(
        (promoted.status, &promoted.body["slug"]["id"]),
        (201, &json!(slug))
    );
    let stolen = platform
        .bob()
        .post("/apps/stolen/releases", json!({"slug": slug}))
        .await;
    stolen.assert_error(404, "not_found", "Couldn't find that slug.");
}

#[tokio::test]
async fn the_output_of_a_release_phase_has_an_address() {
    let platform = Platform::new().await;
    let slug = platform
        .published(
            "example",
            json!({"web": "x", "release": "migrate"}),
            b"slug",
        )
        .await;
    let created = platform
        .ann()
        .post("/apps/example/releases", json!({"slug": slug}))
        .await;
    assert!(
        created.headers.contains_key("x-heroku-warning"),
        "{created:?}"
    );
    let url = created.body["output_stream_url"].as_str().unwrap();
    let (status, text) = platform.blob("GET", url, Vec::new()).await;
    assert_eq!(status, 200);
    assert!(String::from_utf8(text).unwrap().contains("was not run"));
    let same = platform.ann().get("/apps/example/releases/3").await;
    assert_eq!(same.body["output_stream_url"], url);
    for method in ["POST", "DELETE"] {
        let (status, body) = platform.blob(method, url, Vec::new()).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["id"]), (404, &json!("not_found")));
    }
    let (unsigned, _) = url.split_once('?').unwrap();
    for changed in [
        unsigned,
        &format!("{unsigned}?signature={}", "0".repeat(64)),
    ] {
        let (status, body) = platform.blob("GET", changed, Vec::new()).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status, &body["id"]),
            (403, &json!("forbidden")),
            "{changed}"
        );
    }
    // The address stays good, and the release does not.
    platform.ann().delete("/apps/example").await;
    let (status, body) = platform.blob("GET", url, Vec::new()).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["resource"]), (404, &json!("release")));
}

#[tokio::test]
async fn lists_of_releases_have_pages() {
    let platform = Platform::new().await;
    let ann = platform.ann();
    ann.post("/apps", json!({"name": "example"})).await;
    for value in ["1", "2", "3"] {
        ann.patch("/apps/example/config-vars", json!({"A": value}))
            .await;
    }
    let versions = |answer: &crate::platform::Answer| -> Vec<u64> {
        answer
            .items()
            .iter()
            .map(|one| one["version"].as_u64().unwrap())
            .collect()
    };
    // The forms that clients really send.
    for range in [
        "version ..; max=2, order=desc",
        "version ..; order=desc,max=2",
        "version ..; order=desc,max=2;",
    ] {
        let first = ann.list("/apps/example/releases", range).await;
        assert_eq!(
            (first.status, versions(&first)),
            (206, vec![5, 4]),
            "{range}"
        );
        assert_eq!(
            first.headers["next-range"],
            "version ]4..; max=2, order=desc"
        );
        let second = ann
            .list("/apps/example/releases", "version ]4..; max=2, order=desc")
            .await;
        assert_eq!(
            (second.status, versions(&second)),
            (206, vec![3, 2]),
            "{range}"
        );
    }
    let all = ann
        .list("/apps/example/releases?extended=true", "version ..; ;")
        .await;
    assert_eq!((all.status, versions(&all)), (200, vec![1, 2, 3, 4, 5]));
    assert_eq!(all.headers["content-range"], "version 1..5; max=200");
    assert_eq!(all.headers["accept-ranges"], "id, version");
}
