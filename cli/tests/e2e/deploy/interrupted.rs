//! Uploads that do not get through, and what the next call makes of them.

use super::super::platform::Platform;
use crate::context::{Context, ordinary};
use crate::invocation::eventually;
use crate::slug::entries;
use nix::sys::signal::Signal;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Stands between a client and a platform, and lets no slug through as long as it is told so.
struct Between {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    stalling: AtomicBool,
    stalled: AtomicUsize,
}

impl Between {
    fn new() -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let between = Self {
            address: listener.local_addr().unwrap().to_string(),
            state: Arc::default(),
        };
        (listener, between)
    }

    /// Passes on to `platform` what comes to `listener`, for the rest of the test.
    fn pass(&self, listener: TcpListener, platform: &str) {
        let (platform, state) = (platform.to_owned(), Arc::clone(&self.state));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (platform, state) = (platform.clone(), Arc::clone(&state));
                std::thread::spawn(move || connection(&client.unwrap(), &platform, &state));
            }
        });
    }

    fn stall(&self, stalling: bool) {
        self.state.stalling.store(stalling, Ordering::SeqCst);
    }

    /// Waits until so many transfers have been held up.
    fn held_up(&self, transfers: usize) {
        eventually("a transfer", || {
            (self.state.stalled.load(Ordering::SeqCst) == transfers).then_some(())
        });
    }
}

fn connection(mut client: &TcpStream, platform: &str, state: &State) {
    let mut server = TcpStream::connect(platform).unwrap();
    let mut answers = server.try_clone().unwrap();
    let mut back = client.try_clone().unwrap();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; 64 * 1024];
    let mut held_up = false;
    // Requests of this client begin with a piece of their own.
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let of_slug = [&b"PUT /"[..], b"GET /blobs/"]
            .iter()
            .any(|start| buffer.starts_with(start));
        if !held_up && of_slug && state.stalling.load(Ordering::SeqCst) {
            held_up = true;
            state.stalled.fetch_add(1, Ordering::SeqCst);
        }
        if !held_up && server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn an_upload_that_was_interrupted_is_told_of_and_made_anew() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let (listener, between) = Between::new();
    let platform = Platform::reached_at(&context, &between.address);
    between.pass(listener, &platform.listening);
    between.stall(true);
    let publish = || platform.slugbuilder(["publish", "slug.tgz", "--app", "my-app"]);
    for (uploads, (signal, status)) in [(Signal::SIGINT, 75), (Signal::SIGKILL, 137)]
        .into_iter()
        .enumerate()
    {
        let mut upload = publish().start();
        between.held_up(uploads + 1);
        upload.signal(signal);
        assert_eq!(upload.status(), status, "{}", upload.output());
        if signal == Signal::SIGINT {
            insta::assert_snapshot!(platform.normalized(&upload.output()), @"
            error[interrupted]: waiting for `http://[HOST]` was interrupted

              What was asked for last may have been done all the same.

              hint: Look with `slugbuilder releases`, and run the same command again.
            ");
        }
    }
    between.stall(false);
    let again = publish().succeeds();
    insta::assert_snapshot!(platform.normalized(&again.stderr), @"
      an upload of this slug that began at [WHEN] did not come to its end; uploading it anew
    Published slug.tgz to my-app in [TIME]: uploaded, [SIZE]
    ");
    // What was uploaded and not released yet is not uploaded again.
    let reused = publish().succeeds();
    assert_eq!(reused.stdout, again.stdout);
    insta::assert_snapshot!(platform.normalized(&reused.stderr), @"
      an earlier run uploaded this slug at [WHEN] and did not release it: nothing is uploaded
    Published slug.tgz to my-app in [TIME]: uploaded earlier
    ");
}

#[test]
fn a_download_that_was_interrupted_leaves_nothing() {
    let context = Context::new(ordinary());
    context.ready_slug();
    let (listener, between) = Between::new();
    let platform = Platform::reached_at(&context, &between.address);
    between.pass(listener, &platform.listening);
    platform
        .slugbuilder(["deploy", "--slug", "slug.tgz", "--app", "my-app"])
        .succeeds();
    let before = entries(&context.path("work"));
    between.stall(true);
    let mut pull = platform
        .slugbuilder(["pull", "--app", "my-app", "-o", "pulled.tgz"])
        .start();
    between.held_up(1);
    pull.signal(Signal::SIGINT);
    assert_eq!(pull.status(), 75, "{}", pull.output());
    assert_eq!(entries(&context.path("work")), before);
}
