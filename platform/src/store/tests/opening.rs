//! Opening, migrating, locking; and what is wrong with a database.

use super::*;
use crate::store::folder::FORM;
use fs_err as fs;
use rusqlite::Connection;
use slugbuilder_report::{Diagnosis, Style};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn explained(folder: &Path) -> String {
    let error = Store::open(folder).unwrap_err();
    Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(&folder.display().to_string(), "DATA")
}

#[tokio::test]
async fn what_is_written_is_there_after_reopening() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.deploy("example", &[("web", "x")]).await;
    let before = ledger.releases("example").await;
    let Ledger {
        store,
        user,
        folder,
    } = ledger;
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let after = store.releases(&user, "example", &versions()).await.unwrap();
    assert_eq!(after.items, before);
}

#[tokio::test]
async fn the_folder_and_its_files_are_for_their_user_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = Store::open(&folder).unwrap();
    store.put_user("a@example.com", &[]).await.unwrap();
    assert_eq!(mode(&folder), 0o700);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "ledger.lock",
            "ledger.sqlite",
            "ledger.sqlite-shm",
            "ledger.sqlite-wal"
        ]
    );
    for name in names {
        assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn commits_reach_the_disk() {
    let ledger = Ledger::new().await;
    let settings: (String, i64, i64) = ledger
        .store
        .write(|write| {
            let connection = write.connection();
            let get = |name| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0));
            Ok((
                connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
                get("synchronous")?,
                get("foreign_keys")?,
            ))
        })
        .await
        .unwrap();
    // 2 is FULL.
    assert_eq!(settings, ("wal".into(), 2, 1));
    let write = ledger
        .store
        .read(|connection| Ok(connection.execute("DELETE FROM app", [])?))
        .await;
    assert!(write.is_err());
}

#[test]
fn a_folder_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    insta::assert_snapshot!(explained(folder.path()), @"
    error[data-folder-in-use]: another server uses the data folder `DATA`

      hint: Stop the other server, or give this one a data folder of its own.
    ");
    drop(store);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_database_of_the_first_form_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("ledger.sqlite");
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch(include_str!("../migrations/0001_ledger.sql"))
        .unwrap();
    connection
        .execute_batch(include_str!("version_1.sql"))
        .unwrap();
    drop(connection);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(folder.path()).unwrap();
        let user = store
            .user_of_token("a-token-of-version-1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(user.email, "first@example.com");
        let releases = store
            .releases(&user, "first-app", &versions())
            .await
            .unwrap();
        let told: Vec<_> = releases
            .items
            .iter()
            .map(|one| (one.version, one.description.as_str(), one.current))
            .collect();
        assert_eq!(
            told,
            [
                (1, "Initial release", false),
                (2, "Enable Logplex", false),
                (3, "Deploy 60883d9", true)
            ]
        );
        let deployment: i64 = store
            .read(|connection| {
                let sql = "SELECT deployment FROM app WHERE name = 'first-app'";
                Ok(connection.query_row(sql, [], |row| row.get(0))?)
            })
            .await
            .unwrap();
        assert_eq!(deployment, 3);
        let vars = store.config_vars(&user, "first-app").await.unwrap();
        assert_eq!(vars, types(&[("A", "1")]));
        // And it goes on.
        store
            .create_release(&user, "first-app", of_slug(releases.items[2].slug.unwrap()))
            .await
            .unwrap();
    });
}

#[test]
fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let database = folder.path().join("ledger.sqlite");
    let connection = Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let explained = explained(folder.path()).replace(&format!("up to {FORM}"), "up to FORM");
    insta::assert_snapshot!(explained, @"
    error[database-too-new]: the database `DATA/ledger.sqlite` has the form 99, and this slugbuilder knows those up to FORM

      hint: Run the slugbuilder that last used this folder, or a newer one.
      hint: To go back to an older one, restore a backup that was made with it into an empty folder.
    ");
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("ledger.sqlite");
    let connection = Connection::open(&database).unwrap();
    connection.execute_batch("CREATE TABLE app (x)").unwrap();
    drop(connection);
    insta::assert_snapshot!(explained(folder.path()), @"
    error[database-foreign]: `DATA/ledger.sqlite` is no database of slugbuilder

      hint: Give the server a data folder of its own, which may be empty.
    ");
    let connection = Connection::open(&database).unwrap();
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_file_that_is_no_database_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ledger.sqlite"), "x".repeat(10_000)).unwrap();
    insta::assert_snapshot!(explained(folder.path()), @"
    error[database-damaged]: the database is damaged: `DATA/ledger.sqlite`: file is not a database

      hint: Stop the server, keep the data folder as it is, and restore the newest backup into an empty folder.
      hint: Check the disk: SQLite does not damage its files, failing or lying disks do.
    ");
}

#[tokio::test]
async fn damage_within_is_told_by_the_request_that_meets_it() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    let Ledger {
        store,
        user,
        folder,
    } = ledger;
    drop(store);
    // The database is one file now. Its first page, which has the schema, stays.
    let database = folder.path().join("ledger.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    for byte in &mut bytes[4096..] {
        *byte = 0xa5;
    }
    fs::write(&database, bytes).unwrap();
    let error = match Store::open(folder.path()) {
        Err(error) => error,
        Ok(store) => store.app(&user, "example").await.unwrap_err(),
    };
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("data")).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(&folder.path().display().to_string(), "DATA");
    insta::assert_snapshot!(text, @"
    error[data-folder-unusable]: cannot make the folder `DATA/file/data`: Not a directory (os error 20)

      hint: Look at who may read and write the data folder, as the user that the server runs as.
    ");
}
