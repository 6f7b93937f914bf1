//! The formation.

use crate::platform::Platform;
use serde_json::{Value, json};

/// Process types with how many dynos of which size.
fn scale(formation: &[Value]) -> Vec<(&str, u64, &str)> {
    let mut scale: Vec<_> = formation
        .iter()
        .map(|one| {
            assert_eq!(one["size"], one["dyno_size"]["name"]);
            (
                one["type"].as_str().unwrap(),
                one["quantity"].as_u64().unwrap(),
                one["size"].as_str().unwrap(),
            )
        })
        .collect();
    scale.sort_unstable();
    scale
}

async fn released() -> Platform {
    let platform = Platform::new().await;
    platform
        .released(
            "example",
            json!({"web": "node web.js", "worker": "node worker.js"}),
        )
        .await;
    platform
}

#[tokio::test]
async fn there_is_none_before_the_first_slug() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    assert_eq!(
        platform.ann().get("/apps/example/formation").await.body,
        json!([])
    );
    let unknown = platform
        .ann()
        .patch("/apps/example/formation/web", json!({"quantity": 1}))
        .await;
    unknown.assert_error(404, "not_found", "Couldn't find that process type.");
}

#[tokio::test]
async fn it_follows_the_slug() {
    let platform = released().await;
    let list = platform.ann().get("/apps/example/formation").await;
    assert_eq!(
        scale(list.items()),
        [("web", 1, "Basic"), ("worker", 0, "Basic")]
    );
    for one in list.items() {
        platform.assert_described("formation", one).await;
        for identity in ["id", "type"] {
            let path = format!(
                "/apps/example/formation/{}",
                one[identity].as_str().unwrap()
            );
            assert_eq!(&platform.ann().get(&path).await.body, one);
        }
    }
    let unknown = platform.ann().get("/apps/example/formation/clock").await;
    unknown.assert_error(404, "not_found", "Couldn't find that process type.");
    assert_eq!(unknown.body["resource"], "formation");
}

#[tokio::test]
async fn one_process_type_is_scaled() {
    let platform = released().await;
    for (body, expected) in [
        (json!({"quantity": 2}), ("web", 2, "Basic")),
        (json!({"quantity": "+1", "size": null}), ("web", 3, "Basic")),
        (json!({"quantity": "-2"}), ("web", 1, "Basic")),
        (json!({"size": "standard-2x"}), ("web", 1, "Standard-2X")),
        (
            json!({"dyno_size": {"name": "Standard-1X"}, "size": "Eco"}),
            ("web", 1, "Standard-1X"),
        ),
        (
            json!({"dyno_size": "c0c7921b-7074-50b6-ae68-8c4e76b0644f", "quantity": "4"}),
            ("web", 4, "Eco"),
        ),
    ] {
        let answer = platform
            .ann()
            .patch("/apps/example/formation/web", body.clone())
            .await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        platform.assert_described("formation", &answer.body).await;
        assert_eq!(scale(&[answer.body]), [expected], "{body}");
    }
}

#[tokio::test]
async fn several_are_scaled_together_or_not_at_all() {
    let platform = released().await;
    let ann = platform.ann();
    let updates = json!({"updates": [
        {"type": "web", "quantity": "+1"},
        {"type": "worker", "quantity": "1", "size": "Standard-2X"},
    ]});
    let answer = ann.patch("/apps/example/formation", updates).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        scale(answer.items()),
        [("web", 2, "Basic"), ("worker", 1, "Standard-2X")]
    );
    let one = ann
        .patch(
            "/apps/example/formation",
            json!({"updates": [{"type": "worker", "quantity": 0}]}),
        )
        .await;
    assert_eq!(scale(one.items()), [("worker", 0, "Standard-2X")]);
    for (update, status, message) in [
        (
            json!({"type": "clock", "quantity": 1}),
            404,
            "Couldn't find that process type.",
        ),
        (
            json!({"quantity": 1}),
            422,
            "`type` is required in each of `updates`",
        ),
        (
            json!({"type": "worker", "quantity": "many"}),
            422,
            "`quantity` must be a whole number of at least 0, or a change as in \"+1\"",
        ),
    ] {
        let updates = json!({"updates": [{"type": "web", "quantity": 9}, update]});
        let refused = ann.patch("/apps/example/formation", updates).await;
        refused.assert_error(
            status,
            if status == 404 {
                "not_found"
            } else {
                "invalid_params"
            },
            message,
        );
    }
    let size = ann
        .patch("/apps/example/formation/web", json!({"size": "huge"}))
        .await;
    assert_eq!(size.status, 422);
    assert!(
        size.body["message"]
            .as_str()
            .unwrap()
            .starts_with("No such dyno size as huge. There are: Eco, Basic")
    );
    let none = ann.patch("/apps/example/formation", json!({})).await;
    none.assert_error(422, "invalid_params", "`updates` is required");
    let web = ann.get("/apps/example/formation/web").await;
    assert_eq!(web.body["quantity"], 2);
}
