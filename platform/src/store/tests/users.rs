use super::*;
use jiff::{Timestamp, ToSpan as _};

#[tokio::test]
async fn a_token_is_known_and_never_kept() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let user = store.user_of_token("a-token-of-the-owner").await.unwrap();
    assert_eq!(user, Some(ledger.user.clone()));
    for unknown in ["", "a-token-of-the-owne", "A-TOKEN-OF-THE-OWNER"] {
        assert_eq!(store.user_of_token(unknown).await.unwrap(), None);
    }
    let Ledger { store, folder, .. } = ledger;
    drop(store);
    // All is in one file once the ledger is closed.
    let bytes = fs_err::read(folder.path().join("ledger.sqlite")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("owner@example.com"));
    assert!(!text.contains("a-token-of-the-owner"));
}

#[tokio::test]
async fn a_token_expires_and_can_be_taken_away() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let hour = 1.hour();
    let (past, future) = (Timestamp::now() - hour, Timestamp::now() + hour);
    let add = async |token, expires_at| {
        store
            .add_token(ledger.user.id, token, expires_at)
            .await
            .unwrap();
    };
    add("token-that-expired", Some(past)).await;
    add("token-that-will-expire", Some(future)).await;
    add("token-that-never-does", None).await;
    let known = async |token| store.user_of_token(token).await.unwrap().is_some();
    assert!(!known("token-that-expired").await);
    assert!(known("token-that-will-expire").await);
    assert!(known("token-that-never-does").await);
    store.remove_token("token-that-never-does").await.unwrap();
    store.remove_token("token-that-never-was").await.unwrap();
    assert!(!known("token-that-never-does").await);
}

#[tokio::test]
async fn the_settings_replace_their_tokens_and_no_others() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    store
        .add_token(ledger.user.id, "made-by-a-request", None)
        .await
        .unwrap();
    let again = store
        .put_user("OWNER@example.com", &["another-token-of-theirs"])
        .await
        .unwrap();
    assert_eq!(again, ledger.user);
    let known = async |token| store.user_of_token(token).await.unwrap().is_some();
    assert!(!known("a-token-of-the-owner").await);
    assert!(known("another-token-of-theirs").await);
    assert!(known("made-by-a-request").await);

    // A file without them.
    let other = UserTokens {
        email: "other@example.com".into(),
        tokens: vec!["another-token-of-theirs".into()],
    };
    store.put_users(vec![other.clone()]).await.unwrap();
    let holder = store
        .user_of_token("another-token-of-theirs")
        .await
        .unwrap();
    assert_eq!(holder.unwrap().email, "other@example.com");
    assert!(known("made-by-a-request").await);
    assert_eq!(format!("{other:?}"), "other@example.com (1 tokens)");
}

#[tokio::test]
async fn a_token_is_of_one_user_long_and_printable() {
    let ledger = Ledger::new().await;
    let put = async |email: &str, token: &str| ledger.store.put_user(email, &[token]).await;
    insta::assert_snapshot!(
        refusal(put("other@example.com", "a-token-of-the-owner").await),
        @"invalid-params: Two users have the same token. Each needs one of their own."
    );
    // Nothing of it is left.
    let other = ledger.store.user("other@example.com").await;
    assert!(matches!(other, Err(StoreError::NotFound { .. })));
    insta::assert_snapshot!(
        refusal(put("other@example.com", "secret").await),
        @"invalid-params: A token has 16 to 256 characters, best made at random: `openssl rand -hex 32`."
    );
    insta::assert_snapshot!(
        refusal(put("other@example.com", "secret with spaces").await),
        @"invalid-params: A token has letters, digits and `-._~+/=` only."
    );
    for email in [
        "",
        "nobody",
        "@example.com",
        "a@",
        "a@b@c",
        "a b@example.com",
    ] {
        let result = put(email, "long-enough-a-token").await;
        assert!(matches!(result, Err(StoreError::Invalid(_))), "{email}");
    }
}

#[tokio::test]
async fn an_account_can_be_changed() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    assert_eq!(ledger.user.name, None);
    assert!(ledger.user.allow_tracking && !ledger.user.beta);
    let named = UserUpdate {
        name: Some(Some("Tina Edmonds".into())),
        beta: Some(true),
        ..UserUpdate::default()
    };
    let user = store.update_user(ledger.user.id, named).await.unwrap();
    assert_eq!(user.name.as_deref(), Some("Tina Edmonds"));
    assert!(user.beta && user.allow_tracking);
    let user = store
        .update_user(ledger.user.id, UserUpdate::default())
        .await
        .unwrap();
    assert_eq!(user.name.as_deref(), Some("Tina Edmonds"));
    let unnamed = UserUpdate {
        name: Some(None),
        allow_tracking: Some(false),
        ..UserUpdate::default()
    };
    let user = store.update_user(ledger.user.id, unnamed).await.unwrap();
    assert_eq!((user.name.clone(), user.allow_tracking), (None, false));
    for identity in ["owner@EXAMPLE.com", &user.id.to_string()] {
        assert_eq!(store.user(identity).await.unwrap(), user);
    }
}
