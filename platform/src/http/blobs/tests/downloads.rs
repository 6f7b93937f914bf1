use super::*;

#[tokio::test]
async fn a_download_has_the_bytes_and_says_what_they_are() {
    let scene = Scene::new();
    let id = scene.uploaded(b"the slug").await;
    let etag = format!("\"{}\"", sha256(b"the slug"));
    for (method, body) in [("GET", "the slug"), ("HEAD", "")] {
        // What the API's clients send along means nothing here.
        let headers = [("range", "id ..; max=1000"), ("authorization", "Bearer x")];
        let answer = scene.get(method, id, &headers).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, body);
        assert_eq!(answer.headers["content-length"], "8");
        assert_eq!(answer.headers["content-type"], "application/gzip");
        assert_eq!(answer.headers["accept-ranges"], "bytes");
        assert_eq!(answer.headers["etag"], etag);
    }
}

#[tokio::test]
async fn a_part_can_be_asked_for() {
    let scene = Scene::new();
    let id = scene.uploaded(b"the slug").await;
    let answer = scene.get("GET", id, &[("range", "bytes=4-5")]).await;
    assert_eq!(answer.status, 206);
    assert_eq!(answer.body, "sl");
    assert_eq!(answer.headers["content-range"], "bytes 4-5/8");
    assert_eq!(answer.headers["content-length"], "2");

    let answer = scene.get("GET", id, &[("range", "bytes=-2")]).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (206, &b"ug"[..]));

    let answer = scene.get("GET", id, &[("range", "bytes=8-")]).await;
    assert_eq!(answer.headers["content-range"], "bytes */8");
    assert_eq!(
        answer.error(),
        "416 requested_range_not_satisfiable: The blob has 8 bytes, and the `Range` header asks for none of them."
    );

    // RFC 9110, section 14.2: of GET only.
    let answer = scene.get("HEAD", id, &[("range", "bytes=4-5")]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-length"], "8");

    let etag = answer.headers["etag"].to_str().unwrap().to_owned();
    for (tag, body) in [(&*etag, "sl"), ("\"other\"", "the slug")] {
        let headers = [("range", "bytes=4-5"), ("if-range", tag)];
        assert_eq!(scene.get("GET", id, &headers).await.body, body);
    }
}

#[tokio::test]
async fn conditions_hold() {
    let scene = Scene::new();
    let id = scene.uploaded(b"the slug").await;
    let etag = format!("\"{}\"", sha256(b"the slug"));
    let weak = format!("W/{etag}");
    let list = format!("\"a\", {etag}");
    for (name, value, status) in [
        ("if-none-match", &*etag, 304),
        ("if-none-match", &weak, 304),
        ("if-none-match", &list, 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"a\"", 200),
        ("if-match", &etag, 200),
        ("if-match", &list, 200),
        ("if-match", "*", 200),
        ("if-match", &weak, 412),
        ("if-match", "\"a\"", 412),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = scene.get(method, id, &[(name, value)]).await;
            assert_eq!(answer.status, status, "{method} with {name}: {value}");
            if status == 304 {
                assert!(answer.body.is_empty());
                assert_eq!(answer.headers["etag"], etag);
            }
        }
    }
}

#[tokio::test]
async fn a_blob_of_another_size_is_not_sent() {
    let scene = Scene::new();
    let id = scene.uploaded(b"the slug").await;
    fs_err::write(&scene.files()[0], "the").unwrap();
    assert_eq!(scene.get("GET", id, &[]).await.status, 500);
    assert!(scene.log().contains("has 3 bytes, and was recorded with 8"));
}
