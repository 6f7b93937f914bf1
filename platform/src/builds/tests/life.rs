//! From the queue to the release.

use super::*;

#[tokio::test]
async fn a_build_becomes_a_release() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let build = scene.build("alpha", "echo hello").await;
    assert_eq!(build.status, BuildStatus::Pending);
    insta::assert_snapshot!(scene.output(&build).await, @r"
    -----> Building alpha for heroku-24
    Compiling source
    hello
    -----> Released v3
    ");
    let ended = scene.ended(&build).await;
    assert_eq!(ended.status, BuildStatus::Succeeded);
    assert_eq!(ended.release.unwrap().1, 3);
    let slug = ended.slug.unwrap();
    let slug = scene.store.slug(&scene.ann, "alpha", slug).await.unwrap();
    assert_eq!(slug.size, Some(4));
    let left = fs::read_dir(scene.path("builds/incoming")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_build_that_fails_makes_no_release() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let script = "echo 'no such thing' >&2; false";
    let build = scene.build("alpha", script).await;
    insta::assert_snapshot!(scene.output(&build).await, @r"
    -----> Building alpha for heroku-24
    Compiling source
    no such thing

     !     The build failed
    ");
    let ended = scene.ended(&build).await;
    assert_eq!((ended.status, ended.release), (BuildStatus::Failed, None));
    assert_eq!(ended.slug, None);
}

#[tokio::test]
async fn a_server_without_the_program_says_that_it_is_at_fault() {
    let scene = Scene::with(Builder::new("/no/such/program")).await;
    scene.app("alpha").await;
    let build = scene.build("alpha", "true").await;
    insta::assert_snapshot!(scene.output(&build).await, @r"
    -----> Building alpha for heroku-24

     !     The server failed, which is no fault of the source. Please tell its operator, or try again
    ");
    assert_eq!(scene.ended(&build).await.status, BuildStatus::Failed);
}

#[tokio::test]
async fn output_comes_while_the_build_runs_and_from_anywhere() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let go = scene.path("go");
    let script = format!(
        "echo one; while [ ! -e '{}' ]; do sleep 0.01; done; echo two",
        go.display()
    );
    let build = scene.build("alpha", &script).await;
    let mut output = Box::pin(scene.builds.output(build.id, 0));
    let mut seen = String::new();
    while !seen.contains("one\n") {
        let chunk = output.next().await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(!seen.contains("two"), "{seen}");
    let running = scene.store.build(&scene.ann, "alpha", build.id).await;
    assert_eq!(running.unwrap().status, BuildStatus::Pending);
    fs::write(go, "").unwrap();
    while let Some(chunk) = output.next().await {
        seen.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    assert_eq!(seen, scene.output(&build).await);
    let at = seen.find("two").unwrap();
    let rest = scene.builds.output(build.id, at as u64);
    let rest: Vec<Bytes> = rest.try_collect().await.unwrap();
    assert_eq!(rest.concat(), seen.as_bytes()[at..]);
}

#[tokio::test]
async fn an_output_without_end_is_cut_off() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let build = scene.build("alpha", "yes | head -c 40000000").await;
    let output = scene.output(&build).await;
    let length = output.len() as u64;
    assert!(
        (output::MOST..output::MOST + 1000).contains(&length),
        "{length}"
    );
    assert!(output.contains("cut off here"));
    assert_eq!(scene.ended(&build).await.status, BuildStatus::Succeeded);
}

#[tokio::test]
async fn config_vars_reach_the_program_in_a_file_for_its_user_alone() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let vars = [("KEY".to_owned(), Some("a\nb".to_owned()))].into();
    let set = scene
        .store
        .update_config_vars(&scene.ann, "alpha", vars)
        .await;
    set.unwrap();
    let script = "stat -c %a \"$variables\"; cat \"$variables\"; echo; env | grep -c KEY";
    let build = scene.build("alpha", &format!("{script} || true")).await;
    let output = scene.output(&build).await;
    assert!(output.contains("600\n{\"KEY\":\"a\\nb\"}\n0\n"), "{output}");
    let left = fs::read_dir(scene.path("builds/of").join(build.id.to_string())).unwrap();
    assert_eq!(left.count(), 1);
}

#[tokio::test]
async fn builds_of_one_app_come_one_after_the_other() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let script = "[ ! -e ../running ] && touch ../running && sleep 0.2 && rm ../running";
    let mut builds = Vec::new();
    for _ in 0..3 {
        builds.push(scene.build("alpha", script).await);
    }
    let mut versions = Vec::new();
    for build in &builds {
        versions.push(scene.ended(build).await.release.unwrap().1);
    }
    assert_eq!(versions, [3, 4, 5]);
}

#[tokio::test]
async fn what_is_cancelled_ends_with_all_that_it_started() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let pids = scene.path("pids");
    let script = format!(
        "trap '' HUP; sleep 1000 & (sleep 1001 & echo $! $$ > '{0}.new'); echo $! >> '{0}.new'; mv '{0}.new' '{0}'; wait",
        pids.display()
    );
    let build = scene.build("alpha", &script).await;
    let waiting = scene.build("alpha", "true").await;
    let pids = appears(&pids).await;
    let alive = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    assert_eq!(pids.split_whitespace().count(), 3);
    assert!(pids.split_whitespace().all(alive));
    let cancelled = scene.builds.cancel(&scene.ann, "alpha", build.id).await;
    assert_eq!(cancelled.unwrap().status, BuildStatus::Failed);
    assert!(!pids.split_whitespace().any(alive), "{pids}");
    let output = scene.output(&build).await;
    assert!(
        output.ends_with(" !     Cancelled by ann@example.test\n"),
        "{output}"
    );
    // Once more is too late, and the next one begins.
    let again = scene.builds.cancel(&scene.ann, "alpha", build.id).await;
    assert!(matches!(
        again,
        Err(BuildsError::Store(StoreError::Conflict(_)))
    ));
    assert_eq!(scene.ended(&waiting).await.status, BuildStatus::Succeeded);
}

#[tokio::test]
async fn what_waits_is_cancelled_without_having_begun() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let first = scene.build("alpha", "sleep 1000").await;
    let second = scene.build("alpha", "true").await;
    for build in [&second, &first] {
        scene
            .builds
            .cancel(&scene.ann, "alpha", build.id)
            .await
            .unwrap();
        assert_eq!(scene.ended(build).await.status, BuildStatus::Failed);
    }
    assert_eq!(
        scene.output(&second).await,
        " !     Cancelled by ann@example.test\n"
    );
}

#[tokio::test]
async fn a_user_has_so_many_builds_in_the_queue() {
    let scene = Scene::new().await;
    let app = scene.app("alpha").await;
    for _ in 0..50 {
        scene.build("alpha", "sleep 1000").await;
    }
    let folder = scene.builds.new_folder().unwrap();
    let source = BuildSource::Folder(folder.path().to_owned());
    let error = scene.begin("alpha", source).await.unwrap_err();
    insta::assert_snapshot!(error, @"50 of your builds are waiting already. Please try again when one of them has ended.");
    // It left nothing.
    let folders = fs::read_dir(scene.path("builds/of")).unwrap();
    assert_eq!(folders.count(), 50);
    scene.builds.forget_app(app, Vec::new());
}

#[tokio::test]
async fn an_app_takes_its_builds_along() {
    let scene = Scene::new().await;
    let app = scene.app("alpha").await;
    let done = scene.build("alpha", "true").await;
    scene.ended(&done).await;
    let build = scene.build("alpha", "sleep 1000").await;
    let waiting = scene.build("alpha", "true").await;
    let deleted = scene.store.delete_app(&scene.ann, "alpha").await.unwrap();
    assert_eq!(deleted.builds.len(), 3);
    scene.builds.forget_app(app, deleted.builds);
    for build in [&build, &waiting] {
        assert!(matches!(
            scene.builds.ended(build.id).await,
            Err(BuildsError::Store(StoreError::NotFound { .. }))
        ));
    }
    for _ in 0..500 {
        let left: usize = ["builds/of", "builds/apps"]
            .iter()
            .map(|name| fs::read_dir(scene.path(name)).unwrap().count())
            .sum();
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something is left");
}

#[tokio::test]
async fn a_server_that_stops_goes_on_with_its_builds_later() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let go = scene.path("go");
    let script = format!(
        "[ -e '{0}' ] || {{ echo > '{0}'; sleep 1000; }}",
        go.display()
    );
    let build = scene.build("alpha", &script).await;
    let waiting = scene.build("alpha", "true").await;
    appears(&go).await;
    scene.builds.stop().await;
    let output = scene.output(&build).await;
    // What the program printed just before may come after it.
    assert!(
        output.contains("begins anew when it starts again\n"),
        "{output}"
    );
    for build in [&build, &waiting] {
        assert_eq!(scene.ended(build).await.status, BuildStatus::Pending);
    }
    let again = open(scene.folder.path(), &scene.store, Some(builder()));
    again.resume().await.unwrap();
    for (build, version) in [(&build, 3), (&waiting, 4)] {
        let ended = again.ended(build.id).await.unwrap();
        assert_eq!(ended.release.unwrap().1, version);
    }
}

#[tokio::test]
async fn a_build_that_ends_the_server_twice_is_not_begun_again() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let row = NewBuildRow {
        id: Uuid::new_v4(),
        url: None,
        source: None,
        checksum: None,
        version: None,
        version_description: None,
        buildpacks: None,
        source_date_epoch: None,
        ends_with_server: false,
    };
    let build = scene
        .store
        .create_build(&scene.ann, "alpha", row)
        .await
        .unwrap();
    for _ in 0..2 {
        scene.store.attempt_build(build.id).await.unwrap();
    }
    let again = open(scene.folder.path(), &scene.store, Some(builder()));
    again.resume().await.unwrap();
    let ended = again.ended(build.id).await.unwrap();
    assert_eq!(ended.status, BuildStatus::Failed);
    assert!(
        scene
            .output(&build)
            .await
            .contains("The server ended twice")
    );
}

#[tokio::test]
async fn what_is_nobodys_is_removed_with_the_next_start() {
    let scene = Scene::new().await;
    for name in ["of", "apps"] {
        let folder = scene
            .path("builds")
            .join(name)
            .join(Uuid::new_v4().to_string());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("output"), "").unwrap();
    }
    drop(scene.builds.new_folder().unwrap().keep());
    scene.uploaded(b"a source").await;
    let mut upload = scene.builds.sources().begin(Uuid::new_v4()).await.unwrap();
    upload = upload.write(Bytes::from_static(b"x")).await.unwrap();
    upload
        .finish()
        .await
        .unwrap()
        .1
        .put_in_place()
        .await
        .unwrap();
    let again = open(scene.folder.path(), &scene.store, None);
    again.resume().await.unwrap();
    for name in ["of", "apps", "incoming"] {
        let left = fs::read_dir(scene.path("builds").join(name)).unwrap();
        assert_eq!(left.count(), 0, "{name}");
    }
    let sources = scene.store.uploaded_sources().await.unwrap();
    assert_eq!(sources.len(), 1);
    assert_eq!(again.sources().size(sources[0]).await.unwrap(), Some(8));
}

#[tokio::test]
async fn a_build_that_somebody_waited_for_does_not_outlive_the_server() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let row = NewBuildRow {
        id: Uuid::new_v4(),
        url: None,
        source: None,
        checksum: None,
        version: None,
        version_description: None,
        buildpacks: None,
        source_date_epoch: None,
        ends_with_server: true,
    };
    let created = scene.store.create_build(&scene.ann, "alpha", row).await;
    let build = created.unwrap();
    let again = open(scene.folder.path(), &scene.store, Some(builder()));
    again.resume().await.unwrap();
    let ended = again.ended(build.id).await.unwrap();
    assert_eq!((ended.status, ended.release), (BuildStatus::Failed, None));
    assert!(scene.output(&build).await.contains("push again"));
    again.resume().await.unwrap();
    assert_eq!(scene.output(&build).await.matches("push again").count(), 1);
}
