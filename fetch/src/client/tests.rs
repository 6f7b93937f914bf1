//! Transfers against a server that misbehaves.

use super::*;
use crate::test_server::{Answer, TestServer};
use crate::{Algorithm, Proxies};
use slugbuilder_report::{Diagnosis, Event, Explain as _, Style};
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A body that spans many reads.
fn body() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::of(Algorithm::Sha256, bytes).unwrap()
}

fn settings() -> Settings {
    Settings {
        backoff: Duration::from_millis(1),
        stall_timeout: Duration::from_millis(400),
        connect_timeout: Duration::from_secs(5),
        attempts: 3,
        ..Settings::default()
    }
}

/// A server with one file at `/file`, and what is needed to download it.
struct Scene {
    server: TestServer,
    folder: TempDir,
    request: Download,
}

impl Scene {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let server = TestServer::start().unwrap();
        server.answer("/file", answers);
        let request = Download {
            url: server.url("/file"),
            name: "a file".to_owned(),
            checksum: Some(sha256(&body())),
            max_bytes: 10 << 20,
        };
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
            request,
        }
    }

    fn destination(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    #[expect(
        clippy::panic_in_result_fn,
        reason = "checks what all outcomes have in common"
    )]
    fn download_with(&self, settings: Settings) -> Result<Downloaded, FetchError> {
        let result = Client::new(settings)?.download(&self.request, &self.destination(), &Silent);
        // Whole and verified or not at all, and nothing else left behind.
        let names: Vec<_> = fs_err::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        if result.is_ok() {
            assert_eq!(names, ["file"]);
        } else {
            assert!(names.is_empty(), "{names:?}");
        }
        result
    }

    fn download(&self) -> Result<Downloaded, FetchError> {
        self.download_with(settings())
    }

    fn error(&self) -> FetchError {
        self.download().unwrap_err()
    }

    fn requests(&self) -> usize {
        self.server.count("/file")
    }

    /// The message, without what changes from run to run.
    fn message(&self, error: &FetchError) -> String {
        let text = Diagnosis::of(error).render(Style::Plain);
        text.replace(&self.server.address().to_string(), "<server>")
    }
}

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

/// A server that writes `answer` to every connection, whatever is asked, and closes it.
fn rude_server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            connection.write_all(answer).unwrap();
            connection.shutdown(Shutdown::Write).unwrap();
            // Closed with something unread, the answer would be thrown away by a reset.
            std::thread::spawn(move || std::io::copy(&mut connection, &mut std::io::sink()));
        }
    });
    address
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_tried_again() {
    let mut scene = Scene::new([]);
    scene.request.url = format!("http://{}/", rude_server(b""));
    let error = scene.error();
    assert!(
        matches!(error, FetchError::RetriesExhausted { attempts: 3, .. }),
        "{error:?}"
    );
    assert!(
        matches!(error.last(), FetchError::Interrupted { .. }),
        "{error:?}"
    );
}

#[test]
fn an_answer_that_is_not_http_is_final() {
    let mut scene = Scene::new([]);
    scene.request.url = format!("http://{}/", rude_server(b"SSH-2.0-server\r\n\r\n"));
    let error = scene.error();
    assert!(matches!(error, FetchError::Protocol { .. }), "{error:?}");
}

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
fn a_refused_connection_is_final() {
    let mut scene = Scene::new([]);
    // Bound and let go: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    scene.request.url = format!("http://127.0.0.1:{port}/x");
    let error = scene.error();
    insta::assert_snapshot!(scene.message(&error).replace(&port.to_string(), "<port>"), @r"
    error[fetch-connect]: `http://127.0.0.1:<port>/x` cannot be reached
      caused by: Connection refused (os error 111)

      hint: Check the network and, behind a proxy, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
      hint: Set a mirror that can be reached, or use `--offline` when the cache has what is needed.
    ");
}

#[test]
fn an_unknown_host_is_final() {
    let mut scene = Scene::new([]);
    // A label of more than 63 bytes fails in the resolver, without a question to any server.
    scene.request.url = format!("http://{}.invalid/x", "a".repeat(64));
    let error = scene.error();
    assert!(matches!(error, FetchError::Dns { .. }), "{error:?}");
    assert!(!error.retryable());
}

#[test]
fn a_server_that_does_not_speak_tls_is_final() {
    let mut scene = Scene::new([]);
    scene.request.url = format!(
        "https://{}/",
        rude_server(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    );
    let error = scene.error();
    assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
}

#[test]
fn offline_opens_no_socket() {
    let scene = Scene::new([Answer::ok(body())]);
    let error = scene
        .download_with(Settings {
            offline: true,
            ..settings()
        })
        .unwrap_err();
    assert_eq!(scene.requests(), 0);
    insta::assert_snapshot!(scene.message(&error), @r"
    error[fetch-offline]: `http://<server>/file` is needed, but the network is off

      hint: Run once without `--offline`: what is fetched is kept in the cache.
    ");
}

#[test]
fn secrets_stay_out_of_messages_and_reach_the_server_only() {
    let mut scene = Scene::new([]);
    let address = scene.server.address();
    let elsewhere = TestServer::start().unwrap();
    scene
        .server
        .answer("/here?token=secret", [Answer::redirect("/there")]);
    scene
        .server
        .answer("/there", [Answer::redirect(elsewhere.url("/end"))]);
    scene.request.url = format!("http://user:secret@{address}/here?token=secret");
    let error = scene.error();
    let text = format!("{error:?} {}", scene.message(&error));
    assert!(!text.contains("secret"), "{text}");
    let authorizations: Vec<_> = scene
        .server
        .requests()
        .iter()
        .map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        authorizations,
        vec![Some("Basic dXNlcjpzZWNyZXQ=".to_owned()); 2]
    );
    assert_eq!(elsewhere.requests()[0].header("authorization"), None);
}

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

#[test]
fn a_proxy_is_used_where_one_is_set() {
    let proxy = TestServer::start().unwrap();
    let mut scene = Scene::new([]);
    scene.request.url = "http://unknown.invalid/file".to_owned();
    let address = proxy.address();
    let proxies = |no_proxy: &str| Proxies {
        http: Some(format!("http://user:secret@{address}")),
        https: None,
        no_proxy: Some(no_proxy.to_owned()),
    };
    proxy.answer("unknown.invalid:80", [Answer::status(407)]);
    let error = scene
        .download_with(Settings {
            proxies: proxies(""),
            ..settings()
        })
        .unwrap_err();
    assert!(
        matches!(error, FetchError::Denied { status: 407, .. }),
        "{error:?}"
    );
    proxy.answer("unknown.invalid:80", [Answer::status(502)]);
    let error = scene
        .download_with(Settings {
            proxies: proxies(""),
            ..settings()
        })
        .unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error:?}");
    let request = &proxy.requests()[0];
    assert_eq!(
        (
            request.method.as_str(),
            request.header("proxy-authorization")
        ),
        ("CONNECT", Some("Basic dXNlcjpzZWNyZXQ="))
    );
    // Loopback is never proxied.
    scene.server.answer("/file", [Answer::ok(body())]);
    scene.request.url = scene.server.url("/file");
    scene
        .download_with(Settings {
            proxies: proxies(""),
            ..settings()
        })
        .unwrap();
    assert_eq!(proxy.requests().len(), 2);
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
