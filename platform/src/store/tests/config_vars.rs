use super::*;

#[tokio::test]
async fn setting_and_removing_makes_releases_that_say_so() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let slug = ledger.deploy("example", &[("web", "x")]).await.slug;
    let set = ledger
        .set("example", &[("A", Some("1")), ("B", Some("2"))])
        .await;
    assert_eq!(set, types(&[("A", "1"), ("B", "2")]));
    let release = ledger.newest("example").await;
    assert_eq!(
        (release.version, release.description.as_str(), release.slug),
        (4, "Set A, B config vars", slug)
    );
    assert!(release.current && release.eligible_for_rollback);

    assert_eq!(
        ledger.set("example", &[("A", None)]).await,
        types(&[("B", "2")])
    );
    assert_eq!(
        ledger.newest("example").await.description,
        "Remove A config vars"
    );
    // Only what changes is named.
    ledger
        .set("example", &[("B", None), ("C", Some("")), ("D", None)])
        .await;
    assert_eq!(
        ledger.newest("example").await.description,
        "Set C and remove B config vars"
    );
    let vars = ledger.store.config_vars(&ledger.user, "example").await;
    assert_eq!(vars.unwrap(), types(&[("C", "")]));
}

#[tokio::test]
async fn nothing_new_makes_no_release() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.set("example", &[]).await;
    ledger.set("example", &[("A", None)]).await;
    assert_eq!(ledger.newest("example").await.version, 2);
    ledger.set("example", &[("A", Some("1"))]).await;
    let same = ledger
        .set("example", &[("A", Some("1")), ("B", None)])
        .await;
    assert_eq!(same, types(&[("A", "1")]));
    assert_eq!(ledger.newest("example").await.version, 3);
}

#[tokio::test]
async fn each_release_keeps_the_config_vars_it_had() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.set("example", &[("A", Some("1"))]).await;
    ledger.set("example", &[("A", Some("2"))]).await;
    let fourth = ledger.newest("example").await.id.to_string();
    ledger.set("example", &[("A", Some("1"))]).await;
    let of = async |identity: &str| {
        ledger
            .store
            .release_config_vars(&ledger.user, "example", identity)
            .await
    };
    assert_eq!(of("v2").await.unwrap(), ConfigVars::new());
    assert_eq!(of("3").await.unwrap(), types(&[("A", "1")]));
    assert_eq!(of(&fourth).await.unwrap(), types(&[("A", "2")]));
    assert_eq!(of("5").await.unwrap(), types(&[("A", "1")]));
    insta::assert_snapshot!(refusal(of("6").await), @"not-found: Couldn't find that release.");
    // The same map is one row.
    let rows: i64 = ledger
        .store
        .read(|connection| {
            Ok(connection.query_row("SELECT count(*) FROM config", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn names_and_values_have_limits() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let set = async |name: &str, value: &str| {
        let update = [(name.to_owned(), Some(value.to_owned()))].into();
        ledger
            .store
            .update_config_vars(&ledger.user, "example", update)
            .await
    };
    insta::assert_snapshot!(refusal(set("", "x").await), @"invalid-params: The name of the config var `` has to have letters, digits and `_` only.");
    insta::assert_snapshot!(refusal(set("A=B", "x").await), @"invalid-params: The name of the config var `A=B` has to have letters, digits and `_` only.");
    insta::assert_snapshot!(refusal(set("A\0", "x").await), @r"invalid-params: The name of the config var `A\0` has to have letters, digits and `_` only.");
    insta::assert_snapshot!(refusal(set("A", "x\0").await), @"invalid-params: The value of the config var `A` has a NUL character.");
    let limit = 64 << 10;
    insta::assert_snapshot!(
        refusal(set("A", &"x".repeat(limit)).await),
        @"invalid-params: The config vars would have 65537 bytes together; an app has at most 65536."
    );
    assert_eq!(ledger.newest("example").await.version, 2);
    set("A", &"x".repeat(limit - 1)).await.unwrap();
    let full = set("B", "").await;
    assert!(matches!(full, Err(StoreError::Invalid(_))));
    // What is too much can always be made less.
    ledger.set("example", &[("A", None)]).await;
    set("B", "line\nline\u{7}").await.unwrap();
}

#[tokio::test]
async fn a_description_stays_readable_however_many_are_set() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let update = (0..1000)
        .map(|n| (format!("{}_{n:03}", "N".repeat(50)), Some(String::new())))
        .collect();
    ledger
        .store
        .update_config_vars(&ledger.user, "example", update)
        .await
        .unwrap();
    let description = ledger.newest("example").await.description;
    assert!(
        description.ends_with("_009 and 990 more config vars"),
        "{description}"
    );
}
