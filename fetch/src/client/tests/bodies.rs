//! Bodies that come whole, cut off, late or changed.

use super::*;

#[test]
fn a_right_answer_is_kept() {
    let scene = Scene::new([Answer::ok(body())]);
    let downloaded = scene.download().unwrap();
    assert_eq!(
        downloaded,
        Downloaded {
            bytes: 1_200_000,
            sha256: sha256(&body())
        }
    );
    assert_eq!(fs_err::read(scene.destination()).unwrap(), body());
    let request = &scene.server.requests()[0];
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert!(
        request
            .header("user-agent")
            .unwrap()
            .starts_with("slugbuilder/")
    );
    assert!(request.header("range").is_none() && request.header("authorization").is_none());
}

#[test]
fn a_sha512_is_verified_too() {
    let mut scene = Scene::new([Answer::ok(body()).without_length()]);
    scene.request.checksum = Some(Checksum::of(Algorithm::Sha512, &*body()).unwrap());
    assert_eq!(scene.download().unwrap().sha256, sha256(&body()));
}

#[test]
fn a_wrong_checksum_is_final() {
    let scene = Scene::new([Answer::ok("something else")]);
    let error = scene.error();
    assert_eq!(scene.requests(), 1);
    assert!(!error.another_source_may_help());
    insta::assert_snapshot!(scene.message(&error), @r"
    error[fetch-checksum]: `http://<server>/file` does not have the expected checksum

      expected sha256:552a438886f75fd5e70ff6ad0671698758af0a126388ab130f4eb85c0cf6c725
           got sha256:f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8
      The file was thrown away. Either it was damaged or changed on its way, or the expected checksum is wrong.

      hint: Try once more: a proxy on the way may have answered with a page of its own.
      hint: If it happens again, do not use the file, and tell whoever runs the server or mirror.
    ");
}

#[test]
fn a_truncated_body_is_noticed_and_tried_again_from_the_start() {
    let scene = Scene::new([Answer::ok(body()).truncated_at(100_000), Answer::ok(body())]);
    scene.download().unwrap();
    assert_eq!(scene.requests(), 2);
    assert!(
        scene.server.requests()[1].header("range").is_none(),
        "nothing to tell the version by"
    );

    let scene = Scene::new([Answer::ok(body()).truncated_at(100_000)]);
    let error = scene.error();
    assert_eq!(scene.requests(), 3);
    assert!(matches!(
        error.last(),
        FetchError::Truncated {
            expected: 1_200_000,
            actual: 100_000,
            ..
        }
    ));
    insta::assert_snapshot!(scene.message(&error), @r"
    error[fetch-retries-exhausted]: gave up after 3 attempts
      caused by: `http://<server>/file` ended after 100000 of 1200000 bytes

      hint: Try again later.
    ");
}

#[test]
fn a_body_longer_or_shorter_than_announced_is_noticed() {
    let scene = Scene::new([Answer::ok(body()).claiming(1_200_001)]);
    assert!(matches!(
        scene.error().last(),
        FetchError::Truncated {
            actual: 1_200_000,
            ..
        }
    ));
    let scene = Scene::new([Answer::ok(body()).claiming(1_199_999)]);
    assert!(matches!(scene.error(), FetchError::Checksum { .. }));
}

#[test]
fn an_interrupted_body_goes_on_where_it_was() {
    for broken in [
        Answer::ok(body()).truncated_at(500_000),
        Answer::ok(body()).reset_at(500_000),
        Answer::ok(body()).stalled_at(500_000, Duration::from_secs(2)),
    ] {
        let scene = Scene::new([
            broken.resumable("\"v1\""),
            Answer::ok(body()).resumable("\"v1\""),
        ]);
        scene.download().unwrap();
        let requests = scene.server.requests();
        assert_eq!(requests.len(), 2);
        let start: u64 = requests[1].header("range").unwrap()[6..]
            .trim_end_matches('-')
            .parse()
            .unwrap();
        assert!((1..=500_000).contains(&start), "{start}");
        assert_eq!(requests[1].header("if-range"), Some("\"v1\""));
    }
}

#[test]
fn a_body_that_changed_meanwhile_begins_anew() {
    let scene = Scene::new([
        Answer::ok(vec![7; 1_000_000])
            .resumable("\"v1\"")
            .truncated_at(500_000),
        Answer::ok(body()).resumable("\"v2\""),
    ]);
    scene.download().unwrap();
    assert_eq!(scene.requests(), 2);
}

#[test]
fn halves_of_two_versions_are_not_joined_for_good() {
    // The tag lies: both versions have the same.
    let scene = Scene::new([
        Answer::ok(vec![7; 1_200_000])
            .resumable("\"v\"")
            .truncated_at(500_000),
        Answer::ok(body()).resumable("\"v\""),
    ]);
    scene.download().unwrap();
    assert_eq!(scene.requests(), 3);
}

#[test]
fn another_range_than_asked_for_begins_anew() {
    let scene = Scene::new([
        Answer::ok(body()).resumable("\"v\"").truncated_at(500_000),
        Answer::ok(body())
            .with_status(206)
            .header("Content-Range", "bytes 0-1199999/1200000"),
        Answer::ok(body()),
    ]);
    scene.download().unwrap();
    assert_eq!(scene.requests(), 3);
    // A shorter file now: the range lies behind its end.
    let scene = Scene::new([
        Answer::ok(body()).resumable("\"v\"").truncated_at(500_000),
        Answer::status(416),
        Answer::ok(body()),
    ]);
    scene.download().unwrap();
    // Never asked for, so it cannot be used.
    let scene = Scene::new([Answer::ok(body())
        .with_status(206)
        .header("Content-Range", "bytes 0-1199999/1200000")]);
    assert!(matches!(scene.error(), FetchError::Protocol { .. }));
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_stalled_answer_is_given_up() {
    for at in [0, 1000] {
        let scene = Scene::new([Answer::ok(body()).stalled_at(at, Duration::from_secs(20))]);
        let start = Instant::now();
        let error = scene.error();
        assert!(start.elapsed() < Duration::from_secs(10));
        assert!(
            matches!(error.last(), FetchError::Stalled { .. }),
            "{error:?}"
        );
        assert_eq!(scene.requests(), 3);
        assert!(error.retryable());
    }
}

#[test]
fn a_slow_answer_that_keeps_coming_is_taken() {
    let scene = Scene::new([Answer::ok(body()).stalled_at(1000, Duration::from_millis(150))]);
    scene.download().unwrap();
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_reset_connection_is_tried_again() {
    let scene = Scene::new([Answer::ok(body()).reset_at(1000), Answer::ok(body())]);
    scene.download().unwrap();
    let scene = Scene::new([Answer::ok(body()).reset_at(1000)]);
    let error = scene.error();
    assert!(
        matches!(error.last(), FetchError::Truncated { .. }),
        "{error:?}"
    );
    assert_eq!(scene.requests(), 3);
}

#[test]
fn a_body_over_the_limit_is_refused() {
    for answer in [Answer::ok(body()), Answer::ok(body()).without_length()] {
        let mut scene = Scene::new([answer]);
        scene.request.max_bytes = 1_199_999;
        assert!(matches!(
            scene.error(),
            FetchError::TooLarge {
                limit: 1_199_999,
                ..
            }
        ));
        assert_eq!(scene.requests(), 1);
        scene.request.max_bytes = 1_200_000;
        scene.download().unwrap();
    }
}

#[test]
fn a_download_can_be_cancelled_at_any_time() {
    let quiet = Duration::from_secs(20);
    for (answer, there) in [
        (Answer::ok(body()).stalled_at(100_000, quiet), true),
        (Answer::status(503).header("Retry-After", "20"), false),
    ] {
        let scene = Scene::new([answer]);
        let settings = Settings {
            stall_timeout: quiet,
            ..settings()
        };
        let client = Client::new(settings).unwrap();
        let begun = Instant::now();
        let cancelled = || begun.elapsed() > Duration::from_millis(700);
        let seen = || fs_err::read_dir(scene.folder.path()).unwrap().count();
        let was_there = std::cell::Cell::new(false);
        let watched = || {
            was_there.set(was_there.get() || seen() > 0);
            cancelled()
        };
        let error = client
            .download_unless(&scene.request, &scene.destination(), &watched, &Silent)
            .unwrap_err();
        assert!(matches!(error, FetchError::Cancelled { .. }), "{error}");
        assert!(begun.elapsed() < quiet / 4);
        assert_eq!((was_there.get(), seen()), (there, 0));
    }
}

#[test]
fn a_pause_is_no_end_for_a_download_that_can_be_cancelled() {
    let scene = Scene::new([Answer::ok(body()).stalled_at(100_000, Duration::from_millis(250))]);
    let client = Client::new(settings()).unwrap();
    let kept = || false;
    client
        .download_unless(&scene.request, &scene.destination(), &kept, &Silent)
        .unwrap();
    assert_eq!(scene.requests(), 1);
    assert_eq!(fs_err::read(scene.destination()).unwrap(), body());
    let scene = Scene::new([Answer::ok(body()).stalled_at(100_000, Duration::from_secs(2))]);
    let error = client
        .download_unless(&scene.request, &scene.destination(), &kept, &Silent)
        .unwrap_err();
    assert!(
        matches!(error.last(), FetchError::Stalled { .. }),
        "{error}"
    );
    assert_eq!(scene.requests(), 3);
}
