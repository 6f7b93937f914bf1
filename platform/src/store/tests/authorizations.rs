//! Authorizations, keys and features of accounts.

use super::*;
use crate::range::Bound;
use crate::scope::{Scope, Scopes};

/// A public key that `ssh-keygen` made.
pub(super) const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPpCa3mV/qUagjG7pmbvU0Ljc/HdkxBPHrvx3BhBCYc ann@laptop of Ann";

impl Ledger {
    /// An authorization of this scope for so many seconds.
    pub(super) async fn authorize(
        &self,
        user: &User,
        scope: &str,
        lifetime: Option<u64>,
    ) -> Granted {
        let new = NewAuthorization {
            description: None,
            scopes: Scopes::of([scope]).unwrap(),
            lifetime,
        };
        self.store
            .create_authorization(user, new, false)
            .await
            .unwrap()
    }

    /// All authorizations of a user.
    pub(super) async fn authorizations(&self, user: &User) -> Vec<Authorization> {
        let page = Page::first(Offered::ID);
        self.store.authorizations(user, &page).await.unwrap().items
    }

    /// All keys of a user.
    pub(super) async fn keys(&self, user: &User) -> Vec<Key> {
        let page = Page::first(Offered::ID);
        self.store.keys(user, &page).await.unwrap().items
    }

    /// Lets an authorization have ended.
    async fn expire(&self, authorization: &Authorization) {
        let id = authorization.id;
        self.store
            .write(move |write| {
                let connection = write.connection();
                connection.execute(
                    "UPDATE oauth_authorization SET expires_at = 1 WHERE id = ?1",
                    [id],
                )?;
                connection.execute(
                    "UPDATE token SET expires_at = 1 WHERE oauth_authorization =
                        (SELECT number FROM oauth_authorization WHERE id = ?1)",
                    [id],
                )?;
                Ok(())
            })
            .await
            .unwrap();
    }

    /// How many rows a table has.
    async fn count(&self, table: &'static str) -> i64 {
        self.store
            .read(move |connection| {
                let sql = format!("SELECT count(*) FROM {table}");
                Ok(connection.query_row(&sql, [], |row| row.get(0))?)
            })
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_token_is_told_once_and_known_by_its_ends() {
    let ledger = Ledger::new().await;
    let granted = ledger.authorize(&ledger.user, "read", None).await;
    let holder = ledger
        .store
        .token_holder(&granted.token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(holder.user, ledger.user);
    assert_eq!(holder.authorization, Some(granted.authorization.id));
    assert!(holder.scopes.allow(Scope::Read) && !holder.scopes.allow(Scope::Write));
    // Who does not ask what it may be used for does not get the user.
    assert_eq!(
        ledger.store.user_of_token(&granted.token).await.unwrap(),
        None
    );
    assert_eq!(
        ledger.authorizations(&ledger.user).await,
        std::slice::from_ref(&granted.authorization)
    );

    let shown = &granted.authorization.token_shown;
    let (start, end) = shown.split_once("**********").unwrap();
    assert!(
        granted.token.starts_with(start) && granted.token.ends_with(end),
        "{shown}"
    );
    assert_eq!((granted.token.len(), start.len(), end.len()), (76, 18, 6));
    assert!(!format!("{granted:?}").contains(&granted.token));

    let Ledger { store, folder, .. } = ledger;
    drop(store);
    let bytes = fs_err::read(folder.path().join("ledger.sqlite")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(start) && !text.contains(&granted.token[..19]));
    // And it is known after a restart.
    let store = Store::open(folder.path()).unwrap();
    assert!(store.token_holder(&granted.token).await.unwrap().is_some());
}

#[tokio::test]
async fn tokens_expire_and_are_cleared_away() {
    let ledger = Ledger::new().await;
    let short = ledger.authorize(&ledger.user, "global", Some(3600)).await;
    let end = short.authorization.expires_at.unwrap();
    assert_eq!(
        end.as_second() - short.authorization.created_at.as_second(),
        3600
    );
    let long = ledger.authorize(&ledger.user, "global", None).await;
    assert_eq!(long.authorization.expires_at, None);
    ledger.expire(&short.authorization).await;
    let id = short.authorization.id.to_string();
    assert_eq!(ledger.store.token_holder(&short.token).await.unwrap(), None);
    assert_eq!(
        ledger.authorizations(&ledger.user).await,
        [long.authorization]
    );
    for refused in [
        ledger.store.authorization(&ledger.user, &id).await.err(),
        ledger
            .store
            .regenerate_tokens(&ledger.user, &id)
            .await
            .err(),
        ledger
            .store
            .delete_authorization(&ledger.user, &id)
            .await
            .err(),
    ] {
        assert!(matches!(
            refused,
            Some(StoreError::NotFound {
                resource: "authorization"
            })
        ));
    }
    assert_eq!(
        (
            ledger.count("oauth_authorization").await,
            ledger.count("token").await
        ),
        (2, 3)
    );
    ledger.authorize(&ledger.user, "global", None).await;
    assert_eq!(
        (
            ledger.count("oauth_authorization").await,
            ledger.count("token").await
        ),
        (2, 3)
    );
}

#[tokio::test]
async fn a_token_is_replaced_and_taken_away() {
    let ledger = Ledger::new().await;
    let first = ledger.authorize(&ledger.user, "write", Some(60)).await;
    let id = first.authorization.id.to_string();
    let second = ledger
        .store
        .regenerate_tokens(&ledger.user, &id)
        .await
        .unwrap();
    assert_eq!(second.authorization.id, first.authorization.id);
    assert_ne!(second.authorization.token_id, first.authorization.token_id);
    assert!(second.authorization.expires_at > first.authorization.expires_at);
    assert_eq!(ledger.store.token_holder(&first.token).await.unwrap(), None);
    let holder = ledger
        .store
        .token_holder(&second.token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(holder.scopes.names(), ["write"]);
    let described = ledger
        .store
        .describe_authorization(&ledger.user, &id, Some("for CI".into()))
        .await
        .unwrap();
    assert_eq!(
        (described.description.as_str(), described.scopes),
        ("for CI", holder.scopes)
    );
    ledger
        .store
        .delete_authorization(&ledger.user, &id)
        .await
        .unwrap();
    assert_eq!(
        ledger.store.token_holder(&second.token).await.unwrap(),
        None
    );
    // The token of the settings is none of them.
    assert_eq!(ledger.count("token").await, 1);
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let ledger = Ledger::new().await;
    let stranger = ledger.another_user("stranger@example.com").await;
    let granted = ledger.authorize(&ledger.user, "global", None).await;
    let id = granted.authorization.id.to_string();
    let store = &ledger.store;
    for refused in [
        store.authorization(&stranger, &id).await.err(),
        store
            .describe_authorization(&stranger, &id, None)
            .await
            .err(),
        store.regenerate_tokens(&stranger, &id).await.err(),
        store.delete_authorization(&stranger, &id).await.err(),
        store.authorization(&ledger.user, "~").await.err(),
    ] {
        assert!(matches!(
            refused,
            Some(StoreError::NotFound {
                resource: "authorization"
            })
        ));
    }
    let key = store.create_key(&ledger.user, KEY).await.unwrap();
    for identity in [key.id.to_string(), key.fingerprint.clone(), "none".into()] {
        for refused in [
            store.key(&stranger, &identity).await.err(),
            store.delete_key(&stranger, &identity).await.err(),
        ] {
            assert!(matches!(
                refused,
                Some(StoreError::NotFound { resource: "key" })
            ));
        }
    }
    assert!(ledger.keys(&stranger).await.is_empty());
    assert!(ledger.authorizations(&stranger).await.is_empty());
    for identity in [key.id.to_string(), key.fingerprint.clone()] {
        assert_eq!(store.key(&ledger.user, &identity).await.unwrap(), key);
    }
}

#[tokio::test]
async fn a_key_is_of_one_user() {
    let ledger = Ledger::new().await;
    let stranger = ledger.another_user("stranger@example.com").await;
    let key = ledger.store.create_key(&ledger.user, KEY).await.unwrap();
    for user in [&stranger, &ledger.user] {
        // Another comment makes no other key.
        let again = KEY.replace("ann@laptop", "bob@desktop");
        assert_eq!(
            refusal(ledger.store.create_key(user, &again).await),
            "invalid-params: Fingerprint has already been taken"
        );
    }
    let deleted = ledger
        .store
        .delete_key(&ledger.user, &key.fingerprint)
        .await
        .unwrap();
    assert_eq!(deleted, key);
    ledger.store.create_key(&stranger, KEY).await.unwrap();
}

#[tokio::test]
async fn what_is_no_authorization_is_refused() {
    let ledger = Ledger::new().await;
    let refused = async |description: &str, lifetime| {
        let new = NewAuthorization {
            description: Some(description.into()),
            scopes: Scopes::global(),
            lifetime,
        };
        refusal(
            ledger
                .store
                .create_authorization(&ledger.user, new, false)
                .await,
        )
    };
    for lifetime in [0, 100 * 366 * 24 * 3600 + 1, u64::MAX] {
        assert_eq!(
            refused("x", Some(lifetime)).await,
            "invalid-params: A token is good for 1 second to 100 years; leave `expires_in` out for one that is good for ever."
        );
    }
    insta::assert_snapshot!(
        refused("\u{1b}[2J", None).await,
        @"invalid-params: The description has the control character U+001B."
    );
    assert!(
        refused(&"x".repeat(256), None)
            .await
            .contains("longer than 255")
    );
}

#[tokio::test]
async fn there_are_only_so_many_of_a_user() {
    let ledger = Ledger::new().await;
    ledger
        .store
        .write(|write| {
            write.connection().execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                 INSERT INTO oauth_authorization (id, user, description, scope, token_id, token_shown, created_at, updated_at)
                 SELECT randomblob(16), 1, '', '[\"global\"]', randomblob(16), '', 0, 0 FROM n;
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                 INSERT INTO ssh_key (id, user, fingerprint, public_key, comment, created_at, updated_at)
                 SELECT randomblob(16), 1, randomblob(32), '', '', 0, 0 FROM n;",
            )?;
            Ok(())
        })
        .await
        .unwrap();
    let new = NewAuthorization {
        description: None,
        scopes: Scopes::global(),
        lifetime: None,
    };
    insta::assert_snapshot!(
        refusal(ledger.store.create_authorization(&ledger.user, new, false).await),
        @"invalid-params: You have 1000 authorizations, and nobody may have more: revoke some."
    );
    insta::assert_snapshot!(
        refusal(ledger.store.create_key(&ledger.user, KEY).await),
        @"invalid-params: You have 100 SSH keys, and nobody may have more: remove some."
    );
    // Pages of them follow each other.
    let mut page = Page {
        max: 300,
        ..Page::first(Offered::ID)
    };
    let mut seen = Vec::new();
    loop {
        let listed = ledger
            .store
            .authorizations(&ledger.user, &page)
            .await
            .unwrap();
        seen.extend(listed.items.iter().map(|one| one.id));
        if !listed.more {
            break;
        }
        page.start = Some(Bound {
            value: seen.last().unwrap().to_string(),
            inclusive: false,
        });
    }
    assert_eq!(seen.len(), 1000);
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn a_feature_stays_as_it_was_switched() {
    let ledger = Ledger::new().await;
    let stranger = ledger.another_user("stranger@example.com").await;
    let store = &ledger.store;
    assert!(
        store
            .account_features(&ledger.user)
            .await
            .unwrap()
            .is_empty()
    );
    let on = store
        .switch_account_feature(&ledger.user, "x", true)
        .await
        .unwrap();
    let again = store
        .switch_account_feature(&ledger.user, "x", true)
        .await
        .unwrap();
    assert_eq!((on.enabled, &again), (true, &on));
    let off = store
        .switch_account_feature(&ledger.user, "x", false)
        .await
        .unwrap();
    assert!(!off.enabled && off.updated_at > on.updated_at);
    assert_eq!(store.account_features(&ledger.user).await.unwrap(), [off]);
    assert!(store.account_features(&stranger).await.unwrap().is_empty());
}
