//! Promotions: the slug of one app, released to others of its pipeline.

use crate::pipelines::{couple, id_of, line};
use crate::platform::{Answer, Platform};
use serde_json::{Value, json};

const COMMIT: &str = "60883d9e8947a57e04dff9124f25df004866a205";

/// The pipeline of [`line`] with a slug that runs in `staging` since v3.
async fn deployed(process_types: Value) -> Platform {
    let platform = line().await;
    deploy(&platform, "staging", process_types).await;
    platform
}

async fn deploy(platform: &Platform, app: &str, process_types: Value) {
    let body = json!({"process_types": process_types, "commit": COMMIT});
    let slug = platform
        .ann()
        .post(&format!("/apps/{app}/slugs"), body)
        .await;
    let url = slug.body["blob"]["url"].as_str().unwrap();
    platform.blob("PUT", url, b"slug".to_vec()).await;
    let release = platform
        .ann()
        .post(
            &format!("/apps/{app}/releases"),
            json!({"slug": slug.body["id"]}),
        )
        .await;
    assert_eq!(release.status, 201, "{release:?}");
}

fn promotion(source: &str, targets: &[&str]) -> Value {
    let targets: Vec<_> = targets
        .iter()
        .map(|app| json!({"app": {"id": app}}))
        .collect();
    json!({"pipeline": {"id": "line"}, "source": {"app": {"id": source}}, "targets": targets})
}

async fn promote(platform: &Platform, source: &str, targets: &[&str]) -> Answer {
    let made = platform
        .ann()
        .post("/pipeline-promotions", promotion(source, targets))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

async fn targets_of(platform: &Platform, promotion: &Answer) -> Vec<Value> {
    let id = promotion.body["id"].as_str().unwrap();
    let path = format!("/pipeline-promotions/{id}/promotion-targets");
    platform.ann().get(&path).await.items().to_vec()
}

#[tokio::test]
async fn each_target_gets_a_release_of_the_sources_slug_with_its_own_config_vars() {
    let platform = deployed(json!({"web": "x", "worker": "y"})).await;
    let ann = platform.ann();
    // The current release need not be the one that brought the slug.
    ann.patch("/apps/staging/config-vars", json!({"WHERE": "staging"}))
        .await;
    ann.patch("/apps/live/config-vars", json!({"WHERE": "live"}))
        .await;
    let made = promote(&platform, "staging", &["live", "dev"]).await;
    platform
        .assert_described("pipeline-promotion", &made.body)
        .await;
    assert_eq!(made.body["status"], "completed");
    assert!(!made.headers.contains_key("x-heroku-warning"));
    let source = ann.get("/apps/staging/releases/4").await.body;
    assert_eq!(
        made.body["source"],
        json!({"app": {"id": source["app"]["id"]}, "release": {"id": source["id"]}})
    );
    let path = format!("/pipeline-promotions/{}", made.body["id"].as_str().unwrap());
    assert_eq!(ann.get(&path).await.body, made.body);

    let targets = targets_of(&platform, &made).await;
    assert_eq!(targets.len(), 2);
    for target in &targets {
        platform
            .assert_described("pipeline-promotion-target", target)
            .await;
        assert_eq!(target["status"], "succeeded");
        assert_eq!(target["error_message"], Value::Null);
        assert_eq!(target["pipeline_promotion"]["id"], made.body["id"]);
        let app = target["app"]["id"].as_str().unwrap();
        let release = target["release"]["id"].as_str().unwrap();
        let release = ann.get(&format!("/apps/{app}/releases/{release}")).await;
        assert_eq!(release.body["slug"], source["slug"]);
        assert_eq!(release.body["current"], json!(true));
        assert_eq!(release.body["description"], "Promote staging v4 60883d9");
        assert_eq!(release.body["user"]["email"], "ann@example.test");
    }
    let vars = ann.get("/apps/live/config-vars").await.body;
    assert_eq!(vars, json!({"WHERE": "live"}));
    assert_eq!(ann.get("/apps/dev/config-vars").await.body, json!({}));
    assert_eq!(ann.get("/apps/live/formation").await.items().len(), 2);
    let paged = ann
        .list(&format!("{path}/promotion-targets"), "id ..; max=1")
        .await;
    assert_eq!((paged.status, paged.items().len()), (206, 1));
}

#[tokio::test]
async fn an_earlier_release_can_be_promoted_and_targets_be_at_any_stage() {
    let platform = deployed(json!({"web": "first"})).await;
    deploy(&platform, "staging", json!({"web": "second"})).await;
    let ann = platform.ann();
    let first = ann.get("/apps/staging/releases/3").await.body;
    let mut body = promotion("staging", &["dev"]);
    body["source"]["release"] = json!({"id": first["id"]});
    let made = ann.post("/pipeline-promotions", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["source"]["release"]["id"], first["id"]);
    let release = ann.get("/apps/dev/releases/3").await.body;
    assert_eq!(release["slug"], first["slug"]);
    assert_eq!(release["description"], "Promote staging v3 60883d9");
}

#[tokio::test]
async fn a_release_phase_that_is_not_run_is_told() {
    let platform = deployed(json!({"web": "x", "release": "y"})).await;
    let made = promote(&platform, "staging", &["live"]).await;
    let warning = made.headers["x-heroku-warning"].to_str().unwrap();
    assert!(warning.contains("`release` was not run"), "{warning}");
}

#[tokio::test]
async fn what_cannot_be_promoted_is_refused_altogether() {
    let platform = deployed(json!({"web": "x"})).await;
    let ann = platform.ann();
    ann.post("/apps", json!({"name": "outside"})).await;
    ann.post("/pipelines", json!({"name": "other"})).await;
    let pending = json!({"pipeline": {"id": "line"}, "source": {"app": {"id": "staging"}, "release": {"id": "2"}}, "targets": [{"app": {"id": "live"}}]});
    let elsewhere = json!({"pipeline": {"id": "other"}, "source": {"app": {"id": "staging"}}, "targets": [{"app": {"id": "live"}}]});
    for (body, text) in [
        (
            promotion("dev", &["live"]),
            "Cannot promote dev v2: it has no slug. Please deploy to dev first.",
        ),
        (
            pending,
            "Cannot promote staging v2: it has no slug. Please deploy to staging first.",
        ),
        (elsewhere, "staging is not in the pipeline other."),
        (
            promotion("outside", &["live"]),
            "outside is not in the pipeline line.",
        ),
        (
            promotion("staging", &["live", "outside"]),
            "outside is not in the pipeline line.",
        ),
        (
            promotion("staging", &["live", "staging"]),
            "Cannot promote from an app to itself: staging.",
        ),
        (
            promotion("staging", &["live", "live"]),
            "live is named twice among the apps to promote to.",
        ),
        (
            promotion("staging", &[]),
            "There is no app to promote to: `targets` is empty.",
        ),
        (json!({}), "`source` is required"),
        (json!({"source": {}}), "`targets` is required"),
        (
            json!({"source": {}, "targets": []}),
            "`pipeline` is required",
        ),
        (
            json!({"pipeline": "line", "source": {}, "targets": []}),
            "`app` of `source` is required",
        ),
        (
            json!({"pipeline": "line", "source": {"app": "staging"}, "targets": [{}]}),
            "`app` is required in each of `targets`",
        ),
    ] {
        let refused = ann.post("/pipeline-promotions", body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    for (body, text) in [
        (promotion("none", &["live"]), "Couldn't find that app."),
        (
            promotion("staging", &["live", "none"]),
            "Couldn't find that app.",
        ),
    ] {
        let refused = ann.post("/pipeline-promotions", body).await;
        refused.assert_error(404, "not_found", text);
    }
    assert_eq!(ann.get("/apps/live/releases").await.items().len(), 2);
}

#[tokio::test]
async fn an_app_of_another_in_ones_pipeline_is_a_target_that_fails() {
    let platform = deployed(json!({"web": "x"})).await;
    platform.collaborate("dev", "bob@example.test").await;
    let bob = platform.bob();
    bob.post("/apps", json!({"name": "bobs"})).await;
    let bobs = couple(&bob, "bobs", "production").await;
    let id = bobs.body["app"]["id"].as_str().unwrap();
    let made = promote(&platform, "staging", &["live", id]).await;
    assert_eq!(made.body["status"], "completed");
    let targets = targets_of(&platform, &made).await;
    let of = |app: &str| targets.iter().find(|one| one["app"]["id"] == app).unwrap();
    assert_eq!(of(id)["status"], "failed");
    assert_eq!(
        of(id)["error_message"],
        "User does not have access to that app"
    );
    assert_eq!(of(id)["release"], Value::Null);
    assert_eq!(of(&id_of(&platform, "live").await)["status"], "succeeded");
    assert_eq!(bob.get("/apps/bobs/releases").await.items().len(), 2);
    // By its name it is not there, and neither is an app of others for who does not own the pipeline.
    let refused = platform
        .ann()
        .post("/pipeline-promotions", promotion("staging", &["bobs"]))
        .await;
    refused.assert_error(404, "not_found", "Couldn't find that app.");
    let live = id_of(&platform, "live").await;
    let refused = bob
        .post("/pipeline-promotions", promotion("bobs", &[&live]))
        .await;
    assert_eq!(refused.status, 422, "{refused:?}");
    // Who sees the pipeline sees the promotion, with the targets that they may see.
    let path = format!("/pipeline-promotions/{}", made.body["id"].as_str().unwrap());
    assert_eq!(bob.get(&path).await.body, made.body);
    let seen = bob.get(&format!("{path}/promotion-targets")).await;
    assert_eq!(seen.items().len(), 1);
    assert_eq!(seen.items()[0]["app"]["id"], id);
}

#[tokio::test]
async fn promotions_outlive_what_they_are_about() {
    let platform = deployed(json!({"web": "x"})).await;
    let ann = platform.ann();
    let made = promote(&platform, "staging", &["live", "dev"]).await;
    for path in ["/apps/live", "/apps/staging", "/pipelines/line"] {
        assert_eq!(ann.delete(path).await.status, 200);
    }
    let path = format!("/pipeline-promotions/{}", made.body["id"].as_str().unwrap());
    let still = ann.get(&path).await;
    for name in ["id", "pipeline", "source", "status", "created_at"] {
        assert_eq!(still.body[name], made.body[name], "{name}");
    }
    let targets = targets_of(&platform, &made).await;
    assert_eq!(targets.len(), 2);
    assert!(targets.iter().all(|one| one["status"] == "succeeded"));
    // The slug is the target's now.
    let release = ann.get("/apps/dev/releases/3").await;
    let slug = release.body["slug"]["id"].as_str().unwrap().to_owned();
    let slug = ann.get(&format!("/apps/dev/slugs/{slug}")).await;
    assert_eq!(slug.status, 200);
    let url = slug.body["blob"]["url"].as_str().unwrap();
    assert_eq!(
        platform.blob("GET", url, Vec::new()).await,
        (200, b"slug".to_vec())
    );
}

#[tokio::test]
async fn the_latest_of_each_app_is_told() {
    let platform = deployed(json!({"web": "x"})).await;
    let ann = platform.ann();
    promote(&platform, "staging", &["live"]).await;
    ann.patch("/apps/live/config-vars", json!({"A": "1"})).await;
    ann.patch("/apps/live/config-vars", json!({"A": "2"})).await;
    let told = async |list: &str| {
        let listed = ann.get(&format!("/pipelines/line/{list}")).await;
        assert_eq!(listed.status, 200);
        let mut told = Vec::new();
        for release in listed.items() {
            platform.assert_described("release", release).await;
            let app = release["app"]["name"].as_str().unwrap().to_owned();
            told.push((app, release["version"].as_u64().unwrap()));
        }
        told.sort();
        told
    };
    let expected = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs
            .iter()
            .map(|(app, version)| ((*app).to_owned(), *version))
            .collect()
    };
    assert_eq!(
        told("latest-releases").await,
        expected(&[("dev", 2), ("live", 5), ("staging", 3)])
    );
    assert_eq!(
        told("latest-deployments").await,
        expected(&[("live", 3), ("staging", 3)])
    );
    let page = ann
        .list("/pipelines/line/latest-releases", "id ..; max=2")
        .await;
    assert_eq!((page.status, page.items().len()), (206, 2));
    // Each sees the apps that they work on.
    platform.collaborate("dev", "bob@example.test").await;
    let bobs = platform.bob().get("/pipelines/line/latest-releases").await;
    assert_eq!(bobs.items().len(), 1);
    assert_eq!(bobs.items()[0]["app"]["name"], "dev");
}
