use super::*;
use crate::range::{Attribute, Bound, Order};

/// All items of a list, page by page as clients get them.
async fn walk<T: Keyed, F>(mut page: Page, next: F) -> Vec<String>
where
    F: AsyncFn(Page) -> crate::range::Listed<T>,
{
    let mut all = Vec::new();
    loop {
        let listed = next(page.clone()).await;
        assert!(listed.items.len() <= page.max);
        all.extend(listed.items.iter().map(|item| item.key(page.attribute)));
        if !listed.more {
            return all;
        }
        let last = listed.items.last().unwrap();
        page.start = Some(Bound {
            value: last.key(page.attribute),
            inclusive: false,
        });
    }
}

fn page(attribute: Attribute, order: Order, max: usize) -> Page {
    Page {
        attribute,
        start: None,
        end: None,
        max,
        order,
    }
}

fn bound(value: &str, inclusive: bool) -> Bound {
    Bound {
        value: value.into(),
        inclusive,
    }
}

#[tokio::test]
async fn every_walk_meets_every_app_once_and_in_order() {
    let ledger = Ledger::new().await;
    let friend = ledger.another_user("friend@example.com").await;
    for number in 0..7 {
        ledger.app(&format!("app-{number}")).await;
    }
    for number in 0..4 {
        let name = format!("their-{number}");
        ledger
            .store
            .create_app(&friend, new_app(Some(&name)))
            .await
            .unwrap();
        if number < 3 {
            ledger
                .store
                .add_collaborator(&friend, &name, "owner@example.com")
                .await
                .unwrap();
        }
    }
    // So that the times are in another order than the names.
    ledger.set("app-2", &[("A", Some("1"))]).await;
    for attribute in [Attribute::Id, Attribute::Name, Attribute::UpdatedAt] {
        for max in [1, 2, 3, 9, 10, 11] {
            let apps = async |page: Page| ledger.store.apps(&ledger.user, &page).await.unwrap();
            let mut forward = walk(page(attribute, Order::Ascending, max), apps).await;
            assert_eq!(forward.len(), 10);
            assert!(forward.is_sorted(), "{forward:?}");
            let backward = walk(page(attribute, Order::Descending, max), apps).await;
            forward.reverse();
            assert_eq!(forward, backward);
        }
    }
}

#[tokio::test]
async fn bounds_stand_in_the_order_of_the_list() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    for number in 0..8 {
        ledger
            .set("example", &[("A", Some(&number.to_string()))])
            .await;
    }
    let versions = async |page: Page| {
        let listed = ledger
            .store
            .releases(&ledger.user, "example", &page)
            .await
            .unwrap();
        let versions: Vec<_> = listed.items.iter().map(|one| one.version).collect();
        (versions, listed.more)
    };
    let newest_first = page(Attribute::Version, Order::Descending, 3);
    assert_eq!(versions(newest_first.clone()).await, (vec![10, 9, 8], true));
    let next = Page {
        start: Some(bound("8", false)),
        ..newest_first.clone()
    };
    assert_eq!(versions(next).await, (vec![7, 6, 5], true));
    let closed = Page {
        start: Some(bound("8", true)),
        end: Some(bound("6", true)),
        ..newest_first.clone()
    };
    assert_eq!(versions(closed).await, (vec![8, 7, 6], false));
    let open = Page {
        start: Some(bound("8", false)),
        end: Some(bound("5", false)),
        ..newest_first
    };
    assert_eq!(versions(open).await, (vec![7, 6], false));
    let oldest_first = Page {
        start: Some(bound("9", true)),
        end: Some(bound("18446744073709551615", true)),
        ..page(Attribute::Version, Order::Ascending, 3)
    };
    assert_eq!(versions(oldest_first).await, (vec![9, 10], false));

    let by_id = async |page: Page| {
        ledger
            .store
            .releases(&ledger.user, "example", &page)
            .await
            .unwrap()
    };
    let ids = walk(page(Attribute::Id, Order::Ascending, 3), by_id).await;
    assert_eq!(ids.len(), 10);
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn process_types_are_listed_by_identifier() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger
        .deploy("example", &[("web", "x"), ("a", "x"), ("worker", "x")])
        .await;
    let formation = async |page: Page| {
        ledger
            .store
            .formation(&ledger.user, "example", &page)
            .await
            .unwrap()
    };
    let ids = walk(page(Attribute::Id, Order::Descending, 1), formation).await;
    assert!(ids.len() == 3 && ids.iter().rev().is_sorted());
}

#[tokio::test]
async fn a_list_has_no_other_orders() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let releases = ledger
        .store
        .releases(
            &ledger.user,
            "example",
            &page(Attribute::Name, Order::Ascending, 3),
        )
        .await;
    insta::assert_snapshot!(refusal(releases), @"invalid-params: The releases are not listed by name.");
    let wrong = Page {
        start: Some(bound("no-identifier", true)),
        ..page(Attribute::Id, Order::Ascending, 3)
    };
    let apps = ledger.store.apps(&ledger.user, &wrong).await;
    insta::assert_snapshot!(
        refusal(apps),
        @"invalid-params: `no-identifier` is no value of id that a list could start or end with."
    );
}
