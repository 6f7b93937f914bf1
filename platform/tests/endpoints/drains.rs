//! Log drains.

use crate::platform::Platform;
use serde_json::json;

const PATH: &str = "/apps/example/log-drains";

async fn platform() -> Platform {
    let platform = Platform::new().await;
    let app = json!({"name": "example"});
    assert_eq!(platform.ann().post("/apps", app).await.status, 201);
    platform
}

/// The text in a path, as `encodeURIComponent` writes it.
fn encoded(text: &str) -> String {
    text.replace('%', "%25")
        .replace(':', "%3A")
        .replace('/', "%2F")
        .replace('+', "%2B")
        .replace('?', "%3F")
}

#[tokio::test]
async fn drains_are_called_by_identifier_token_and_url() {
    let platform = platform().await;
    for url in [
        "syslog://127.0.0.1:5514",
        "syslog+tls://logs.example.test:6514",
        "https://user:secret@logs.example.test/drain?app=example",
    ] {
        let added = platform.ann().post(PATH, json!({"url": url})).await;
        assert_eq!(added.status, 201, "{added:?}");
        platform.assert_described("log-drain", &added.body).await;
        let token = added.body["token"].as_str().unwrap();
        assert!(token.starts_with("d.") && token.len() == 38, "{token}");
        for identity in [added.body["id"].as_str().unwrap(), token, &encoded(url)] {
            let path = format!("{PATH}/{identity}");
            assert_eq!(platform.ann().get(&path).await.body, added.body);
        }
        let again = platform.ann().post(PATH, json!({"url": url})).await;
        again.assert_error(
            422,
            "invalid_params",
            "This app has a drain with this URL already.",
        );
    }
    let all = platform.ann().get(PATH).await;
    assert_eq!((all.status, all.items().len()), (200, 3));
    for drain in all.items() {
        let path = format!("{PATH}/{}", encoded(drain["url"].as_str().unwrap()));
        let removed = platform.ann().delete(&path).await;
        assert_eq!((removed.status, &removed.body), (200, drain));
        for gone in [
            platform.ann().get(&path).await,
            platform.ann().delete(&path).await,
        ] {
            gone.assert_error(404, "not_found", "Couldn't find that log drain.");
        }
    }
    assert_eq!(platform.ann().get(PATH).await.items().len(), 0);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let platform = platform().await;
    for (body, text) in [
        (json!({}), "`url` is required"),
        (json!({"url": 5}), "`url` must be a string"),
        (
            json!({"url": "logs"}),
            "The URL of the drain is no valid URL. It has to be like syslog+tls://logs.example.com:6514 or \
             https://logs.example.com/drain.",
        ),
        (
            json!({"url": "file:///etc/passwd"}),
            "The URL of the drain has to begin with syslog://, syslog+tls://, http:// or https://.",
        ),
    ] {
        let refused = platform.ann().post(PATH, body).await;
        refused.assert_error(422, "invalid_params", text);
    }
    for number in 0..10 {
        let body = json!({"url": format!("https://logs.example.test/{number}")});
        assert_eq!(platform.ann().post(PATH, body).await.status, 201);
    }
    let body = json!({"url": "https://logs.example.test/more"});
    let refused = platform.ann().post(PATH, body).await;
    refused.assert_error(
        422,
        "invalid_params",
        "An app has at most 10 drains. Please remove one first.",
    );
}
