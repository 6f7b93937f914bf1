//! Builds on a platform: an archive goes up, its output comes as it is printed, and a release comes of it.

use crate::context::for_each_user;
use crate::platform::Platform;
use crate::slug::checksum;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// The body of an answer to a request for a signed address.
fn signed(method: &str, url: &str, body: &[u8]) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let mut connection = TcpStream::connect(authority).unwrap();
    // HTTP/1.0 has no chunks: the body ends with the connection.
    let head = format!(
        "{method} /{path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.split(' ').nth(1) == Some("200"), "{answer}");
    body.to_owned()
}

/// Builds an archive; the output, and the build when it has ended.
fn build(platform: &Platform<'_>, archive: &[u8]) -> (String, Value) {
    let source = platform.call("POST", "/sources", &json!({}));
    let source = &source["source_blob"];
    signed("PUT", source["put_url"].as_str().unwrap(), archive);
    let body = json!({"source_blob": {"url": source["get_url"], "version": "0123456789"}});
    let build = platform.call("POST", "/apps/my-app/builds", &body);
    let output = signed("GET", build["output_stream_url"].as_str().unwrap(), b"");
    let id = build["id"].as_str().unwrap();
    (output, platform.get(&format!("/apps/my-app/builds/{id}")))
}

#[test]
fn a_source_becomes_the_slug_that_compile_makes_of_it() {
    for_each_user(|context| {
        context.node_app("app");
        context
            .shell("tar -czf ../source.tgz -C ../app .")
            .succeeds();
        let archive = fs::read(context.path("source.tgz")).unwrap();
        let platform = Platform::start(context);
        // With a value that no line of a file could hold.
        platform.call("PATCH", "/apps/my-app/config-vars", &json!({"KEY": "a\nb"}));
        let (output, ended) = build(&platform, &archive);
        assert_eq!(ended["status"], "succeeded", "{output}");
        let first = output.lines().next().unwrap();
        assert_eq!(first, "-----> Building my-app for heroku-24");
        let last = output.lines().last().unwrap();
        assert_eq!(last, "-----> Released v4");
        assert!(
            !output.contains(context.root().to_str().unwrap()),
            "{output}"
        );
        let release = platform.get("/apps/my-app/releases/4");
        assert_eq!(release["description"], "Deploy 0123456");
        assert_eq!(release["slug"]["id"], ended["slug"]["id"]);

        let pull = platform.slugbuilder(["pull", "--app", "my-app", "-o", "pulled.tgz"]);
        pull.succeeds();
        let compile = ["compile", "../app", "-o", "local.tgz", "--env", "KEY=a\nb"];
        context.slugbuilder(compile).succeeds();
        assert_eq!(
            checksum(&context.path("work/pulled.tgz")),
            checksum(&context.path("work/local.tgz"))
        );
        // Where nothing has changed, nothing is built.
        let (output, _) = build(&platform, &archive);
        assert!(output.contains("Build: kept"), "{output}");
        platform.call("DELETE", "/apps/my-app/build-cache", &json!({}));
        let (output, _) = build(&platform, &archive);
        assert!(!output.contains("Build: kept"), "{output}");
    });
}

#[test]
fn a_build_that_fails_says_why() {
    for_each_user(|context| {
        context.write("app/README", "no app at all\n");
        context
            .shell("tar -cf ../source.tar -C ../app .")
            .succeeds();
        let archive = fs::read(context.path("source.tar")).unwrap();
        let platform = Platform::start(context);
        let (output, ended) = build(&platform, &archive);
        assert_eq!(
            (&ended["status"], &ended["release"]),
            (&json!("failed"), &Value::Null)
        );
        assert!(output.contains("\nerror["), "{output}");
        assert!(output.ends_with("\n !     The build failed\n"), "{output}");
        assert_eq!(
            platform
                .get("/apps/my-app/releases")
                .as_array()
                .unwrap()
                .len(),
            2
        );
    });
}
