//! `measure`: runs a pipeline and tells what it took.
//!
//! It is a process of its own so that `getrusage(RUSAGE_CHILDREN)` counts the pipeline and nothing else, and so that the
//! whole pipeline has one process group, which ends with the benchmark. It is kept small: Linux counts the memory that a
//! program had before `exec` as the new program's, so no peak is lower than that of this process.

use crate::arguments::MeasureArguments;
use crate::error::BenchError;
use crate::pipeline::PIPE;
use crate::results::Measurement;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::unistd::{Pid, getpgrp};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Runs the programs and prints a [`Measurement`] as JSON.
pub(crate) fn measure(arguments: &MeasureArguments) -> Result<(), BenchError> {
    end_with_the_benchmark()?;
    if arguments.one_core {
        keep_to_one_core().map_err(io::Error::from)?;
    }
    let stages: Vec<&[OsString]> = arguments.programs.split(|word| word == PIPE).collect();
    let started = Instant::now();
    let mut children = Vec::with_capacity(stages.len());
    for (index, stage) in stages.iter().enumerate() {
        let input = children.last_mut().and_then(take_output);
        let output = if index + 1 < stages.len() {
            Stdio::piped()
        } else if let Some(path) = &arguments.output {
            fs_err::File::create(path)?.into_file().into()
        } else {
            Stdio::null()
        };
        let directory = arguments.directory.as_deref();
        children.push(start(stage, input, output, directory)?);
    }
    let mut statuses = Vec::with_capacity(children.len());
    for child in &mut children {
        statuses.push(child.wait()?);
    }
    let wall = started.elapsed().as_secs_f64();
    for (stage, status) in stages.iter().zip(statuses) {
        if !status.success() {
            return Err(failed(stage, &status.to_string()));
        }
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(io::Error::from)?;
    let measurement = Measurement {
        wall,
        cpu: seconds(usage.user_time()) + seconds(usage.system_time()),
        // The kernel counts in units of 1,024 bytes.
        peak: u64::try_from(usage.max_rss()).unwrap_or_default() * 1024,
    };
    println!(
        "{}",
        serde_json::to_string(&measurement).map_err(|source| BenchError::Json {
            what: "a measurement".into(),
            source
        })?
    );
    Ok(())
}

fn take_output(child: &mut Child) -> Option<Stdio> {
    child.stdout.take().map(Stdio::from)
}

fn start(
    stage: &[OsString],
    input: Option<Stdio>,
    output: Stdio,
    directory: Option<&Path>,
) -> Result<Child, BenchError> {
    let [program, arguments @ ..] = stage else {
        return Err(failed(stage, "it has no name"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(input.unwrap_or_else(Stdio::null))
        .stdout(output);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    command
        .spawn()
        .map_err(|error| failed(stage, &error.to_string()))
}

fn failed(stage: &[OsString], reason: &str) -> BenchError {
    BenchError::Failed {
        command: stage
            .join(std::ffi::OsStr::new(" "))
            .to_string_lossy()
            .into_owned(),
        reason: reason.into(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no row takes the 285 years of CPU time that an f64 would round"
)]
fn seconds(time: TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1e6
}

/// Ends the pipeline when the benchmark asks for it (SIGTERM) and when it is gone, which the kernel then says in the
/// same way. With SIGKILL: programs inherit the blocked SIGTERM, and none has anything to put in order.
fn end_with_the_benchmark() -> Result<(), BenchError> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.thread_block().map_err(io::Error::from)?;
    let group = getpgrp();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if signals.wait().is_ok() {
                // It ends this process, too.
                let _ = killpg(group, Signal::SIGKILL);
            }
        })?;
    nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).map_err(io::Error::from)?;
    Ok(())
}

/// Keeps this process and what it starts to the last of the cores that it may use.
fn keep_to_one_core() -> nix::Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let last = (0..CpuSet::count())
        .rev()
        .find(|core| allowed.is_set(*core).unwrap_or(false));
    let mut chosen = CpuSet::new();
    chosen.set(last.unwrap_or(0))?;
    sched_setaffinity(this, &chosen)
}
