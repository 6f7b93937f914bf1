use super::*;
use slugbuilder::api::types::ReleaseStatus;

#[tokio::test]
async fn the_first_slug_is_the_third_release() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let release = ledger.deploy("example", &[("web", "serve")]).await;
    assert_eq!(release.version, 3);
    assert_eq!(release.status, ReleaseStatus::Succeeded);
    assert!(release.current && release.eligible_for_rollback && !release.has_release_phase);
    assert_eq!(release.addon_plan_names, [""; 0]);
    let app = ledger.store.app(&ledger.user, "example").await.unwrap();
    assert_eq!(app.slug_size, Some(10));
    assert_eq!(app.released_at, Some(release.created_at));
    assert_eq!(app.updated_at, release.created_at);
}

#[tokio::test]
async fn a_release_says_what_it_deploys() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let with = |commit: Option<&str>| SlugCreate {
        commit: commit.map(str::to_owned),
        ..slug_of(&[("web", "x")])
    };
    let described = async |commit, description: Option<&str>| {
        let slug = ledger.uploaded("example", with(commit)).await.id;
        let create = ReleaseCreate::Slug {
            slug,
            description: description.map(str::to_owned),
        };
        let release = ledger
            .store
            .create_release(&ledger.user, "example", create)
            .await;
        release.map(|release| release.description)
    };
    let commit = Some("60883d9e8947a57e04dc9124f25df004866a2051");
    for (commit, given, expected) in [
        (commit, None, "Deploy 60883d9"),
        (Some("äöüäöüäöü"), None, "Deploy äöüäöüä"),
        (Some(" "), None, "Deployed by owner@example.com"),
        (None, None, "Deployed by owner@example.com"),
        (None, Some(" "), "Deployed by owner@example.com"),
        (commit, Some("Added new feature"), "Added new feature"),
    ] {
        assert_eq!(described(commit, given).await.unwrap(), expected);
    }
    described(None, Some(&"ä".repeat(1000))).await.unwrap();
    let long = described(None, Some(&"ä".repeat(1001))).await;
    insta::assert_snapshot!(refusal(long), @"invalid-params: The description is longer than 1000 characters.");
}

#[tokio::test]
async fn a_slug_without_bytes_and_one_that_nobody_knows_are_refused() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let slug = ledger
        .store
        .create_slug(&ledger.user, "example", slug_of(&[("web", "x")]))
        .await
        .unwrap();
    let early = ledger
        .store
        .create_release(&ledger.user, "example", of_slug(slug.id))
        .await;
    insta::assert_snapshot!(
        refusal(early),
        @"invalid-params: The slug has not been uploaded yet. Please PUT its bytes to the URL of its blob first."
    );
    let unknown = ledger
        .store
        .create_release(&ledger.user, "example", of_slug(Uuid::new_v4()))
        .await;
    insta::assert_snapshot!(refusal(unknown), @"not-found: Couldn't find that slug.");
    assert_eq!(ledger.newest("example").await.version, 2);
}

#[tokio::test]
async fn a_release_is_known_by_its_identifier_and_its_number() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let release = ledger.deploy("example", &[("web", "x")]).await;
    for identity in ["3", "v3", &release.id.to_string()] {
        let found = ledger
            .store
            .release(&ledger.user, "example", identity)
            .await
            .unwrap();
        assert_eq!(found, release);
    }
    ledger.app("other").await;
    let of_other = ledger.newest("other").await.id.to_string();
    for unknown in [
        "4",
        "0",
        "-1",
        "+3",
        "",
        "v",
        "vv3",
        "3.0",
        "99999999999999999999",
        &of_other,
    ] {
        let missing = ledger.store.release(&ledger.user, "example", unknown).await;
        assert!(
            matches!(
                missing,
                Err(StoreError::NotFound {
                    resource: "release"
                })
            ),
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn going_back_takes_slug_and_config_vars() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let first = ledger.deploy("example", &[("web", "one")]).await;
    ledger.set("example", &[("A", Some("1"))]).await;
    let second = ledger
        .deploy("example", &[("web", "two"), ("worker", "w")])
        .await;
    ledger
        .set("example", &[("A", Some("2")), ("B", Some("x"))])
        .await;

    let back = ledger
        .store
        .create_release(
            &ledger.user,
            "example",
            ReleaseCreate::Rollback { release: first.id },
        )
        .await
        .unwrap();
    assert_eq!((back.version, back.slug), (7, first.slug));
    assert_eq!(back.description, "Rollback to v3");
    assert!(back.current);
    let vars = ledger.store.config_vars(&ledger.user, "example").await;
    assert_eq!(vars.unwrap(), ConfigVars::new());
    assert_eq!(
        ledger.formation("example").await,
        [("web".into(), 1, "Basic".into())]
    );
    // Forward again: a release is never lost.
    let forward = ledger
        .store
        .create_release(
            &ledger.user,
            "example",
            ReleaseCreate::Rollback { release: second.id },
        )
        .await
        .unwrap();
    assert_eq!(forward.description, "Rollback to v5");
    let vars = ledger
        .store
        .config_vars(&ledger.user, "example")
        .await
        .unwrap();
    assert_eq!(vars, types(&[("A", "1")]));
    let current: Vec<_> = ledger
        .releases("example")
        .await
        .into_iter()
        .filter(|one| one.current)
        .map(|one| one.version)
        .collect();
    assert_eq!(current, [8]);
}

#[tokio::test]
async fn there_is_no_way_back_to_a_release_without_a_slug_or_of_another_app() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let first = ledger.newest("example").await.id;
    let back = async |app: &str, release| {
        ledger
            .store
            .create_release(&ledger.user, app, ReleaseCreate::Rollback { release })
            .await
    };
    insta::assert_snapshot!(
        refusal(back("example", first).await),
        @"invalid-params: Cannot roll back to v2: it has no slug."
    );
    ledger.app("other").await;
    let of_other = ledger.deploy("other", &[("web", "x")]).await.id;
    insta::assert_snapshot!(
        refusal(back("example", of_other).await),
        @"not-found: Couldn't find that release."
    );
    // The current one is no exception: Heroku's CLI counts it among those to go back to.
    back("other", of_other).await.unwrap();
}

#[tokio::test]
async fn a_pending_release_takes_effect_when_it_succeeds() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    ledger.deploy("example", &[("web", "one")]).await;
    let slug = ledger
        .uploaded(
            "example",
            slug_of(&[("web", "two"), ("release", "migrate")]),
        )
        .await
        .id;
    let store = &ledger.store;
    let pending = store
        .begin_release(&ledger.user, "example", of_slug(slug))
        .await
        .unwrap();
    assert_eq!(pending.status, ReleaseStatus::Pending);
    assert!(pending.has_release_phase && !pending.current && !pending.eligible_for_rollback);
    assert_eq!(ledger.formation("example").await.len(), 1);

    // Nothing else happens to the app meanwhile.
    let other = store
        .create_release(&ledger.user, "example", of_slug(slug))
        .await;
    insta::assert_snapshot!(
        refusal(other),
        @"conflict: The release phase of v4 is still running. Please try again when it is done."
    );
    let vars = [("A".to_owned(), Some("1".to_owned()))].into();
    let set = store
        .update_config_vars(&ledger.user, "example", vars)
        .await;
    assert!(matches!(set, Err(StoreError::Conflict(_))));

    let done = store.finish_release(app.id, 4, true).await.unwrap();
    assert_eq!(done.status, ReleaseStatus::Succeeded);
    assert!(done.current && done.updated_at > done.created_at);
    assert_eq!(ledger.formation("example").await.len(), 2);
    let twice = store.finish_release(app.id, 4, false).await;
    insta::assert_snapshot!(refusal(twice), @"conflict: v4 is not pending.");
    let unknown = store.finish_release(app.id, 5, true).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_failed_release_changes_nothing_but_its_status() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    let good = ledger.deploy("example", &[("web", "one")]).await;
    let slug = ledger
        .uploaded("example", slug_of(&[("other", "x")]))
        .await
        .id;
    ledger
        .store
        .begin_release(&ledger.user, "example", of_slug(slug))
        .await
        .unwrap();
    let failed = ledger.store.finish_release(app.id, 4, false).await.unwrap();
    assert_eq!(failed.status, ReleaseStatus::Failed);
    assert!(!failed.current && !failed.eligible_for_rollback);
    assert_eq!(
        ledger.formation("example").await,
        [("web".into(), 1, "Basic".into())]
    );
    let back = ledger
        .store
        .create_release(
            &ledger.user,
            "example",
            ReleaseCreate::Rollback { release: failed.id },
        )
        .await;
    insta::assert_snapshot!(refusal(back), @"invalid-params: Cannot roll back to v4: it did not succeed.");
    // Config vars go on from the slug that runs.
    ledger.set("example", &[("A", Some("1"))]).await;
    let newest = ledger.newest("example").await;
    assert_eq!((newest.version, newest.slug), (5, good.slug));
}

#[tokio::test]
async fn every_release_has_the_add_ons_of_the_one_before() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let first = ledger.deploy("example", &[("web", "x")]).await;
    let connection = rusqlite::Connection::open(ledger.folder.path().join(DATABASE)).unwrap();
    connection
        .execute_batch(
            r#"DROP TRIGGER release_stays;
               UPDATE release SET addon_plan_names = '["heroku-postgresql:mini"]' WHERE version = 3"#,
        )
        .unwrap();
    let update = [("A".to_owned(), Some("1".to_owned()))].into();
    ledger
        .store
        .update_config_vars(&ledger.user, "example", update)
        .await
        .unwrap();
    let slug = first.slug.unwrap();
    for create in [of_slug(slug), ReleaseCreate::Rollback { release: first.id }] {
        ledger
            .store
            .create_release(&ledger.user, "example", create)
            .await
            .unwrap();
    }
    let releases = ledger.releases("example").await;
    assert_eq!(releases.len(), 6);
    for release in &releases[2..] {
        assert_eq!(release.addon_plan_names, ["heroku-postgresql:mini"]);
    }
}
