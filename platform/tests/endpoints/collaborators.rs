//! Who works on an app besides its owner.

use crate::platform::Platform;
use serde_json::{Value, json};

const PATH: &str = "/apps/example/collaborators";

async fn platform() -> Platform {
    let platform = Platform::new().await;
    let app = json!({"name": "example"});
    assert_eq!(platform.ann().post("/apps", app).await.status, 201);
    platform
}

#[tokio::test]
async fn collaborators_come_and_go() {
    let platform = platform().await;
    assert_eq!(platform.bob().get("/apps/example").await.status, 404);
    // As `heroku access:add` and Terraform send it.
    let added = platform
        .ann()
        .post(PATH, json!({"user": "Bob@example.test", "silent": true}))
        .await;
    assert_eq!(added.status, 201);
    platform.assert_described("collaborator", &added.body).await;
    assert_eq!(added.body["role"], "collaborator");
    assert_eq!(added.body["user"]["email"], "bob@example.test");
    let bob = added.body["user"]["id"].as_str().unwrap();
    // Once more is the same, by identifier, too.
    let again = platform.ann().post(PATH, json!({"user": bob})).await;
    assert_eq!((again.status, &again.body), (201, &added.body));

    assert_eq!(platform.bob().get("/apps/example").await.status, 200);
    for identity in ["bob@example.test", "BOB@example.test", bob] {
        let path = format!("{PATH}/{identity}");
        let info = platform.bob().get(&path).await;
        assert_eq!(info.body["user"], added.body["user"], "{identity}");
        let removed = platform.ann().delete(&path).await;
        assert_eq!(
            (removed.status, &removed.body),
            (200, &info.body),
            "{identity}"
        );
        assert_eq!(platform.bob().get("/apps/example").await.status, 404);
        let gone = platform.ann().delete(&path).await;
        gone.assert_error(404, "not_found", "Couldn't find that collaborator.");
        platform.collaborate("example", "bob@example.test").await;
    }
    // They may leave.
    let left = platform
        .bob()
        .delete(&format!("{PATH}/bob@example.test"))
        .await;
    assert_eq!(left.status, 200);
    assert_eq!(platform.bob().get("/apps/example").await.status, 404);
}

#[tokio::test]
async fn a_collaborator_is_known_by_the_identifier_of_their_being_one() {
    let platform = platform().await;
    let added = platform
        .ann()
        .post(PATH, json!({"user": "bob@example.test"}))
        .await;
    let path = format!("{PATH}/{}", added.body["id"].as_str().unwrap());
    assert_eq!(platform.ann().get(&path).await.body, added.body);
    assert_eq!(platform.ann().delete(&path).await.body, added.body);
    assert_eq!(platform.ann().get(&path).await.status, 404);
}

#[tokio::test]
async fn the_owner_stays() {
    let platform = platform().await;
    platform.collaborate("example", "bob@example.test").await;
    let owner = platform
        .bob()
        .get(&format!("{PATH}/ann@example.test"))
        .await;
    assert_eq!((owner.status, &owner.body["role"]), (200, &json!("owner")));
    for identity in [
        &owner.body["id"],
        &owner.body["user"]["id"],
        &owner.body["user"]["email"],
    ] {
        let path = format!("{PATH}/{}", identity.as_str().unwrap());
        assert_eq!(platform.bob().get(&path).await.body, owner.body);
        for caller in [platform.ann(), platform.bob()] {
            caller.delete(&path).await.assert_error(
                422,
                "invalid_params",
                "ann@example.test owns the app and keeps access to it.",
            );
        }
    }
    for oneself in ["~", "ann@example.test"] {
        let again = platform.ann().post(PATH, json!({"user": oneself})).await;
        again.assert_error(
            422,
            "invalid_params",
            "ann@example.test owns the app and needs no access to it.",
        );
    }
}

/// Whoever is unknown is so in one way: nothing tells a wrong address from a wrong identifier, nor, where there is no need
/// to know, who has an account.
#[tokio::test]
async fn the_unknown_are_all_alike() {
    let platform = platform().await;
    for user in [
        "nobody@example.test",
        "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11",
        "nobody",
        "",
    ] {
        let refused = platform.ann().post(PATH, json!({"user": user})).await;
        refused.assert_error(404, "not_found", "Couldn't find that user.");
    }
    let mut answers = Vec::new();
    for user in [
        "nobody@example.test",
        "bob@example.test",
        "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11",
    ] {
        let path = format!("{PATH}/{user}");
        for answer in [
            platform.ann().get(&path).await,
            platform.ann().delete(&path).await,
        ] {
            answer.assert_error(404, "not_found", "Couldn't find that collaborator.");
            answers.push(answer.body);
        }
    }
    assert!(answers.iter().all(|one| *one == answers[0]));
    for (body, text) in [
        (json!({}), "`user` is required"),
        (json!({"user": Value::Null}), "`user` is required"),
        (json!({"user": 1}), "`user` must be a string"),
        (
            json!({"user": "bob@example.test", "silent": "no"}),
            "`silent` must be true or false",
        ),
    ] {
        let refused = platform.ann().post(PATH, body).await;
        refused.assert_error(422, "invalid_params", text);
    }
}

#[tokio::test]
async fn only_the_owner_takes_access_away_from_others() {
    let platform = platform().await;
    platform.collaborate("example", "bob@example.test").await;
    platform.collaborate("example", "carol@example.test").await;
    let refused = platform
        .bob()
        .delete(&format!("{PATH}/carol@example.test"))
        .await;
    refused.assert_error(
        403,
        "forbidden",
        "Only the owner of an app may take others' access to it away.",
    );
}
