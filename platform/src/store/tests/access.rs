use super::*;
use slugbuilder::api::types::ConfigVarsUpdate;

/// Every method that names an app, for a user who may not see it.
#[tokio::test]
async fn the_app_of_another_is_not_there() {
    let ledger = Ledger::new().await;
    let app = ledger.app("private").await;
    let release = ledger.deploy("private", &[("web", "serve")]).await;
    let slug = release.slug.unwrap();
    let stranger = ledger.another_user("stranger@example.com").await;
    let store = &ledger.store;
    for name in ["private", &app.id.to_string()] {
        let page = versions();
        let every = [
            store.app(&stranger, name).await.err(),
            store
                .update_app(&stranger, name, AppUpdate::default())
                .await
                .err(),
            store.delete_app(&stranger, name).await.err(),
            store
                .create_slug(&stranger, name, slug_of(&[("web", "x")]))
                .await
                .err(),
            store.slug(&stranger, name, slug).await.err(),
            store
                .create_release(&stranger, name, of_slug(slug))
                .await
                .err(),
            store
                .begin_release(&stranger, name, of_slug(slug))
                .await
                .err(),
            store.release(&stranger, name, "3").await.err(),
            store.releases(&stranger, name, &page).await.err(),
            store.release_config_vars(&stranger, name, "3").await.err(),
            store.config_vars(&stranger, name).await.err(),
            store
                .update_config_vars(&stranger, name, ConfigVarsUpdate::new())
                .await
                .err(),
            store
                .formation(&stranger, name, &Page::first(Offered::ID))
                .await
                .err(),
            store.formation_of(&stranger, name, "web").await.err(),
            store
                .update_formation(&stranger, name, Vec::new())
                .await
                .err(),
            store.collaborators(&stranger, name).await.err(),
            store
                .add_collaborator(&stranger, name, "stranger@example.com")
                .await
                .err(),
            store
                .remove_collaborator(&stranger, name, "owner@example.com")
                .await
                .err(),
        ];
        for (number, error) in every.into_iter().enumerate() {
            assert!(
                matches!(error, Some(StoreError::NotFound { resource: "app" })),
                "{number}: {error:?}"
            );
        }
    }
    let none = store
        .apps(&stranger, &Page::first(Offered::APPS))
        .await
        .unwrap();
    assert!(none.items.is_empty());
    // Nor may they take its slug for an app of their own.
    store
        .create_app(&stranger, new_app(Some("mine")))
        .await
        .unwrap();
    let taken = store.create_release(&stranger, "mine", of_slug(slug)).await;
    insta::assert_snapshot!(refusal(taken), @"not-found: Couldn't find that slug.");
}

#[tokio::test]
async fn a_collaborator_does_all_but_delete_the_app_and_manage_others() {
    let ledger = Ledger::new().await;
    ledger.app("shared").await;
    let friend = ledger.another_user("friend@example.com").await;
    let other = ledger.another_user("other@example.com").await;
    let store = &ledger.store;
    let added = store
        .add_collaborator(&ledger.user, "shared", "Friend@Example.com")
        .await
        .unwrap();
    assert_eq!(added.user.id, friend.id);
    // Once more is the same.
    let again = store
        .add_collaborator(&ledger.user, "shared", &friend.id.to_string())
        .await
        .unwrap();
    assert_eq!(again, added);
    assert_eq!(
        store.collaborators(&friend, "shared").await.unwrap(),
        [added]
    );

    let slug = ledger
        .uploaded("shared", slug_of(&[("web", "serve")]))
        .await;
    let release = store
        .create_release(&friend, "shared", of_slug(slug.id))
        .await
        .unwrap();
    assert_eq!(release.user.email, "friend@example.com");
    assert_eq!(release.description, "Deployed by friend@example.com");
    let listed = store
        .apps(&friend, &Page::first(Offered::APPS))
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
    // A slug of an app that is shared may be released to one's own.
    store
        .create_app(&friend, new_app(Some("copy")))
        .await
        .unwrap();
    store
        .create_release(&friend, "copy", of_slug(slug.id))
        .await
        .unwrap();

    let delete = store.delete_app(&friend, "shared").await;
    insta::assert_snapshot!(refusal(delete), @"forbidden: Only the owner of an app may delete it.");
    store
        .add_collaborator(&friend, "shared", "other@example.com")
        .await
        .unwrap();
    let remove = store
        .remove_collaborator(&friend, "shared", "other@example.com")
        .await;
    assert!(matches!(remove, Err(StoreError::Forbidden(_))));
    // They may leave, and are strangers then.
    store
        .remove_collaborator(&other, "shared", "other@example.com")
        .await
        .unwrap();
    store
        .remove_collaborator(&ledger.user, "shared", "friend@example.com")
        .await
        .unwrap();
    for gone in [&friend, &other] {
        let missing = store.app(gone, "shared").await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    }
    // What they run stays visible to them.
    store.slug(&friend, "copy", slug.id).await.unwrap();
}

#[tokio::test]
async fn owners_and_strangers_are_no_collaborators() {
    let ledger = Ledger::new().await;
    ledger.app("shared").await;
    let owner = ledger
        .store
        .add_collaborator(&ledger.user, "shared", "owner@example.com")
        .await;
    insta::assert_snapshot!(
        refusal(owner),
        @"invalid-params: owner@example.com owns the app and needs no access to it."
    );
    let nobody = ledger
        .store
        .add_collaborator(&ledger.user, "shared", "nobody@example.com")
        .await;
    insta::assert_snapshot!(refusal(nobody), @"not-found: Couldn't find that user.");
    ledger.another_user("friend@example.com").await;
    let none = ledger
        .store
        .remove_collaborator(&ledger.user, "shared", "friend@example.com")
        .await;
    insta::assert_snapshot!(refusal(none), @"not-found: Couldn't find that collaborator.");
}
