//! Status codes, redirects and documents.

use super::*;

#[test]
fn what_cannot_get_better_is_not_tried_again() {
    for status in [400, 401, 403, 404, 410, 418] {
        let scene = Scene::new([Answer::status(status)]);
        let error = scene.error();
        assert_eq!(scene.requests(), 1, "{status}");
        assert!(!error.retryable());
        assert!(error.another_source_may_help());
        match status {
            404 | 410 => assert!(matches!(error, FetchError::NotFound { .. })),
            401 | 403 => assert!(matches!(error, FetchError::Denied { .. })),
            _ => assert!(matches!(error, FetchError::Status { .. })),
        }
    }
}

#[test]
fn messages_of_answers() {
    let scene = Scene::new([Answer::status(404)]);
    insta::assert_snapshot!(scene.message(&scene.error()), @r"
    error[fetch-not-found]: `http://<server>/file` does not exist

      hint: Check the version and the mirror's address, where one is set.
    ");
    let scene = Scene::new([Answer::status(403)]);
    insta::assert_snapshot!(scene.message(&scene.error()), @r"
    error[fetch-denied]: `http://<server>/file` may not be read: the server answered 403

      hint: Check the credentials and rights, or the mirror's address, where one is set.
    ");
    let scene = Scene::new([Answer::status(500)]);
    insta::assert_snapshot!(scene.message(&scene.error()), @r"
    error[fetch-retries-exhausted]: gave up after 3 attempts
      caused by: `http://<server>/file` cannot be had: the server answered 500

      hint: Try again later.
    ");
}

#[test]
fn passing_troubles_of_the_server_are_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let scene = Scene::new([Answer::status(status), Answer::ok(body())]);
        scene.download().unwrap();
        assert_eq!(scene.requests(), 2, "{status}");
        let scene = Scene::new([Answer::status(status)]);
        let error = scene.error();
        assert!(matches!(
            error,
            FetchError::RetriesExhausted { attempts: 3, .. }
        ));
        assert_eq!((scene.requests(), error.retryable()), (3, true), "{status}");
    }
}

#[test]
fn retry_after_is_honoured_up_to_a_bound() {
    let scene = Scene::new([
        Answer::status(429).header("Retry-After", "1"),
        Answer::ok(body()),
    ]);
    let start = Instant::now();
    scene.download().unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    let scene = Scene::new([Answer::status(429).header("Retry-After", "3600")]);
    let start = Instant::now();
    let error = scene.error();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(scene.requests(), 1);
    insta::assert_snapshot!(scene.message(&error), @r"
    error[fetch-status]: `http://<server>/file` cannot be had: the server answered 429

      The server asks to wait 3600 s.

      hint: Try again later.
    ");
}

#[test]
fn redirects_are_followed_with_a_bound() {
    let scene = Scene::new([Answer::redirect("/other?x=1")]);
    scene
        .server
        .answer("/other?x=1", [Answer::redirect("third")]);
    scene.server.answer("/third", [Answer::ok(body())]);
    scene.download().unwrap();

    let scene = Scene::new([Answer::redirect("/file")]);
    let error = scene.error();
    assert_eq!(scene.requests(), 11);
    insta::assert_snapshot!(scene.message(&error), @"error[fetch-redirect-loop]: `http://<server>/file` redirects more than 10 times");
}

#[test]
fn redirects_to_where_a_server_has_no_say_are_refused() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    let scene = Scene::new([Answer::redirect(format!(
        "file://{}",
        secret.path().display()
    ))]);
    assert!(matches!(scene.error(), FetchError::InsecureRedirect { .. }));
    let scene = Scene::new([Answer::status(302)]);
    assert!(matches!(scene.error(), FetchError::Protocol { .. }));
    let scene = Scene::new([Answer::redirect("gopher://x/")]);
    assert!(matches!(scene.error(), FetchError::Protocol { .. }));
    assert_eq!(scene.requests(), 1);
}

#[test]
fn from_https_to_http_is_refused() {
    let response = |location: &str| {
        let builder = ureq::http::Response::builder()
            .status(302)
            .header("Location", location);
        builder.body(ureq::Body::builder().data("")).unwrap()
    };
    let secure = Url::parse("https://a.example/x").unwrap();
    let error = transfer::redirect(&secure, &response("http://user:secret@b.example/y?token=1"))
        .unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[fetch-insecure-redirect]: `https://a.example/x` redirects to `http://b.example/y`, which is not secure

      hint: Use the address of a server that stays with `https://`.
    ");
    assert!(transfer::redirect(&secure, &response("//b.example/y")).is_ok());
    let plain = Url::parse("http://a.example/x").unwrap();
    assert!(transfer::redirect(&plain, &response("https://b.example/y")).is_ok());
}

#[test]
fn documents_are_text_of_bounded_size() {
    let scene = Scene::new([Answer::status(503), Answer::ok("é")]);
    let client = Client::new(settings()).unwrap();
    assert_eq!(client.text(&scene.request.url, 2).unwrap(), "é");
    assert!(matches!(
        client.text(&scene.request.url, 1),
        Err(FetchError::TooLarge { limit: 1, .. })
    ));
    scene.server.answer("/file", [Answer::ok(b"\xff")]);
    assert!(matches!(
        client.text(&scene.request.url, 9),
        Err(FetchError::NotText { .. })
    ));
    assert!(matches!(
        client.text("file", 9),
        Err(FetchError::InvalidUrl { .. })
    ));
}
