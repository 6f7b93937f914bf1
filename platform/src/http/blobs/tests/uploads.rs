use super::*;
use axum::http::header;

#[tokio::test]
async fn an_upload_is_kept_and_recorded() {
    for (content_type, body) in [
        (None, Body::from("the slug")),
        (Some(""), Body::from("the slug")),
        (
            Some("application/x-www-form-urlencoded"),
            Body::from("the slug"),
        ),
        (
            Some("text/plain; charset=nonsense"),
            chunked(&["the", "", " slug"]),
        ),
    ] {
        let scene = Scene::new();
        let id = scene.slug();
        let mut request = Request::put(scene.path(BlobMethod::Put, id));
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let answer = scene.send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.is_empty());
        let sha256 = sha256(b"the slug");
        assert_eq!(answer.headers[header::ETAG], format!("\"{sha256}\""));
        assert_eq!(scene.record(id), Some(Received { size: 8, sha256 }));
        assert_eq!(fs_err::read(&scene.files()[0]).unwrap(), b"the slug");
    }
}

#[tokio::test]
async fn a_slug_never_changes() {
    let scene = Scene::new();
    let id = scene.uploaded(b"the slug").await;
    assert_eq!(scene.put(id, "the slug").await.status, 200);
    assert_eq!(scene.put(id, chunked(&["the slug"])).await.status, 200);
    let hash = sha256(b"the slug");
    for other in [
        Body::from("the slag"),
        Body::from("longer than it"),
        chunked(&["x"]),
    ] {
        let answer = scene.put(id, other).await;
        assert_eq!(
            answer.error(),
            format!(
                "409 conflict: Other bytes were uploaded for that slug before, with the SHA-256 {hash}, and a slug never \
                 changes. Create a new slug for these."
            )
        );
    }
    assert_eq!(scene.files().len(), 1);
    assert_eq!(scene.get("GET", id, &[]).await.body, "the slug");
}

#[tokio::test]
async fn a_blob_that_was_lost_is_mended_by_the_same_bytes() {
    let scene = Scene::new();
    let id = scene.uploaded(b"the slug").await;
    fs_err::remove_file(&scene.files()[0]).unwrap();
    assert_eq!(scene.get("GET", id, &[]).await.status, 500);
    assert!(
        scene
            .log()
            .contains("of 8 bytes was recorded and is not there")
    );
    assert_eq!(scene.put(id, "the slag").await.status, 409);
    assert_eq!(scene.put(id, "the slug").await.status, 200);
    assert_eq!(scene.get("GET", id, &[]).await.body, "the slug");
}

#[tokio::test]
async fn bytes_that_were_never_recorded_are_replaced() {
    let ledger = Ledger {
        broken: true,
        ..Ledger::default()
    };
    let mut scene = Scene::with(ledger, UploadLimits::default());
    let id = scene.slug();
    let answer = scene.put(id, "first").await;
    assert_eq!(
        answer.error(),
        "500 internal_server_error: Internal server error. Its cause is in the server's output, under the `Request-Id` of this answer."
    );
    assert!(scene.log().ends_with("the ledger is on fire"));
    assert_eq!(scene.get("GET", id, &[]).await.status, 404);

    scene.ledger.broken = false;
    scene.router = routes(Blobs {
        store: BlobStore::folder(scene.folder.path()).unwrap(),
        signer: scene.signer.clone(),
        ledger: scene.ledger.clone(),
        limits: UploadLimits::default(),
        reporter: scene.log.clone(),
    });
    assert_eq!(scene.put(id, "second").await.status, 200);
    assert_eq!(scene.get("GET", id, &[]).await.body, "second");
    assert_eq!(scene.files().len(), 1);
}

#[tokio::test]
async fn a_checksum_is_checked() {
    let scene = Scene::new();
    let expected = sha256(b"the slug");
    let id = scene.slug_with(BlobBytes {
        expected_sha256: Some(expected.to_uppercase()),
        uploaded: None,
    });
    let answer = scene.put(id, "the slag").await;
    insta::assert_snapshot!(answer.error(), @"422 checksum_mismatch: The upload has the SHA-256 469e60c747e2ec83992905e1be6c7fdf4416bb217c1df26bb2ab645f1b9f0970, and the slug's checksum says 74819A92352735B5A2FD17A8E3EDF39DCC74EB99E237696B95AE9FB05D087F8A. Nothing was kept; send it again, or create a slug with the checksum of this archive.");
    assert_eq!(scene.record(id), None);
    assert!(scene.files().is_empty());
    assert_eq!(scene.put(id, "the slug").await.status, 200);
    assert_eq!(scene.record(id).unwrap().sha256, expected);
}

#[tokio::test]
async fn an_upload_of_wrong_size_leaves_nothing() {
    let scene = Scene::limited(8);
    let id = scene.slug();
    let too_large = "413 too_large: The upload is larger than the 8 bytes that this server takes.";
    let empty = "400 bad_request: The upload is empty: send the archive as the body.";
    assert_eq!(scene.put(id, "ninebytes").await.error(), too_large);
    assert_eq!(
        scene.put(id, chunked(&["nine", "bytes"])).await.error(),
        too_large
    );
    assert_eq!(scene.put(id, "").await.error(), empty);
    assert_eq!(scene.put(id, chunked(&["", ""])).await.error(), empty);
    assert!(scene.files().is_empty());
    assert_eq!(scene.put(id, "the slug").await.status, 200);
}

#[tokio::test]
async fn a_part_of_a_slug_is_refused() {
    let scene = Scene::new();
    let id = scene.slug();
    let request = Request::put(scene.path(BlobMethod::Put, id))
        .header(header::CONTENT_RANGE, "bytes 4-7/8")
        .body(Body::from("slug"))
        .unwrap();
    assert_eq!(
        scene.send(request).await.error(),
        "400 bad_request: An archive is uploaded as a whole: leave out the `Content-Range` header."
    );
    assert!(scene.files().is_empty());
}

#[tokio::test]
async fn of_two_uploads_at_once_one_wins() {
    let scene = Scene::new();
    let id = scene.slug();
    let contents: Vec<String> = (0..6).map(|index| format!("slug {}", index % 2)).collect();
    let answers = contents
        .iter()
        .map(|content| scene.put(id, content.clone()));
    let answers = futures_util::future::join_all(answers).await;
    let winner = scene.record(id).unwrap();
    for (content, answer) in contents.iter().zip(answers) {
        let won = sha256(content.as_bytes()) == winner.sha256;
        assert_eq!(answer.status, if won { 200 } else { 409 });
    }
    let kept = scene.get("GET", id, &[]).await.body;
    assert_eq!(sha256(&kept), winner.sha256);
    assert_eq!(scene.files().len(), 1);
}

#[tokio::test]
async fn a_stalled_upload_is_given_up() {
    let limits = UploadLimits {
        idle_timeout: Duration::from_millis(20),
        ..UploadLimits::default()
    };
    let scene = Scene::with(Ledger::default(), limits);
    let id = scene.slug();
    let begun = futures_util::stream::iter([Ok::<_, BlobError>("begun")]);
    let body = Body::from_stream(futures_util::StreamExt::chain(
        begun,
        futures_util::stream::pending(),
    ));
    let answer = scene.put(id, body).await;
    assert!(answer.error().starts_with("408 timeout: Nothing came for "));
    assert!(scene.files().is_empty());
}

#[tokio::test]
async fn a_disk_that_fails_is_told_to_the_log_only() {
    let scene = Scene::new();
    let id = scene.slug();
    // In the way of the folder of what comes in, for any user.
    let incoming = scene.folder.path().join("incoming");
    fs_err::remove_dir(&incoming).unwrap();
    let answer = scene.put(id, "the slug").await;
    assert_eq!(
        answer.error(),
        "500 internal_server_error: Internal server error. Its cause is in the server's output, under the `Request-Id` of this answer."
    );
    assert!(scene.log().contains(": cannot write blob `"));
    assert!(scene.log().contains("incoming"));
    fs_err::create_dir(&incoming).unwrap();
    assert_eq!(scene.put(id, "the slug").await.status, 200);
}

#[test]
fn a_full_disk_is_507() {
    let error = BlobError::Write {
        id: Uuid::nil(),
        source: std::io::ErrorKind::StorageFull.into(),
    };
    let response = Refusal::from(error).into_response();
    assert_eq!(response.status(), StatusCode::INSUFFICIENT_STORAGE);
}

#[tokio::test]
async fn an_upload_of_a_slug_that_is_deleted_meanwhile_leaves_nothing() {
    let ledger = Ledger {
        deleting: true,
        ..Ledger::default()
    };
    let scene = Scene::with(ledger, UploadLimits::default());
    let answer = scene.put(scene.slug(), "the slug").await;
    assert_eq!(answer.error(), "404 not_found: Couldn't find that slug.");
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[test]
fn uploads_may_have_what_slugs_may() {
    assert_eq!(UploadLimits::default().max_size, MAX_SLUG_SIZE);
}
