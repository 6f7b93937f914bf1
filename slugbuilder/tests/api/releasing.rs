//! Releases: made once, whatever becomes of the answer.

use crate::support::{Platform, TIME, created, id, ok, refused, release, with};
use serde_json::{Value, json};
use slugbuilder::api::{FlowError, ReleaseOrder, Released, release as make, rollback};
use slugbuilder_fetch::test_server::Answer;
use slugbuilder_report::Explain as _;
use std::time::Duration;

const POST: &str = "POST /apps/shop/releases";
const LIST: &str = "GET /apps/shop/releases";

/// Whose token it is.
fn account(platform: &Platform, email: &str) {
    let account = json!({
        "id": id(9), "email": email, "created_at": TIME, "updated_at": TIME,
    });
    platform.answers("GET /account", [ok(&account)]);
}

/// Releases the slug 50 where the list of releases is first `before`, then `after`, and `answers` are those to the call.
fn order(
    platform: &Platform,
    answers: impl IntoIterator<Item = Answer>,
    after: &[Value],
) -> Result<Released, FlowError> {
    platform.answers(
        LIST,
        [ok(&json!([release(2, Some(50))])), ok(&json!(after))],
    );
    platform.answers(POST, answers);
    account(platform, "me@example.com");
    let order = ReleaseOrder {
        app: "shop",
        slug: id(50),
        description: Some("Deploy 3"),
        state: None,
    };
    make(&platform.api, &order, &platform.heard)
}

#[test]
fn a_release_whose_answer_is_lost_is_found_and_not_made_twice() {
    let ours = created(&release(3, Some(50)));
    let lost = [
        Answer::none(),
        ours.clone().reset_at(20),
        ours.delayed(Duration::from_millis(2600)),
        Answer::ok("").with_status(201),
        Answer::ok("{\"id\"").with_status(201),
        refused(502, "bad_gateway", "Bad gateway."),
        Answer::status(500),
    ];
    for answer in lost {
        let platform = Platform::new();
        let after = [
            release(4, Some(51)),
            release(3, Some(50)),
            release(2, Some(50)),
        ];
        let released = order(&platform, [answer.clone()], &after).unwrap();
        assert_eq!(
            (released.release.version, released.found),
            (3, true),
            "{answer:?}"
        );
        assert_eq!(platform.count(POST), 1, "{answer:?}");
        insta::allow_duplicates! { insta::assert_snapshot!(platform.told(), @r"
        note: no clear answer to whether `shop` has got the release; looking at its releases instead of asking again
        note: v3 of `shop` is there: the release was made
        "); }
    }
}

#[test]
fn a_release_that_is_not_found_is_not_asked_for_again() {
    let platform = Platform::new();
    // The one of before has the same slug, and is not ours.
    let after = [release(3, Some(51)), release(2, Some(50))];
    let error = order(&platform, [Answer::none()], &after).unwrap_err();
    let text = platform.message(&error);
    insta::assert_snapshot!(text, @r"
    error[release-uncertain]: nobody knows whether `shop` has got the release
      caused by: cannot release the slug `00000000-0000-0000-0000-000000000032` to `shop`
      caused by: the connection for `http://<api>/apps/shop/releases` broke
      caused by: Peer disconnected

      No release of yours with this slug is newer than v2 so far. It was not asked for again: that could make it twice.

      hint: Look with `slugbuilder releases --app shop`; if it is not there, run the same command again: nothing has to be uploaded.
    ");
    assert!(!error.retryable());
    assert_eq!((platform.count(POST), platform.count(LIST)), (1, 5));
    let platform = Platform::new();
    let error = order(
        &platform,
        [refused(503, "service_unavailable", "Maintenance.")],
        &after,
    )
    .unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-uncertain]: nobody knows whether `shop` has got the release
      caused by: cannot release the slug `00000000-0000-0000-0000-000000000032` to `shop`: Maintenance

      `http://<api>/apps/shop/releases` answered 503 (`service_unavailable`). Request id: request-7. No release of yours with this slug is newer than v2 so far. It was not asked for again: that could make it twice.

      hint: Look with `slugbuilder releases --app shop`; if it is not there, run the same command again: nothing has to be uploaded.
    ");
    assert_eq!(platform.count(POST), 1);
}

#[test]
fn a_release_that_cannot_be_looked_for_says_so() {
    let platform = Platform::new();
    platform.answers(
        LIST,
        [
            ok(&json!([])),
            refused(401, "unauthorized", "Invalid credentials provided."),
        ],
    );
    platform.answers(POST, [Answer::none()]);
    account(&platform, "me@example.com");
    let order = ReleaseOrder {
        app: "shop",
        slug: id(50),
        description: Some("Deploy"),
        state: None,
    };
    let error = make(&platform.api, &order, &platform.heard).unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-uncertain]: nobody knows whether `shop` has got the release
      caused by: cannot release the slug `00000000-0000-0000-0000-000000000032` to `shop`
      caused by: the connection for `http://<api>/apps/shop/releases` broke
      caused by: Peer disconnected

      The app's releases could not be looked at either: cannot list the releases of `shop`: Invalid credentials provided. It was not asked for again: that could make it twice.

      hint: Look with `slugbuilder releases --app shop`; if it is not there, run the same command again: nothing has to be uploaded.
    ");
    assert_eq!(platform.count(POST), 1);
}

#[test]
fn a_call_that_was_turned_away_is_made_again() {
    let platform = Platform::new();
    let limit = refused(429, "rate_limit", "Too many.").header("Retry-After", "0");
    let released = order(&platform, [limit, created(&release(3, Some(50)))], &[]).unwrap();
    assert!(!released.found);
    assert_eq!(platform.count(POST), 2);
}

#[test]
fn what_the_platform_refuses_is_told() {
    let platform = Platform::new();
    let refusal = refused(422, "invalid_params", "The slug has not been uploaded.");
    let error = order(&platform, [refusal], &[]).unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[api-invalid]: cannot release the slug `00000000-0000-0000-0000-000000000032` to `shop`: The slug has not been uploaded

      `http://<api>/apps/shop/releases` answered 422 (`invalid_params`). Request id: request-7.

      hint: If the platform has lost the slug's bytes, publish it anew with `--force-upload`; nothing was released.
    ");
    let platform = Platform::new();
    let error = order(&platform, [created(&release(3, Some(51)))], &[]).unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[release-other-slug]: v3 of `shop` does not have the slug `00000000-0000-0000-0000-000000000032` that was to be released

      It has the slug `00000000-0000-0000-0000-000000000033`.

      hint: Look at it with `slugbuilder releases --app shop`.
    ");
}

#[test]
fn going_back_takes_the_newest_before_the_one_that_runs() {
    let platform = Platform::new();
    let current = with(release(9, Some(52)), "current", true);
    let releases = [
        // Failed: it never ran.
        release(10, Some(53)),
        current,
        release(8, None),
        release(7, Some(51)),
        release(6, Some(50)),
    ];
    platform.releases("shop", &releases);
    platform.answers(POST, [created(&release(11, Some(51)))]);
    let back = rollback(&platform.api, "shop", None, &platform.heard).unwrap();
    assert_eq!((back.to.version, back.released.release.version), (7, 11));
    let request = &platform.server.requests_for(POST)[0];
    // Its id and nothing else: a number is refused.
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({"release": id(1007)}));
}

#[test]
fn going_back_to_what_cannot_be_is_refused() {
    let platform = Platform::new();
    let back = |to: Option<&str>| {
        let error = rollback(&platform.api, "shop", to, &platform.heard).unwrap_err();
        platform.message(&error)
    };
    let at = |version: u64, release: Value| {
        platform.answers(
            &format!("GET /apps/shop/releases/{version}"),
            [ok(&release)],
        );
    };
    at(9, with(release(9, Some(50)), "current", true));
    at(
        8,
        with(release(8, Some(50)), "eligible_for_rollback", false),
    );
    at(7, release(7, None));
    insta::assert_snapshot!(back(Some("v9")), @r"
    error[rollback-already-current]: `shop` runs v9 already

      hint: Choose another of `slugbuilder releases --app shop`.
    ");
    insta::assert_snapshot!(back(Some("8")), @r"
    error[rollback-not-eligible]: `shop` cannot go back to v8

      The platform says so of a release without a slug, or whose slug is gone.

      hint: Choose another of `slugbuilder releases --app shop`.
    ");
    insta::assert_snapshot!(back(Some("v7")), @r"
    error[release-without-slug]: v7 of `shop` has no slug

      hint: Look for one that has with `slugbuilder releases --app shop`.
    ");
    insta::assert_snapshot!(back(None), @r"
    error[rollback-nothing-earlier]: `shop` has no earlier release to go back to

      Of its newest 2 releases, none that is older than the one that runs can be gone back to.

      hint: If an older one is in `slugbuilder releases --app shop`, name it.
    ");
    assert_eq!(platform.count(POST), 0);
}

#[test]
fn what_others_released_is_not_taken_for_ours() {
    let mine = release(3, Some(50));
    let theirs = with(
        mine.clone(),
        "user",
        json!({"id": id(10), "email": "you@example.com"}),
    );
    let other = with(mine.clone(), "description", "Promote stage v7");
    for (after, found) in [(theirs, false), (other, false), (mine, true)] {
        let platform = Platform::new();
        let released = order(&platform, [Answer::none()], std::slice::from_ref(&after));
        assert_eq!(released.is_ok(), found, "{after}");
    }
    // A token that may not ask whose it is.
    let platform = Platform::new();
    platform.answers(LIST, [ok(&json!([]))]);
    platform.answers(POST, [Answer::none()]);
    platform.answers("GET /account", [refused(403, "forbidden", "No.")]);
    let order = ReleaseOrder {
        app: "shop",
        slug: id(50),
        description: Some("Deploy"),
        state: None,
    };
    let error = make(&platform.api, &order, &platform.heard).unwrap_err();
    assert!(matches!(error, FlowError::Uncertain { .. }), "{error}");
}

#[test]
fn a_rollback_whose_answer_is_lost_is_known_by_what_it_says() {
    for (description, found) in [("Rollback to v7", true), ("Deploy 3", false)] {
        let platform = Platform::new();
        account(&platform, "ME@example.com");
        let before = json!([
            with(release(9, Some(52)), "current", true),
            release(7, Some(51))
        ]);
        let after = json!([with(release(10, Some(51)), "description", description)]);
        platform.answers(LIST, [ok(&before), ok(&before), ok(&after)]);
        platform.answers(POST, [Answer::none()]);
        let back = rollback(&platform.api, "shop", None, &platform.heard);
        assert_eq!(back.is_ok(), found, "{back:?}");
    }
}

#[test]
fn a_release_always_says_something_of_our_own() {
    let platform = Platform::new();
    let order = ReleaseOrder {
        app: "shop",
        slug: id(50),
        description: None,
        state: None,
    };
    platform.answers(POST, [created(&release(3, Some(50)))]);
    make(&platform.api, &order, &platform.heard).unwrap();
    let slug = with(
        platform.slug(50, "SHA256:00", Some(1), "get"),
        "commit",
        "0123456789",
    );
    platform.answers(&format!("GET /apps/shop/slugs/{}", id(50)), [ok(&slug)]);
    make(&platform.api, &order, &platform.heard).unwrap();
    let described: Vec<Value> = platform
        .server
        .requests_for(POST)
        .iter()
        .map(|request| {
            serde_json::from_slice::<Value>(&request.body).unwrap()["description"].take()
        })
        .collect();
    assert_eq!(described, ["Deploy slug 00000000", "Deploy 01234567"]);
}
