//! Calls: what is sent, what counts as an answer, and what is known when there is none.

use super::*;
use crate::test_server::Answer as Reply;
use std::fs::File;

/// A server, and a client whose calls go there.
struct Calls {
    server: TestServer,
    client: Client,
}

fn calls() -> Calls {
    Calls {
        server: TestServer::start().unwrap(),
        client: Client::new(settings()).unwrap(),
    }
}

fn get(url: &str) -> Call<'_> {
    Call {
        method: Method::Get,
        url,
        headers: &[("Authorization", "Bearer secret")],
        content: Content::Nothing,
        redirects: Redirects::SameOrigin,
        max_bytes: 1000,
        name: None,
        cancelled: None,
    }
}

/// A file with [`body`].
fn file() -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&body()).unwrap();
    file
}

fn put<'a>(url: &'a str, file: &'a File) -> Call<'a> {
    Call {
        method: Method::Put,
        headers: &[],
        content: Content::File {
            file,
            length: body().len() as u64,
        },
        redirects: Redirects::Resend,
        name: Some("slug"),
        ..get(url)
    }
}

impl Calls {
    fn call(&self, call: &Call<'_>) -> Result<crate::Answer, FetchError> {
        self.client.call(call, &Silent)
    }

    fn message(&self, error: &FetchError) -> String {
        let text = Diagnosis::of(error).render(Style::Plain);
        text.replace(&self.server.address().to_string(), "<server>")
    }
}

#[test]
fn every_status_is_an_answer_and_nothing_is_repeated() {
    let calls = calls();
    for status in [200, 404, 429, 503] {
        let target = format!("/{status}");
        let answer = Reply::ok("words").with_status(status);
        calls.server.answer(
            &target,
            [answer.header("Request-Id", "r1").header("Retry-After", "7")],
        );
        let answer = calls.call(&get(&calls.server.url(&target))).unwrap();
        assert_eq!(
            (answer.status, answer.is_success()),
            (status, status == 200)
        );
        assert_eq!(answer.body, b"words");
        assert_eq!(answer.header("request-id"), Some("r1"));
        assert_eq!(
            answer.retry_after(std::time::SystemTime::now()),
            Some(Duration::from_secs(7))
        );
        assert_eq!(calls.server.count(&target), 1);
    }
    // All on one connection, and nothing more than was asked for.
    let request = &calls.server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer secret"));
    assert_eq!(request.header("content-type"), None);
    assert_eq!(request.header("content-length"), None);
}

#[test]
fn bytes_go_with_their_length_and_no_type() {
    let calls = calls();
    calls
        .server
        .answer("/a", [Reply::ok("{}").with_status(201)]);
    let url = calls.server.url("/a");
    let call = Call {
        method: Method::Post,
        content: Content::Bytes(b"{\"a\":1}"),
        ..get(&url)
    };
    assert_eq!(calls.call(&call).unwrap().status, 201);
    let request = &calls.server.requests_for("POST /a")[0];
    assert_eq!(request.body, b"{\"a\":1}");
    assert_eq!(request.header("content-length"), Some("7"));
    assert_eq!(request.header("content-type"), None);
    assert_eq!(request.header("transfer-encoding"), None);
}

#[test]
fn a_file_goes_as_it_is_with_progress() {
    let calls = calls();
    calls
        .server
        .answer("/blob?signature=s", [Reply::status(200)]);
    let (url, file) = (calls.server.url("/blob?signature=s"), file());
    let heard = Heard::default();
    for _ in 0..2 {
        // From its beginning each time.
        let answer = calls.client.call(&put(&url, &file), &heard).unwrap();
        assert_eq!(
            (answer.status, answer.url.contains("signature")),
            (200, false)
        );
    }
    let requests = calls.server.requests();
    assert!(requests.iter().all(|request| request.body == body()));
    let length = body().len().to_string();
    assert_eq!(requests[0].header("content-length"), Some(length.as_str()));
    assert_eq!(requests[0].header("content-type"), None);
    assert_eq!(requests[0].header("authorization"), None);
    let heard = heard.0.into_inner().unwrap();
    assert_eq!(
        heard.iter().filter(|line| *line == "slug: 1200000").count(),
        2,
        "{heard:?}"
    );
    assert_eq!(
        heard.iter().filter(|line| *line == "at 1200000").count(),
        2,
        "{heard:?}"
    );
    assert_eq!(
        heard.iter().filter(|line| *line == "end").count(),
        2,
        "{heard:?}"
    );
}

/// Events as lines.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Reporter for Heard {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Started { name, total, .. } => format!("{name}: {}", total.unwrap()),
            Event::Progressed { position, .. } => format!("at {position}"),
            Event::Finished { .. } => "end".to_owned(),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

#[test]
fn a_refusal_is_read_before_and_amid_the_body() {
    let calls = calls();
    let refusal = Reply::ok("<Error/>").with_status(403);
    let (url, file) = (calls.server.url("/blob"), file());
    for taken in [0, 1, 100_000] {
        calls
            .server
            .answer("/blob", [refusal.clone().after_upload_of(taken)]);
        let answer = calls
            .call(&put(&url, &file))
            .unwrap_or_else(|error| panic!("{taken}: {error:?}"));
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (403, b"<Error/>".as_slice())
        );
    }
    assert_eq!(calls.server.count("/blob"), 3);
    // What was said before the connection broke counts.
    calls
        .server
        .answer("/blob", [refusal.after_upload_of(1000).reset_at(3)]);
    let answer = calls.call(&put(&url, &file)).unwrap();
    assert_eq!((answer.status, answer.truncated), (403, true));
}

#[test]
fn a_refusal_on_a_connection_that_stays_is_not_waited_for() {
    let calls = calls();
    let refusal = Reply::ok("<Error/>").with_status(403).after_upload_of(0);
    calls
        .server
        .answer("/blob", [refusal.then_staying(Duration::from_secs(5))]);
    let (url, file) = (calls.server.url("/blob"), file());
    let begun = Instant::now();
    assert_eq!(calls.call(&put(&url, &file)).unwrap().status, 403);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_connection_that_breaks_amid_the_body_is_an_error() {
    let calls = calls();
    calls
        .server
        .answer("/blob?signature=s", [Reply::reset_upload_at(50_000)]);
    let (url, file) = (calls.server.url("/blob?signature=s"), file());
    let error = calls.call(&put(&url, &file)).unwrap_err();
    assert!(matches!(error, FetchError::Interrupted { .. }), "{error:?}");
    assert!(error.may_have_arrived());
    let text = calls.message(&error);
    assert!(
        text.starts_with(
            "error[fetch-interrupted]: the connection for `http://<server>/blob` broke"
        ),
        "{text}"
    );
    assert!(!format!("{error:?}{text}").contains("signature"));
}

#[test]
fn an_upload_can_be_cancelled_and_a_file_that_shrinks_is_told() {
    let calls = calls();
    calls.server.answer("/blob", [Reply::status(200)]);
    let (url, file) = (calls.server.url("/blob"), file());
    let cancelled = || true;
    let error = calls
        .call(&Call {
            cancelled: Some(&cancelled),
            ..put(&url, &file)
        })
        .unwrap_err();
    insta::assert_snapshot!(calls.message(&error), @"error[fetch-cancelled]: the transfer with `http://<server>/blob` was cancelled");
    file.set_len(10).unwrap();
    let error = calls.call(&put(&url, &file)).unwrap_err();
    insta::assert_snapshot!(calls.message(&error), @r"
    error[fetch-unsendable]: the file that is sent cannot be read
      caused by: it became shorter while it was sent
    ");
}

#[test]
fn the_answer_to_a_file_has_a_limit_of_its_own() {
    let settings = Settings {
        answer_timeout: Duration::from_millis(1500),
        ..settings()
    };
    let calls = Calls {
        client: Client::new(settings).unwrap(),
        ..calls()
    };
    let (url, file) = (calls.server.url("/blob"), file());
    // Longer than any other silence.
    let slow = |milliseconds| Reply::ok("").delayed(Duration::from_millis(milliseconds));
    calls.server.answer("/blob", [slow(900), slow(4000)]);
    assert_eq!(calls.call(&put(&url, &file)).unwrap().status, 200);
    let error = calls.call(&put(&url, &file)).unwrap_err();
    assert!(
        matches!(error, FetchError::Stalled { after, .. } if after == Duration::from_millis(1500)),
        "{error:?}"
    );
}

#[test]
fn answers_are_bounded_and_a_slow_one_is_told() {
    let calls = calls();
    let url = calls.server.url("/a");
    calls.server.answer("/a", [Reply::ok(body())]);
    let answer = calls.call(&get(&url)).unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (1000, true));
    calls
        .server
        .answer("/a", [Reply::ok("x").delayed(Duration::from_millis(700))]);
    let error = calls.call(&get(&url)).unwrap_err();
    assert!(
        matches!(error, FetchError::Stalled { .. }) && error.may_have_arrived(),
        "{error:?}"
    );
    calls.server.answer("/a", [Reply::ok("abc").reset_at(1)]);
    let error = calls.call(&get(&url)).unwrap_err();
    assert!(
        matches!(error, FetchError::Interrupted { .. }) && error.may_have_arrived(),
        "{error:?}"
    );
    calls.server.answer("/a", [Reply::none()]);
    let error = calls.call(&get(&url)).unwrap_err();
    assert!(error.may_have_arrived(), "{error:?}");
}

#[test]
fn what_never_left_cannot_have_arrived() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::new(settings()).unwrap();
    for url in [
        format!("http://{nobody}/"),
        "http://no.invalid/".into(),
        "file:///a".into(),
    ] {
        let error = client.call(&get(&url), &Silent).unwrap_err();
        assert!(!error.may_have_arrived(), "{error:?}");
    }
    let offline = Client::new(Settings {
        offline: true,
        ..settings()
    })
    .unwrap();
    let error = offline
        .call(&get(&format!("http://{nobody}/")), &Silent)
        .unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }) && !error.may_have_arrived());
}

#[test]
fn a_call_follows_within_its_origin_and_only_where_it_asks() {
    let calls = calls();
    let other = TestServer::start().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let near = Reply::redirect("/b").with_status(status);
        calls.server.answer("/a", [near]);
        calls.server.answer("/b", [Reply::ok("b")]);
        let url = calls.server.url("/a");
        assert_eq!(calls.call(&get(&url)).unwrap().body, b"b", "{status}");
        let post = Call {
            method: Method::Post,
            content: Content::Bytes(b"{}"),
            ..get(&url)
        };
        let error = calls.call(&post).unwrap_err();
        assert!(
            matches!(error, FetchError::RefusedRedirect { .. }),
            "{error:?}"
        );
        let far = Reply::redirect(other.url("/b?x=secret")).with_status(status);
        calls.server.answer("/a", [far]);
        let error = calls.call(&get(&url)).unwrap_err();
        let text = calls
            .message(&error)
            .replace(&other.address().to_string(), "<other>");
        insta::allow_duplicates! { insta::assert_snapshot!(text, @r"
        error[fetch-refused-redirect]: `http://<server>/a` redirects to `http://<other>/b`, where the call does not follow

          hint: Check the address: use the one that the server redirects to, if you trust it.
        "); }
    }
    assert!(other.requests().is_empty());
}

#[test]
fn a_file_is_sent_on_without_the_headers() {
    let calls = calls();
    let other = TestServer::start().unwrap();
    let (url, file) = (calls.server.url("/a"), file());
    let call = Call {
        headers: &[("X-Secret", "secret")],
        ..put(&url, &file)
    };
    calls
        .server
        .answer("/a", [Reply::redirect(other.url("/b")).with_status(307)]);
    other.answer("/b", [Reply::status(200)]);
    assert_eq!(calls.call(&call).unwrap().status, 200);
    let request = &other.requests_for("PUT /b")[0];
    assert_eq!((request.header("x-secret"), &request.body), (None, &body()));
    // Another method would be another call.
    calls
        .server
        .answer("/a", [Reply::redirect(other.url("/b"))]);
    assert_eq!(calls.call(&call).unwrap().status, 302);
    assert_eq!(other.requests().len(), 1);
}

#[test]
fn a_stream_is_read_as_it_comes() {
    let calls = calls();
    let answer = Reply::ok("first second");
    calls
        .server
        .answer("/a", [answer.stalled_at(6, Duration::from_millis(600))]);
    let url = calls.server.url("/a");
    let mut stream = calls
        .client
        .stream(&get(&url), Duration::from_millis(50))
        .unwrap();
    let (mut read, mut pauses, mut buffer) = (Vec::new(), 0, [0; 100]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            Piece::Bytes(count) => read.extend_from_slice(&buffer[..count]),
            // Longer than all of them, it would have stalled.
            Piece::Pause => pauses += 1,
            Piece::End => break,
        }
    }
    assert_eq!(read, b"first second");
    assert!(pauses > 5, "{pauses}");
}

#[test]
fn secrets_are_in_no_debug_output() {
    let shown = format!("{:?}", get("https://me:word@host/a?signature=s"));
    assert!(
        shown.contains("Authorization") && shown.contains("host/a"),
        "{shown}"
    );
    assert!(
        !["secret", "word", "signature"]
            .iter()
            .any(|secret| shown.contains(secret)),
        "{shown}"
    );
}
