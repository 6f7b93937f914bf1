//! Pushes that are made to do harm.

use crate::scene::Scene;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;

impl Scene {
    /// Writes an object without a check; its name.
    async fn object(&self, kind: &str, bytes: &[u8]) -> String {
        let mut child = self
            .command(["hash-object", "-t", kind, "-w", "--stdin", "--literally"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A tree of entries of mode, name and object.
    async fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, object) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend(
                (0..object.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&object[at..at + 2], 16).unwrap()),
            );
        }
        self.object("tree", &bytes).await
    }

    /// Puts `main` on a commit of that tree.
    async fn commit_tree(&self, tree: &str) {
        let commit = self.git_ok(["commit-tree", tree, "-m", "hostile"]).await;
        self.git_ok(["update-ref", "refs/heads/main", &commit])
            .await;
    }

    async fn assert_refused(&self, why: &str) {
        let done = self.push(&["main"]).await;
        assert!(
            !done.succeeded && done.text.contains(why),
            "{why}: {}",
            done.text
        );
        assert_eq!(self.releases().await, 2);
        self.assert_tidy().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn trees_that_would_write_where_they_must_not_are_refused() {
    let scene = Scene::new().await;
    let blob = scene.object("blob", b"x").await;
    for name in [".git", ".GIT", "git~1", "..", ".", "a/b"] {
        let inner = scene.tree(&[("100644", "config", &blob)]).await;
        let tree = scene.tree(&[("40000", name, &inner)]).await;
        scene.commit_tree(&tree).await;
        scene.assert_refused("remote unpack failed").await;
    }
    for name in [".git", ".gitmodules"] {
        let target = scene.object("blob", b"../../etc").await;
        let tree = scene.tree(&[("120000", name, &target)]).await;
        scene.commit_tree(&tree).await;
        scene.assert_refused("remote unpack failed").await;
    }
    // A link and a folder of the same name: what is in the folder would go where the link leads.
    let outside = scene.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let target = scene.object("blob", outside.as_os_str().as_bytes()).await;
    let folder = scene.tree(&[("100644", "file", &blob)]).await;
    let tree = scene
        .tree(&[("120000", "a", &target), ("40000", "a", &folder)])
        .await;
    scene.commit_tree(&tree).await;
    let done = scene.push(&["main"]).await;
    assert!(!done.succeeded, "{}", done.text);
    assert_eq!(crate::scene::entries(&outside).len(), 0);
    scene.assert_tidy().await;
}

/// Trees of trees, ten of each: a few kilobytes that stand for thousands of millions of files.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn commits_without_an_end_are_refused() {
    let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    for with_files in [true, false] {
        let scene = Scene::new().await;
        let blob = scene.object("blob", b"x").await;
        let mut tree = if with_files {
            scene
                .tree(&names.map(|name| ("100644", name, &*blob)))
                .await
        } else {
            scene.tree(&[]).await
        };
        for _ in 0..9 {
            tree = scene.tree(&names.map(|name| ("40000", name, &*tree))).await;
        }
        scene.commit_tree(&tree).await;
        scene
            .assert_refused("has more than 300000 files and folders")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn names_of_any_bytes_are_exact() {
    let scene = Scene::new().await;
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 \x1b[31m\n");
    std::fs::write(scene.work().join(name), "found").unwrap();
    scene.commit("cat caf*").await;
    let done = scene.push(&["main"]).await;
    assert!(
        done.succeeded && done.text.contains("remote: found"),
        "{}",
        done.text
    );
    // The branch's name, too.
    let branch = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let mut reference = std::ffi::OsString::from("main:refs/heads/");
    reference.push(branch);
    let address = scene.address(crate::scene::ANN, "example");
    let done = scene
        .git([std::ffi::OsStr::new("push"), address.as_ref(), &reference])
        .await;
    assert!(done.succeeded, "{}", done.text);
    scene.assert_tidy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn large_pushes_are_refused() {
    let scene = Scene::with(|settings| settings.max_push_size = 1 << 20).await;
    let mut bytes = vec![0; 3 << 20];
    let mut state = 1_u32;
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = u8::try_from(state >> 24).unwrap();
    }
    std::fs::write(scene.work().join("large"), bytes).unwrap();
    scene.commit("echo built").await;
    let done = scene.push(&["main"]).await;
    assert!(!done.succeeded, "{}", done.text);
    assert!(
        done.text.contains("exceeds maximum allowed size"),
        "{}",
        done.text
    );
    scene.assert_tidy().await;
    assert_eq!(scene.releases().await, 2);
}

/// A commit that asks for variables, filters and hooks gets none.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs git"]
async fn nothing_that_is_pushed_is_run_by_git() {
    let scene = Scene::new().await;
    let work = scene.work();
    let ran = scene.folder.path().join("ran");
    std::fs::write(
        work.join(".gitattributes"),
        "* filter=evil diff=evil merge=evil\n",
    )
    .unwrap();
    std::fs::write(
        work.join(".gitconfig"),
        format!("[filter \"evil\"]\n\tsmudge = touch {}\n", ran.display()),
    )
    .unwrap();
    std::fs::create_dir(work.join("hooks")).unwrap();
    std::fs::write(
        work.join("hooks/post-checkout"),
        format!("#!/bin/sh\ntouch {}\n", ran.display()),
    )
    .unwrap();
    scene.commit("echo built").await;
    let done = scene.push(&["main"]).await;
    assert!(done.succeeded, "{}", done.text);
    assert!(!ran.exists());
}
