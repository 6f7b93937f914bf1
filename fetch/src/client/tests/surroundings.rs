//! Files, disks and progress.

use super::*;

#[test]
fn files_are_fetched_offline_too() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a b"), body()).unwrap();
    let url = |name: &str| format!("file://{}/{name}", folder.path().display());
    let mut scene = Scene::new([]);
    let offline = || Settings {
        offline: true,
        ..settings()
    };
    scene.request.url = url("a%20b");
    assert_eq!(scene.download_with(offline()).unwrap().bytes, 1_200_000);
    fs_err::remove_file(scene.destination()).unwrap();
    scene.request.max_bytes = 1;
    assert!(matches!(
        scene.download_with(offline()),
        Err(FetchError::TooLarge { .. })
    ));
    scene.request.url = url("missing");
    assert!(matches!(
        scene.download_with(offline()),
        Err(FetchError::NotFound { .. })
    ));
    scene.request.url = url("");
    assert!(matches!(
        scene.download_with(offline()),
        Err(FetchError::InvalidUrl { .. })
    ));
}

#[test]
fn a_full_disk_is_told() {
    let mut partial = Partial::in_file(
        fs_err::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
            .into_file(),
        Path::new("/dev/full"),
    );
    let error = partial.append(b"x").unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[fetch-disk]: cannot write `/dev/full`
      caused by: No space left on device (os error 28)

      hint: Make room on that disk.
    ");
}

#[test]
fn a_destination_that_cannot_be_written_is_told_before_anything_is_asked() {
    let scene = Scene::new([Answer::ok(body())]);
    let destination = scene.folder.path().join("missing/file");
    let error = Client::new(settings())
        .unwrap()
        .download(&scene.request, &destination, &Silent)
        .unwrap_err();
    assert!(matches!(error, FetchError::Disk { .. }));
    assert_eq!(scene.requests(), 0);
}

#[test]
fn an_earlier_file_stays_when_the_download_fails() {
    let scene = Scene::new([Answer::ok("wrong")]);
    fs_err::write(scene.destination(), "earlier").unwrap();
    Client::new(settings())
        .unwrap()
        .download(&scene.request, &scene.destination(), &Silent)
        .unwrap_err();
    assert_eq!(fs_err::read(scene.destination()).unwrap(), b"earlier");
}

#[test]
fn progress_is_reported_from_start_to_finish() {
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);
    impl Reporter for Log {
        fn report(&self, event: Event<'_>) {
            self.0.lock().unwrap().push(match event {
                Event::Started { name, total, .. } => format!("started {name} {total:?}"),
                Event::Progressed { position, .. } => format!("at {position}"),
                Event::Finished { .. } => "finished".to_owned(),
                Event::Note(text) => format!("note {}", text.split("http").next().unwrap()),
                other => format!("{other:?}"),
            });
        }
    }
    let log = Log::default();
    let scene = Scene::new([Answer::status(500), Answer::ok(body())]);
    Client::new(settings())
        .unwrap()
        .download(&scene.request, &scene.destination(), &log)
        .unwrap();
    let log = log.0.into_inner().unwrap();
    assert_eq!(log[..2], ["note a file: `", "started a file Some(1200000)"]);
    assert_eq!(log[log.len() - 2..], ["at 1200000", "finished"]);
}
