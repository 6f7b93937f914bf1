//! Each failure of a language's own site.

use super::*;

/// Each language's site with `archive` as the answer for its archive: what came of it, and how often it was asked for.
fn with_archive_answer(runtime: Runtime, answer: impl Fn(&Fixture) -> Answer) -> (String, usize) {
    let fixture = Fixture::new();
    let answer = answer(&fixture);
    let (target, outcome) = match runtime {
        Runtime::Node => {
            fixture.serve_node(ARCHIVE, [answer]);
            let target = format!("/node/v24.1.0/{NODE_FILE}");
            (target, fixture.node().map(drop))
        }
        Runtime::Go => {
            // The toolchain runs here, whatever it builds for.
            let machine = if cfg!(target_arch = "aarch64") {
                "arm64"
            } else {
                "amd64"
            };
            let file = format!("go1.26.1.linux-{machine}.tar.gz");
            let list = serde_json::json!([{"version": "go1.26.1", "stable": true, "files": [
                {"filename": file, "os": "linux", "arch": machine,
                 "sha256": hex::encode(Sha256::digest(ARCHIVE)), "size": 1, "kind": "archive"},
            ]}]);
            fixture
                .server
                .answer("/go/?mode=json&include=all", [Answer::ok(list.to_string())]);
            let target = format!("/go/{file}");
            fixture.server.answer(&target, [answer]);
            (target, fixture.go().map(drop))
        }
        Runtime::Ruby => {
            let path = "heroku-24/amd64/ruby-3.3.9.tgz";
            let target = format!("/ruby/{path}");
            fixture.server.answer(&target, [answer]);
            let digest = format!("sha256:{}", hex::encode(Sha256::digest(ARCHIVE)));
            let mut pins = ruby::Pins::from([(path.to_owned(), digest)]);
            (target, fixture.ruby(&mut pins).map(drop))
        }
    };
    (
        fixture.render(&outcome.unwrap_err()),
        fixture.server.count(&target),
    )
}

#[test]
fn each_language_tells_each_failure_of_its_site_apart_and_retries_what_can_help() {
    type Case = (&'static str, fn(&Fixture) -> Answer, usize);
    let cases: [Case; 6] = [
        ("another content", |_| Answer::ok("another content"), 1),
        ("cut off", |_| Answer::ok(ARCHIVE).truncated_at(10), 2),
        (
            "stalled",
            |_| Answer::ok(ARCHIVE).stalled_at(10, Duration::from_secs(2)),
            2,
        ),
        ("404", |_| Answer::status(404), 1),
        ("500", |_| Answer::status(500), 2),
        (
            "a circle",
            |fixture| {
                let circle = fixture.server.url("/circle");
                fixture
                    .server
                    .answer("/circle", [Answer::redirect(circle.clone())]);
                Answer::redirect(circle)
            },
            1,
        ),
    ];
    for runtime in [Runtime::Node, Runtime::Go, Runtime::Ruby] {
        let mut texts = std::collections::BTreeSet::new();
        for (name, answer, requests) in &cases {
            let (text, count) = with_archive_answer(runtime, answer);
            assert_eq!(count, *requests, "{runtime}, {name}: {text}");
            assert!(texts.insert(text.clone()), "{runtime}, {name}: {text}");
        }
    }
}
