//! Promotions as the ledger keeps them, and who may do what to pipelines.

use super::*;

/// The pipeline `line` of the ledger's user, with the apps `staging`, `live` and `other`, the first of which runs a slug since v3.
async fn line() -> Ledger {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    store.create_pipeline(&ledger.user, "line").await.unwrap();
    for (app, stage) in [
        ("staging", Stage::Staging),
        ("live", Stage::Production),
        ("other", Stage::Production),
    ] {
        ledger.app(app).await;
        store
            .couple(&ledger.user, "line", app, stage)
            .await
            .unwrap();
    }
    ledger.deploy("staging", &[("web", "x")]).await;
    ledger
}

fn promotion(source: &str, targets: &[&str]) -> NewPromotion {
    NewPromotion {
        pipeline: "line".into(),
        source: source.into(),
        release: None,
        targets: targets.iter().map(|app| (*app).to_owned()).collect(),
    }
}

impl Ledger {
    async fn promote(&self, targets: &[&str]) -> Promotion {
        self.store
            .promote(&self.user, promotion("staging", targets))
            .await
            .unwrap()
    }

    /// The targets of a promotion: the name of the app, how it went, and why.
    async fn targets(&self, promotion: &Promotion) -> Vec<(String, TargetStatus, Option<String>)> {
        let page = Page::first(Offered::ID);
        let id = promotion.id.to_string();
        let listed = self
            .store
            .promotion_targets(&self.user, &id, &page)
            .await
            .unwrap();
        let mut targets = Vec::new();
        for target in listed.items {
            let app = self.store.app(&self.user, &target.app.to_string()).await;
            let release = target.release.is_some();
            assert_eq!(release, target.status != TargetStatus::Failed, "{target:?}");
            targets.push((app.unwrap().name, target.status, target.error_message));
        }
        targets.sort_by(|one, other| one.0.cmp(&other.0));
        targets
    }
}

#[tokio::test]
async fn a_target_that_fails_takes_nothing_of_the_others_with_it() {
    let ledger = line().await;
    let slug = ledger.uploaded("live", slug_of(&[("web", "y")])).await;
    let pending = ledger
        .store
        .begin_release(&ledger.user, "live", of_slug(slug.id))
        .await
        .unwrap();
    let made = ledger.promote(&["live", "other"]).await;
    assert!(!made.pending);
    assert_eq!(
        ledger.targets(&made).await,
        [
            (
                "live".to_owned(),
                TargetStatus::Failed,
                Some(
                    "The release phase of v3 is still running. Please try again when it is done."
                        .to_owned()
                )
            ),
            ("other".to_owned(), TargetStatus::Succeeded, None),
        ]
    );
    assert_eq!(ledger.newest("live").await, pending);
    assert_eq!(
        ledger.newest("other").await.description,
        "Promote staging v3"
    );
    // What is pending at the source is not what runs there.
    let next = ledger.uploaded("staging", slug_of(&[("web", "z")])).await;
    let begun = ledger
        .store
        .begin_release(&ledger.user, "staging", of_slug(next.id))
        .await
        .unwrap();
    let again = ledger.promote(&["other"]).await;
    assert_eq!(again.source_release, made.source_release);
    let named = NewPromotion {
        release: Some(begun.id.to_string()),
        ..promotion("staging", &["other"])
    };
    let refused = ledger.store.promote(&ledger.user, named.clone()).await;
    insta::assert_snapshot!(refusal(refused), @"invalid-params: Cannot promote staging v4: its release phase is still running.");
    let app = begun.app.id;
    ledger.store.finish_release(app, 4, false).await.unwrap();
    let refused = ledger.store.promote(&ledger.user, named).await;
    insta::assert_snapshot!(refusal(refused), @"invalid-params: Cannot promote staging v4: it did not succeed, or is no longer there.");
}

/// The version of the newest release of each app that changed what runs, as the ledger keeps it and as its releases tell.
async fn deployments(ledger: &Ledger) -> Vec<(String, Option<u64>)> {
    let user = &ledger.user;
    let latest = ledger
        .store
        .latest_releases(user, "line", Latest::Deployment)
        .await
        .unwrap();
    let mut deployments = Vec::new();
    for app in ["live", "other", "staging"] {
        let told = latest.iter().find(|one| one.app.name == app);
        let told = told.map(|release| release.version);
        let (mut slug, mut expected) = (None, None);
        for release in ledger.releases(app).await {
            if release.slug.is_some() && release.slug != slug {
                expected = Some(release.version);
            }
            slug = release.slug;
        }
        assert_eq!(told, expected, "{app}");
        deployments.push((app.to_owned(), told));
    }
    deployments
}

#[tokio::test]
async fn the_newest_deployment_is_known_however_many_releases_came_since() {
    let ledger = line().await;
    let versions = |live, other, staging| {
        vec![
            ("live".to_owned(), live),
            ("other".to_owned(), other),
            ("staging".to_owned(), staging),
        ]
    };
    assert_eq!(deployments(&ledger).await, versions(None, None, Some(3)));
    for value in ["1", "2"] {
        ledger.set("staging", &[("A", Some(value))]).await;
        ledger.set("other", &[("A", Some(value))]).await;
    }
    ledger.promote(&["live"]).await;
    assert_eq!(deployments(&ledger).await, versions(Some(3), None, Some(3)));
    // The same slug again runs nothing new; another does, and so does going back to the first.
    let slug = ledger.newest("staging").await.slug.unwrap();
    ledger.release("staging", slug).await;
    assert_eq!(deployments(&ledger).await, versions(Some(3), None, Some(3)));
    ledger.deploy("staging", &[("web", "y")]).await;
    assert_eq!(deployments(&ledger).await, versions(Some(3), None, Some(7)));
    ledger.release("staging", slug).await;
    assert_eq!(deployments(&ledger).await, versions(Some(3), None, Some(8)));
}

/// Nothing makes such releases yet; when promotions run release phases, this is how they are told.
#[tokio::test]
async fn a_promotion_is_pending_as_long_as_a_release_of_it_is() {
    let ledger = line().await;
    let made = ledger.promote(&["live"]).await;
    let slug = ledger.newest("staging").await.slug.unwrap();
    let begun = ledger
        .store
        .begin_release(&ledger.user, "other", of_slug(slug))
        .await
        .unwrap();
    let (promotion, app, release) = (made.id, begun.app.id, begun.id);
    ledger
        .store
        .write(move |write| {
            Ok(write.connection().execute(
                "INSERT INTO pipeline_promotion_target (promotion, id, app, release)
                 SELECT number, ?2, ?3, ?4 FROM pipeline_promotion WHERE id = ?1",
                rusqlite::params![promotion, Uuid::new_v4(), app, release],
            )?)
        })
        .await
        .unwrap();
    let status = async || {
        let id = promotion.to_string();
        let promotion = ledger.store.promotion(&ledger.user, &id).await.unwrap();
        let page = Page::first(Offered::ID);
        let targets = ledger
            .store
            .promotion_targets(&ledger.user, &id, &page)
            .await;
        let targets = targets.unwrap().items;
        let other = targets.into_iter().find(|one| one.app == app).unwrap();
        (promotion.pending, other.status, other.error_message)
    };
    assert_eq!(status().await, (true, TargetStatus::Pending, None));
    ledger.store.finish_release(app, 3, false).await.unwrap();
    assert_eq!(
        status().await,
        (
            false,
            TargetStatus::Failed,
            Some("The release phase failed.".to_owned())
        )
    );
}

#[tokio::test]
async fn a_promotion_that_is_refused_leaves_nothing() {
    let ledger = line().await;
    let (live, other) = (ledger.newest("live").await, ledger.newest("other").await);
    ledger.app("outside").await;
    for targets in [
        &["live", "other", "outside"][..],
        &["live", "other", "nosuch"],
        &["live", "other", "staging"],
        &["live", "other", "live"],
    ] {
        let refused = ledger
            .store
            .promote(&ledger.user, promotion("staging", targets))
            .await;
        assert!(refused.is_err(), "{targets:?}");
    }
    assert_eq!(ledger.newest("live").await, live);
    assert_eq!(ledger.newest("other").await, other);
    let count: i64 = ledger
        .store
        .read(|connection| {
            Ok(
                connection.query_row("SELECT count(*) FROM pipeline_promotion", [], |row| {
                    row.get(0)
                })?,
            )
        })
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn what_was_promoted_is_never_changed() {
    let ledger = line().await;
    ledger.promote(&["live"]).await;
    for sql in [
        "UPDATE pipeline_promotion SET source_app = zeroblob(16)",
        "UPDATE pipeline_promotion_target SET error_message = 'x', release = NULL",
    ] {
        let changed = ledger
            .store
            .write(move |write| Ok(write.connection().execute(sql, [])?))
            .await;
        let Err(StoreError::Sql(cause)) = changed else {
            panic!("{sql}: {changed:?}")
        };
        assert_eq!(cause.to_string(), "a promotion is never changed");
    }
}

#[tokio::test]
async fn promotions_at_once_leave_no_gap() {
    let ledger = line().await;
    let promotions = (0..20).map(|_| ledger.promote(&["live", "other"]));
    futures_util::future::join_all(promotions).await;
    for app in ["live", "other"] {
        let releases = ledger.releases(app).await;
        let versions: Vec<_> = releases.iter().map(|one| one.version).collect();
        assert_eq!(versions, (1..=22).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn there_is_an_end_to_apps_in_a_pipeline_and_to_pipelines() {
    let ledger = line().await;
    ledger
        .store
        .write(|write| {
            write.connection().execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
                 INSERT INTO pipeline (id, name, owner, created_at, updated_at)
                 SELECT randomblob(16), 'line-' || i, (SELECT owner FROM pipeline), 0, 0 FROM n;
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 997)
                 INSERT INTO app (id, name, owner, stack, build_stack, region, created_at, updated_at)
                 SELECT randomblob(16), 'app-' || i, 1, 'heroku-24', 'heroku-24', 'us', 0, 0 FROM n;
                 INSERT INTO pipeline_coupling (app, id, pipeline, stage, created_at, updated_at)
                 SELECT number, randomblob(16), (SELECT number FROM pipeline WHERE name = 'line'), 'test', 0, 0
                 FROM app WHERE name LIKE 'app-%';",
            )?;
            Ok(())
        })
        .await
        .unwrap();
    ledger.app("last").await;
    let store = &ledger.store;
    let refused = store
        .couple(&ledger.user, "line", "last", Stage::Test)
        .await;
    insta::assert_snapshot!(refusal(refused), @"invalid-params: The pipeline line has 1000 apps, which is as many as there can be.");
    let refused = store.create_pipeline(&ledger.user, "last").await;
    insta::assert_snapshot!(refusal(refused), @"invalid-params: You have 1000 pipelines, which is as many as there can be. Please delete one first.");
    // All of them are told at once.
    let page = Page {
        max: crate::range::CEILING,
        ..Page::first(Offered::ID)
    };
    let couplings = store
        .couplings(&ledger.user, Couplings::Of("line".into()), &page)
        .await
        .unwrap();
    assert_eq!((couplings.items.len(), couplings.more), (1000, false));
}

#[tokio::test]
async fn several_pipelines_of_others_with_one_name_are_told_apart_by_their_ids() {
    let ledger = line().await;
    let friend = ledger.another_user("friend@example.com").await;
    let other = ledger.another_user("other@example.com").await;
    let store = &ledger.store;
    let theirs = store.create_pipeline(&other, "line").await.unwrap();
    store
        .create_app(&other, new_app(Some("theirs")))
        .await
        .unwrap();
    store
        .couple(&other, "line", "theirs", Stage::Test)
        .await
        .unwrap();
    let email = "friend@example.com";
    store
        .add_collaborator(&ledger.user, "live", email)
        .await
        .unwrap();
    let only = store.pipeline(&friend, "line").await.unwrap();
    assert_eq!(only.owner.id, ledger.user.id);
    store
        .add_collaborator(&other, "theirs", email)
        .await
        .unwrap();
    let refused = store.pipeline(&friend, "line").await;
    insta::assert_snapshot!(refusal(refused), @"invalid-params: There are several pipelines called line that you may see. Please name one by its id.");
    let by_id = store.pipeline(&friend, &theirs.id.to_string()).await;
    assert_eq!(by_id.unwrap(), theirs);
}
