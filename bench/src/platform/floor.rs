//! What no server of this kind could be faster than: the same library with a fixed answer, and the disk alone.

use super::server::Server;
use crate::arguments::FloorArguments;
use crate::error::BenchError;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts `slugbuilder-bench floor`, which answers every request with `body`.
pub(super) fn start(bench: &Path, body: &str, log: &Path) -> Result<Server, BenchError> {
    Server::start(bench, &[bench.into(), "floor".into(), body.into()], log)
}

/// `floor`: axum with nothing behind it, on as many threads as the server has.
pub(crate) fn serve(arguments: &FloorArguments) -> Result<(), BenchError> {
    let body = bytes::Bytes::from(arguments.body.clone());
    let answer = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("Listening on http://{}", listener.local_addr()?);
        axum::serve(listener, Router::new().fallback(answer)).await
    })?;
    Ok(())
}

/// How often in a second the disk below `folder` can be waited for, with a page of 4,096 bytes each time.
pub(super) fn flushes(folder: &Path, length: Duration) -> Result<f64, BenchError> {
    let path = folder.join("flushes");
    let mut file = fs_err::File::create(&path)?;
    let page = [7; 4096];
    let started = Instant::now();
    let mut count: u32 = 0;
    while count == 0 || started.elapsed() < length {
        // Over and over the same megabyte, as SQLite's log is.
        if count.is_multiple_of(256) {
            file.rewind()?;
        }
        file.write_all(&page)?;
        file.file().sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    fs_err::remove_file(path)?;
    Ok(rate)
}
