//! Dynos, of which there are none.

use crate::platform::Platform;
use axum::http::Method;
use serde_json::json;

#[tokio::test]
async fn what_asks_all_dynos_is_done_with_none() {
    let platform = Platform::new().await;
    platform.released("example", json!({"web": "serve"})).await;
    for (method, path) in [
        (Method::DELETE, "/apps/example/dynos"),
        (Method::DELETE, "/apps/example/dynos/web"),
        (Method::POST, "/apps/example/dynos/web/actions/stop"),
        (Method::DELETE, "/apps/example/formations/web"),
        (Method::POST, "/apps/example/formations/web/actions/stop"),
    ] {
        let answer = platform.ann().call(&method, path, None).await;
        assert_eq!(
            (answer.status, answer.body),
            (202, json!({})),
            "{method} {path}"
        );
    }
    for (method, path) in [
        (Method::DELETE, "/apps/example/formations/worker"),
        (Method::POST, "/apps/example/formations/worker/actions/stop"),
    ] {
        let answer = platform.ann().call(&method, path, None).await;
        answer.assert_error(404, "not_found", "Couldn't find that process type.");
    }
    for (method, path) in [
        (Method::GET, "/apps/example/dynos/web.1"),
        (Method::DELETE, "/apps/example/dynos/web.1"),
        (Method::POST, "/apps/example/dynos/web.1/actions/stop"),
    ] {
        let answer = platform.ann().call(&method, path, None).await;
        answer.assert_error(404, "not_found", "Couldn't find that dyno.");
    }
}

#[tokio::test]
async fn nothing_is_run() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    let body = json!({"attach": true, "command": "bash", "env": {"COLUMNS": 0}});
    platform.ann().post("/apps/example/dynos", body).await.assert_error(
        422,
        "invalid_params",
        "This server does not run dynos yet: apps and their slugs are kept, but nothing is started.",
    );
    let body = json!({"lines": 100, "tail": false});
    platform
        .ann()
        .post("/apps/example/log-sessions", body)
        .await
        .assert_error(
            422,
            "invalid_params",
            "This server does not run dynos yet, so that apps have no logs.",
        );
}

#[tokio::test]
async fn an_app_may_have_all_sizes_and_stacks() {
    let platform = Platform::new().await;
    platform
        .ann()
        .post("/apps", json!({"name": "example"}))
        .await;
    for kind in ["stacks", "dyno-sizes"] {
        let all = platform.ann().get(&format!("/{kind}")).await;
        let available = platform
            .ann()
            .get(&format!("/apps/example/available-{kind}"))
            .await;
        assert_eq!((available.status, &available.body), (200, &all.body));
    }
}
