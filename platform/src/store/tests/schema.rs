//! What the schema itself refuses, whatever the program does.

use super::*;

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

#[tokio::test]
async fn the_lists_walk_an_index() {
    let ledger = Ledger::new().await;
    for (sql, expected) in [
        (
            "SELECT number FROM app WHERE owner = 1 AND id > zeroblob(16) ORDER BY id LIMIT 200",
            "app_by_id",
        ),
        (
            "SELECT number FROM app WHERE owner = 1 AND name > 'a' ORDER BY name DESC LIMIT 200",
            "app_by_name",
        ),
        (
            "SELECT number FROM app WHERE owner = 1 AND updated_at > 1 ORDER BY updated_at LIMIT 200",
            "app_by_update",
        ),
        (
            "SELECT id FROM release WHERE app = 1 AND version < 5 ORDER BY version DESC LIMIT 15",
            "PRIMARY KEY",
        ),
        (
            "SELECT version FROM release WHERE app = 1 AND id > zeroblob(16) ORDER BY id LIMIT 15",
            "release_by_id",
        ),
        (
            "SELECT version FROM release WHERE app = 1 AND status = 'succeeded' ORDER BY version DESC LIMIT 1",
            "PRIMARY KEY",
        ),
        (
            "SELECT 1 FROM release WHERE slug = 1 AND app = 1",
            "release_of_slug",
        ),
    ] {
        let plan: String = ledger
            .store
            .read(move |connection| {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let lines: Result<Vec<String>, _> =
                    statement.query_map([], |row| row.get("detail"))?.collect();
                Ok(lines?.join("\n"))
            })
            .await
            .unwrap();
        assert!(plan.contains(expected), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        assert!(!plan.contains("SCAN"), "{sql}: {plan}");
    }
}
