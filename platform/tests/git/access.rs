//! Who may, and what those are told who may not.

use crate::scene::{ANN, BOB, Scene, send};
use serde_json::json;
use ureq::http::{Method, Request};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn apps_are_there_for_those_who_work_on_them() {
    let scene = Scene::new().await;
    scene.commit("echo built").await;
    let wrong = scene.address("00000000-0000-0000-0000-000000000000", "example");
    let nobodys = scene.bare_address("example");
    for address in [&wrong, &nobodys] {
        for arguments in [&["ls-remote", address][..], &["push", address, "main"]] {
            let done = scene.git(arguments).await;
            assert!(!done.succeeded, "{}", done.text);
        }
    }
    let done = scene.git(["ls-remote", &wrong]).await;
    assert!(
        done.text
            .contains("remote: Give a token of this server as the password"),
        "{}",
        done.text
    );

    let mut texts = Vec::new();
    for app in ["example", "no-such-app"] {
        for arguments in [
            &["ls-remote", &scene.address(BOB, app)][..],
            &["push", &scene.address(BOB, app), "main"],
        ] {
            let done = scene.git(arguments).await;
            assert!(
                !done.succeeded && done.text.contains("not found"),
                "{}",
                done.text
            );
            texts.push(done.text.replace(app, "APP"));
        }
    }
    assert_eq!(texts[0], texts[2]);
    assert_eq!(texts[1], texts[3]);
    // Nobody made a repository by asking.
    assert!(crate::scene::entries(&scene.data().join("repositories")).is_empty());

    let body = json!({"user": "bob@example.test"});
    scene
        .api(Method::POST, "/apps/example/collaborators", body)
        .await;
    let done = scene
        .git(["push", &scene.address(BOB, "example"), "main"])
        .await;
    assert!(done.succeeded, "{}", done.text);
    let release = scene
        .api(Method::GET, "/apps/example/releases/3", json!({}))
        .await;
    assert_eq!(release["user"]["email"], "bob@example.test");
    scene
        .api(
            Method::DELETE,
            "/apps/example/collaborators/bob@example.test",
            json!({}),
        )
        .await;
    assert!(
        !scene
            .git(["ls-remote", &scene.address(BOB, "example")])
            .await
            .succeeded
    );
    assert!(
        scene
            .git(["ls-remote", &scene.address(ANN, "example")])
            .await
            .succeeded
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn requests_that_are_not_gits_get_no_further() {
    let scene = Scene::new().await;
    scene.commit("echo built").await;
    assert!(scene.push(&["main"]).await.succeeded);
    let url = scene.bare_address("example");
    let get = |path: &str| Request::get(format!("{url}/{path}"));
    let post = |path: &str| Request::post(format!("{url}/{path}"));
    let kind = "application/x-git-upload-pack-request";
    for (request, status) in [
        (get("info/refs?service=git-upload-pack"), 200),
        (get("info/refs"), 404),
        (get("info/refs?service=git-upload-archive"), 404),
        (get("HEAD"), 404),
        (get("config"), 404),
        (get("objects/info/packs"), 404),
        (get("../../ledger.sqlite"), 404),
        (get("%2e%2e/config"), 404),
        (post("info/refs?service=git-upload-pack"), 404),
        (post("git-upload-pack"), 415),
        (
            post("git-upload-pack").header("Content-Type", "text/plain"),
            415,
        ),
        (
            post("git-upload-pack")
                .header("Content-Type", kind)
                .header("Content-Encoding", "br"),
            415,
        ),
        (
            get("info/refs?service=git-upload-pack").header("Git-Protocol", "version=2; touch x"),
            200,
        ),
    ] {
        let request = request
            .header("Authorization", format!("Bearer {ANN}"))
            .body(())
            .unwrap();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (answered, body) = send(request).await;
        assert_eq!(answered, status, "{method} {uri}: {body}");
    }
    let (status, _) = send(get("info/refs?service=git-upload-pack").body(()).unwrap()).await;
    assert_eq!(status, 401);
    // What is no exchange of git's is answered by git.
    let junk = post("git-receive-pack")
        .header("Content-Type", "application/x-git-receive-pack-request")
        .header("Authorization", format!("Bearer {ANN}"))
        .body("no packet lines at all")
        .unwrap();
    let (status, _) = send(junk).await;
    assert!(status == 200 || status == 500, "{status}");
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn servers_without_what_is_needed_say_so() {
    let scene = Scene::with(|settings| settings.git = None).await;
    scene.commit("echo built").await;
    let done = scene.push(&["main"]).await;
    assert!(
        !done.succeeded
            && done
                .text
                .contains("remote: Git is not installed on the server"),
        "{}",
        done.text
    );

    let scene = Scene::with(|settings| settings.builder = None).await;
    scene.commit("echo built").await;
    let done = scene.push(&["main"]).await;
    assert!(
        !done.succeeded && done.text.contains("remote: This server builds nothing"),
        "{}",
        done.text
    );
    scene
        .git_ok([
            "clone",
            "--quiet",
            &scene.address(ANN, "example"),
            "../clone",
        ])
        .await;

    let scene = Scene::with(|settings| {
        settings.git.as_mut().unwrap().program = "/bin/false".into();
    })
    .await;
    assert!(scene.said().contains("git-unusable"), "{}", scene.said());
    scene.commit("echo built").await;
    let done = scene.push(&["main"]).await;
    assert!(
        !done.succeeded
            && done
                .text
                .contains("remote: Git does not work on the server"),
        "{}",
        done.text
    );
}
