//! What a push makes.

use crate::scene::{ANN, Scene};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use ureq::http::Method;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn a_push_is_built_and_released() {
    let scene = Scene::new().await;
    let commit = scene
        .commit("echo hello; cat ../../../../never 2>/dev/null; ls -a")
        .await;
    let done = scene.push(&["main"]).await;
    assert!(done.succeeded, "{}", done.text);
    let short = &commit[..8];
    for line in [
        &*format!("remote: -----> Checking out {short} of main"),
        "remote: -----> Building example for heroku-24",
        "remote: hello",
        "remote: -----> Released v3",
        "remote:        http://example.localhost:",
        " * [new branch]      main -> main",
    ] {
        assert!(done.text.contains(line), "{line}: {}", done.text);
    }
    // No repository came along.
    assert!(!done.text.contains("remote: .git\n"), "{}", done.text);
    assert_eq!(scene.releases().await, 3);
    let release = scene
        .api(Method::GET, "/apps/example/releases/3", json!({}))
        .await;
    let slug = release["slug"]["id"].as_str().unwrap();
    let slug = scene
        .api(
            Method::GET,
            &format!("/apps/example/slugs/{slug}"),
            json!({}),
        )
        .await;
    assert_eq!(slug["commit"], commit);
    assert!(
        scene
            .references()
            .await
            .contains(&format!("{commit} refs/heads/main"))
    );
    scene.assert_tidy().await;
    // What has it has a size.
    for attempt in 0.. {
        let app = scene.api(Method::GET, "/apps/example", json!({})).await;
        if app["repo_size"].as_u64().is_some_and(|size| size > 100) {
            break;
        }
        assert!(attempt < 100, "{app}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // And can be had again, by its identifier and its new name, too.
    let renamed = scene
        .api(Method::PATCH, "/apps/example", json!({"name": "other"}))
        .await;
    for name in ["other", renamed["id"].as_str().unwrap()] {
        scene
            .git_ok(["clone", "--quiet", &scene.address(ANN, name), "../clone"])
            .await;
        let clone = scene.folder.path().join("clone");
        assert!(clone.join("build").is_file());
        std::fs::remove_dir_all(clone).unwrap();
    }
    scene
        .git_ok(["fetch", "--quiet", &scene.address(ANN, "other"), "main"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn a_build_that_fails_rejects_the_push() {
    let scene = Scene::new().await;
    scene.commit("echo 'no such module' >&2; exit 1").await;
    let done = scene.push(&["main"]).await;
    assert!(!done.succeeded);
    for line in [
        "remote: no such module",
        "remote:  !     The build failed",
        "remote:  !     The app, and `main` of its repository, stay as they were.",
        "remote:  !     Push refused.",
        " ! [remote rejected] main -> main (pre-receive hook declined)",
    ] {
        assert!(done.text.contains(line), "{line}: {}", done.text);
    }
    assert_eq!(scene.releases().await, 2);
    assert_eq!(scene.references().await, "");
    scene.assert_tidy().await;
    // The next one, mended, is taken.
    let commit = scene.commit("echo mended").await;
    assert!(scene.push(&["main"]).await.succeeded);
    assert!(scene.references().await.contains(&commit));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn lines_are_shown_as_they_come() {
    let scene = Scene::new().await;
    // It goes on when the file is there, which is when the line before was seen.
    let seen = scene.folder.path().join("seen");
    scene
        .commit(&format!(
            "echo first; until [ -f {} ]; do sleep 0.05; done; echo last",
            seen.display()
        ))
        .await;
    let mut push = scene
        .command(["push", &scene.address(ANN, "example"), "main"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(push.stderr.take().unwrap()).lines();
    let started = Instant::now();
    let mut after = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        assert!(started.elapsed() < Duration::from_mins(1));
        if line.contains("remote: first") {
            std::fs::write(&seen, "").unwrap();
        }
        after.push(line);
    }
    assert!(push.wait().await.unwrap().success());
    let text = after.join("\n");
    assert!(seen.exists() && text.contains("remote: last"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn only_main_and_master_are_built() {
    let scene = Scene::new().await;
    scene.commit("echo built").await;
    let done = scene.push(&["main:topic", "main:refs/tags/v1"]).await;
    assert!(
        done.succeeded && !done.text.contains("remote: built"),
        "{}",
        done.text
    );
    assert!(
        done.text
            .contains("`git push REMOTE topic:main` builds this branch"),
        "{}",
        done.text
    );
    assert_eq!(scene.releases().await, 2);

    let done = scene.push(&["main:main", "main:master"]).await;
    assert!(
        !done.succeeded && done.text.contains("only one of them can be built"),
        "{}",
        done.text
    );
    let done = scene.push(&["main:master"]).await;
    assert!(
        done.succeeded && done.text.contains("remote: built"),
        "{}",
        done.text
    );
    assert_eq!(scene.releases().await, 3);
    // Who clones gets what was built last.
    scene.assert_tidy().await;
    scene
        .git_ok([
            "clone",
            "--quiet",
            &scene.address(ANN, "example"),
            "../clone",
        ])
        .await;
    let head = std::fs::read_to_string(scene.folder.path().join("clone/.git/HEAD")).unwrap();
    assert_eq!(head.trim(), "ref: refs/heads/master");

    for (references, text) in [
        (
            &[":master"][..],
            "`master` is the branch that is built, and stays.",
        ),
        (&["main:refs/notes/x"], "`refs/notes/x` is neither"),
    ] {
        let done = scene.push(references).await;
        assert!(!done.succeeded && done.text.contains(text), "{}", done.text);
    }
    let done = scene.push(&[":topic", ":refs/tags/v1"]).await;
    assert!(done.succeeded, "{}", done.text);
    // Another history in place of the first.
    scene
        .git_ok(["commit", "--quiet", "--amend", "--message", "other"])
        .await;
    assert!(!scene.push(&["main:master"]).await.succeeded);
    assert!(scene.push(&["+main:master"]).await.succeeded);
    assert_eq!(scene.releases().await, 4);
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn what_git_leaves_out_is_told() {
    let scene = Scene::new().await;
    let work = scene.work();
    std::fs::create_dir_all(work.join("assets")).unwrap();
    std::fs::write(work.join(".gitattributes"), "*.png filter=lfs\n").unwrap();
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n",
        "4".repeat(64)
    );
    std::fs::write(work.join("assets/logo.png"), &pointer).unwrap();
    std::fs::write(
        work.join("build"),
        "ls vendor | wc -l; head -c 7 assets/logo.png",
    )
    .unwrap();
    scene.git_ok(["add", "--all"]).await;
    let object = "1".repeat(40);
    scene
        .git_ok([
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("160000,{object},vendor"),
        ])
        .await;
    scene
        .git_ok(["commit", "--quiet", "--message", "parts"])
        .await;
    let done = scene.push(&["main"]).await;
    assert!(done.succeeded, "{}", done.text);
    for line in [
        "Warning: Submodules are not fetched, and their folders are empty: `vendor`.",
        "Warning: Files of Git LFS are not fetched; what stands for them is built in their place: `assets/logo.png`.",
        "remote: 0",
        "remote: version",
    ] {
        assert!(done.text.contains(line), "{line}: {}", done.text);
    }
}

/// What git refuses after its hook must not be released before.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn what_git_would_refuse_is_not_built() {
    let scene = Scene::new().await;
    scene.commit("echo built").await;
    scene
        .git_ok(["tag", "--annotate", "--message", "one", "v1"])
        .await;
    let refused = async |references: &[&str], text: &str| {
        let done = scene.push(references).await;
        assert!(
            !done.succeeded && done.text.contains(text) && !done.text.contains("remote: built"),
            "{}",
            done.text
        );
        assert_eq!(scene.releases().await, 2);
    };
    refused(&["v1:refs/heads/main"], "git push REMOTE v1^{}:main").await;
    let below = "A branch `main/x` would keep `main` from being pushed";
    refused(&["main:refs/heads/main/x"], below).await;
    refused(&["main", "main:refs/heads/main/x"], below).await;
    refused(&["--atomic", "main", "v1"], "does not support --atomic").await;
    // One that is there already.
    scene.push(&["main:topic"]).await;
    let moved = ["update-ref", "refs/heads/main/x", "refs/heads/topic"];
    assert!(scene.in_repository(moved).await.succeeded);
    refused(&["main"], "The repository has a branch `main/x`").await;
    assert!(scene.push(&[":main/x"]).await.succeeded);
    let done = scene.push(&["v1^{}:refs/heads/main", "v1"]).await;
    assert!(done.succeeded, "{}", done.text);
    assert_eq!(scene.releases().await, 3);
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn what_was_pushed_meanwhile_is_not_lost() {
    let scene = Scene::new().await;
    scene.commit("echo built").await;
    assert!(scene.push(&["main"]).await.succeeded);
    scene.git_ok(["branch", "theirs"]).await;
    scene.commit("echo ours").await;
    // Between what git reads and what it sends, another push: the hook of the client.
    let hooks = scene.folder.path().join("client-hooks");
    std::fs::create_dir(&hooks).unwrap();
    let hook = hooks.join("pre-push");
    let address = scene.address(ANN, "example");
    let script = format!(
        "#!/bin/sh\nunset GIT_CONFIG_PARAMETERS\ngit commit-tree -p theirs -m theirs 'theirs^{{tree}}' > \"$0.commit\"\n\
         exec git push {address} \"$(cat \"$0.commit\"):refs/heads/main\" < /dev/null\n"
    );
    std::fs::write(&hook, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, executable).unwrap();
    let configured = format!("core.hooksPath={}", hooks.display());
    let done = scene
        .git(["-c", &configured, "push", &address, "main"])
        .await;
    assert!(
        !done.succeeded
            && done
                .text
                .contains("Somebody else has pushed to `main` meanwhile.")
            && !done.text.contains("remote: ours"),
        "{}",
        done.text
    );
    let theirs = std::fs::read_to_string(hooks.join("pre-push.commit")).unwrap();
    let references = scene.references().await;
    assert!(references.contains(&format!("{} refs/heads/main", theirs.trim())));
    assert_eq!(scene.releases().await, 4);
}
