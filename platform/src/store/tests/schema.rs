//! What the schema itself refuses, whatever the program does.

use super::*;
use crate::range::{Attribute, Bound, Order};

/// Runs SQL past all rules of the program.
async fn execute(ledger: &Ledger, sql: &'static str) -> Result<(), StoreError> {
    ledger
        .store
        .write(move |write| Ok(write.connection().execute_batch(sql)?))
        .await
}

async fn refused(ledger: &Ledger, sql: &'static str) -> String {
    match execute(ledger, sql).await {
        Err(StoreError::Sql(cause)) => cause.to_string(),
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn a_release_is_never_changed_deleted_or_left_out() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.deploy("example", &[("web", "x")]).await;
    ledger.set("example", &[("A", Some("1"))]).await;
    let before = ledger.releases("example").await;
    for change in [
        "UPDATE release SET description = 'x' WHERE version = 3",
        "UPDATE release SET version = 9 WHERE version = 4",
        "UPDATE release SET slug = NULL WHERE version = 3",
        "UPDATE release SET config = (SELECT min(number) FROM config) WHERE version = 4",
        "UPDATE release SET id = zeroblob(16) WHERE version = 3",
        "UPDATE release SET created_at = 0",
        "UPDATE release SET addon_plan_names = '[\"x\"]'",
        "UPDATE release SET status = 'pending'",
        "UPDATE release SET status = 'failed'",
    ] {
        assert_eq!(
            refused(&ledger, change).await,
            "a release is never changed but for its status",
            "{change}"
        );
    }
    assert_eq!(
        refused(&ledger, "DELETE FROM release WHERE version = 4").await,
        "a release is never deleted but with its app"
    );
    for version in ["4", "6", "0"] {
        let sql: &'static str = match version {
            "4" => {
                "INSERT INTO release SELECT app, 4, randomblob(16), slug, config, '[]', '', 'succeeded', 0, user, 0, 0 FROM release WHERE version = 4"
            }
            "6" => {
                "INSERT INTO release SELECT app, 6, randomblob(16), slug, config, '[]', '', 'succeeded', 0, user, 0, 0 FROM release WHERE version = 4"
            }
            _ => {
                "INSERT INTO release SELECT app, 0, randomblob(16), slug, config, '[]', '', 'succeeded', 0, user, 0, 0 FROM release WHERE version = 4"
            }
        };
        assert_eq!(
            refused(&ledger, sql).await,
            "a release has the number after that of the newest one"
        );
    }
    assert_eq!(
        refused(&ledger, "UPDATE config SET vars = '{}'").await,
        "the config vars of a release are never changed"
    );
    assert_eq!(
        refused(&ledger, "UPDATE slug SET size = 1").await,
        "a slug is never changed once it is uploaded"
    );
    assert_eq!(
        refused(&ledger, "DELETE FROM slug").await,
        "FOREIGN KEY constraint failed"
    );
    assert_eq!(ledger.releases("example").await, before);
    // A slug that is no longer there ends its releases.
    execute(
        &ledger,
        "UPDATE release SET status = 'expired' WHERE version = 3",
    )
    .await
    .unwrap();
}

/// How SQLite carries out a list.
async fn plan(ledger: &Ledger, (sql, keyset): (String, keyset::Keyset)) -> String {
    ledger
        .store
        .read(move |connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let lines: Result<Vec<String>, _> = statement
                .query_map(rusqlite::params_from_iter(&keyset.values), |row| {
                    row.get("detail")
                })?
                .collect();
            Ok(lines?.join("\n"))
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_page_reads_no_more_than_itself() {
    let ledger = Ledger::new().await;
    for order in [Order::Ascending, Order::Descending] {
        for (attribute, value, index) in [
            (
                Attribute::Id,
                "01234567-89ab-cdef-0123-456789abcdef",
                "app_by_id (owner=? AND id",
            ),
            (Attribute::Name, "m", "app_by_name (owner=? AND name"),
            (
                Attribute::UpdatedAt,
                "2026-01-01T00:00:00.5Z",
                "app_by_update (owner=? AND updated_at",
            ),
        ] {
            let page = page(attribute, order, value);
            let plan = plan(&ledger, crate::store::apps::list_query(1, &page).unwrap()).await;
            assert!(plan.contains(&format!("COVERING INDEX {index}")), "{plan}");
            assert!(plan.contains("MERGE (UNION ALL)"), "{plan}");
            // Only the apps of others are sorted, and only the page is read in full.
            assert_eq!(plan.matches("TEMP B-TREE").count(), 1, "{plan}");
            assert_eq!(plan.matches("SCAN ").count(), 1, "{plan}");
        }
        for (attribute, value, index) in [
            (
                Attribute::Id,
                "01234567-89ab-cdef-0123-456789abcdef",
                "INDEX release_by_id (app=? AND id",
            ),
            (Attribute::Version, "5", "PRIMARY KEY (app=? AND version"),
        ] {
            let page = page(attribute, order, value);
            let plan = plan(&ledger, release_rows::list_query(1, &page).unwrap()).await;
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            assert!(!plan.contains("SCAN "), "{plan}");
        }
    }
}

fn page(attribute: Attribute, order: Order, after: &str) -> Page {
    Page {
        attribute,
        start: Some(Bound {
            value: after.into(),
            inclusive: false,
        }),
        end: None,
        max: 200,
        order,
    }
}
