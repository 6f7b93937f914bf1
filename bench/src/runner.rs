//! Starts programs, one pipeline at a time, and leaves none behind.

use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::results::Measurement;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the thread that waits for signals and the one that runs programs share.
#[derive(Debug, Default)]
struct State {
    interrupted: bool,
    /// The `measure` process that is running.
    running: Option<Pid>,
}

/// Runs pipelines, each in a `measure` process with a process group of its own.
#[derive(Debug)]
pub(crate) struct Runner {
    state: Arc<Mutex<State>>,
    /// This program.
    pub(crate) program: PathBuf,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner {
    /// Takes over SIGINT, SIGTERM and SIGHUP: they end the running pipeline, and the benchmark with
    /// [`BenchError::Interrupted`].
    pub(crate) fn watch() -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            signals.add(signal);
        }
        signals.thread_block()?;
        let watched = Arc::clone(&state);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                while signals.wait().is_ok() {
                    let mut state = lock(&watched);
                    state.interrupted = true;
                    if let Some(running) = state.running {
                        // Where it fails, that process is at its end.
                        let _ = kill(running, Signal::SIGTERM);
                    }
                }
            })?;
        Ok(Self {
            state,
            program: std::env::current_exe()?,
        })
    }

    /// Fails once a signal has come.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        if lock(&self.state).interrupted {
            Err(BenchError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Runs `pipeline` to its end.
    pub(crate) fn run(&self, pipeline: &Pipeline) -> Result<Measurement, BenchError> {
        let child = {
            let mut state = lock(&self.state);
            if state.interrupted {
                return Err(BenchError::Interrupted);
            }
            let child = Command::new(&self.program)
                .args(pipeline.measure_arguments())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .process_group(0)
                .spawn()?;
            state.running = i32::try_from(child.id()).ok().map(Pid::from_raw);
            child
        };
        let output = child.wait_with_output();
        lock(&self.state).running = None;
        let output = output?;
        self.check()?;
        if !output.status.success() {
            return Err(BenchError::Failed {
                command: pipeline.to_string(),
                reason: output.status.to_string(),
            });
        }
        serde_json::from_slice(&output.stdout).map_err(|source| BenchError::Json {
            what: format!("the measurement of `{pipeline}`"),
            source,
        })
    }
}
