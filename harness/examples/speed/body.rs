// The test that is measured. Included twice by `main.rs`, which says what `harness` is.

use harness::{BuildConfig, BuildpackReference, CargoProfile, ContainerConfig, TestRunner};
use libcnb_data::buildpack_id;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const PORT: u16 = 8080;

pub(crate) fn build_and_ask() {
    let mut config = BuildConfig::new("heroku/builder:24", "tests/fixtures/apps/web");
    config
        .buildpacks([BuildpackReference::WorkspaceBuildpack(buildpack_id!(
            "mock/server"
        ))])
        .cargo_profile(CargoProfile::Dev);
    TestRunner::default().build(config, |context| {
        let mut container = ContainerConfig::new();
        container.env("PORT", PORT.to_string()).expose_port(PORT);
        context.start_container(container, |container| {
            // Docker's proxy accepts before the app listens, and then says nothing.
            while ask(container.address_for_port(PORT)).is_empty() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        });
    });
}

/// The answer; nothing if there is none yet.
fn ask(address: std::net::SocketAddr) -> String {
    let mut answer = String::new();
    let Ok(mut stream) = TcpStream::connect(address) else {
        return answer;
    };
    let asked = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
    if asked
        .and_then(|()| stream.read_to_string(&mut answer))
        .is_err()
    {
        answer.clear();
    }
    assert!(
        answer.is_empty() || answer.contains("hello from the fixture"),
        "{answer}"
    );
    answer
}
