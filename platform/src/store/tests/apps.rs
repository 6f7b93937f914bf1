use super::*;
use slugbuilder::api::types::ReleaseStatus;

#[tokio::test]
async fn a_new_app_has_the_first_two_releases_that_heroku_makes() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    assert_eq!(app.owner.email, "owner@example.com");
    assert_eq!(
        (app.stack.as_str(), app.build_stack.as_str()),
        ("heroku-24", "heroku-24")
    );
    assert_eq!((app.slug_size, app.maintenance), (None, false));

    let releases = ledger.releases("example").await;
    let told: Vec<_> = releases
        .iter()
        .map(|one| (one.version, one.description.as_str(), one.current))
        .collect();
    assert_eq!(
        told,
        [(1, "Initial release", false), (2, "Enable Logplex", true)]
    );
    for release in &releases {
        assert_eq!(release.status, ReleaseStatus::Succeeded);
        assert_eq!(release.slug, None);
        assert!(!release.eligible_for_rollback);
        assert_eq!(release.user.email, "owner@example.com");
        assert_eq!(release.app.id, app.id);
    }
    assert_eq!(app.released_at, Some(releases[1].created_at));
    assert!(ledger.formation("example").await.is_empty());
}

#[tokio::test]
async fn an_app_is_known_by_its_name_and_its_identifier() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    for identity in ["example", &app.id.to_string()] {
        assert_eq!(ledger.store.app(&ledger.user, identity).await.unwrap(), app);
    }
    let missing = ledger.store.app(&ledger.user, "other").await;
    insta::assert_snapshot!(refusal(missing), @"not-found: Couldn't find that app.");
}

#[tokio::test]
async fn an_app_without_a_name_gets_one() {
    let ledger = Ledger::new().await;
    let app = ledger
        .store
        .create_app(&ledger.user, new_app(None))
        .await
        .unwrap();
    rules::app_name(&app.name).unwrap();
}

#[tokio::test]
async fn names_are_checked_and_given_once() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let taken = ledger
        .store
        .create_app(&ledger.user, new_app(Some("example")))
        .await;
    // heroku3 looks for these words (platform-api.md, section 2.4).
    insta::assert_snapshot!(refusal(taken), @"name-taken: Name is already taken");

    for wrong in [
        "ab",
        "1abc",
        "-abc",
        "abc-",
        "Abc",
        "a_b_c",
        "äpp",
        "a b",
        "a1234567890123456789012345678901",
        "",
    ] {
        let result = ledger
            .store
            .create_app(&ledger.user, new_app(Some(wrong)))
            .await;
        assert!(matches!(result, Err(StoreError::Invalid(_))), "{wrong}");
    }
    for right in ["abc", "a-1", "a23456789012345678901234567890"] {
        ledger.app(right).await;
    }
}

#[tokio::test]
async fn a_new_name_leaves_everything_else() {
    let ledger = Ledger::new().await;
    let before = ledger.app("example").await;
    ledger.app("other").await;
    let rename = |name: &str| AppUpdate {
        name: Some(name.into()),
        ..AppUpdate::default()
    };
    let taken = ledger
        .store
        .update_app(&ledger.user, "example", rename("other"))
        .await;
    assert!(matches!(taken, Err(StoreError::NameTaken)));
    // Its own name is no other's.
    ledger
        .store
        .update_app(&ledger.user, "example", rename("example"))
        .await
        .unwrap();
    let after = ledger
        .store
        .update_app(&ledger.user, "example", rename("renamed"))
        .await
        .unwrap();
    assert_eq!((after.id, after.name.as_str()), (before.id, "renamed"));
    assert!(after.updated_at > before.updated_at);
    assert_eq!(ledger.newest("renamed").await.app.name, "renamed");
    // The old name is free.
    ledger.app("example").await;
}

#[tokio::test]
async fn an_app_runs_on_the_stack_of_its_slug_and_builds_for_another() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let build_for = |stack: &str| AppUpdate {
        build_stack: Some(stack.into()),
        ..AppUpdate::default()
    };
    let update = |stack| {
        ledger
            .store
            .update_app(&ledger.user, "example", build_for(stack))
    };
    let stacks = |app: App| (app.stack, app.build_stack);
    // Nothing runs yet.
    assert_eq!(
        stacks(update("heroku-22").await.unwrap()),
        ("heroku-22".into(), "heroku-22".into())
    );
    let release = ledger.deploy("example", &[("web", "serve")]).await;
    let slug = ledger
        .store
        .slug(&ledger.user, "example", release.slug.unwrap())
        .await
        .unwrap();
    assert_eq!(slug.stack, "heroku-22");
    assert_eq!(
        stacks(update("heroku-26").await.unwrap()),
        ("heroku-22".into(), "heroku-26".into())
    );
    ledger.deploy("example", &[("web", "serve")]).await;
    let app = ledger.store.app(&ledger.user, "example").await.unwrap();
    assert_eq!(stacks(app), ("heroku-26".into(), "heroku-26".into()));
}

#[tokio::test]
async fn maintenance_makes_no_release() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let update = AppUpdate {
        maintenance: Some(true),
        ..AppUpdate::default()
    };
    let app = ledger
        .store
        .update_app(&ledger.user, "example", update)
        .await
        .unwrap();
    assert!(app.maintenance);
    assert_eq!(ledger.newest("example").await.version, 2);
}

#[tokio::test]
async fn a_deleted_app_takes_everything_with_it_but_the_slugs_that_others_run() {
    let ledger = Ledger::new().await;
    ledger.app("first").await;
    ledger.app("second").await;
    let promoted = ledger
        .deploy("first", &[("web", "serve")])
        .await
        .slug
        .unwrap();
    let own = ledger
        .deploy("first", &[("web", "serve2")])
        .await
        .slug
        .unwrap();
    let unreleased = ledger.uploaded("first", slug_of(&[("web", "x")])).await.id;
    ledger.release("second", promoted).await;
    ledger.set("first", &[("A", Some("1"))]).await;
    let friend = ledger.another_user("friend@example.com").await;
    ledger
        .store
        .add_collaborator(&ledger.user, "first", "friend@example.com")
        .await
        .unwrap();

    let mut gone = ledger
        .store
        .delete_app(&ledger.user, "first")
        .await
        .unwrap();
    assert_eq!(gone.app.name, "first");
    gone.slugs.sort_unstable();
    let mut expected = vec![own, unreleased];
    expected.sort_unstable();
    assert_eq!(gone.slugs, expected);
    for actor in [&ledger.user, &friend] {
        let missing = ledger.store.app(actor, "first").await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    }
    // The other app still runs it, can go back to it, and takes it along when it goes.
    let slug = ledger
        .store
        .slug(&ledger.user, "second", promoted)
        .await
        .unwrap();
    assert_eq!(slug.size, Some(10));
    ledger.release("second", promoted).await;
    assert_eq!(ledger.store.uploaded_slugs().await.unwrap(), [promoted]);
    let gone = ledger
        .store
        .delete_app(&ledger.user, "second")
        .await
        .unwrap();
    assert_eq!(gone.slugs, [promoted]);
    assert!(ledger.store.uploaded_slugs().await.unwrap().is_empty());
    // The name is free again, and a new app of this name starts from the beginning.
    ledger.app("first").await;
    assert_eq!(ledger.releases("first").await.len(), 2);
}

#[tokio::test]
async fn a_slug_of_another_app_stays_with_that_one() {
    let ledger = Ledger::new().await;
    ledger.app("first").await;
    ledger.app("second").await;
    let slug = ledger
        .uploaded("first", slug_of(&[("web", "serve")]))
        .await
        .id;
    ledger.release("second", slug).await;
    let gone = ledger
        .store
        .delete_app(&ledger.user, "second")
        .await
        .unwrap();
    assert!(gone.slugs.is_empty());
    ledger.release("first", slug).await;
}
