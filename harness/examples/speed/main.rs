//! How long a test takes that builds an app and asks it one HTTP request: with slugbuilder-test, and, where `pack` and Docker
//! are on PATH, the same test with libcnb-test.
//!
//! ```sh
//! cargo run -p slugbuilder-test --example speed          # or: … --example speed 20, for twenty rounds
//! ```
//!
//! Both sides compile the buildpack and, with `pack`, get the builder's images in a first round that does not count.

#![expect(clippy::print_stdout, reason = "a program for developers")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Rounds that count, unless an argument says otherwise.
const ROUNDS: u32 = 10;

mod with_pack {
    use libcnb_test as harness;
    include!("body.rs");
}

mod with_ours {
    use slugbuilder_test as harness;
    include!("body.rs");
}

fn main() {
    let rounds = std::env::args().nth(1).map_or(ROUNDS, |rounds| {
        rounds.parse().expect("the argument should be a number")
    });
    let ours = measure(rounds, with_ours::build_and_ask);
    show("slugbuilder-test", &ours);
    for program in ["docker", "pack"] {
        if !answers(program) {
            println!(
                "{program} is not here: libcnb-test was not measured, and nothing is said about how much faster this is"
            );
            return;
        }
    }
    let pack = measure(rounds, with_pack::build_and_ask);
    show("libcnb-test with pack", &pack);
    let factor = median(&pack).as_secs_f64() / median(&ours).as_secs_f64();
    println!("slugbuilder-test takes 1/{factor:.1} of the time");
}

/// Whether the program is on PATH and does what it is there for.
fn answers(program: &str) -> bool {
    let run = Command::new(program)
        .arg("version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

/// What each round took, shortest first.
fn measure(rounds: u32, test: fn()) -> Vec<Duration> {
    test();
    let mut times: Vec<Duration> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            test();
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

fn median(times: &[Duration]) -> Duration {
    times[times.len() / 2]
}

fn show(what: &str, times: &[Duration]) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{what}: median {:.0} ms, {:.0} to {:.0} ms in {} rounds",
        milliseconds(median(times)),
        milliseconds(times[0]),
        milliseconds(times[times.len() - 1]),
        times.len()
    );
}
