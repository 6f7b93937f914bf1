//! Sources and builds.

use crate::platform::{Answer, Platform};
use axum::http::Method;
use serde_json::{Value, json};

/// An archive whose build runs this.
fn source(script: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(script.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive
        .append_data(&mut header, "build", script.as_bytes())
        .unwrap();
    archive.into_inner().unwrap()
}

/// Where a new source of Ann's is, which has these bytes.
async fn uploaded(platform: &Platform, bytes: Vec<u8>) -> String {
    let source = platform.ann().call(&Method::POST, "/sources", None).await;
    assert_eq!(source.status, 201, "{source:?}");
    let url = |name: &str| {
        source.body["source_blob"][name]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (status, _) = platform.blob("PUT", &url("put_url"), bytes.clone()).await;
    assert_eq!(status, 200);
    let (status, got) = platform.blob("GET", &url("get_url"), Vec::new()).await;
    assert_eq!((status, got), (200, bytes));
    url("get_url")
}

/// A build of this script.
async fn build(platform: &Platform, script: &str) -> Answer {
    let url = uploaded(platform, source(script)).await;
    let body = json!({"source_blob": {"url": url, "version": "0123456789", "version_description": "Mend it"}});
    platform.ann().post("/apps/example/builds", body).await
}

/// What a build prints, to its end.
async fn output(platform: &Platform, build: &Value) -> String {
    let url = build["output_stream_url"].as_str().unwrap();
    let (status, output) = platform.blob("GET", url, Vec::new()).await;
    assert_eq!(status, 200);
    String::from_utf8(output).unwrap()
}

async fn example() -> Platform {
    let platform = Platform::new().await;
    let body = json!({"name": "example"});
    platform.ann().post("/apps", body).await;
    platform
}

#[tokio::test]
async fn an_uploaded_source_becomes_a_release() {
    let platform = example().await;
    let build = build(&platform, "echo hello").await;
    assert_eq!(build.status, 201, "{build:?}");
    assert_eq!(build.body["status"], "pending");
    assert_eq!(build.body["buildpacks"], json!([]));
    assert_eq!(build.body["source_blob"]["version"], "0123456789");
    let output = output(&platform, &build.body).await;
    assert!(output.contains("\nhello\n"), "{output}");
    let path = format!(
        "/apps/example/builds/{}",
        build.body["id"].as_str().unwrap()
    );
    let ended = platform.ann().get(&path).await;
    assert_eq!(ended.body["status"], "succeeded");
    let release = platform.ann().get("/apps/example/releases/3").await;
    assert_eq!(release.body["id"], ended.body["release"]["id"]);
    assert_eq!(release.body["slug"]["id"], ended.body["slug"]["id"]);
    assert_eq!(release.body["description"], "Deploy 0123456");
    let slug = ended.body["slug"]["id"].as_str().unwrap();
    let slug = platform
        .ann()
        .get(&format!("/apps/example/slugs/{slug}"))
        .await;
    assert_eq!(slug.body["commit_description"], "Mend it");
    // What has ended is not cancelled.
    let late = platform.ann().call(&Method::DELETE, &path, None).await;
    assert_eq!((late.status, &late.body["id"]), (409, &json!("conflict")));
    let cache = platform
        .ann()
        .call(&Method::DELETE, "/apps/example/build-cache", None)
        .await;
    assert_eq!((cache.status, cache.body), (202, json!({})));
}

#[tokio::test]
async fn output_goes_on_where_a_connection_was_lost() {
    let platform = example().await;
    let build = build(&platform, "echo one; echo two").await;
    let whole = output(&platform, &build.body).await;
    let url = build.body["output_stream_url"].as_str().unwrap();
    let (length, at) = (whole.len(), whole.find("two").unwrap());
    let range = format!("bytes={at}-");
    let rest = platform.fetch(url, &[("range", &range)]).await;
    assert_eq!(rest.status, 206);
    assert_eq!(
        rest.headers["content-range"],
        format!("bytes {at}-{}/{length}", length - 1)
    );
    assert_eq!(rest.text(), &whole[at..]);
    let range = format!("bytes={length}-");
    let nothing = platform.fetch(url, &[("range", &range)]).await;
    assert_eq!(nothing.status, 416);
    let events = [("accept", "text/event-stream")];
    let events = platform.fetch(url, &events).await;
    assert_eq!(
        events.headers["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let id = at + "two\n".len();
    assert!(
        events.text().contains(&format!("id: {id}\ndata: two\n\n")),
        "{}",
        events.text()
    );
    let id = id.to_string();
    let rest = [("accept", "text/event-stream"), ("last-event-id", &id)];
    let rest = platform.fetch(url, &rest).await;
    assert!(
        rest.text().ends_with("data: -----> Released v3\n\n"),
        "{}",
        rest.text()
    );
    assert!(!rest.text().contains("two"), "{}", rest.text());
    let id = length.to_string();
    let rest = [("accept", "text/event-stream"), ("last-event-id", &id)];
    assert_eq!(platform.fetch(url, &rest).await.status, 204);
    let forged = url.replace("signature=", "signature=0");
    assert_eq!(platform.fetch(&forged, &[]).await.status, 403);
}

#[tokio::test]
async fn builds_are_listed_as_clients_ask_for_them() {
    let platform = example().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let build = build(&platform, "true").await;
        output(&platform, &build.body).await;
        ids.push(build.body["id"].clone());
    }
    ids.reverse();
    for range in [
        "created_at ..; max=2, order=desc",
        "started_at ..; order=desc,max=2",
    ] {
        let headers = [("range", range)];
        let page = platform
            .ann()
            .call_with(&Method::GET, "/apps/example/builds", None, &headers)
            .await;
        assert_eq!(page.status, 206);
        assert_eq!(page.headers["accept-ranges"], "id, created_at, started_at");
        let listed: Vec<_> = page
            .body
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        assert_eq!(listed, ids[..2]);
        let headers = [("range", page.headers["next-range"].to_str().unwrap())];
        let page = platform
            .ann()
            .call_with(&Method::GET, "/apps/example/builds", None, &headers)
            .await;
        assert_eq!((page.status, &page.body[0]["id"]), (200, &ids[2]));
    }
}

#[tokio::test]
async fn pipelines_have_the_newest_build_of_each_app() {
    let platform = example().await;
    let pipeline = platform
        .ann()
        .post("/pipelines", json!({"name": "line"}))
        .await;
    let coupling = json!({"app": "example", "pipeline": pipeline.body["id"], "stage": "staging"});
    platform.ann().post("/pipeline-couplings", coupling).await;
    let path = "/pipelines/line/latest-builds";
    assert_eq!(platform.ann().get(path).await.body, json!([]));
    let mut newest = Value::Null;
    for _ in 0..2 {
        let build = build(&platform, "true").await;
        output(&platform, &build.body).await;
        newest = build.body["id"].clone();
    }
    let latest = platform.ann().get(path).await;
    assert_eq!(latest.body.as_array().unwrap().len(), 1);
    assert_eq!(latest.body[0]["id"], newest);
    assert_eq!(latest.body[0]["status"], "succeeded");
}

/// The owner of a pipeline sees no builds of apps in it that they do not work on; others see those of theirs.
#[tokio::test]
async fn builds_of_apps_that_one_may_not_see_are_left_out() {
    let platform = example().await;
    let (ann, bob) = (platform.ann(), platform.bob());
    let pipeline = ann.post("/pipelines", json!({"name": "line"})).await;
    let pipeline = pipeline.body["id"].as_str().unwrap();
    let couple = |app: &'static str| json!({"app": app, "pipeline": pipeline, "stage": "staging"});
    let coupled = ann.post("/pipeline-couplings", couple("example")).await;
    assert_eq!(coupled.status, 201);
    // Bob, who works on Ann's app, adds his own to her pipeline.
    platform.collaborate("example", bob.email()).await;
    bob.post("/apps", json!({"name": "bobs"})).await;
    let coupled = bob.post("/pipeline-couplings", couple("bobs")).await;
    assert_eq!(coupled.status, 201, "{coupled:?}");
    let path = format!("/pipelines/{pipeline}/latest-builds");
    assert_eq!(bob.get(&path).await.body, json!([]));

    let anns = build(&platform, "true").await.body;
    output(&platform, &anns).await;
    let source = json!({"source_blob": {"url": anns["source_blob"]["url"]}});
    let bobs = bob.post("/apps/bobs/builds", source).await.body;
    output(&platform, &bobs).await;
    let mut both = [&anns["id"], &bobs["id"]].map(|id| id.as_str().unwrap());
    both.sort_unstable();

    let seen = |answer: &Answer| -> Vec<String> {
        let ids = answer.items().iter();
        ids.map(|build| build["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let latest = ann.get(&path).await;
    assert_eq!(seen(&latest), [anns["id"].as_str().unwrap()]);
    platform
        .assert_described("pipeline-build", &latest.items()[0])
        .await;
    assert_eq!(seen(&bob.get(&path).await), both);
    let left = format!("/apps/example/collaborators/{}", bob.email());
    assert_eq!(bob.delete(&left).await.status, 200);
    let latest = bob.get(&path).await;
    assert_eq!(seen(&latest), [bobs["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn what_cannot_be_meant_is_told() {
    let platform = example().await;
    let mut said = Vec::new();
    for body in [
        json!({}),
        json!({"source_blob": "x"}),
        json!({"source_blob": {}}),
        json!({"source_blob": {"url": "/etc/passwd"}}),
        json!({"source_blob": {"url": "https://example.com/x.tgz"}, "buildpacks": [{}]}),
        json!({"source_blob": {"url": "https://example.com/x.tgz"}, "buildpacks": [{"url": "/etc"}]}),
        json!({"source_blob": {"url": "https://example.com/x.tgz", "version": "\u{1b}[2J"}}),
    ] {
        let answer = platform.ann().post("/apps/example/builds", body).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        said.push(answer.body["message"].as_str().unwrap().to_owned());
    }
    insta::assert_snapshot!(said.join("\n"), @"
    `source_blob` is required
    `source_blob` must be an object
    `url` of `source_blob` is required
    The URL of the source cannot be used: it does not start with `https://` or `http://`.
    `url` or `name` is required in each of `buildpacks`
    Couldn't find that buildpack. This server has heroku/go, heroku/nodejs and heroku/ruby; others are given by their address, which begins with https://.
    The version has the control character U+001B.
    ");
    for id in ["no-build", "8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11"] {
        let path = format!("/apps/example/builds/{id}");
        for method in [Method::GET, Method::DELETE] {
            let answer = platform.ann().call(&method, &path, None).await;
            assert_eq!(
                (answer.status, &answer.body["resource"]),
                (404, &json!("build"))
            );
        }
    }
}
