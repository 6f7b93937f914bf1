//! Repositories and webhooks.

use super::*;

#[tokio::test]
async fn the_size_of_a_repository_is_that_of_the_app() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    assert_eq!(app.repo_size, None);
    ledger.store.record_repository(app.id, 12345).await.unwrap();
    let measured = ledger.store.app(&ledger.user, "example").await.unwrap();
    assert_eq!(measured.repo_size, Some(12345));
    // Nobody changed the app.
    assert_eq!(measured.updated_at, app.updated_at);
    ledger
        .store
        .record_repository(Uuid::new_v4(), 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn repositories_and_apps_are_brought_together() {
    let ledger = Ledger::new().await;
    let (kept, lost) = (ledger.app("kept").await, ledger.app("lost").await);
    for app in [&kept, &lost] {
        ledger.store.record_repository(app.id, 1).await.unwrap();
    }
    let nobodys = Uuid::new_v4();
    let gone = ledger
        .store
        .keep_repositories(vec![kept.id, nobodys])
        .await
        .unwrap();
    assert_eq!(gone, [nobodys]);
    let size = async |name: &str| {
        ledger
            .store
            .app(&ledger.user, name)
            .await
            .unwrap()
            .repo_size
    };
    assert_eq!((size("kept").await, size("lost").await), (Some(1), None));
}

#[tokio::test]
async fn an_app_has_one_webhook() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let store = &ledger.store;
    let put = async |branch: &str, secret: &str| {
        store
            .put_push_webhook(&ledger.user, "example", branch, secret.into())
            .await
    };
    let none = store.push_webhook(&ledger.user, "example").await;
    assert!(matches!(
        none,
        Err(StoreError::NotFound {
            resource: "push_webhook"
        })
    ));
    let first = put("main", "one").await.unwrap();
    let second = put("release/1.x", "other").await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(store.push_webhook_by_id(first.id).await.unwrap(), None);
    store
        .record_push_outcome(second.id, "released")
        .await
        .unwrap();
    let (found, user) = store.push_webhook_by_id(second.id).await.unwrap().unwrap();
    assert_eq!(
        (&*found.branch, &*found.secret, user.id),
        ("release/1.x", "other", ledger.user.id)
    );
    assert_eq!(found.outcome.as_deref(), Some("released"));
    assert!(found.outcome_at.is_some());
    assert!(!format!("{found:?}").contains("other"));
    store
        .remove_push_webhook(&ledger.user, "example")
        .await
        .unwrap();
    assert_eq!(store.push_webhook_by_id(second.id).await.unwrap(), None);

    for branch in [
        "",
        "a b",
        "a..b",
        ".a",
        "a/.b",
        "a.lock",
        "/a",
        "a/",
        "-a",
        "@",
        "a@{b",
        "a~1",
        "a\u{1b}",
        &"a".repeat(300),
    ] {
        assert!(
            matches!(put(branch, "x").await, Err(StoreError::Invalid(_))),
            "{branch}"
        );
    }
}

#[tokio::test]
async fn a_webhook_is_of_who_works_on_the_app() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let store = &ledger.store;
    let other = ledger.another_user("other@example.com").await;
    let refused = store
        .put_push_webhook(&other, "example", "main", "x".into())
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::NotFound { resource: "app" })
    ));
    store
        .add_collaborator(&ledger.user, "example", "other@example.com")
        .await
        .unwrap();
    let webhook = store
        .put_push_webhook(&other, "example", "main", "x".into())
        .await
        .unwrap();
    assert!(
        store
            .push_webhook_by_id(webhook.id)
            .await
            .unwrap()
            .is_some()
    );
    store
        .remove_collaborator(&ledger.user, "example", "other@example.com")
        .await
        .unwrap();
    assert_eq!(store.push_webhook_by_id(webhook.id).await.unwrap(), None);
    // It goes with the app.
    store.delete_app(&ledger.user, "example").await.unwrap();
    store.record_push_outcome(webhook.id, "late").await.unwrap();
}

#[tokio::test]
async fn what_a_server_did_not_come_to_is_told() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let store = &ledger.store;
    let put = store.put_push_webhook(&ledger.user, "example", "main", "x".into());
    let webhook = put.await.unwrap();
    for (before, after) in [
        (
            "abc is being fetched.",
            "abc was not built: the server ended before. Have the event delivered again.",
        ),
        (
            "abc is being built (build 1). Submodules are not fetched.",
            "abc was being built when the server ended, which goes on (build 1). Submodules are not fetched.",
        ),
        ("abc was released as v3.", "abc was released as v3."),
    ] {
        store.record_push_outcome(webhook.id, before).await.unwrap();
        for _ in 0..2 {
            store.end_push_outcomes().await.unwrap();
            let found = store.push_webhook(&ledger.user, "example").await.unwrap();
            assert_eq!(found.outcome.as_deref(), Some(after));
        }
    }
}
