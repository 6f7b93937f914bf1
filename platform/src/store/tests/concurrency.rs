use super::*;
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Many tasks at once on one app and on another: versions without gaps, every answer its own, no lost update.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_come_one_after_the_other() {
    const TASKS: usize = 200;
    let ledger = Ledger::new().await;
    ledger.app("busy").await;
    ledger.app("other").await;
    let slug = ledger.uploaded("busy", slug_of(&[("web", "x")])).await.id;
    let tasks = (0..TASKS).map(|number| {
        let (store, user) = (ledger.store.clone(), ledger.user.clone());
        tokio::spawn(async move {
            let name = format!("VAR_{number}");
            let update = [(name.clone(), Some("x".to_owned()))].into();
            let vars = store
                .update_config_vars(&user, "busy", update)
                .await
                .unwrap();
            assert!(vars.contains_key(&name));
            let app = if number % 4 == 0 { "other" } else { "busy" };
            let release = store
                .create_release(&user, app, of_slug(slug))
                .await
                .unwrap();
            // What was answered is there for everyone.
            let read = store
                .release(&user, app, &release.version.to_string())
                .await
                .unwrap();
            assert_eq!(read.id, release.id);
            (app, release.version)
        })
    });
    let answered: BTreeSet<_> = join_all(tasks)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(answered.len(), TASKS, "an answer was given twice");

    let vars = ledger
        .store
        .config_vars(&ledger.user, "busy")
        .await
        .unwrap();
    assert_eq!(vars.len(), TASKS);
    for (app, expected) in [
        ("busy", 2 + TASKS + TASKS * 3 / 4),
        ("other", 2 + TASKS / 4),
    ] {
        let releases = ledger.releases(app).await;
        let versions: Vec<_> = releases.iter().map(|one| one.version).collect();
        let gapless: Vec<_> = (1..).take(expected).collect();
        assert_eq!(versions, gapless);
        let current: Vec<_> = releases.iter().filter(|one| one.current).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0].version, versions[versions.len() - 1]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_given_to_one_of_many() {
    let ledger = Ledger::new().await;
    let tasks = (0..50).map(|_| {
        let (store, user) = (ledger.store.clone(), ledger.user.clone());
        tokio::spawn(async move { store.create_app(&user, new_app(Some("wanted"))).await })
    });
    let results = join_all(tasks).await;
    let (given, refused): (Vec<_>, Vec<_>) = results
        .into_iter()
        .map(Result::unwrap)
        .partition(Result::is_ok);
    assert_eq!(given.len(), 1);
    assert!(
        refused
            .iter()
            .all(|one| matches!(one, Err(StoreError::NameTaken)))
    );
}

/// One that fails or panics takes nothing of those with it that share its transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_of_one_transaction_fail_each_for_itself() {
    let ledger = Ledger::new().await;
    let put = |number: usize| {
        let store = ledger.store.clone();
        tokio::spawn(async move {
            store
                .write(move |write| {
                    write.connection().execute(
                        "INSERT INTO user (id, email, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
                        rusqlite::params![Uuid::new_v4(), number.to_string(), write.now()],
                    )?;
                    match number % 3 {
                        0 => Ok(number),
                        1 => Err(StoreError::NameTaken),
                        _ => panic!("expected by this test"),
                    }
                })
                .await
        })
    };
    let results = join_all((0..60).map(put)).await;
    for (number, result) in results.into_iter().map(Result::unwrap).enumerate() {
        match number % 3 {
            0 => assert_eq!(result.unwrap(), number),
            1 => assert!(matches!(result, Err(StoreError::NameTaken))),
            _ => assert!(matches!(result, Err(StoreError::Panicked))),
        }
        let there = ledger.store.user(&number.to_string()).await.is_ok();
        assert_eq!(there, number % 3 == 0, "{number}");
    }
    // Readers survive a panic, too, all of them.
    for _ in 0..40 {
        let result = ledger
            .store
            .read::<(), _>(|_| panic!("expected by this test"))
            .await;
        assert!(matches!(result, Err(StoreError::Panicked)));
    }
    ledger.store.user("0").await.unwrap();
}

/// Times never repeat nor go back, so that pages by time miss nothing.
#[tokio::test]
async fn no_two_records_have_the_same_time() {
    let ledger = Ledger::new().await;
    let mut last = None;
    for _ in 0..20 {
        let times = ledger
            .store
            .write(|write| Ok((0..50).map(|_| write.now().0).collect::<Vec<_>>()))
            .await
            .unwrap();
        for time in times {
            assert!(last < Some(time));
            last = Some(time);
        }
    }
}

/// A request that failed and whose savepoint is gone, as after an error of the disk.
#[tokio::test]
async fn what_cannot_be_undone_alone_is_undone_with_its_batch() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let (go, wait) = std::sync::mpsc::channel();
    // Holds the transaction open until the others are queued.
    let first = store.write(move |_| {
        wait.recv().unwrap();
        Ok(())
    });
    let innocent = store.create_app(&ledger.user, new_app(Some("innocent")));
    let broken = store.write(|write| {
        let connection = write.connection();
        connection.execute("UPDATE user SET name = 'half done'", [])?;
        connection.execute("RELEASE request", [])?;
        Err::<(), _>(StoreError::Conflict("it failed".into()))
    });
    let (first, innocent, broken, ()) =
        tokio::join!(first, innocent, broken, async { go.send(()).unwrap() });
    for error in [
        first.unwrap_err(),
        innocent.unwrap_err(),
        broken.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NotWritten(_)), "{error:?}");
    }
    let gone = store.app(&ledger.user, "innocent").await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    let user = store.user("owner@example.com").await.unwrap();
    assert_eq!(user.name, None);
    // And it goes on.
    ledger.app("innocent").await;
}

/// The clock of the machine was set back while the server was down.
#[tokio::test]
async fn no_time_comes_twice_after_a_restart() {
    let ledger = Ledger::new().await;
    ledger.app("example").await;
    ledger.deploy("example", &[("web", "x")]).await;
    let Ledger {
        store,
        folder,
        user,
    } = ledger;
    drop(store);
    let connection = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    let kept = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let newest = kept("SELECT newest FROM clock");
    // Whatever was written last is not newer than what is kept.
    assert_eq!(newest, kept("SELECT max(updated_at) FROM formation"));
    let future = newest + 3_600_000_000;
    connection
        .execute("UPDATE clock SET newest = ?1", [future])
        .unwrap();
    let back = connection.execute("UPDATE clock SET newest = ?1", [newest]);
    assert!(back.unwrap_err().to_string().contains("never goes back"));
    for _ in 0..2 {
        let store = Store::open(folder.path()).unwrap();
        let told = store.update_user(user.id, UserUpdate::default()).await;
        let told = told.unwrap().updated_at.as_microsecond();
        assert!(told > future);
        assert_eq!(kept("SELECT newest FROM clock"), told);
    }
}
