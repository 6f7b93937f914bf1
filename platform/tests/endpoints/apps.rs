//! Apps, their collaborators, and what they do not have yet.

use crate::platform::Platform;
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

#[tokio::test]
async fn an_app_has_every_attribute_and_two_releases() {
    let platform = Platform::new().await;
    let created = platform
        .ann()
        .post(
            "/apps",
            json!({"name": "example", "region": "eu", "stack": "heroku-26"}),
        )
        .await;
    assert_eq!(created.status, 201);
    platform.assert_described("app", &created.body).await;
    assert_eq!(created.body["name"], "example");
    assert_eq!(created.body["owner"]["email"], "ann@example.test");
    assert_eq!(created.body["region"]["name"], "eu");
    assert_eq!(created.body["stack"]["name"], "heroku-26");
    assert_eq!(created.body["build_stack"], created.body["stack"]);
    assert_eq!(created.body["generation"]["name"], "cedar");
    assert_eq!(created.body["slug_size"], Value::Null);
    assert!(
        created.body["web_url"]
            .as_str()
            .unwrap()
            .contains("://example."),
        "{created:?}"
    );
    for identity in ["example", created.body["id"].as_str().unwrap()] {
        let info = platform.ann().get(&format!("/apps/{identity}")).await;
        assert_eq!((info.status, &info.body), (200, &created.body));
    }
    let releases = platform.ann().get("/apps/example/releases").await;
    let mut descriptions: Vec<_> = releases
        .items()
        .iter()
        .map(|one| one["description"].as_str().unwrap())
        .collect();
    descriptions.sort_unstable();
    assert_eq!(descriptions, ["Enable Logplex", "Initial release"]);
}

#[tokio::test]
async fn an_app_is_made_from_as_little_as_clients_send() {
    let platform = Platform::new().await;
    for body in [
        json!({}),
        json!({"name": null, "stack": null, "region": null}),
        // heroku3 asks for cedar unless it is told otherwise.
        json!({"stack": "cedar"}),
        json!({"stack": {"name": "heroku-24"}, "region": {"name": "us"}, "feature_flags": []}),
        json!({"stack": "d592d1ab-fb97-5e54-9973-ce545fdb3fbf", "region": "3421e851-15af-5580-841d-dc504e4ae5c4"}),
    ] {
        let created = platform.ann().post("/apps", body.clone()).await;
        assert_eq!(created.status, 201, "{body}: {created:?}");
        assert_eq!(created.body["stack"]["name"], "heroku-24", "{body}");
        assert_eq!(created.body["region"]["name"], "us", "{body}");
        let name = created.body["name"].as_str().unwrap();
        assert!((3..=30).contains(&name.len()), "{name}");
    }
}

#[tokio::test]
async fn an_app_that_cannot_be_is_refused() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let taken = platform
        .bob()
        .post("/apps", json!({"name": "example"}))
        .await;
    taken.assert_error(422, "invalid_params", "Name is already taken");
    for name in [
        "Example",
        "1ex",
        "ex_ample",
        "ex",
        "example-",
        &"e".repeat(31),
        "",
    ] {
        let refused = platform.ann().post("/apps", json!({"name": name})).await;
        assert_eq!(
            (refused.status, &refused.body["id"]),
            (422, &json!("invalid_params")),
            "{name}: {refused:?}"
        );
        assert!(
            refused.body["message"].as_str().unwrap().contains("ame"),
            "{refused:?}"
        );
    }
    let stack = platform
        .ann()
        .post("/apps", json!({"stack": "heroku-20"}))
        .await;
    stack.assert_error(
        422,
        "invalid_params",
        "No such stack as heroku-20. There are: heroku-22, heroku-24, heroku-26.",
    );
    let region = platform
        .ann()
        .post("/apps", json!({"region": "mars"}))
        .await;
    region.assert_error(
        422,
        "invalid_params",
        "No such region as mars. There are: us, eu.",
    );
}

#[tokio::test]
async fn apps_are_renamed_maintained_and_moved_to_another_stack() {
    let platform = Platform::new().await;
    let created = platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    platform.ann().post("/apps", json!({"name": "other"})).await;
    let changed = platform
        .ann()
        .patch(
            "/apps/example",
            json!({"name": "renamed", "maintenance": 1}),
        )
        .await;
    assert_eq!(
        (changed.status, &changed.body["name"]),
        (200, &json!("renamed"))
    );
    assert_eq!(changed.body["maintenance"], true);
    assert_eq!(changed.body["id"], created.body["id"]);
    assert!(
        changed.body["web_url"]
            .as_str()
            .unwrap()
            .contains("://renamed.")
    );
    let gone = platform.ann().get("/apps/example").await;
    gone.assert_error(404, "not_found", "Couldn't find that app.");
    let stack = platform
        .ann()
        .patch(
            "/apps/renamed",
            json!({"build_stack": "heroku-26", "maintenance": "false"}),
        )
        .await;
    assert_eq!(stack.body["build_stack"]["name"], "heroku-26");
    // Without a slug there is nothing that would have to stay on the other one.
    assert_eq!(stack.body["stack"]["name"], "heroku-26");
    assert_eq!(stack.body["maintenance"], false);
    let taken = platform
        .ann()
        .patch("/apps/renamed", json!({"name": "other"}))
        .await;
    taken.assert_error(422, "invalid_params", "Name is already taken");
    let unknown = platform
        .ann()
        .patch("/apps/renamed", json!({"build_stack": "cnb"}))
        .await;
    unknown.assert_error(
        422,
        "invalid_params",
        "No such stack as cnb. There are: heroku-22, heroku-24, heroku-26.",
    );
    let wrong = platform
        .ann()
        .patch("/apps/renamed", json!({"maintenance": "perhaps"}))
        .await;
    wrong.assert_error(422, "invalid_params", "`maintenance` must be true or false");
}

#[tokio::test]
async fn an_app_with_a_slug_stays_on_its_stack_until_the_next_release() {
    let platform = Platform::new().await;
    platform.released("example", json!({"web": "x"})).await;
    let set = platform
        .ann()
        .patch("/apps/example", json!({"build_stack": "heroku-26"}))
        .await;
    assert_eq!(set.body["build_stack"]["name"], "heroku-26");
    assert_eq!(set.body["stack"]["name"], "heroku-24");
}

#[tokio::test]
async fn deleted_apps_take_their_slugs_with_them() {
    let platform = Platform::new().await;
    let slug = platform
        .published("example", json!({"web": "node web.js"}), b"slug")
        .await;
    let info = platform
        .ann()
        .get(&format!("/apps/example/slugs/{slug}"))
        .await;
    let url = info.body["blob"]["url"].as_str().unwrap().to_owned();
    assert_eq!(platform.blob("GET", &url, Vec::new()).await.0, 200);
    let deleted = platform.ann().delete("/apps/example").await;
    assert_eq!(
        (deleted.status, &deleted.body["name"]),
        (200, &json!("example"))
    );
    platform.assert_described("app", &deleted.body).await;
    assert_eq!(platform.ann().get("/apps/example").await.status, 404);
    assert_eq!(platform.blob("GET", &url, Vec::new()).await.0, 404);
    // The name is free again.
    assert_eq!(
        platform
            .bob()
            .post("/apps", json!({"name": "example"}))
            .await
            .status,
        201
    );
}

/// The client goes away, or another upload is just being recorded: nothing stays, and nobody else waits.
#[tokio::test(flavor = "multi_thread")]
async fn slugs_are_removed_whoever_waits_for_it() {
    let platform = Arc::new(Platform::new().await);
    let slug = platform.published("example", json!({}), b"slug").await;
    let slug: Uuid = slug.parse().unwrap();
    platform.ann().post("/apps", json!({"name": "other"})).await;
    let recording = platform.blobs().lock(slug).await;
    let deleting = Arc::clone(&platform);
    let deleting = tokio::spawn(async move { deleting.ann().delete("/apps/example").await });
    until(async || platform.ann().get("/apps/example").await.status == 404).await;
    assert!(!deleting.is_finished());

    // Not even a change that has to be alone.
    let alone = [("if-match", "*")];
    for (method, path) in [
        (Method::PATCH, "/apps/other"),
        (Method::DELETE, "/apps/other"),
    ] {
        let ann = platform.ann();
        let change = ann.call_with(&method, path, None, &alone);
        let answer = timeout(Duration::from_secs(10), change).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    deleting.abort();
    assert!(deleting.await.unwrap_err().is_cancelled());
    assert_eq!(platform.blobs().size(slug).await.unwrap(), Some(4));
    drop(recording);
    until(async || platform.blobs().size(slug).await.unwrap().is_none()).await;
}

/// Waits until something is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn lists_of_apps_have_pages() {
    let platform = Platform::new().await;
    for name in ["app-c", "app-a", "app-b"] {
        platform.ann().post("/apps", json!({"name": name})).await;
    }
    platform
        .bob()
        .post("/apps", json!({"name": "app-bob"}))
        .await;
    for path in ["/apps", "/users/~/apps"] {
        let first = platform.ann().list(path, "name ..; max=2").await;
        assert_eq!(first.status, 206);
        assert_eq!(first.names(), ["app-a", "app-b"]);
        assert_eq!(first.headers["content-range"], "name app-a..app-b; max=2");
        assert_eq!(first.headers["accept-ranges"], "id, name, updated_at");
        let next = first.headers["next-range"].to_str().unwrap();
        let second = platform.ann().list(path, next).await;
        assert_eq!(second.status, 200);
        assert_eq!(second.names(), ["app-c"]);
        platform.assert_described("app", &second.items()[0]).await;
        let latest = platform
            .ann()
            .list(path, "updated_at ..; order=desc, max=1")
            .await;
        assert_eq!(latest.names(), ["app-b"]);
    }
    let wrong = platform.ann().list("/apps", "name").await;
    wrong.assert_error(
        400,
        "bad_request",
        "Invalid `Range` header. Please use format like `id ..; max=10, order=desc`.",
    );
    let no_start = platform.ann().list("/apps", "name ..app-b").await;
    assert_eq!(no_start.status, 416);
    assert_eq!(no_start.body["id"], "requested_range_not_satisfiable");
    // heroku-client sends a range with everything.
    let info = platform.ann().list("/apps/app-a", "id ..; max=1000").await;
    assert_eq!((info.status, &info.body["name"]), (200, &json!("app-a")));
}

#[tokio::test]
async fn the_owner_is_a_collaborator_too() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let alone = platform.ann().get("/apps/example/collaborators").await;
    assert_eq!(alone.items().len(), 1);
    platform
        .assert_described("collaborator", &alone.items()[0])
        .await;
    assert_eq!(alone.items()[0]["user"]["email"], "ann@example.test");
    assert_eq!(alone.items()[0]["role"], "owner");
    platform.collaborate("example", "bob@example.test").await;
    let both = platform.bob().get("/apps/example/collaborators").await;
    let mut roles: Vec<_> = both
        .items()
        .iter()
        .map(|one| one["role"].as_str().unwrap())
        .collect();
    roles.sort_unstable();
    assert_eq!(roles, ["collaborator", "owner"]);
    assert_eq!(
        platform.bob().get("/users/~/apps").await.names(),
        ["example"]
    );
    // They do everything but what the app is to its owner.
    let set = platform
        .bob()
        .patch("/apps/example/config-vars", json!({"A": "1"}))
        .await;
    assert_eq!(set.status, 200);
    let deleted = platform.bob().delete("/apps/example").await;
    assert_eq!(
        (deleted.status, &deleted.body["id"]),
        (403, &json!("forbidden"))
    );
}

#[tokio::test]
async fn what_there_is_none_of_yet_is_empty() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for list in ["dynos", "addons", "addon-attachments"] {
        let answer = platform.ann().get(&format!("/apps/example/{list}")).await;
        assert_eq!((answer.status, &answer.body), (200, &json!([])), "{list}");
    }
    let pipeline = platform.ann().get("/apps/example/pipeline-couplings").await;
    pipeline.assert_error(404, "not_found", "Couldn't find that pipeline coupling.");
}
