use super::authorizations::KEY;
use super::*;
use crate::password::PasswordHash;

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
async fn the_settings_replace_their_tokens_and_no_others() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let made = ledger.authorize(&ledger.user, "global", None).await;
    let again = store
        .put_user("OWNER@example.com", &["another-token-of-theirs"])
        .await
        .unwrap();
    assert_eq!(again, ledger.user);
    let known = async |token| store.user_of_token(token).await.unwrap().is_some();
    assert!(!known("a-token-of-the-owner").await);
    assert!(known("another-token-of-theirs").await);
    assert!(known(&made.token).await);
    let owner = |tokens: &[&str]| UserTokens {
        email: "owner@example.com".into(),
        tokens: tokens.iter().map(|token| (*token).into()).collect(),
        password: None,
    };
    store.put_users(vec![owner(&[])]).await.unwrap();
    assert!(!known("another-token-of-theirs").await);
    assert!(known(&made.token).await);

    // One that a request made becomes one of the settings, and ends with them.
    store.put_users(vec![owner(&[&made.token])]).await.unwrap();
    assert!(known(&made.token).await);
    assert!(ledger.authorizations(&ledger.user).await.is_empty());
    store.put_users(vec![owner(&[])]).await.unwrap();
    assert!(!known(&made.token).await);
}

#[tokio::test]
async fn who_is_no_longer_in_the_settings_gets_in_no_more() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    ledger.app("example").await;
    let made = ledger.authorize(&ledger.user, "global", None).await;
    store.create_key(&ledger.user, KEY).await.unwrap();
    // A file without them, which gives their token to someone else.
    let other = UserTokens {
        email: "other@example.com".into(),
        tokens: vec!["a-token-of-the-owner".into()],
        password: Some(PasswordHash::of("correct horse").unwrap()),
    };
    store.put_users(vec![other.clone()]).await.unwrap();
    let holder = store.user_of_token("a-token-of-the-owner").await.unwrap();
    assert_eq!(holder.unwrap().email, "other@example.com");
    assert_eq!(store.user_of_token(&made.token).await.unwrap(), None);
    assert_eq!(
        format!("{other:?}"),
        "other@example.com (1 tokens, a password)"
    );
    // They come back to their apps, and to nothing that they could come in with.
    let back = UserTokens {
        email: "owner@example.com".into(),
        tokens: vec!["a-new-token-of-the-owner".into()],
        password: None,
    };
    store.put_users(vec![back]).await.unwrap();
    assert_eq!(store.user_of_token(&made.token).await.unwrap(), None);
    assert!(ledger.authorizations(&ledger.user).await.is_empty());
    assert!(ledger.keys(&ledger.user).await.is_empty());
    store.app(&ledger.user, "example").await.unwrap();
    let check = store.password_check("other@example.com").await.unwrap();
    assert_eq!(check, PasswordCheck::default());
}

#[tokio::test]
async fn a_password_is_of_one_user_and_stands_in_for_those_of_others() {
    let ledger = Ledger::new().await;
    let hash = PasswordHash::of("correct horse").unwrap();
    let user = |email: &str, password| UserTokens {
        email: email.into(),
        tokens: Vec::new(),
        password,
    };
    let users = vec![
        user("owner@example.com", None),
        user("ann@example.com", Some(hash.clone())),
    ];
    ledger.store.put_users(users).await.unwrap();
    for (email, expected) in [
        ("ANN@example.com", Some("ann@example.com")),
        ("owner@example.com", None),
        ("nobody@example.com", None),
        ("", None),
    ] {
        let check = ledger.store.password_check(email).await.unwrap();
        assert_eq!(check.user.map(|user| user.email).as_deref(), expected);
        assert_eq!(check.hash, Some(hash.clone()), "{email}");
    }
}

#[tokio::test]
async fn strangers_are_as_much_work_as_anyone() {
    let ledger = Ledger::new().await;
    let hashes = [64, 256, 128].map(|memory| PasswordHash::cheap("correct horse", memory));
    let users = ["ann", "bob", "eve"].iter().zip(&hashes);
    let users = users.map(|(name, hash)| UserTokens {
        email: format!("{name}@example.com"),
        tokens: Vec::new(),
        password: Some(hash.clone()),
    });
    ledger.store.put_users(users.collect()).await.unwrap();
    for (email, expected) in [
        ("ann@example.com", &hashes[0]),
        ("eve@example.com", &hashes[2]),
        ("owner@example.com", &hashes[1]),
        ("nobody@example.com", &hashes[1]),
    ] {
        let check = ledger.store.password_check(email).await.unwrap();
        assert_eq!(check.hash.as_ref(), Some(expected), "{email}");
    }
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
