//! What builds leave behind, and what goes on without who asked for it.

use super::*;
use std::future::IntoFuture as _;
use tar::{EntryType, Header};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn bob(scene: &Scene) -> User {
    let bob = scene
        .store
        .put_user("bob@example.test", &["a-token-of-bob-0123456789"])
        .await
        .unwrap();
    let added = scene
        .store
        .add_collaborator(&scene.ann, "alpha", "bob@example.test");
    added.await.unwrap();
    bob
}

#[tokio::test]
async fn who_is_no_more_releases_nothing() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let bob = bob(&scene).await;
    let webhook = scene
        .store
        .put_push_webhook(&bob, "alpha", "main", "secret".into())
        .await
        .unwrap();
    let begun = scene.path("begun");
    let as_bob = Scene {
        ann: bob.clone(),
        ..scene
    };
    let script = format!("echo > '{}'; sleep 1000", begun.display());
    let running = as_bob.build("alpha", &script).await;
    let waiting = as_bob.build("alpha", "true").await;
    appears(&begun).await;
    let ann = UserTokens {
        email: "ann@example.test".into(),
        tokens: vec!["a-token-of-ann-0123456789".into()],
        password: None,
    };
    as_bob.store.put_users(vec![ann]).await.unwrap();
    let found = as_bob.store.push_webhook_by_id(webhook.id).await.unwrap();
    assert_eq!(found, None);
    as_bob.builds.end_failed().await.unwrap();
    for build in [&running, &waiting] {
        let ended = as_bob.ended(build).await;
        assert_eq!((ended.status, ended.release), (BuildStatus::Failed, None));
    }
}

#[tokio::test]
async fn what_is_cancelled_ends_also_when_nobody_waits_for_it() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let begun = scene.path("begun");
    let script = format!("echo > '{}'; sleep 1000", begun.display());
    let build = scene.build("alpha", &script).await;
    appears(&begun).await;
    let mut cancelling = Box::pin(scene.builds.cancel(&scene.ann, "alpha", build.id));
    // The client goes away as soon as the ledger says that it has failed.
    loop {
        tokio::select! {
            biased;
            _ = &mut cancelling => break,
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
        let found = scene.store.build(&scene.ann, "alpha", build.id).await;
        if found.unwrap().status == BuildStatus::Failed {
            break;
        }
    }
    drop(cancelling);
    let ended = tokio::time::timeout(Duration::from_secs(30), scene.ended(&build));
    assert_eq!(ended.await.unwrap().status, BuildStatus::Failed);
}

#[tokio::test]
async fn an_app_keeps_neither_source_nor_slug() {
    let scene = Scene::new().await;
    let app = scene.app("alpha").await;
    let folder = scene.path("builds/apps").join(app.to_string());
    for script in ["pwd > ../where", "false", "pwd >> ../where"] {
        let build = scene.build("alpha", script).await;
        scene.ended(&build).await;
        assert_eq!(names(&folder), ["where"], "{script}");
    }
    // All of them at the same place, by which the cache knows the app.
    let places = fs::read_to_string(folder.join("where")).unwrap();
    let places: Vec<&str> = places.lines().collect();
    assert_eq!(places.len(), 2);
    assert_eq!(places[0], places[1]);
}

#[tokio::test]
async fn what_a_killed_server_left_of_builds_that_have_ended_is_removed() {
    let scene = Scene::new().await;
    let app = scene.app("alpha").await;
    let build = scene.build("alpha", "true").await;
    scene.ended(&build).await;
    let of_build = scene.path("builds/of").join(build.id.to_string());
    let of_app = scene.path("builds/apps").join(app.to_string());
    for folder in ["source", "unpacked"] {
        fs::create_dir_all(of_build.join(folder)).unwrap();
    }
    fs::write(of_build.join("config-vars.json"), "{}").unwrap();
    fs::create_dir_all(of_app.join("source")).unwrap();
    for file in ["slug.tgz", "source-of", "buildpack-0.tgz"] {
        fs::write(of_app.join(file), "").unwrap();
    }
    let again = open(scene.folder.path(), &scene.store, None);
    again.resume().await.unwrap();
    assert_eq!(names(&of_build), ["output"]);
    assert_eq!(names(&of_app), ["buildpack-0.tgz"]);
}

#[test]
fn a_source_can_be_moved_and_removed_whatever_its_modes() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, mode) in [
        ("app/", EntryType::Directory, 0o555),
        ("app/inner/", EntryType::Directory, 0),
        ("app/inner/file", EntryType::Regular, 0o044),
        ("app/program", EntryType::Regular, 0o511),
    ] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_path(name).unwrap();
        header.set_mode(mode);
        header.set_size(0);
        header.set_cksum();
        archive.append(&header, &b""[..]).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let source = source::unpack_source(&archive[..], &folder.path().join("unpacked")).unwrap();
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(source.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(
        ["", "inner", "inner/file", "program"].map(mode),
        [0o755, 0o700, 0o444, 0o511]
    );
}

#[tokio::test]
async fn sources_of_a_user_have_so_many_bytes() {
    let scene = Scene::new().await;
    let store = &scene.store;
    let received = |size| crate::blobs::Received {
        size,
        sha256: "00".repeat(32),
    };
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(store.create_source(&scene.ann).await.unwrap());
    }
    for id in &ids[..2] {
        store.finish_source(*id, &received(2 << 30)).await.unwrap();
    }
    let error = store.finish_source(ids[2], &received(1)).await.unwrap_err();
    insta::assert_snapshot!(error, @"The sources that you uploaded in a short time have more than 4 GiB. Please try again later.");
    assert!(matches!(error, StoreError::Invalid(_)));
    let error = store.create_source(&scene.ann).await.unwrap_err();
    assert!(matches!(error, StoreError::TooMany(_)), "{error}");
    // Again, in place of what it was.
    store.finish_source(ids[1], &received(1)).await.unwrap();
    store.finish_source(ids[2], &received(1)).await.unwrap();
}

#[tokio::test]
async fn a_buildpack_of_others_has_the_same_path_in_every_build_of_an_app() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/buildpack.tgz", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(async || "a buildpack");
    tokio::spawn(axum::serve(listener, router).into_future());
    let scene = Scene::with(Builder {
        allow_private_sources: true,
        ..builder()
    })
    .await;
    scene.app("alpha").await;
    let mut paths = Vec::new();
    for _ in 0..2 {
        let row = NewBuildRow {
            id: Uuid::new_v4(),
            url: None,
            source: None,
            checksum: None,
            version: None,
            version_description: None,
            buildpacks: Some(vec![address.clone()]),
            source_date_epoch: None,
            ends_with_server: false,
        };
        let source = scene.builds.new_folder().unwrap();
        fs::write(source.path().join("build"), "true").unwrap();
        let output = scene.builds.prepare(row.id, Some(source.path())).unwrap();
        let live = Live::new(output);
        scene.builds.state().live.insert(row.id, live);
        let build = scene.store.create_build(&scene.ann, "alpha", row).await;
        let build = build.unwrap();
        scene.builds.enqueue(&build);
        let output = scene.output(&build).await;
        let path = output.lines().find_map(|line| line.strip_prefix("With "));
        let path = path.unwrap_or_else(|| panic!("{output}")).to_owned();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a buildpack");
        paths.push(path);
    }
    assert_eq!(paths[0], paths[1]);
    // It goes with the first build that does without.
    let build = scene.build("alpha", "true").await;
    scene.ended(&build).await;
    assert!(!Path::new(&paths[0]).exists());
}
