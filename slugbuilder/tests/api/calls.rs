//! Single calls: what is sent, what is repeated, and what an error says.

use crate::support::{
    Platform, SIGNATURE, TOKEN, assert_no_secret, id, ok, refused, release, settings, with,
};
use serde_json::json;
use slugbuilder::api::types::{Release, ReleaseCreate, Slug};
use slugbuilder::api::{Api, ApiError, Newest, Token};
use slugbuilder_fetch::Settings;
use slugbuilder_fetch::test_server::{Answer, TestServer};
use slugbuilder_report::Explain as _;
use std::time::Duration;

/// What `GET /apps/shop` ends with where this is the answer.
fn error_of(platform: &Platform, answers: impl IntoIterator<Item = Answer>) -> ApiError {
    platform.answers("GET /apps/shop", answers);
    platform.api.app("shop", &platform.heard).unwrap_err()
}

fn message_of(answer: Answer) -> String {
    let platform = Platform::new();
    let error = error_of(&platform, [answer]);
    format!(
        "{}exit {}, {} requests",
        platform.message(&error),
        error.fault().exit_code(),
        platform.count("GET /apps/shop")
    )
}

#[test]
fn a_call_says_who_asks_and_in_which_version() {
    let platform = Platform::new();
    assert_eq!(
        platform.api.app("shop", &platform.heard).unwrap().name,
        "shop"
    );
    let request = &platform.server.requests()[0];
    assert_eq!(
        request.header("authorization"),
        Some(format!("Bearer {TOKEN}").as_str())
    );
    assert_eq!(
        request.header("accept"),
        Some("application/vnd.heroku+json; version=3")
    );
    assert_eq!(request.header("content-type"), None);
    assert!(
        request
            .header("user-agent")
            .unwrap()
            .starts_with("slugbuilder/")
    );
}

#[test]
fn errors_have_the_words_of_the_api() {
    insta::assert_snapshot!(message_of(refused(401, "unauthorized", "Invalid credentials provided.")), @r"
    error[api-unauthorized]: cannot look up the app `shop`: Invalid credentials provided

      `http://<api>/apps/shop` answered 401 (`unauthorized`). Request id: request-7.

      hint: Check the token: set `HEROKU_API_KEY`, or put it into `~/.netrc` for this host.
      hint: A token may have expired; `heroku authorizations:create` makes one that lasts.
    exit 69, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(402, "delinquent", "Account is delinquent.")), @r"
    error[api-refused]: cannot look up the app `shop`: Account is delinquent

      `http://<api>/apps/shop` answered 402 (`delinquent`). Request id: request-7.

      hint: The account has to be paid for before this works.
    exit 69, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(403, "forbidden", "You do not have access to the app shop.")), @r"
    error[api-forbidden]: cannot look up the app `shop`: You do not have access to the app shop

      `http://<api>/apps/shop` answered 403 (`forbidden`). Request id: request-7.

      hint: Let the app's owner add you as a collaborator, or use a token of theirs.
    exit 69, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(403, "two_factor", "A second authentication factor or pre-authorization is required.")), @r"
    error[api-forbidden]: cannot look up the app `shop`: A second authentication factor or pre-authorization is required

      `http://<api>/apps/shop` answered 403 (`two_factor`). Request id: request-7.

      hint: The account wants a second factor here: use a token of `heroku authorizations:create`.
    exit 69, 1 requests
    ");
    let body = json!({"id": "not_found", "resource": "app", "message": "Couldn't find that app.", "url": "https://example.com/docs?token=hidden-signature"});
    insta::assert_snapshot!(message_of(ok(&body).with_status(404)), @r"
    error[api-not-found]: cannot look up the app `shop`: Couldn't find that app

      `http://<api>/apps/shop` answered 404 (`not_found`).

      hint: Check the name with `slugbuilder apps`: an app that you may not see is not found either.
      hint: Check the address of the API, `--api-url`.
      hint: See https://example.com/docs
    exit 1, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(422, "invalid_params", "Stack is not valid.")), @r"
    error[api-invalid]: cannot look up the app `shop`: Stack is not valid

      `http://<api>/apps/shop` answered 422 (`invalid_params`). Request id: request-7.
    exit 1, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(500, "internal_server_error", "Internal server error.")), @r"
    error[api-server-error]: cannot look up the app `shop`: Internal server error

      `http://<api>/apps/shop` answered 500 (`internal_server_error`). Request id: request-7.

      hint: Try again later, or ask whoever runs the platform.
    exit 75, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(503, "service_unavailable", "")), @r"
    error[api-server-error]: cannot look up the app `shop`: the API answered 503

      `http://<api>/apps/shop` answered 503 (`service_unavailable`). Request id: request-7. It was tried 3 times.

      hint: Try again later, or ask whoever runs the platform.
    exit 75, 3 requests
    ");
    insta::assert_snapshot!(message_of(Answer::ok("<html>gateway</html>").with_status(502)), @r"
    error[api-server-error]: cannot look up the app `shop`: the API answered 502

      `http://<api>/apps/shop` answered 502, in another form than the API's. It was tried 3 times.

      hint: Try again later, or ask whoever runs the platform.
    exit 75, 3 requests
    ");
    insta::assert_snapshot!(message_of(Answer::ok("<html>nothing</html>").with_status(404)), @r"
    error[api-not-found]: cannot look up the app `shop`: the API answered 404

      `http://<api>/apps/shop` answered 404, in another form than the API's.

      hint: Check the name with `slugbuilder apps`: an app that you may not see is not found either.
      hint: Check the address of the API, `--api-url`.
    exit 1, 1 requests
    ");
    insta::assert_snapshot!(message_of(refused(406, "not_acceptable", "Use version 3.")), @r"
    error[api-refused]: cannot look up the app `shop`: Use version 3

      `http://<api>/apps/shop` answered 406 (`not_acceptable`). Request id: request-7.
    exit 69, 1 requests
    ");
}

#[test]
fn an_answer_that_makes_no_sense_is_told() {
    insta::assert_snapshot!(message_of(Answer::ok("").header("Request-Id", "request-7")), @r"
    error[api-nonsense]: cannot look up the app `shop`: the answer makes no sense: it is empty

      It came from `http://<api>/apps/shop`. Request id: request-7.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    exit 69, 1 requests
    ");
    insta::assert_snapshot!(message_of(Answer::ok("{\"id\":")), @r"
    error[api-nonsense]: cannot look up the app `shop`: the answer makes no sense: it is no whole JSON, at line 1 column 6

      It came from `http://<api>/apps/shop`.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    exit 69, 1 requests
    ");
    insta::assert_snapshot!(message_of(ok(&json!({"id": 7}))), @r"
    error[api-nonsense]: cannot look up the app `shop`: the answer makes no sense: a value has another form than it should, at line 1 column 7

      It came from `http://<api>/apps/shop`.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    exit 69, 1 requests
    ");
    insta::assert_snapshot!(message_of(Answer::ok(vec![b' '; (16 << 20) + 1])), @r"
    error[api-nonsense]: cannot look up the app `shop`: the answer makes no sense: it is larger than 16777216 bytes

      It came from `http://<api>/apps/shop`.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    exit 69, 1 requests
    ");
}

#[test]
fn what_passes_is_tried_again() {
    let platform = Platform::new();
    let good = ok(&json!([release(1, None)]));
    let bad = [
        refused(503, "service_unavailable", "Busy."),
        refused(429, "rate_limit", "Too many.").header("RateLimit-Reset", "0"),
        Answer::none(),
        good.clone().reset_at(5),
        good.clone().delayed(Duration::from_millis(2600)),
        Answer::status(504),
    ];
    for answers in bad.chunks(2) {
        let answers = answers.iter().cloned().chain([good.clone()]);
        platform.answers("GET /apps/shop/releases", answers);
        let releases = platform.api.releases("shop", Newest::All, &platform.heard);
        assert_eq!(releases.unwrap().len(), 1);
    }
    assert_eq!(platform.count("GET /apps/shop/releases"), 9);
    insta::assert_snapshot!(platform.told(), @r"
    note: cannot list the releases of `shop`: Busy; trying again in <wait> s (2 of 3)
    note: cannot list the releases of `shop`: Too many; trying again in <wait> s (3 of 3)
    note: cannot list the releases of `shop`: the connection for `http://<api>/apps/shop/releases` broke: Peer disconnected; trying again in <wait> s (2 of 3)
    note: cannot list the releases of `shop`: the connection for `http://<api>/apps/shop/releases` broke: Peer disconnected; trying again in <wait> s (3 of 3)
    note: cannot list the releases of `shop`: `http://<api>/apps/shop/releases` stalled: nothing came for 2 s; trying again in <wait> s (2 of 3)
    note: cannot list the releases of `shop`: the API answered 504; trying again in <wait> s (3 of 3)
    ");
}

#[test]
fn a_limit_of_calls_is_waited_for_or_told() {
    let platform = Platform::new();
    let limit = |name, value: &str| {
        refused(429, "rate_limit", "Your account reached the API rate limit").header(name, value)
    };
    let good = ok(&json!({"A": "b"}));
    platform.answers(
        "GET /apps/shop/config-vars",
        [limit("Retry-After", "1"), good],
    );
    let begun = std::time::Instant::now();
    assert_eq!(
        platform
            .api
            .config_vars("shop", &platform.heard)
            .unwrap()
            .len(),
        1
    );
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let error = error_of(&platform, [limit("Retry-After", "1000")]);
    insta::assert_snapshot!(platform.message(&error), @r"
    error[api-rate-limit]: cannot look up the app `shop`: Your account reached the API rate limit

      `http://<api>/apps/shop` answered 429 (`rate_limit`). Request id: request-7. It asks to wait 17 min.

      hint: Try again in 17 min.
    ");
    assert_eq!(platform.count("GET /apps/shop"), 1);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let error = error_of(
        &platform,
        [limit(
            "RateLimit-Reset",
            &(now.as_secs() + 3600).to_string(),
        )],
    );
    let wait = error.refusal().unwrap().wait.unwrap();
    assert!(
        wait > Duration::from_secs(3590) && wait <= Duration::from_hours(1),
        "{wait:?}"
    );
}

#[test]
fn no_connection_is_told_with_how_often_it_was_tried() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let api = Api::new(
        settings(),
        &format!("http://{nobody}"),
        Token::new(TOKEN).unwrap(),
    )
    .unwrap();
    let platform = Platform::new();
    let error = api.account(&platform.heard).unwrap_err();
    let text = platform
        .message(&error)
        .replace(&nobody.to_string(), "<nobody>");
    insta::assert_snapshot!(text, @r"
    error[fetch-connect]: cannot ask whose token it is
      caused by: `http://<nobody>/account` cannot be reached
      caused by: Connection refused (os error 111)

      It was tried 3 times.

      hint: Check the address of the API, `--api-url`, and whether the platform runs.
      hint: Check the network and, behind a proxy, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    ");
    // A release that never left may be asked for again.
    let create = ReleaseCreate::Slug {
        slug: id(50),
        description: None,
    };
    let error = api
        .create_release("shop", &create, &platform.heard)
        .unwrap_err();
    let text = platform.message(&error);
    assert!(text.contains("It was tried 3 times."), "{text}");
    let offline = Settings {
        offline: true,
        ..settings()
    };
    let api = Api::new(offline, "http://127.0.0.1:1", Token::new(TOKEN).unwrap()).unwrap();
    insta::assert_snapshot!(platform.message(&api.account(&platform.heard).unwrap_err()), @r"
    error[fetch-offline]: cannot ask whose token it is
      caused by: `http://127.0.0.1:1/account` is needed, but the network is off

      hint: Run without `--offline`: this needs the platform.
    ");
}

#[test]
fn the_token_goes_to_no_other_host() {
    let platform = Platform::new();
    let other = TestServer::start().unwrap();
    let error = error_of(
        &platform,
        [Answer::redirect(
            other.url("/apps/shop?token=hidden-signature"),
        )],
    );
    let text = platform
        .message(&error)
        .replace(&other.address().to_string(), "<other>");
    insta::assert_snapshot!(text, @r"
    error[fetch-refused-redirect]: cannot look up the app `shop`
      caused by: `http://<api>/apps/shop` redirects to `http://<other>/apps/shop`, where the call does not follow

      hint: Check the address: use the one that the server redirects to, if you trust it.
    ");
    assert!(other.requests().is_empty());
}

#[test]
fn lists_are_read_page_by_page() {
    let platform = Platform::new();
    let page = |from: u64, next: Option<&str>| {
        let items: Vec<_> = (from - 1..=from)
            .rev()
            .map(|version| release(version, None))
            .collect();
        let answer = ok(&json!(items));
        match next {
            Some(next) => answer.with_status(206).header("Next-Range", next),
            None => answer,
        }
    };
    let pages = [
        page(6, Some("version ]5..; max=2")),
        page(4, Some("version ]3..; max=2")),
        page(2, None),
    ];
    let versions = |newest| -> Vec<u64> {
        platform.answers("GET /apps/shop/releases", pages.clone());
        let releases = platform
            .api
            .releases("shop", newest, &platform.heard)
            .unwrap();
        releases.iter().map(|release| release.version).collect()
    };
    assert_eq!(versions(Newest::All), [6, 5, 4, 3, 2, 1]);
    assert_eq!(versions(Newest::Only(3)), [6, 5, 4]);
    let ranges: Vec<_> = platform
        .server
        .requests()
        .iter()
        .map(|request| request.header("range").unwrap().to_owned())
        .collect();
    assert_eq!(
        ranges,
        [
            "version ..; order=desc, max=1000",
            "version ]5..; max=2",
            "version ]3..; max=2",
            "version ..; order=desc, max=3",
            "version ]5..; max=2",
        ]
    );
    // A server that offers the same page for ever.
    platform.answers(
        "GET /apps/shop/releases",
        [page(2, Some("version ]1..; max=2"))],
    );
    let error = platform
        .api
        .releases("shop", Newest::All, &platform.heard)
        .unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[api-nonsense]: cannot list the releases of `shop`: the answer makes no sense: after the page `version ]1..; max=2` it offers the same page again

      It came from `http://<api>/apps/shop/releases`.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    ");
}

#[test]
fn config_vars_are_changed_with_a_body() {
    let platform = Platform::new();
    platform.answers("PATCH /apps/shop/config-vars", [ok(&json!({"A": "1"}))]);
    let update = [
        ("A".to_owned(), Some("1".to_owned())),
        ("B".to_owned(), None),
    ]
    .into();
    let vars = platform
        .api
        .update_config_vars("shop", &update, &platform.heard)
        .unwrap();
    assert_eq!(vars["A"], "1");
    let request = &platform.server.requests_for("PATCH /apps/shop/config-vars")[0];
    assert_eq!(request.body, br#"{"A":"1","B":null}"#);
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[test]
fn warnings_of_the_api_are_passed_on() {
    let platform = Platform::new();
    let answer = ok(&json!({})).header("X-Heroku-Warning", "This stack ends soon.");
    platform.answers("GET /apps/shop/config-vars", [answer]);
    platform.api.config_vars("shop", &platform.heard).unwrap();
    assert_eq!(
        platform.told(),
        "warning[api-warning]: This stack ends soon."
    );
}

#[test]
fn names_and_addresses_that_can_be_none_are_refused() {
    let platform = Platform::new();
    for name in ["", "..", "a/b", "a?b", "a b"] {
        let error = platform.api.app(name, &platform.heard).unwrap_err();
        assert!(matches!(error, ApiError::Identity { .. }), "{name}");
    }
    let error = platform
        .api
        .release("shop", "vv3", &platform.heard)
        .unwrap_err();
    insta::assert_snapshot!(platform.message(&error), @r"
    error[api-identity-invalid]: `vv3` is no name or id of a release

      hint: Give its number as `v3` or `3`, or its id.
    ");
    assert!(platform.server.requests().is_empty());
    let api = |url| Api::new(settings(), url, Token::new(TOKEN).unwrap());
    for url in [
        "api.heroku.com",
        "file:///a",
        "https://me:hidden-signature@host",
        "https://host/?hidden-signature",
    ] {
        let error = api(url).unwrap_err();
        platform.message(&error);
        assert!(matches!(error, ApiError::Url { .. }), "{url}");
    }
    insta::assert_snapshot!(platform.message(&api("https://me:x@host/").unwrap_err()), @r"
    error[api-url-invalid]: `https://host/` cannot be the address of the API: it holds a user, a password or a query

      hint: Write it as `https://host` or `https://host:port`; the token goes into `HEROKU_API_KEY` or `~/.netrc`.
    ");
    // The token goes over no wire in the open.
    for url in [
        "https://host",
        "http://127.0.0.1:5000",
        "http://localhost:5000",
    ] {
        assert!(api(url).is_ok(), "{url}");
    }
    insta::assert_snapshot!(platform.message(&api("http://host:5000/").unwrap_err()), @r"
    error[api-url-invalid]: `http://host:5000/` cannot be the address of the API: it is not encrypted, so that everyone on the way could read the token

      hint: Write it as `https://host` or `https://host:port`; the token goes into `HEROKU_API_KEY` or `~/.netrc`.
    ");
}

#[test]
fn what_signs_an_address_is_in_no_debug_output_and_in_nothing_to_show() {
    let platform = Platform::new();
    let output = platform.blobs.url(&format!("/output?{SIGNATURE}"));
    let release: Release =
        serde_json::from_value(with(release(3, Some(50)), "output_stream_url", output)).unwrap();
    let slug: Slug =
        serde_json::from_value(platform.slug(50, "SHA256:00", Some(1), "get")).unwrap();
    assert_no_secret(&format!("{release:?}{slug:?}{:?}", slug.blob));
    let shown = json!([release.without_secrets(), slug.without_secrets()]).to_string();
    assert_no_secret(&shown);
    assert!(
        shown.contains("/output") && shown.contains("/blob50"),
        "{shown}"
    );
    // Values of an answer are in no message, either.
    let text = message_of(ok(&json!({"id": SIGNATURE})));
    assert_no_secret(&text);
}
