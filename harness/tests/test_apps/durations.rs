//! How long builds take, so that the slow ones are known.

use std::sync::Mutex;
use std::time::{Duration, Instant};

static MEASURED: Mutex<Vec<(String, Duration)>> = Mutex::new(Vec::new());

/// Does `work` for the app `name`.
pub(crate) fn measure(name: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    MEASURED
        .lock()
        .unwrap()
        .push((name.to_owned(), start.elapsed()));
}

/// Prints the apps that were built, the slowest one first, where there are several.
#[expect(clippy::print_stdout, reason = "for whoever runs the tests")]
pub(crate) fn print() {
    let mut measured = MEASURED.lock().unwrap();
    if measured.len() < 2 {
        return;
    }
    measured.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    println!("builds, the slowest ones first:");
    for (name, time) in measured.iter() {
        println!("{:>7.1} s  {name}", time.as_secs_f64());
    }
}
