//! The output of a release phase.

use crate::support::{Platform, SIGNATURE, TOKEN, ok, refused, release, settings, with};
use serde_json::Value;
use slugbuilder::api::types::Release;
use slugbuilder::api::{Api, FlowError, Token, follow};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::stop::Stop;
use slugbuilder_fetch::Settings;
use slugbuilder_fetch::test_server::Answer;
use slugbuilder_report::Explain as _;
use std::time::{Duration, Instant};

/// v3 of `shop`, which has a release phase with an output.
fn pending(platform: &Platform, status: &str) -> Value {
    let url = platform.blobs.url(&format!("/output?{SIGNATURE}"));
    with(
        with(release(3, Some(50)), "output_stream_url", url),
        "status",
        status,
    )
}

/// Follows it where its state is first pending, so often, and then `status`.
fn follow_with(
    platform: &Platform,
    output: impl IntoIterator<Item = Answer>,
    looks: usize,
    status: &str,
    stop: &Stop,
) -> Result<Release, FlowError> {
    platform
        .blobs
        .answer(&format!("/output?{SIGNATURE}"), output);
    let looked = (0..looks).map(|_| "pending").chain([status]);
    platform.answers(
        "GET /apps/shop/releases/3",
        looked.map(|status| ok(&pending(platform, status))),
    );
    let release: Release = serde_json::from_value(pending(platform, "pending")).unwrap();
    follow(&platform.api, &release, stop, &platform.heard)
}

#[test]
fn lines_come_as_they_are_written() {
    let platform = Platform::new();
    let output = Answer::ok("migrating\r\ndone\nno end").stalled_at(12, Duration::from_millis(300));
    let release = follow_with(&platform, [output], 2, "succeeded", &Stop::default()).unwrap();
    assert_eq!(release.version, 3);
    insta::assert_snapshot!(platform.told(), @r"
    output: migrating
    output: done
    output: no end
    ");
    // The address is one that everybody may use who has it: the token is not for its host.
    assert!(
        platform
            .blobs
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[test]
fn a_stream_that_has_not_begun_is_waited_for_and_one_that_breaks_resumed() {
    let platform = Platform::new();
    let text = "one\ntwo\nthree\n";
    let rest = Answer::ok(&text[6..])
        .with_status(206)
        .header("Content-Range", "bytes 6-13/14");
    let output = [
        Answer::status(404),
        Answer::status(404),
        Answer::ok(text).truncated_at(6),
        Answer::status(503),
        rest,
    ];
    follow_with(&platform, output, 3, "succeeded", &Stop::default()).unwrap();
    insta::assert_snapshot!(platform.told(), @r"
    output: one
    output: two
    output: three
    ");
    let ranges: Vec<_> = platform
        .blobs
        .requests()
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(
        ranges,
        [
            None,
            None,
            None,
            Some("bytes=6-".to_owned()),
            Some("bytes=6-".to_owned())
        ]
    );
    // A server without ranges brings everything again.
    let platform = Platform::new();
    let output = [Answer::ok(text).reset_at(6), Answer::ok(text)];
    follow_with(&platform, output, 3, "succeeded", &Stop::default()).unwrap();
    insta::assert_snapshot!(platform.told(), @r"
    output: one
    output: two
    output: three
    ");
}

#[test]
fn a_release_phase_that_fails_is_an_error_after_its_output() {
    let platform = Platform::new();
    let error = follow_with(
        &platform,
        [Answer::ok("no database\n")],
        1,
        "failed",
        &Stop::default(),
    )
    .unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-failed]: the release phase of v3 of `shop` failed

      The app still runs what it ran before.

      hint: The output above says why: correct it, and deploy again.
    ");
    assert_eq!(platform.told(), "output: no database");
}

#[test]
fn output_that_cannot_be_had_does_not_hide_the_end() {
    for (answer, looks) in [
        (Answer::status(404), 3),
        (Answer::status(403), 3),
        (Answer::none(), 1),
    ] {
        let platform = Platform::new();
        let release = follow_with(&platform, [answer], looks, "succeeded", &Stop::default());
        assert_eq!(release.unwrap().version, 3);
    }
    let platform = Platform::new();
    follow_with(
        &platform,
        [Answer::status(403)],
        0,
        "succeeded",
        &Stop::default(),
    )
    .unwrap();
    insta::assert_snapshot!(platform.told(), @"note: the output of the release phase cannot be had: `http://<blobs>/output` answered 403");
    let platform = Platform::new();
    follow_with(
        &platform,
        [Answer::none()],
        0,
        "succeeded",
        &Stop::default(),
    )
    .unwrap();
    let told = platform.told();
    assert!(
        told.ends_with("breaks off again and again; not asking for it any more"),
        "{told}"
    );
}

#[test]
fn it_ends_when_the_time_is_over_or_someone_asks() {
    let platform = Platform::new();
    let interrupt = Interrupt::new().unwrap();
    let soon = Instant::now() + Duration::from_millis(500);
    let silence = Answer::ok("a\nb\n").stalled_at(2, Duration::from_secs(20));
    let error = follow_with(
        &platform,
        [silence.clone()],
        0,
        "succeeded",
        &Stop::new(&interrupt, Some(soon)),
    )
    .unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-not-followed]: following v3 of `shop` ran out of time

      The release goes on without you.

      hint: `slugbuilder releases --app shop` tells how it ended.
    ");
    assert_eq!(platform.told(), "output: a");
    interrupt.raise();
    let error = follow_with(
        &platform,
        [silence],
        9,
        "succeeded",
        &Stop::new(&interrupt, None),
    )
    .unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-not-followed]: following v3 of `shop` was interrupted

      The release goes on without you.

      hint: `slugbuilder releases --app shop` tells how it ended.
    ");
    assert!(soon.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_release_without_a_phase_is_over_at_once() {
    let platform = Platform::new();
    let released: Release = serde_json::from_value(release(3, Some(50))).unwrap();
    follow(&platform.api, &released, &Stop::default(), &platform.heard).unwrap();
    assert!(platform.server.requests().is_empty());
}

#[test]
fn a_stream_that_stays_open_in_silence_does_not_hide_the_end() {
    for (status, output) in [
        ("succeeded", "one\ntwo\n"),
        // What only keeps the connection open is no output.
        ("failed", "one\n\0\0\0\0"),
    ] {
        let platform = Platform::new();
        let begun = Instant::now();
        let silent = Answer::ok(output).stalled_at(5, Duration::from_secs(30));
        let rest = Answer::ok("")
            .with_status(206)
            .header("Content-Range", "bytes 5-7/8")
            .claiming(3)
            .stalled_at(0, Duration::from_secs(30));
        let followed = follow_with(&platform, [silent, rest], 1, status, &Stop::default());
        assert_eq!(followed.is_ok(), status == "succeeded");
        assert!(
            begun.elapsed() < Duration::from_secs(12),
            "{:?}",
            begun.elapsed()
        );
        assert!(platform.told().starts_with("output: one"));
        let ranges: Vec<_> = platform.blobs.requests();
        assert_eq!(ranges[1].header("range"), Some("bytes=5-"));
    }
}

#[test]
fn nothing_new_for_now_is_not_the_end_of_the_output() {
    let platform = Platform::new();
    let text = "one\ntwo\n";
    let rest = Answer::ok(&text[4..])
        .with_status(206)
        .header("Content-Range", "bytes 4-7/8");
    let output = [
        Answer::ok(text).truncated_at(4),
        Answer::status(416),
        Answer::status(416),
        rest,
    ];
    follow_with(&platform, output, 4, "succeeded", &Stop::default()).unwrap();
    insta::assert_snapshot!(platform.told(), @r"
    output: one
    output: two
    ");
}

#[test]
fn zeros_that_keep_the_connection_open_are_no_output() {
    let platform = Platform::new();
    let output = Answer::ok("\0on\0e\n\0\0");
    follow_with(&platform, [output], 1, "succeeded", &Stop::default()).unwrap();
    assert_eq!(platform.told(), "output: one");
}

#[test]
fn a_release_that_is_found_failed_or_expired_is_an_error() {
    let platform = Platform::new();
    for (status, code) in [("failed", "release-failed"), ("expired", "release-expired")] {
        let found: Release =
            serde_json::from_value(with(release(3, Some(50)), "status", status)).unwrap();
        let error = follow(&platform.api, &found, &Stop::default(), &platform.heard).unwrap_err();
        assert_eq!(error.code(), code);
    }
}

#[test]
fn a_platform_that_goes_away_is_waited_for_and_told() {
    let mut platform = Platform::new();
    let settings = Settings {
        longest_wait: Duration::from_millis(300),
        ..settings()
    };
    let url = platform.server.url("/");
    platform.api = Api::new(settings, &url, Token::new(TOKEN).unwrap()).unwrap();
    platform
        .blobs
        .answer(&format!("/output?{SIGNATURE}"), [Answer::ok("one\n")]);
    let release: Release = serde_json::from_value(pending(&platform, "pending")).unwrap();
    let look = "GET /apps/shop/releases/3";
    let gone = refused(503, "maintenance", "Back soon.");
    // Longer than the attempts of one call.
    let back = ok(&pending(&platform, "succeeded"));
    let answers = std::iter::repeat_n(gone.clone(), 7).chain([back]);
    platform.answers(look, answers);
    follow(&platform.api, &release, &Stop::default(), &platform.heard).unwrap();
    let told = platform.told();
    assert!(
        told.contains("v3 was made, and its release phase goes on, but the platform does not tell how: cannot look up the release `3` of `shop`: Back soon; asking again"),
        "{told}"
    );
    platform.answers(look, [gone]);
    let error = follow(&platform.api, &release, &Stop::default(), &platform.heard).unwrap_err();
    assert_eq!(error.fault().exit_code(), 75);
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-out-of-sight]: v3 of `shop` was made, and nobody tells how its release phase ends
      caused by: cannot look up the release `3` of `shop`: Back soon

      `http://<api>/apps/shop/releases/3` answered 503 (`maintenance`). Request id: request-7. It was tried 3 times. The release goes on without you.

      hint: `slugbuilder releases --app shop` tells how it ended.
    ");
    platform.answers(look, [refused(401, "unauthorized", "No.")]);
    let begun = Instant::now();
    let error = follow(&platform.api, &release, &Stop::default(), &platform.heard).unwrap_err();
    assert_eq!(error.fault().exit_code(), 75);
    assert!(begun.elapsed() < Duration::from_secs(1));
}
