use super::*;

fn change(process_type: &str, quantity: Option<Quantity>, size: Option<&str>) -> FormationChange {
    FormationChange {
        process_type: process_type.into(),
        quantity,
        size: size.map(str::to_owned),
    }
}

#[tokio::test]
async fn the_formation_follows_the_process_types() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger
        .deploy("example", &[("web", "one"), ("worker", "w")])
        .await;
    let row = |name: &str, quantity, size: &str| (name.to_owned(), quantity, size.to_owned());
    assert_eq!(
        ledger.formation("example").await,
        [row("web", 1, "Basic"), row("worker", 0, "Basic")]
    );
    let changes = vec![
        change("web", Some(Quantity::Absolute(3)), Some("Standard-2X")),
        change("worker", Some(Quantity::Relative(2)), None),
    ];
    ledger
        .store
        .update_formation(&ledger.user, "example", changes)
        .await
        .unwrap();
    let before = ledger
        .store
        .formation_of(&ledger.user, "example", "web")
        .await
        .unwrap();

    ledger
        .deploy("example", &[("web", "two"), ("clock", "c")])
        .await;
    assert_eq!(
        ledger.formation("example").await,
        [row("clock", 0, "Basic"), row("web", 3, "Standard-2X")]
    );
    let after = ledger
        .store
        .formation_of(&ledger.user, "example", &before.id.to_string())
        .await
        .unwrap();
    assert_eq!(
        (after.process_type.as_str(), after.command.as_str()),
        ("web", "two")
    );
    assert_eq!(after.created_at, before.created_at);
    assert!(after.updated_at > before.updated_at);
    // A type that comes back is a new one.
    ledger
        .deploy("example", &[("web", "two"), ("worker", "w")])
        .await;
    assert_eq!(
        ledger.formation("example").await[1],
        row("worker", 0, "Basic")
    );
}

#[tokio::test]
async fn quantities_are_set_and_counted_on() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.deploy("example", &[("web", "x")]).await;
    let update = async |quantity| {
        let changes = vec![change("web", Some(quantity), None)];
        ledger
            .store
            .update_formation(&ledger.user, "example", changes)
            .await
            .map(|changed| changed[0].quantity)
    };
    assert_eq!(update(Quantity::Absolute(2)).await.unwrap(), 2);
    assert_eq!(update(Quantity::Relative(1)).await.unwrap(), 3);
    assert_eq!(update(Quantity::Relative(-3)).await.unwrap(), 0);
    assert_eq!(update(Quantity::Absolute(100)).await.unwrap(), 100);
    for beyond in [
        Quantity::Absolute(101),
        Quantity::Absolute(u64::MAX),
        Quantity::Relative(1),
        Quantity::Relative(-101),
        Quantity::Relative(i64::MIN),
        Quantity::Relative(i64::MAX),
    ] {
        assert!(matches!(update(beyond).await, Err(StoreError::Invalid(_))));
    }
    insta::assert_snapshot!(
        refusal(update(Quantity::Relative(1)).await),
        @"invalid-params: The quantity of `web` has to be from 0 to 100; it is 100 now."
    );
}

#[tokio::test]
async fn changes_happen_all_or_none() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.deploy("example", &[("web", "x"), ("a", "y")]).await;
    let changes = vec![
        change("web", Some(Quantity::Absolute(5)), None),
        change("nothing", Some(Quantity::Absolute(5)), None),
    ];
    let result = ledger
        .store
        .update_formation(&ledger.user, "example", changes)
        .await;
    insta::assert_snapshot!(refusal(result), @"not-found: Couldn't find that formation.");
    assert_eq!(ledger.formation("example").await[1].1, 1);

    // Named twice, told once; in the order of the request.
    let changes = vec![
        change("web", Some(Quantity::Relative(1)), None),
        change("a", None, Some("Eco")),
        change("web", Some(Quantity::Relative(1)), None),
    ];
    let told = ledger
        .store
        .update_formation(&ledger.user, "example", changes)
        .await
        .unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|one| (one.process_type.as_str(), one.quantity, one.size.as_str()))
        .collect();
    assert_eq!(told, [("web", 3, "Basic"), ("a", 0, "Eco")]);
    // No release comes of it.
    assert_eq!(ledger.newest("example").await.version, 3);
}
