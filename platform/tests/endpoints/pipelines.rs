//! Pipelines and the places of apps in them.

use crate::platform::{Answer, Caller, Platform};
use serde_json::{Value, json};

/// Ann's pipeline `line` with her apps `dev`, `staging` and `live`.
pub(crate) async fn line() -> Platform {
    let platform = Platform::new().await;
    let made = platform
        .ann()
        .post("/pipelines", json!({"name": "line"}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    for (app, stage) in [
        ("dev", "development"),
        ("staging", "staging"),
        ("live", "production"),
    ] {
        platform.ann().post("/apps", json!({"name": app})).await;
        couple(&platform.ann(), app, stage).await;
    }
    platform
}

/// Adds an app to `line`.
pub(crate) async fn couple(caller: &Caller<'_>, app: &str, stage: &str) -> Answer {
    let body = json!({"app": app, "pipeline": "line", "stage": stage});
    let coupled = caller.post("/pipeline-couplings", body).await;
    assert_eq!(coupled.status, 201, "{coupled:?}");
    coupled
}

/// The identifier of an app of Ann's.
pub(crate) async fn id_of(platform: &Platform, app: &str) -> String {
    let app = platform.ann().get(&format!("/apps/{app}")).await;
    app.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pipeline_is_made_found_renamed_and_deleted() {
    let platform = Platform::new().await;
    let ann = platform.ann();
    let me = ann.get("/account").await.body["id"].clone();
    // As the CLI makes it.
    let body = json!({"generation": {"name": "cedar"}, "name": "line", "owner": {"id": me, "type": "user"}});
    let made = ann.post("/pipelines", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    platform.assert_described("pipeline", &made.body).await;
    assert_eq!(made.body["owner"], json!({"id": me, "type": "user"}));
    let id = made.body["id"].as_str().unwrap();
    for identity in ["line", id] {
        let info = ann.get(&format!("/pipelines/{identity}")).await;
        assert_eq!((info.status, &info.body), (200, &made.body));
    }
    ann.post("/pipelines", json!({"name": "other"})).await;
    assert_eq!(ann.get("/pipelines").await.items().len(), 2);
    for query in ["eq[name]=line", "eq%5Bname%5D=line&order=none"] {
        let found = ann.get(&format!("/pipelines?{query}")).await;
        assert_eq!(found.body, json!([made.body]));
    }
    assert_eq!(ann.get("/pipelines?eq[name]=none").await.body, json!([]));
    let wrong = ann.get("/pipelines?eq[id]=1").await;
    wrong.assert_error(
        400,
        "bad_request",
        "Pipelines are looked for by `eq[name]` only.",
    );

    let path = format!("/pipelines/{id}");
    let taken = ann.patch(&path, json!({"name": "other"})).await;
    taken.assert_error(422, "invalid_params", "Name is already taken");
    let renamed = ann.patch(&path, json!({"name": "renamed"})).await;
    assert_eq!(
        (renamed.status, &renamed.body["name"]),
        (200, &json!("renamed"))
    );
    assert_eq!(ann.patch(&path, json!({})).await.body, renamed.body);
    assert_eq!(ann.get("/pipelines/line").await.status, 404);
    let deleted = ann.delete(&path).await;
    assert_eq!((deleted.status, &deleted.body), (200, &renamed.body));
    ann.get(&path)
        .await
        .assert_error(404, "not_found", "Couldn't find that pipeline.");
}

#[tokio::test]
async fn pipelines_are_listed_in_pages() {
    let platform = Platform::new().await;
    for name in ["one", "two", "three"] {
        platform
            .ann()
            .post("/pipelines", json!({"name": name}))
            .await;
    }
    let first = platform.ann().list("/pipelines", "id ..; max=2").await;
    assert_eq!((first.status, first.items().len()), (206, 2));
    let next = first.headers["next-range"].to_str().unwrap();
    let last = platform.ann().list("/pipelines", next).await;
    assert_eq!((last.status, last.items().len()), (200, 1));
    let named = platform
        .ann()
        .list("/pipelines?eq[name]=two", "id ..; order=desc,max=1")
        .await;
    assert_eq!((named.status, named.names()), (200, vec!["two"]));
}

#[tokio::test]
async fn what_no_pipeline_can_be_is_refused() {
    let platform = line().await;
    let bob = platform.bob().get("/account").await.body["id"].clone();
    let rule = "The name of a pipeline must start with a letter, have 3 to 30 characters and can only contain lowercase \
                letters, digits, and dashes.";
    for (body, text) in [
        (json!({}), "`name` is required"),
        (json!({"name": 1}), "`name` must be a string"),
        (json!({"name": "ab"}), rule),
        (json!({"name": "1abc"}), rule),
        (json!({"name": "a_bc"}), rule),
        (json!({"name": "a".repeat(31)}), rule),
        (json!({"name": "line"}), "Name is already taken"),
        (
            json!({"name": "abc", "owner": "me"}),
            "`owner` must be an object",
        ),
        (
            json!({"name": "abc", "owner": {"id": bob, "type": "user"}}),
            "A pipeline belongs to who makes it: `owner` must be yourself, or left out.",
        ),
        (
            json!({"name": "abc", "owner": {"id": bob, "type": "team"}}),
            "There are no teams on this server.",
        ),
        (
            json!({"name": "abc", "generation": {"name": "fir"}}),
            "No such generation as fir. There are: cedar.",
        ),
    ] {
        let refused = platform.ann().post("/pipelines", body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    assert_eq!(platform.ann().get("/pipelines").await.names(), ["line"]);
    // Names are each user's own.
    let made = platform
        .bob()
        .post("/pipelines", json!({"name": "line"}))
        .await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn apps_come_into_a_pipeline_move_and_leave() {
    let platform = line().await;
    let ann = platform.ann();
    platform.ann().post("/apps", json!({"name": "more"})).await;
    let coupled = couple(&ann, "more", "review").await;
    platform
        .assert_described("pipeline-coupling", &coupled.body)
        .await;
    assert_eq!(coupled.body["app"]["id"], id_of(&platform, "more").await);
    assert_eq!(coupled.body["pipeline"]["name"], "line");
    let path = format!(
        "/pipeline-couplings/{}",
        coupled.body["id"].as_str().unwrap()
    );
    for path in [path.as_str(), "/apps/more/pipeline-couplings"] {
        assert_eq!(ann.get(path).await.body, coupled.body);
    }
    for list in [
        "/pipeline-couplings",
        "/users/~/pipeline-couplings",
        "/pipelines/line/pipeline-couplings",
    ] {
        let listed = ann.list(list, "id ..; max=3").await;
        assert_eq!((listed.status, listed.items().len()), (206, 3), "{list}");
        assert_eq!(ann.get(list).await.items().len(), 4, "{list}");
    }
    let moved = ann.patch(&path, json!({"stage": "staging"})).await;
    assert_eq!(
        (moved.status, &moved.body["stage"]),
        (200, &json!("staging"))
    );
    assert_eq!(ann.patch(&path, json!({})).await.body, moved.body);
    let nowhere = ann.patch(&path, json!({"stage": "prod"})).await;
    nowhere.assert_error(
        422,
        "invalid_params",
        "`stage` must be one of: test, review, development, staging, production",
    );
    let left = ann.delete(&path).await;
    assert_eq!((left.status, &left.body), (200, &moved.body));
    for path in [path.as_str(), "/apps/more/pipeline-couplings"] {
        ann.get(path)
            .await
            .assert_error(404, "not_found", "Couldn't find that pipeline coupling.");
    }
    // An app that goes takes its place with it.
    ann.delete("/apps/dev").await;
    let left = ann.get("/pipelines/line/pipeline-couplings").await;
    assert_eq!(left.items().len(), 2);
    ann.delete("/pipelines/line").await;
    assert_eq!(ann.get("/pipeline-couplings").await.body, json!([]));
    assert_eq!(ann.get("/apps/live").await.status, 200);
}

#[tokio::test]
async fn an_app_is_in_one_pipeline_at_most() {
    let platform = line().await;
    let ann = platform.ann();
    ann.post("/pipelines", json!({"name": "other"})).await;
    for pipeline in ["line", "other"] {
        let body = json!({"app": "dev", "pipeline": pipeline, "stage": "staging"});
        let refused = ann.post("/pipeline-couplings", body).await;
        refused.assert_error(
            422,
            "invalid_params",
            "dev is already in the pipeline line. An app is in one pipeline at most.",
        );
    }
    for (body, status, text) in [
        (json!({}), 422, "`app` is required"),
        (json!({"app": "dev"}), 422, "`pipeline` is required"),
        (
            json!({"app": "dev", "pipeline": "line"}),
            422,
            "`stage` is required",
        ),
        (
            json!({"app": "dev", "pipeline": "none", "stage": "test"}),
            404,
            "Couldn't find that pipeline.",
        ),
        (
            json!({"app": "none", "pipeline": "line", "stage": "test"}),
            404,
            "Couldn't find that app.",
        ),
    ] {
        let refused = ann.post("/pipeline-couplings", body).await;
        assert_eq!(
            (refused.status, &refused.body["message"]),
            (status, &json!(text))
        );
    }
}

/// Everything that names a pipeline, a coupling or a promotion, for a user who may not see it: as if it were not there.
#[tokio::test]
async fn the_pipeline_of_another_is_not_there() {
    let platform = line().await;
    platform.released("source", json!({"web": "x"})).await;
    couple(&platform.ann(), "source", "staging").await;
    let live = id_of(&platform, "live").await;
    let promotion = json!({"pipeline": {"id": "line"}, "source": {"app": {"id": "source"}}, "targets": [{"app": {"id": live}}]});
    let made = platform
        .ann()
        .post("/pipeline-promotions", promotion.clone())
        .await;
    let promotion_id = made.body["id"].as_str().unwrap();
    let coupling = platform.ann().get("/apps/live/pipeline-couplings").await;
    let coupling_id = coupling.body["id"].as_str().unwrap();
    let pipeline_id = coupling.body["pipeline"]["id"].as_str().unwrap();
    platform.bob().post("/apps", json!({"name": "bobs"})).await;
    let nobody = "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11";
    let mut paths = Vec::new();
    for pipeline in ["line", pipeline_id, nobody, "none"] {
        let path = format!("/pipelines/{pipeline}");
        for below in [
            "pipeline-couplings",
            "latest-releases",
            "latest-deployments",
            "latest-builds",
            "stage/test/config-vars",
            "test-runs",
            "review-apps",
        ] {
            paths.push(("GET", format!("{path}/{below}"), "pipeline"));
        }
        paths.push((
            "PATCH",
            format!("{path}/stage/test/config-vars"),
            "pipeline",
        ));
        for method in ["GET", "PATCH", "DELETE"] {
            paths.push((method, path.clone(), "pipeline"));
        }
    }
    for coupling in [coupling_id, nobody, "none"] {
        for method in ["GET", "PATCH", "DELETE"] {
            let path = format!("/pipeline-couplings/{coupling}");
            paths.push((method, path, "pipeline_coupling"));
        }
    }
    for promotion in [promotion_id, nobody, "none"] {
        let path = format!("/pipeline-promotions/{promotion}");
        paths.push((
            "GET",
            format!("{path}/promotion-targets"),
            "pipeline_promotion",
        ));
        paths.push(("GET", path, "pipeline_promotion"));
    }
    for (method, path, resource) in paths {
        let method = method.parse().unwrap();
        let body = Some(json!({"name": "x", "stage": "x", "A": "x"}));
        let answer = platform.bob().call(&method, &path, body).await;
        let text = format!("Couldn't find that {}.", resource.replace('_', " "));
        answer.assert_error(404, "not_found", &text);
        assert_eq!(answer.body["resource"], resource, "{path}");
    }
    for (path, body) in [
        ("/pipeline-promotions", promotion),
        (
            "/pipeline-couplings",
            json!({"app": "bobs", "pipeline": pipeline_id, "stage": "test"}),
        ),
    ] {
        let answer = platform.bob().post(path, body).await;
        answer.assert_error(404, "not_found", "Couldn't find that pipeline.");
    }
    for list in [
        "/pipelines",
        "/pipelines?eq[name]=line",
        "/pipeline-couplings",
    ] {
        assert_eq!(platform.bob().get(list).await.body, json!([]));
    }
    let filtered = json!({"in": {"id": [live, "dev"]}});
    let filtered = platform.bob().post("/filters/apps", filtered).await;
    assert_eq!((filtered.status, filtered.body), (200, json!([])));
}

#[tokio::test]
async fn who_works_on_an_app_sees_its_pipeline_and_brings_their_own() {
    let platform = line().await;
    platform.collaborate("staging", "bob@example.test").await;
    let bob = platform.bob();
    assert_eq!(bob.get("/pipelines").await.names(), ["line"]);
    let path = "/pipelines/line/pipeline-couplings";
    let seen = bob.get(path).await;
    assert_eq!(seen.items().len(), 1);
    assert_eq!(
        seen.items()[0]["app"]["id"],
        id_of(&platform, "staging").await
    );
    // Places of apps that he may not see are not there.
    let hidden = platform.ann().get("/apps/live/pipeline-couplings").await;
    let hidden = format!(
        "/pipeline-couplings/{}",
        hidden.body["id"].as_str().unwrap()
    );
    assert_eq!(bob.delete(&hidden).await.status, 404);
    // He may move the app that he works on, and bring another one.
    let place = format!(
        "/pipeline-couplings/{}",
        seen.items()[0]["id"].as_str().unwrap()
    );
    let moved = bob.patch(&place, json!({"stage": "development"})).await;
    assert_eq!(moved.status, 200);
    bob.post("/apps", json!({"name": "bobs"})).await;
    let bobs = couple(&bob, "bobs", "production").await;
    assert_eq!(bob.get(path).await.items().len(), 2);
    for (answer, text) in [
        (
            bob.patch("/pipelines/line", json!({"name": "mine"})).await,
            "Only the owner of a pipeline may rename it.",
        ),
        (
            bob.delete("/pipelines/line").await,
            "Only the owner of a pipeline may delete it.",
        ),
    ] {
        answer.assert_error(403, "forbidden", text);
    }
    // Its owner sees that his app is there, but not the app, and can take it out.
    assert_eq!(platform.ann().get(path).await.items().len(), 4);
    let id = bobs.body["app"]["id"].clone();
    let filtered = platform
        .ann()
        .post("/filters/apps", json!({"in": {"id": [id]}}))
        .await;
    assert_eq!(filtered.body, json!([]));
    let place = format!("/pipeline-couplings/{}", bobs.body["id"].as_str().unwrap());
    assert_eq!(platform.ann().delete(&place).await.status, 200);
    // Who no longer works on any of its apps no longer sees it.
    platform
        .ann()
        .delete("/apps/staging/collaborators/bob@example.test")
        .await;
    assert_eq!(bob.get("/pipelines").await.body, json!([]));
}

#[tokio::test]
async fn of_several_pipelines_with_a_name_it_is_ones_own() {
    let platform = line().await;
    platform.collaborate("dev", "bob@example.test").await;
    let bob = platform.bob();
    let own = bob.post("/pipelines", json!({"name": "line"})).await;
    assert_eq!(bob.get("/pipelines/line").await.body, own.body);
    // The CLI asks which one of these is meant.
    let both = bob.get("/pipelines?eq[name]=line").await;
    assert_eq!(both.names(), ["line", "line"]);
    // Ann works on an app in his; her own is the one that she means.
    bob.post("/apps", json!({"name": "bobs"})).await;
    couple(&bob, "bobs", "staging").await;
    let ann = json!({"user": "ann@example.test"});
    bob.post("/apps/bobs/collaborators", ann).await;
    let hers = platform.ann().get("/pipelines/line").await;
    assert_ne!(hers.body["id"], own.body["id"]);
    let her_path = format!("/pipelines/{}", hers.body["id"].as_str().unwrap());
    assert_eq!(platform.ann().delete(&her_path).await.status, 200);
    assert_eq!(platform.ann().get("/pipelines/line").await.body, own.body);
}

#[tokio::test]
async fn filters_answer_what_one_may_see_once_each() {
    let platform = line().await;
    platform.bob().post("/apps", json!({"name": "bobs"})).await;
    let bobs = platform.bob().get("/apps/bobs").await.body["id"].clone();
    let dev = id_of(&platform, "dev").await;
    let body =
        json!({"in": {"id": [dev, "live", "dev", bobs, "none", ""], "name": ["live", "bobs"]}});
    // With the CLI's header.
    let headers = [
        ("range", "id ..; max=1000;"),
        ("accept", "application/vnd.heroku+json; version=3.filters"),
    ];
    let answer = platform
        .ann()
        .call_with(
            &axum::http::Method::POST,
            "/filters/apps",
            Some(body),
            &headers,
        )
        .await;
    assert_eq!(answer.status, 200);
    let mut names = answer.names();
    names.sort_unstable();
    assert_eq!(names, ["dev", "live"]);
    assert_eq!(answer.headers["accept-ranges"], "id, name, updated_at");
    for app in answer.items() {
        platform.assert_described("filter-apps", app).await;
        assert_eq!(
            (&app["joined"], &app["locked"]),
            (&json!(true), &json!(false))
        );
    }
    let page = platform
        .ann()
        .call_with(
            &axum::http::Method::POST,
            "/filters/apps",
            Some(json!({"in": {"id": ["dev", "live"]}})),
            &[("range", "name ..; max=1")],
        )
        .await;
    assert_eq!((page.status, page.names()), (206, vec!["dev"]));
    let many: Vec<_> = (0..1001).map(|number| format!("app-{number}")).collect();
    for (body, text) in [
        (json!({}), "`in` is required"),
        (json!({"in": []}), "`in` must be an object"),
        (json!({"in": {}}), "`in` must have `id`, a list of apps"),
        (json!({"in": {"id": {}}}), "`id` must be a list of strings"),
        (json!({"in": {"id": [1]}}), "`id` must be a list of strings"),
        (
            json!({"in": {"id": many}}),
            "1001 apps are more than can be asked for at once: at most 1000",
        ),
    ] {
        let refused = platform.ann().post("/filters/apps", body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    let none = platform
        .ann()
        .post("/filters/apps", json!({"in": {"id": []}}))
        .await;
    assert_eq!((none.status, none.body), (200, json!([])));
}

#[tokio::test]
async fn what_there_is_none_of_is_valid_or_refused() {
    let platform = line().await;
    let ann = platform.ann();
    for list in ["test-runs", "review-apps"] {
        let answer = ann.get(&format!("/pipelines/line/{list}")).await;
        assert_eq!((answer.status, answer.body), (200, json!([])));
    }
    let path = "/pipelines/line/stage/test/config-vars";
    assert_eq!(ann.get(path).await.body, json!({}));
    let removed = ann.patch(path, json!({"A": Value::Null})).await;
    assert_eq!((removed.status, removed.body), (200, json!({})));
    let refused = ann.patch(path, json!({"A": "secret"})).await;
    refused.assert_error(
        422,
        "invalid_params",
        "This server runs no tests and makes no review apps, so that nothing would have the config vars of a pipeline's \
         stage. Please set those of the apps.",
    );
    let unknown = ann.get("/pipelines/line/stage/none/config-vars").await;
    unknown.assert_error(404, "not_found", "Couldn't find that stage.");
    for (path, text) in [
        (
            "/pipeline-transfers",
            "This server does not transfer pipelines. Who is to have one can make a pipeline of their own, and add the apps to it \
             that they work on.",
        ),
        ("/test-runs", "This server does not run tests."),
        ("/review-apps", "This server does not make review apps."),
    ] {
        let refused = ann.post(path, json!({})).await;
        refused.assert_error(422, "invalid_params", text);
    }
}
