use super::*;

fn full() -> SlugCreate {
    SlugCreate {
        buildpack_provided_description: Some("Node.js".into()),
        checksum: Some(format!("SHA256:{}", sha256("bytes"))),
        commit: Some("60883d9e8947a57e04dc9124f25df004866a2051".into()),
        commit_description: Some("fixed a bug".into()),
        process_types: types(&[("web", "node server.js"), ("worker-2", "node worker.js")]),
        stack: Some("heroku-26".into()),
    }
}

#[tokio::test]
async fn a_slug_is_what_it_was_made_with_and_its_bytes_come_later() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    let store = &ledger.store;
    let slug = store
        .create_slug(&ledger.user, "example", full())
        .await
        .unwrap();
    assert_eq!(slug.create, full());
    assert_eq!((slug.app, slug.stack.as_str()), (app.id, "heroku-26"));
    assert_eq!(
        (slug.size, &slug.sha256, slug.uploaded_at),
        (None, &None, None)
    );
    assert_eq!(store.slug_for_upload(slug.id).await.unwrap(), slug);

    let uploaded = store
        .finish_upload(slug.id, 5, &sha256("bytes"))
        .await
        .unwrap();
    assert_eq!(
        (uploaded.size, uploaded.sha256.clone()),
        (Some(5), Some(sha256("bytes")))
    );
    assert!(uploaded.uploaded_at.is_some());
    assert_eq!(
        store.slug(&ledger.user, "example", slug.id).await.unwrap(),
        uploaded
    );
    // A client that did not get the answer sends it again.
    let again = store
        .finish_upload(slug.id, 5, &sha256("bytes"))
        .await
        .unwrap();
    assert_eq!(again, uploaded);
}

#[tokio::test]
async fn a_slug_without_a_stack_has_the_one_that_the_app_builds_for() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let slug = ledger
        .store
        .create_slug(&ledger.user, "example", slug_of(&[]))
        .await
        .unwrap();
    assert_eq!(slug.stack, "heroku-24");
    assert_eq!(slug.create.stack.as_deref(), Some("heroku-24"));
}

#[tokio::test]
async fn bytes_are_checked_against_the_record() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let store = &ledger.store;
    let slug = store
        .create_slug(&ledger.user, "example", full())
        .await
        .unwrap();
    let other = store.finish_upload(slug.id, 5, &sha256("other")).await;
    insta::assert_snapshot!(
        refusal(other),
        @"invalid-params: The slug's checksum is SHA256:277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9, but that of the uploaded bytes is SHA256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa."
    );
    assert_eq!(store.slug_for_upload(slug.id).await.unwrap(), slug);
    assert!(matches!(
        store.finish_upload(slug.id, 5, "no digest").await,
        Err(StoreError::Invalid(_))
    ));
    assert!(matches!(
        store
            .finish_upload(Uuid::new_v4(), 5, &sha256("bytes"))
            .await,
        Err(StoreError::NotFound { resource: "slug" })
    ));
}

#[tokio::test]
async fn other_bytes_do_not_replace_those_that_are_there() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let slug = ledger.uploaded("example", slug_of(&[("web", "x")])).await;
    let other = ledger
        .store
        .finish_upload(slug.id, 10, &sha256("other"))
        .await;
    insta::assert_snapshot!(
        refusal(other),
        @"conflict: The slug has been uploaded already. Please make a new one for other bytes."
    );
    assert_eq!(ledger.store.slug_for_upload(slug.id).await.unwrap(), slug);
}

#[tokio::test]
async fn records_that_break_a_rule_are_refused() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let wrong = [
        slug_of(&[("", "x")]),
        slug_of(&[("we b", "x")]),
        slug_of(&[("wéb", "x")]),
        slug_of(&[(&"w".repeat(129), "x")]),
        slug_of(&[("web", "")]),
        slug_of(&[("web", "  ")]),
        slug_of(&[("web", "a\0b")]),
        slug_of(&[("web", &"x".repeat(129 << 10))]),
        SlugCreate {
            checksum: Some("MD5:d41d8cd98f00b204e9800998ecf8427e".into()),
            ..full()
        },
        SlugCreate {
            checksum: Some("SHA256:00".into()),
            ..full()
        },
        SlugCreate {
            commit: Some("x".repeat(10_001)),
            ..full()
        },
        SlugCreate {
            commit_description: Some("a\0b".into()),
            ..full()
        },
        SlugCreate {
            process_types: (0..501).map(|n| (format!("p{n}"), "x".into())).collect(),
            ..full()
        },
    ];
    for (number, create) in wrong.into_iter().enumerate() {
        let result = ledger
            .store
            .create_slug(&ledger.user, "example", create)
            .await;
        assert!(matches!(result, Err(StoreError::Invalid(_))), "{number}");
    }
    // As Terraform and slugcmplr write checksums, and in the other case.
    for checksum in [
        format!("SHA256:{}", sha256("bytes").to_uppercase()),
        format!("sha256:{}", sha256("bytes")),
    ] {
        let create = SlugCreate {
            checksum: Some(checksum),
            ..full()
        };
        ledger.uploaded("example", create).await;
    }
}

#[tokio::test]
async fn an_app_shows_its_own_slugs_and_those_it_has_released() {
    let ledger = Ledger::new().await;
    ledger.app("first").await;
    ledger.app("second").await;
    let slug = ledger.uploaded("first", slug_of(&[("web", "x")])).await.id;
    let store = &ledger.store;
    let missing = store.slug(&ledger.user, "second", slug).await;
    insta::assert_snapshot!(refusal(missing), @"not-found: Couldn't find that slug.");
    ledger.release("second", slug).await;
    store.slug(&ledger.user, "second", slug).await.unwrap();
}
