//! A server as a whole: its connections, its life, and what it refuses to start with.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use slugbuilder_fetch::{Client, Settings as Transfers};
use slugbuilder_platform::{Running, Server, ServerError, Settings, Tls, Users};
use slugbuilder_report::{Diagnosis, Event, Reporter, Silent, Style};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TOKEN: &str = "0d5a6b0e-3f53-4c9c-a1a1-2f0c3a7a2f11";

fn settings(data: &Path) -> Settings {
    let users = Users::parse(&format!("ann@example.com:{TOKEN}"), "`users`").unwrap();
    Settings {
        users: Some(users),
        ..Settings::new(data)
    }
}

async fn start(settings: Settings) -> Result<Running, ServerError> {
    Server::start(settings, Arc::new(Silent)).await
}

/// What a GET answers, head and body, with a token.
async fn get(address: SocketAddr, path: &str, token: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Accept: application/vnd.heroku+json; version=3\r\nConnection: close\r\n\r\n"
    );
    send(address, request).await
}

async fn send(address: SocketAddr, request: String) -> String {
    tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    })
    .await
    .unwrap()
}

/// `/schema` of a server, over TLS by the program that a build downloads with.
async fn schema_over_tls(url: String, authority: Option<PathBuf>) -> Result<String, String> {
    tokio::task::spawn_blocking(move || {
        let transfers = Transfers {
            ca_file: authority,
            attempts: 1,
            ..Transfers::default()
        };
        let client = Client::new(transfers).map_err(|error| error.to_string())?;
        let schema = client.text(&format!("{url}/schema"), 10 << 20);
        schema.map_err(|error| Diagnosis::of(&error).one_line())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_until_it_is_stopped_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a/b");
    let server = start(settings(&data)).await.unwrap();
    let address = server.address();
    assert_eq!(server.url(), format!("http://{address}"));
    assert_eq!(server.authority(), None);
    let answer = get(address, "/account", TOKEN).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("ann@example.com"), "{answer}");
    let answer = get(address, "/account", "0d5a6b0e-0000-0000-0000-000000000000").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");

    server.shutdown().await.unwrap();
    assert!(TcpStream::connect(address).is_err());
    // The folder is free again; the ledger still knows the users, and only hashes of their tokens.
    let again = Settings {
        users: None,
        ..settings(&data)
    };
    let server = start(again).await.unwrap();
    let answer = get(server.address(), "/account", TOKEN).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut files = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let token = TOKEN.as_bytes();
            assert!(
                !bytes.windows(token.len()).any(|window| window == token),
                "{path:?}"
            );
            files += 1;
        }
    }
    assert!(files > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_replaced_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let other = "ffffffff-3f53-4c9c-a1a1-2f0c3a7a2f11";
    let users = Users::parse(&format!("bob@example.com:{other}"), "`users`").unwrap();
    server.replace_users(users).await.unwrap();
    let address = server.address();
    assert!(
        get(address, "/account", TOKEN)
            .await
            .starts_with("HTTP/1.1 401 ")
    );
    assert!(
        get(address, "/account", other)
            .await
            .contains("bob@example.com")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_trust_the_authority_are_served_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(Settings {
        tls: Some(Tls::Local),
        ..settings(folder.path())
    })
    .await
    .unwrap();
    let authority = server.authority().unwrap().to_owned();
    let port = server.address().port();
    assert_eq!(server.url(), format!("https://127.0.0.1:{port}"));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{port}");
        let schema = schema_over_tls(url, Some(authority.clone())).await.unwrap();
        assert!(schema.starts_with('{'), "{schema}");
    }
    // A new certificate of the same authority is as good.
    server.renew_certificate().await.unwrap();
    let url = server.url().to_owned();
    assert!(schema_over_tls(url.clone(), Some(authority)).await.is_ok());

    let stranger = tempfile::tempdir().unwrap();
    let other = start(Settings {
        tls: Some(Tls::Local),
        ..settings(stranger.path())
    })
    .await
    .unwrap();
    let error = schema_over_tls(url.clone(), other.authority().map(Path::to_owned)).await;
    assert!(error.unwrap_err().contains("certificate"));
    // What speaks no TLS gets no answer, and harms nobody.
    let plain = TcpStream::connect(server.address()).and_then(|mut connection| {
        connection.write_all(b"GET /schema HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        Ok(answer)
    });
    assert!(!plain.is_ok_and(|answer| answer.starts_with(b"HTTP/")));
}

/// Hears warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Reporter for Warnings {
    fn report(&self, event: Event<'_>) {
        if let Event::Warning(warning) = event {
            self.0.lock().unwrap().push(warning.render(Style::Plain));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let warnings = Arc::new(Warnings::default());
    let settings = || Settings {
        tls: Some(Tls::Local),
        ..settings(folder.path())
    };
    let count = || warnings.0.lock().unwrap().len();
    let server = Server::start(settings(), warnings.clone()).await.unwrap();
    server.renew_certificate().await.unwrap();
    assert_eq!(count(), 0);
    // As in its last year.
    let made_on = folder.path().join("tls/ca-made-on");
    std::fs::write(&made_on, "2001-01-01\n").unwrap();
    server.renew_certificate().await.unwrap();
    assert_eq!(count(), 1);
    server.shutdown().await.unwrap();
    std::fs::write(&made_on, "2001-01-01\n").unwrap();
    drop(Server::start(settings(), warnings.clone()).await.unwrap());
    assert_eq!(count(), 2);
    let text = warnings.0.lock().unwrap()[1].clone();
    assert!(text.contains("authority-replaced"), "{text}");
    assert!(text.contains("tls/ca.pem"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_headers_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(Settings {
        header_timeout: Duration::from_millis(300),
        ..settings(folder.path())
    })
    .await
    .unwrap();
    let started = Instant::now();
    for beginning in ["", "GET /account HTTP/1.1\r\nHost: local"] {
        let answer = send(server.address(), beginning.to_owned()).await;
        assert!(!answer.contains("200"), "{answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn running_requests_end_before_the_server_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let address = server.address();
    // A request whose body is on its way when the server is told to stop.
    let body = r#"{"name": "still-made"}"#;
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /apps HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Accept: application/vnd.heroku+json; version=3\r\nContent-Length: {}\r\n\r\n{}",
        body.len(),
        &body[..5]
    );
    connection.write_all(head.as_bytes()).unwrap();
    // Its head has arrived when an answer to a later one has.
    assert!(get(address, "/account", TOKEN).await.contains(" 200 "));
    let stopping = tokio::spawn(server.shutdown());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stopping.is_finished());
    let answer = tokio::task::spawn_blocking(move || {
        connection.write_all(&body.as_bytes()[5..]).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    stopping.await.unwrap().unwrap();
}

/// A call of the API.
async fn call(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Accept: application/vnd.heroku+json; version=3\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    );
    send(address, request).await
}

/// What comes between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    rest.split_once(after).unwrap().0
}

/// A slug of `size` bytes; the path to download it from.
async fn slug(address: SocketAddr, size: usize) -> String {
    call(address, "POST", "/apps", r#"{"name": "example"}"#).await;
    let slug = call(
        address,
        "POST",
        "/apps/example/slugs",
        r#"{"process_types": {}}"#,
    )
    .await;
    let origin = format!("http://{address}");
    let path = between(&slug, &format!("\"url\":\"{origin}"), "\"").to_owned();
    let answer = call(address, "PUT", &path, &"x".repeat(size)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let id = between(&path, "/blobs/", "?");
    let slug = call(address, "GET", &format!("/apps/example/slugs/{id}"), "").await;
    between(&slug, &format!("\"url\":\"{origin}"), "\"").to_owned()
}

/// More than the buffers of a connection hold.
const LARGE: usize = 64 << 20;

/// A download that nobody reads.
fn unread(address: SocketAddr, path: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    connection
}

/// How much of it there is, when it is read after all.
async fn late(mut connection: TcpStream) -> usize {
    tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        // The connection may be reset.
        let _ = connection.read_to_end(&mut bytes);
        bytes.len()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_that_nobody_reads_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(Settings {
        stall_timeout: Duration::from_millis(300),
        ..settings(folder.path())
    })
    .await
    .unwrap();
    let path = slug(server.address(), LARGE).await;
    let connection = unread(server.address(), &path);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(late(connection).await < LARGE);
    // Who reads has all.
    assert!(late(unread(server.address(), &path)).await > LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_that_nobody_reads_do_not_keep_a_server_from_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let path = slug(server.address(), LARGE).await;
    let _connection = unread(server.address(), &path);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    server.shutdown().await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_connections_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(Settings {
        connections: 2.try_into().unwrap(),
        ..settings(folder.path())
    })
    .await
    .unwrap();
    let address = server.address();
    let idle = [(), ()].map(|()| TcpStream::connect(address).unwrap());
    let third = tokio::spawn(async move { get(address, "/account", TOKEN).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!third.is_finished());
    drop(idle);
    let answer = third.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// A client that reads only when all is sent sees why nothing came of it.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_large_bodies_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let body = " ".repeat(20 << 20);
    for (token, status, id) in [
        (TOKEN, 413, "too_large"),
        ("0d5a6b0e-0000-0000-0000-000000000000", 401, "unauthorized"),
    ] {
        let request = format!(
            "POST /apps HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Accept: application/vnd.heroku+json; version=3\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = send(server.address(), request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains(&format!("\"id\":\"{id}\"")), "{answer}");
    }
}

/// Some clients send `{}` where there is nothing to say, and then the next request on the same connection.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_nobody_needs_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let address = server.address();
    let head = |connection: &str| {
        format!(
            "GET /account HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 2\r\n\
             Accept: application/vnd.heroku+json; version=3\r\nConnection: {connection}\r\n\r\n"
        )
    };
    let pieces = [head("keep-alive"), "{}".into(), head("close"), "{}".into()];
    let answers = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        for piece in pieces {
            connection.write_all(piece.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(300));
        }
        let mut answers = String::new();
        connection.read_to_string(&mut answers).unwrap();
        answers
    });
    let answers = answers.await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_a_killed_server_left_are_removed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let path = slug(server.address(), 4).await;
    server.shutdown().await.unwrap();
    // Put in place, and not recorded.
    let left = folder
        .path()
        .join("blobs/ab/ab000000-0000-4000-8000-000000000000");
    std::fs::write(&left, "slug").unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    assert!(!left.exists());
    let answer = get(server.address(), &path, TOKEN).await;
    assert!(answer.ends_with("\r\n\r\nxxxx"), "{answer}");
}

async fn refusal(change: impl FnOnce(&mut Settings)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    change(&mut settings);
    let error = start(settings).await.unwrap_err();
    Diagnosis::of(&error).render(Style::Plain)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_could_read_is_not_served() {
    let everywhere: SocketAddr = "0.0.0.0:5100".parse().unwrap();
    insta::assert_snapshot!(refusal(|settings| settings.listen = everywhere).await, @r"
    error[plain-http]: other machines reach 0.0.0.0:5100, and there is no TLS

      Whoever is on the way could read tokens and change slugs.

      hint: Give a certificate with `--certificate` and `--key`.
      hint: Listen on `127.0.0.1` behind a server that brings TLS.
      hint: `--allow-plain-http` if the network in between is yours alone, as in a container.
    ");
    insta::assert_snapshot!(
        refusal(|settings| {
            settings.listen = everywhere;
            settings.tls = Some(Tls::Local);
        })
        .await,
        @r"
        error[local-certificate]: other machines reach 0.0.0.0:5100, and the certificate is made for this machine only

          hint: Give a certificate for the name of this machine with `--certificate` and `--key`.
        "
    );
    insta::assert_snapshot!(
        refusal(|settings| {
            settings.listen = everywhere;
            settings.allow_plain = true;
        })
        .await,
        @r"
        error[url-needed]: clients cannot be told to connect to 0.0.0.0:5100

          hint: Name the address that clients use with `--url`, such as `https://slugs.example.com`.
        "
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_clients_cannot_use_are_refused() {
    insta::assert_snapshot!(
        refusal(|settings| settings.url = Some("https://example.com/slugs".into())).await,
        @r"
        error[url]: `https://example.com/slugs` cannot be the address of the server: clients do not take an address with a path

          hint: Give scheme, host and port: `https://slugs.example.com:8443`.
        "
    );
    for url in [
        "",
        "example.com",
        "ftp://example.com",
        "https://a@example.com",
        "https://",
    ] {
        let text = refusal(|settings| settings.url = Some(url.into())).await;
        assert!(text.starts_with("error[url]:"), "{text}");
    }
    let text = refusal(|settings| {
        settings.url = Some("http://localhost:1".into());
        settings.tls = Some(Tls::Local);
    })
    .await;
    assert!(text.contains("speaks TLS"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_port_in_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(settings(folder.path())).await.unwrap();
    let error = start(settings(folder.path())).await.unwrap_err();
    let text = Diagnosis::of(&error).render(Style::Plain);
    assert!(text.starts_with("error[data-folder-in-use]:"), "{text}");
    let address = server.address();
    let text = refusal(|settings| settings.listen = address).await;
    let text = text.replace(&address.to_string(), "127.0.0.1:5100");
    insta::assert_snapshot!(text, @r"
    error[listen]: cannot listen on 127.0.0.1:5100
      caused by: Address already in use (os error 98)

      hint: Another program listens there, perhaps another `slugbuilder serve`: stop it, or choose another port with `--listen`.
    ");
}
