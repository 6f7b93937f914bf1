//! The names that visitors find apps by.

use crate::platform::Platform;
use serde_json::{Value, json};

const PATH: &str = "/apps/example/domains";

async fn platform() -> Platform {
    let platform = Platform::new().await;
    let app = json!({"name": "example"});
    assert_eq!(platform.ann().post("/apps", app).await.status, 201);
    platform
}

fn hostnames(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|item| item["hostname"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_app_has_a_name_that_stays() {
    let platform = platform().await;
    let all = platform.ann().get(PATH).await;
    assert_eq!(all.headers["accept-ranges"], "id, hostname");
    assert_eq!(hostnames(all.items()), ["example.localhost"]);
    let own = &all.items()[0];
    platform.assert_described("domain", own).await;
    assert_eq!(
        (&own["kind"], &own["cname"]),
        (&json!("heroku"), &Value::Null)
    );
    let id = own["id"].as_str().unwrap();
    for identity in ["example.localhost", "EXAMPLE.localhost.", id] {
        let path = format!("{PATH}/{identity}");
        assert_eq!(platform.ann().get(&path).await.body, *own);
        platform.ann().delete(&path).await.assert_error(
            422,
            "invalid_params",
            "example.localhost is the name that the server gives this app, and stays.",
        );
    }
    // It follows the app's name.
    platform
        .ann()
        .patch("/apps/example", json!({"name": "renamed"}))
        .await;
    let renamed = platform
        .ann()
        .get(&format!("/apps/renamed/domains/{id}"))
        .await;
    assert_eq!(renamed.body["hostname"], "renamed.localhost");
}

#[tokio::test]
async fn domains_come_and_go() {
    let platform = platform().await;
    // As the CLI sends it, and as heroku3 does.
    for (sent, hostname) in [
        (
            json!({"hostname": "www.example.test", "sni_endpoint": null}),
            "www.example.test",
        ),
        (json!({"hostname": "*.Example.TEST."}), "*.example.test"),
        (json!({"hostname": "bücher.test"}), "xn--bcher-kva.test"),
    ] {
        let added = platform.ann().post(PATH, sent).await;
        assert_eq!(added.status, 201, "{added:?}");
        platform.assert_described("domain", &added.body).await;
        assert_eq!(added.body["hostname"], hostname);
        assert_eq!(added.body["cname"], "example.localhost");
        assert_eq!(
            (&added.body["kind"], &added.body["status"]),
            (&json!("custom"), &json!("none"))
        );
    }
    let listed = platform
        .ann()
        .list(PATH, "hostname ..; order=desc, max=2")
        .await;
    assert_eq!(listed.status, 206);
    assert_eq!(
        hostnames(listed.items()),
        ["xn--bcher-kva.test", "www.example.test"]
    );
    let next = listed.headers["next-range"].to_str().unwrap();
    let listed = platform.ann().list(PATH, next).await;
    assert_eq!(
        hostnames(listed.items()),
        ["example.localhost", "*.example.test"]
    );

    for (identity, hostname) in [
        ("www.example.test", "www.example.test"),
        ("*.example.test", "*.example.test"),
        ("b%C3%BCcher.test", "xn--bcher-kva.test"),
    ] {
        let path = format!("{PATH}/{identity}");
        let info = platform.ann().get(&path).await;
        assert_eq!(
            (info.status, &info.body["hostname"]),
            (200, &json!(hostname))
        );
        let by_id = format!("{PATH}/{}", info.body["id"].as_str().unwrap());
        assert_eq!(platform.ann().get(&by_id).await.body, info.body);
        let updated = platform
            .ann()
            .patch(&path, json!({"sni_endpoint": null}))
            .await;
        assert_eq!((updated.status, &updated.body), (200, &info.body));
        let removed = platform.ann().delete(&path).await;
        assert_eq!((removed.status, &removed.body), (200, &info.body));
        for gone in [
            platform.ann().get(&path).await,
            platform.ann().delete(&by_id).await,
        ] {
            gone.assert_error(404, "not_found", "Couldn't find that domain.");
        }
    }
    // No release is made of it.
    let releases = platform.ann().get("/apps/example/releases").await;
    assert_eq!(releases.items().len(), 2);
}

#[tokio::test]
async fn a_name_is_of_one_app() {
    let platform = platform().await;
    let post = |app: &'static str, hostname: &'static str| {
        let platform = &platform;
        let path = format!("/apps/{app}/domains");
        async move {
            let caller = if app == "bobs" {
                platform.bob()
            } else {
                platform.ann()
            };
            caller.post(&path, json!({"hostname": hostname})).await
        }
    };
    platform
        .ann()
        .post("/apps", json!({"name": "second"}))
        .await;
    platform.bob().post("/apps", json!({"name": "bobs"})).await;
    for hostname in ["www.example.test", "*.wild.test"] {
        assert_eq!(post("example", hostname).await.status, 201);
    }
    post("example", "WWW.example.test").await.assert_error(
        422,
        "invalid_params",
        "www.example.test is already a domain of this app.",
    );
    // Nor may others take what a wildcard covers, or cover what is taken; its owner may.
    for (app, hostname) in [
        ("second", "www.example.test"),
        ("bobs", "www.example.test"),
        ("bobs", "a.wild.test"),
        ("bobs", "*.example.test"),
        ("bobs", "*.wild.test"),
    ] {
        post(app, hostname).await.assert_error(
            422,
            "invalid_params",
            &format!("{hostname} is currently in use by another app."),
        );
    }
    for (app, hostname) in [
        ("second", "a.wild.test"),
        ("second", "*.example.test"),
        ("bobs", "wild.test"),
        ("bobs", "b.a.wild.test"),
    ] {
        assert_eq!(post(app, hostname).await.status, 201, "{hostname}");
    }
    // It is free again when its app is gone.
    assert_eq!(platform.ann().delete("/apps/second").await.status, 200);
    assert_eq!(platform.ann().delete("/apps/example").await.status, 200);
    assert_eq!(post("bobs", "www.example.test").await.status, 201);
}

/// Whoever works on one app of someone takes no visitors of their other apps.
#[tokio::test]
async fn nobody_takes_names_of_apps_that_they_may_not_see() {
    let platform = platform().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    platform.collaborate("example", bob.email()).await;
    ann.post("/apps", json!({"name": "hidden"})).await;
    let path = "/apps/hidden/domains";
    for hostname in ["*.wild.test", "www.single.test"] {
        let added = ann.post(path, json!({"hostname": hostname})).await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    for hostname in ["login.wild.test", "*.single.test"] {
        let body = json!({"hostname": hostname});
        bob.post(PATH, body.clone()).await.assert_error(
            422,
            "invalid_params",
            &format!("{hostname} is currently in use by another app."),
        );
        // Whoever sees both may, be they the owner or not.
        platform.collaborate("hidden", bob.email()).await;
        assert_eq!(bob.post(PATH, body.clone()).await.status, 201);
        let removed = ann.delete(&format!("{PATH}/{hostname}")).await;
        assert_eq!(removed.status, 200);
        assert_eq!(ann.post(PATH, body).await.status, 201);
        let left = format!("/apps/hidden/collaborators/{}", bob.email());
        assert_eq!(ann.delete(&left).await.status, 200);
    }
    // Nor does the owner of an app take names of a colleague's app.
    bob.post("/apps", json!({"name": "bobs"})).await;
    let bobs = json!({"hostname": "*.bobs.test"});
    assert_eq!(bob.post("/apps/bobs/domains", bobs).await.status, 201);
    let body = json!({"hostname": "a.bobs.test"});
    assert_eq!(ann.post(PATH, body.clone()).await.status, 422);
    assert_eq!(bob.post(PATH, body).await.status, 201);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let platform = platform().await;
    for (body, text) in [
        (json!({}), "`hostname` is required"),
        (json!({"hostname": 1}), "`hostname` must be a string"),
        (
            json!({"hostname": "http://www.example.test/"}),
            "`http://www.example.test/` is no valid hostname. It has to be like www.example.com or *.example.com.",
        ),
        (
            json!({"hostname": "127.0.0.1"}),
            "`127.0.0.1` is no valid hostname. It has to be like www.example.com or *.example.com.",
        ),
        (
            json!({"hostname": "other.localhost"}),
            "other.localhost belongs to this server: apps have names of their own below localhost, which need not be added.",
        ),
    ] {
        let refused = platform.ann().post(PATH, body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    let body = json!({"hostname": "www.example.test", "sni_endpoint": "tokyo-1050"});
    let refused = platform.ann().post(PATH, body).await;
    refused.assert_error(404, "not_found", "Couldn't find that sni endpoint.");
    let path = format!("{PATH}/example.localhost");
    let refused = platform
        .ann()
        .patch(&path, json!({"sni_endpoint": "tokyo-1050"}))
        .await;
    refused.assert_error(404, "not_found", "Couldn't find that sni endpoint.");
    let refused = platform.ann().patch(&path, json!({})).await;
    refused.assert_error(422, "invalid_params", "`sni_endpoint` is required");
}
