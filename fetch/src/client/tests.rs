//! Transfers against a server that misbehaves.

mod answers;
mod bodies;
mod calls;
mod connections;
mod surroundings;

use super::*;
use crate::test_server::{Answer, TestServer};
use crate::{Algorithm, Proxies};
use slugbuilder_report::{Diagnosis, Event, Explain as _, Style};
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A body that spans many reads.
fn body() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::of(Algorithm::Sha256, bytes).unwrap()
}

fn settings() -> Settings {
    Settings {
        backoff: Duration::from_millis(1),
        stall_timeout: Duration::from_millis(400),
        connect_timeout: Duration::from_secs(5),
        attempts: 3,
        ..Settings::default()
    }
}

/// A server with one file at `/file`, and what is needed to download it.
struct Scene {
    server: TestServer,
    folder: TempDir,
    request: Download,
}

impl Scene {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let server = TestServer::start().unwrap();
        server.answer("/file", answers);
        let request = Download {
            url: server.url("/file"),
            name: "a file".to_owned(),
            checksum: Some(sha256(&body())),
            max_bytes: 10 << 20,
        };
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
            request,
        }
    }

    fn destination(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    #[expect(
        clippy::panic_in_result_fn,
        reason = "checks what all outcomes have in common"
    )]
    fn download_with(&self, settings: Settings) -> Result<Downloaded, FetchError> {
        let result = Client::new(settings)?.download(&self.request, &self.destination(), &Silent);
        // Whole and verified or not at all, and nothing else left behind.
        let names: Vec<_> = fs_err::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        if result.is_ok() {
            assert_eq!(names, ["file"]);
        } else {
            assert!(names.is_empty(), "{names:?}");
        }
        result
    }

    fn download(&self) -> Result<Downloaded, FetchError> {
        self.download_with(settings())
    }

    fn error(&self) -> FetchError {
        self.download().unwrap_err()
    }

    fn requests(&self) -> usize {
        self.server.count("/file")
    }

    /// The message, without what changes from run to run.
    fn message(&self, error: &FetchError) -> String {
        let text = Diagnosis::of(error).render(Style::Plain);
        text.replace(&self.server.address().to_string(), "<server>")
    }
}
