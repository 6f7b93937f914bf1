//! Hosts, proxies, secrets and what happens before an answer.

use super::*;

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
fn hosts_that_are_not_public_are_not_reached() {
    let mut scene = Scene::new([Answer::redirect("/elsewhere")]);
    let port = scene.server.address().port();
    let public_only = || Settings {
        public_only: true,
        ..settings()
    };
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"] {
        scene.request.url = format!("http://{host}:{port}/file");
        let error = scene.download_with(public_only()).unwrap_err();
        assert!(
            matches!(error, FetchError::NotPublic { .. }),
            "{host}: {error:?}"
        );
        // Whatever a proxy could reach.
        if host.starts_with(['1', '[']) {
            let proxied = Settings {
                proxies: Proxies {
                    http: Some(scene.server.url("")),
                    ..Proxies::default()
                },
                ..public_only()
            };
            let error = scene.download_with(proxied).unwrap_err();
            assert!(
                matches!(error, FetchError::NotPublic { .. }),
                "{host}: {error:?}"
            );
        }
    }
    assert_eq!(scene.requests(), 0);
    insta::assert_snapshot!(
        scene
            .message(&scene.download_with(public_only()).unwrap_err())
            .replace(&port.to_string(), "PORT"),
        @"error[fetch-not-public]: `http://0x7f.1:PORT/file` may not be reached: its host is not public"
    );
}
