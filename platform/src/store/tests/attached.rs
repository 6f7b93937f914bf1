//! Features, domains, drains and buildpacks.

use super::*;
use crate::buildpack_name::BuildpackName;
use crate::drain_url::DrainUrl;
use crate::hostname::Hostname;

fn hostname(text: &str) -> Hostname {
    Hostname::parse(text).unwrap()
}

fn url(text: &str) -> DrainUrl {
    DrainUrl::parse(text).unwrap()
}

fn buildpacks(texts: &[&str]) -> Vec<BuildpackName> {
    texts
        .iter()
        .map(|text| BuildpackName::parse(text).unwrap())
        .collect()
}

/// An app that has some of everything.
async fn attached(ledger: &Ledger, name: &str) -> App {
    let app = ledger.app(name).await;
    let (store, user) = (&ledger.store, &ledger.user);
    store
        .switch_feature(user, name, "preboot", true)
        .await
        .unwrap();
    let www = hostname(&format!("www.{name}.test"));
    store.add_domain(user, name, www).await.unwrap();
    store
        .add_drain(user, name, url("syslog://127.0.0.1:514"))
        .await
        .unwrap();
    let order = buildpacks(&["heroku/nodejs", "https://example.test/bp"]);
    store.install_buildpacks(user, name, order).await.unwrap();
    app
}

/// How many rows there are of what is attached to apps.
async fn rows(ledger: &Ledger) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM app_feature) + (SELECT count(*) FROM domain)
        + (SELECT count(*) FROM log_drain) + (SELECT count(*) FROM buildpack_installation)";
    let count =
        |connection: &rusqlite::Connection| Ok(connection.query_row(sql, [], |row| row.get(0))?);
    ledger.store.read(count).await.unwrap()
}

#[tokio::test]
async fn everything_goes_with_its_app_and_nothing_else_does() {
    let ledger = Ledger::new().await;
    let first = attached(&ledger, "first").await;
    attached(&ledger, "second").await;
    assert_eq!(rows(&ledger).await, 10);
    ledger
        .store
        .delete_app(&ledger.user, "first")
        .await
        .unwrap();
    assert_eq!(rows(&ledger).await, 5);
    assert!(ledger.store.buildpacks(first.id).await.unwrap().is_empty());
    // Another app of the same name begins with nothing.
    let anew = ledger.app("first").await;
    assert!(
        ledger
            .store
            .features(&ledger.user, "first")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        ledger
            .store
            .domains(&ledger.user, "first")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        ledger
            .store
            .drains(&ledger.user, "first")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(ledger.store.buildpacks(anew.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_of_it_makes_a_release() {
    let ledger = Ledger::new().await;
    attached(&ledger, "example").await;
    assert_eq!(ledger.releases("example").await.len(), 2);
}

#[tokio::test]
async fn builds_get_the_buildpacks_in_their_order() {
    let ledger = Ledger::new().await;
    let app = ledger.app("example").await;
    assert!(ledger.store.buildpacks(app.id).await.unwrap().is_empty());
    for order in [
        [
            "heroku/ruby",
            "https://example.test/b",
            "https://example.test/a",
        ],
        [
            "https://example.test/a",
            "heroku/ruby",
            "https://example.test/b",
        ],
    ] {
        let installed = ledger
            .store
            .install_buildpacks(&ledger.user, "example", buildpacks(&order))
            .await
            .unwrap();
        assert_eq!(installed, order);
        assert_eq!(ledger.store.buildpacks(app.id).await.unwrap(), order);
    }
}

#[tokio::test]
async fn a_feature_that_does_not_change_keeps_its_time() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let switch = |enabled| {
        ledger
            .store
            .switch_feature(&ledger.user, "example", "preboot", enabled)
    };
    let on = switch(true).await.unwrap();
    assert_eq!(switch(true).await.unwrap(), on);
    let off = switch(false).await.unwrap();
    assert!(!off.enabled && off.updated_at > on.updated_at);
    let all = ledger
        .store
        .features(&ledger.user, "example")
        .await
        .unwrap();
    assert_eq!(all, Features::from([("preboot".to_owned(), off)]));
}

#[tokio::test]
async fn an_app_has_so_many_domains() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let sql = format!(
        "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {MAXIMUM_DOMAINS})
         INSERT INTO domain SELECT n || '.example.test', (SELECT number FROM app), randomblob(16), n, n FROM counted"
    );
    ledger
        .store
        .write(move |write| Ok(write.connection().execute_batch(&sql)?))
        .await
        .unwrap();
    let add = || {
        ledger
            .store
            .add_domain(&ledger.user, "example", hostname("www.example.test"))
    };
    assert_eq!(
        add().await.unwrap_err().to_string(),
        "An app has at most 1000 domains."
    );
    let removed = ledger
        .store
        .remove_domain(&ledger.user, "example", "7.example.test")
        .await;
    assert_eq!(removed.unwrap().hostname, "7.example.test");
    assert_eq!(add().await.unwrap().hostname, "www.example.test");
}

/// Whoever else looks for what an app has, the app is not there.
#[tokio::test]
async fn strangers_find_nothing() {
    let ledger = Ledger::new().await;
    attached(&ledger, "example").await;
    let stranger = &ledger.another_user("stranger@example.com").await;
    let store = &ledger.store;
    let drain = "syslog://127.0.0.1:514";
    let every = [
        store.features(stranger, "example").await.err(),
        store
            .switch_feature(stranger, "example", "preboot", false)
            .await
            .err(),
        store.domains(stranger, "example").await.err(),
        store
            .add_domain(stranger, "example", hostname("a.test"))
            .await
            .err(),
        store
            .remove_domain(stranger, "example", "www.example.test")
            .await
            .err(),
        store.drains(stranger, "example").await.err(),
        store.drain(stranger, "example", drain).await.err(),
        store
            .add_drain(stranger, "example", url("https://a.test"))
            .await
            .err(),
        store.remove_drain(stranger, "example", drain).await.err(),
        store
            .buildpack_installations(stranger, "example")
            .await
            .err(),
        store
            .install_buildpacks(stranger, "example", Vec::new())
            .await
            .err(),
    ];
    for (number, error) in every.into_iter().enumerate() {
        assert!(
            matches!(error, Some(StoreError::NotFound { resource: "app" })),
            "{number}: {error:?}"
        );
    }
    assert_eq!(rows(&ledger).await, 5);
    // Nor does an app of theirs get at what is of another.
    store
        .create_app(stranger, new_app(Some("theirs")))
        .await
        .unwrap();
    for error in [
        store
            .remove_domain(stranger, "theirs", "www.example.test")
            .await
            .err(),
        store.remove_drain(stranger, "theirs", drain).await.err(),
    ] {
        assert!(
            matches!(error, Some(StoreError::NotFound { .. })),
            "{error:?}"
        );
    }
}
