//! Pushes whose pusher, server or app goes away.

use crate::scene::{ANN, Scene, entries};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use ureq::http::Method;

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

/// A build that says that it runs, and goes on when it may.
fn waiting(folder: &Path) -> String {
    let folder = folder.display();
    format!("touch {folder}/runs; until [ -f {folder}/goes-on ]; do sleep 0.05; done")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn a_pusher_who_goes_away_changes_nothing() {
    let scene = Scene::new().await;
    let commit = scene.commit(&waiting(scene.folder.path())).await;
    let push = scene
        .command(["push", &scene.address(ANN, "example"), "main"])
        // With what it starts, which is what is connected.
        .process_group(0)
        .spawn()
        .unwrap();
    until("the build runs", async || {
        scene.folder.path().join("runs").exists()
    })
    .await;
    let group = Pid::from_raw(i32::try_from(push.id().unwrap()).unwrap());
    killpg(group, Signal::SIGKILL).unwrap();
    // Until none of them has its output open any more.
    push.wait_with_output().await.unwrap();
    // Nobody else gets in between.
    let done = scene.push(&["main"]).await;
    assert!(
        !done.succeeded
            && done
                .text
                .contains("remote: Another push to the app is being built."),
        "{}",
        done.text
    );
    std::fs::write(scene.folder.path().join("goes-on"), "").unwrap();
    until("the release", async || scene.releases().await == 3).await;
    until("the branch", async || {
        scene.references().await.contains(&commit)
    })
    .await;
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn of_two_pushes_at_once_one_is_built() {
    let scene = Scene::new().await;
    scene.commit("sleep 1; echo built").await;
    let pushes = tokio::join!(
        scene.push(&["main"]),
        scene.push(&["main"]),
        scene.push(&["main:master"])
    );
    let all = [pushes.0, pushes.1, pushes.2];
    let succeeded = all.iter().filter(|done| done.succeeded).count();
    assert_eq!(succeeded, 1, "{all:?}");
    assert!(
        all.iter()
            .filter(|done| !done.succeeded)
            .all(|done| done.text.contains("Another push to the app")),
        "{all:?}"
    );
    assert_eq!(scene.releases().await, 3);
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn a_server_that_stops_refuses_the_push_at_once() {
    let mut scene = Scene::new().await;
    scene.commit(&waiting(scene.folder.path())).await;
    let address = scene.address(ANN, "example");
    let push = scene.command(["push", &address, "main"]).spawn().unwrap();
    until("the build runs", async || {
        scene.folder.path().join("runs").exists()
    })
    .await;
    let server = scene.server.take().unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(25), server.shutdown()).await;
    stopped.unwrap().unwrap();
    let output = push.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && text.contains("remote:  !     The server is stopping."),
        "{text}"
    );
    // The next start finds a sound repository, and takes the push.
    std::fs::write(scene.folder.path().join("goes-on"), "").unwrap();
    scene.start(|_| {}).await;
    assert!(
        scene
            .git(["push", &scene.address(ANN, "example"), "main"])
            .await
            .succeeded
    );
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn repositories_go_with_their_apps() {
    let scene = Scene::new().await;
    scene.commit("echo built").await;
    assert!(scene.push(&["main"]).await.succeeded);
    scene.assert_tidy().await;
    let repositories = scene.data().join("repositories");
    scene.api(Method::DELETE, "/apps/example", json!({})).await;
    until("the repository is gone", async || {
        entries(&repositories).is_empty()
    })
    .await;
    assert!(!scene.push(&["main"]).await.succeeded);

    // An app that goes while it is built.
    scene
        .api(Method::POST, "/apps", json!({"name": "example"}))
        .await;
    std::fs::remove_file(scene.work().join("build")).unwrap();
    scene.commit(&waiting(scene.folder.path())).await;
    let push = scene
        .command(["push", &scene.address(ANN, "example"), "main"])
        .spawn()
        .unwrap();
    until("the build runs", async || {
        scene.folder.path().join("runs").exists()
    })
    .await;
    scene.api(Method::DELETE, "/apps/example", json!({})).await;
    std::fs::write(scene.folder.path().join("goes-on"), "").unwrap();
    let output = push.wait_with_output().await.unwrap();
    assert!(!output.status.success());
    until("the repository is gone", async || {
        entries(&repositories).is_empty()
    })
    .await;
}

/// Between the ledger and the repositories, a server may be killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn what_a_killed_server_left_is_cleared_away() {
    let mut scene = Scene::new().await;
    scene.commit("echo built").await;
    assert!(scene.push(&["main"]).await.succeeded);
    scene.assert_tidy().await;
    scene.server.take().unwrap().shutdown().await.unwrap();
    let repositories = scene.data().join("repositories");
    let repository = scene.repository();
    std::fs::create_dir_all(repository.join("objects/tmp_objdir-incoming-1/pack")).unwrap();
    std::fs::write(repository.join("refs/heads/main.lock"), "").unwrap();
    std::fs::write(repository.join("HEAD.lock"), "").unwrap();
    std::fs::create_dir(scene.data().join("git/push-1")).unwrap();
    let nobodys = repositories.join("8f2c9f57-5ab8-4b09-8b5e-3c6a2f0a4d11.git");
    std::fs::create_dir(&nobodys).unwrap();
    // Of git, something runs still, which a test stands for.
    let mut orphan = tokio::process::Command::new("sleep");
    orphan.arg("600").kill_on_drop(true);
    let mut unrelated = orphan.spawn().unwrap();
    let mut orphan = orphan
        .env("HOME", scene.data().join("git/home"))
        .spawn()
        .unwrap();
    scene.start(|_| {}).await;
    assert!(!nobodys.exists());
    assert_eq!(orphan.wait().await.unwrap().code(), None);
    assert!(unrelated.try_wait().unwrap().is_none());
    scene.assert_tidy().await;
    scene.commit("echo again").await;
    let done = scene.push(&["main"]).await;
    assert!(done.succeeded, "{}", done.text);
}
