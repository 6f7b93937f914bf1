//! Large slugs that come all at once, and the memory that this takes.

use super::client::{Connection, Payload};
use super::load::Target;
use super::random::Random;
use super::requests::{Identified, expect, get, parse, post, signed, wrong};
use crate::error::BenchError;
use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::time::{Duration, Instant};

/// How many at once.
pub(super) const AT_ONCE: usize = 8;

/// Bytes that a client sends at a time.
const BLOCK: usize = 256 << 10;

/// The address that a slug's bytes are sent to, or had from.
#[derive(Debug, Deserialize)]
struct Blob {
    url: String,
}

/// A slug as it is answered.
#[derive(Debug, Deserialize)]
pub(super) struct Slug {
    #[serde(flatten)]
    identified: Identified,
    blob: Blob,
    size: Option<u64>,
}

/// Uploads [`AT_ONCE`] slugs of `size` bytes, rounded up to whole blocks; the time it takes. Each has another app and other
/// bytes, and its hash is checked by the server and, after a download, here.
pub(super) async fn run(
    target: Target<'_>,
    size: u64,
    download: bool,
) -> Result<Duration, BenchError> {
    let blocks = size.div_ceil(BLOCK as u64);
    let mut prepared = Vec::new();
    for number in 0..AT_ONCE {
        target.runner.check()?;
        let block = Bytes::from(Random::new(number as u64).bytes(BLOCK));
        let mut hash = Sha256::new();
        for _ in 0..blocks {
            hash.update(&block);
        }
        let sha256 = hex::encode(hash.finalize());
        prepared.push((number, Payload::repeated(block, blocks), sha256));
    }
    let started = Instant::now();
    let uploads = prepared.into_iter().map(|(app, body, sha256)| async move {
        let mut connection = Connection::open(target.server.address).await?;
        let size = body.length();
        let slug = publish(&mut connection, target, app, body, &sha256).await?;
        let path = format!("/apps/{}/slugs/{slug}", target.ledger.app(app)?.name);
        let request = get(&path, target.ledger.token_of(app)?, None)?;
        let recorded: Slug = parse("uploads", &connection.send(request).await?)?;
        if recorded.size != Some(size) {
            let reason = format!("{size} bytes were sent, {:?} recorded", recorded.size);
            return Err(wrong("uploads", reason));
        }
        Ok::<_, BenchError>((recorded.blob.url, sha256))
    });
    let uploaded = futures_util::future::try_join_all(uploads).await?;
    let elapsed = started.elapsed();
    if download {
        let mut connection = Connection::open(target.server.address).await?;
        for (url, sha256) in uploaded {
            see_bytes(&mut connection, "uploads", &url, &sha256).await?;
        }
    }
    Ok(elapsed)
}

/// Makes a slug of the app with this index and sends its bytes; its identifier.
pub(super) async fn publish(
    connection: &mut Connection,
    target: Target<'_>,
    app: usize,
    body: Payload,
    sha256: &str,
) -> Result<String, BenchError> {
    let (token, name) = (target.ledger.token_of(app)?, &target.ledger.app(app)?.name);
    let slug = serde_json::json!({
        "process_types": {"web": "node server.js", "worker": "node worker.js"},
        "checksum": format!("SHA256:{sha256}"),
    });
    let request = post(&format!("/apps/{name}/slugs"), token, &slug)?;
    let answer = connection.send(request).await?;
    expect("slug create", &answer, &[201])?;
    let slug: Slug = parse("slug create", &answer)?;
    let request = signed(Method::PUT, &slug.blob.url, body)?;
    let answer = connection.send(request).await?;
    expect("upload", &answer, &[200])?;
    Ok(slug.identified.id)
}

/// Sees that the bytes at a signed address have this hash.
pub(super) async fn see_bytes(
    connection: &mut Connection,
    row: &str,
    url: &str,
    sha256: &str,
) -> Result<(), BenchError> {
    let request = signed(Method::GET, url, Payload::empty())?;
    let answer = connection.send(request).await?;
    expect(row, &answer, &[200])?;
    let found = hex::encode(Sha256::digest(&answer.body));
    if found == *sha256 {
        Ok(())
    } else {
        Err(wrong(
            row,
            format!("bytes of {sha256} came back as {found}"),
        ))
    }
}

/// Sees that the bytes of a slug of the app with this index have this hash.
pub(super) async fn see_slug(
    connection: &mut Connection,
    target: Target<'_>,
    app: usize,
    slug: &str,
    sha256: &str,
) -> Result<(), BenchError> {
    let path = format!("/apps/{}/slugs/{slug}", target.ledger.app(app)?.name);
    let request = get(&path, target.ledger.token_of(app)?, None)?;
    let slug: Slug = parse("kills", &connection.send(request).await?)?;
    see_bytes(connection, "kills", &slug.blob.url, sha256).await
}
