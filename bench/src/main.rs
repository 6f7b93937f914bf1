//! Measures every speed claim of the slug writer and of the server. See docs/benchmarks.md.
//!
//! One command makes the trees, runs our writer and its peers in turn, checks what ours wrote, and prints a table. What
//! is measured are processes from start to exit: this program starts itself as `write` and `unpack`, which do nothing
//! else, and as `measure`, which starts what is measured and tells what it took. The server is a process, too, and this one
//! its clients (`platform`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers: the table goes to stdout, progress to stderr"
)]

mod arguments;
mod bars;
mod benchmark;
mod check;
mod document;
mod error;
mod machine;
mod measured;
mod pipeline;
mod platform;
mod reading;
mod results;
mod runner;
mod series;
mod supervise;
mod table;
mod tools;
mod trees;
mod work;

use arguments::{Arguments, Command};
use clap::Parser as _;
use slugbuilder_report::{Diagnosis, Explain as _, Style};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        None => benchmark::run(&arguments.options),
        Some(Command::Write(arguments)) => measured::write(arguments),
        Some(Command::Unpack(arguments)) => measured::unpack(arguments),
        Some(Command::Measure(arguments)) => supervise::measure(arguments),
        Some(Command::Tied(arguments)) => platform::tied(arguments),
        Some(Command::Floor(arguments)) => platform::serve_floor(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", Diagnosis::of(&error).render(Style::Plain).trim_end());
            ExitCode::from(error.fault().exit_code())
        }
    }
}
