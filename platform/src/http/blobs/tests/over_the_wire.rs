//! What only shows on a real connection.

use super::*;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve(scene: &Scene) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = scene.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A connection on which a request was begun.
async fn begin(address: SocketAddr, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Everything up to the end of the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Waits until nothing is left of any upload.
async fn nothing_is_left(scene: &Scene) {
    for _ in 0..500 {
        if scene.files().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there still is {:?}", scene.files());
}

/// Waits until the server has a file for an upload.
async fn an_upload_has_begun(scene: &Scene) {
    for _ in 0..500 {
        if !scene.files().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no upload has begun");
}

#[tokio::test]
async fn an_upload_in_chunks_is_taken() {
    let scene = Scene::new();
    let id = scene.slug();
    let path = scene.path(BlobMethod::Put, id);
    let headers = "Transfer-Encoding: chunked\r\nConnection: close\r\n";
    let mut stream = begin(serve(&scene).await, &path, headers).await;
    stream
        .write_all(b"4\r\nthe \r\n4\r\nslug\r\n0\r\nTrailer: x\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(stream).await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(scene.record(id).unwrap().sha256, sha256(b"the slug"));
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let scene = Scene::new();
    let id = scene.slug();
    let path = scene.path(BlobMethod::Put, id);
    let headers = "Content-Length: 8\r\nExpect: 100-continue\r\nConnection: close\r\n";
    let mut stream = begin(serve(&scene).await, &path, headers).await;
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"the slug").await.unwrap();
    assert!(rest(stream).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let scene = Scene::limited(8);
    let path = scene.path(BlobMethod::Put, scene.slug());
    let headers = "Content-Length: 9\r\nExpect: 100-continue\r\n";
    let stream = begin(serve(&scene).await, &path, headers).await;
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

/// A client that does not ask has its answer, too, even if it reads it only when all is sent.
#[tokio::test]
async fn a_client_that_just_sends_reads_why_it_is_refused() {
    let scene = Scene::limited(8);
    let address = serve(&scene).await;
    let path = scene.path(BlobMethod::Put, scene.slug());
    let content = vec![b'x'; 16 << 20];
    for headers in [
        format!("Content-Length: {}\r\n", content.len()),
        "Transfer-Encoding: chunked\r\n".to_owned(),
    ] {
        let mut stream = begin(address, &path, &headers).await;
        if headers.starts_with("Transfer") {
            let size = format!("{:x}\r\n", content.len());
            stream.write_all(size.as_bytes()).await.unwrap();
        }
        stream.write_all(&content).await.unwrap();
        if headers.starts_with("Transfer") {
            stream.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        }
        let answer = rest(stream).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("connection: close"));
        assert!(answer.ends_with("that this server takes.\"}"));
    }
    assert!(scene.files().is_empty());
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let scene = Scene::new();
    let id = scene.slug();
    let path = scene.path(BlobMethod::Put, id);
    let address = serve(&scene).await;

    // Closed in the middle.
    let mut stream = begin(address, &path, "Content-Length: 8\r\n").await;
    stream.write_all(b"the").await.unwrap();
    an_upload_has_begun(&scene).await;
    drop(stream);
    nothing_is_left(&scene).await;

    // Fewer bytes than were announced, from a client that still listens.
    let mut stream = begin(address, &path, "Content-Length: 8\r\n").await;
    stream.write_all(b"the").await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    );
    nothing_is_left(&scene).await;

    // Chunks without their end.
    let mut stream = begin(address, &path, "Transfer-Encoding: chunked\r\n").await;
    stream.write_all(b"8\r\nthe slug\r\n").await.unwrap();
    an_upload_has_begun(&scene).await;
    drop(stream);
    nothing_is_left(&scene).await;

    // Chunks that are none.
    let mut stream = begin(address, &path, "Transfer-Encoding: chunked\r\n").await;
    stream.write_all(b"nonsense\r\n").await.unwrap();
    let answer = rest(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    );
    nothing_is_left(&scene).await;
    assert_eq!(scene.record(id), None);
}

#[tokio::test]
async fn a_stalled_client_is_let_go() {
    let limits = UploadLimits {
        idle_timeout: Duration::from_millis(50),
        ..UploadLimits::default()
    };
    let scene = Scene::with(Ledger::default(), limits);
    let path = scene.path(BlobMethod::Put, scene.slug());
    let mut stream = begin(serve(&scene).await, &path, "Content-Length: 8\r\n").await;
    stream.write_all(b"the").await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    nothing_is_left(&scene).await;
}

#[tokio::test]
async fn huge_headers_are_refused() {
    let scene = Scene::new();
    let id = scene.slug();
    let address = serve(&scene).await;
    let path = scene.path(BlobMethod::Put, id);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    // It may close before all is sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "));
    assert_eq!(scene.put(id, "the slug").await.status, 200);
}

#[tokio::test]
async fn a_client_that_sends_a_byte_now_and_then_is_let_go() {
    let limits = UploadLimits {
        minimum_rate: 1000,
        rate_window: Duration::from_secs(1),
        ..UploadLimits::default()
    };
    let scene = Scene::with(Ledger::default(), limits);
    let path = scene.path(BlobMethod::Put, scene.slug());
    let stream = begin(serve(&scene).await, &path, "Content-Length: 800\r\n").await;
    let (reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let _ = tokio::io::BufReader::new(reader)
        .read_to_end(&mut answer)
        .await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("less than 1000 bytes a second"), "{answer}");
    writing.abort();
    nothing_is_left(&scene).await;

    // Who is slower than that only now and then is served.
    let scene = Scene::with(Ledger::default(), limits);
    let path = scene.path(BlobMethod::Put, scene.slug());
    let headers = "Content-Length: 4008\r\nConnection: close\r\n";
    let mut stream = begin(serve(&scene).await, &path, headers).await;
    stream.write_all(&[b'x'; 4000]).await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b"x").await.unwrap();
    }
    assert!(rest(stream).await.starts_with("HTTP/1.1 200 "));
}
