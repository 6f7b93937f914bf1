//! A running program, with what it has written so far.

use crate::LogOutput;
use slugbuilder::sandbox::{Background, Invocation, Namespaced, Outcome, SandboxError};
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one look at a running program may keep others from looking.
const LOOK: Duration = Duration::from_millis(20);

/// A running program. Dropped, it is killed with everything that it started.
pub(crate) struct Process {
    state: Mutex<State>,
    output: Pipe,
    error: Pipe,
}

struct State {
    background: Option<Background>,
    outcome: Option<Result<Outcome, String>>,
}

impl Process {
    pub(crate) fn start(place: &Namespaced, invocation: &Invocation) -> Result<Self, SandboxError> {
        let (background, output, error) = place.start_in_background(invocation)?;
        Ok(Self {
            state: Mutex::new(State {
                background: Some(background),
                outcome: None,
            }),
            output: Pipe::read(output),
            error: Pipe::read(error),
        })
    }

    /// How it ended; nothing while it runs.
    pub(crate) fn outcome(&self) -> Option<Result<Outcome, String>> {
        self.look(Duration::ZERO)
    }

    fn look(&self, time: Duration) -> Option<Result<Outcome, String>> {
        let mut state = lock(&self.state);
        if state.outcome.is_none()
            && let Some(background) = &mut state.background
        {
            let result = background.wait(Some(Instant::now() + time));
            state.outcome = match result {
                Ok(None) => None,
                Ok(Some(outcome)) => Some(Ok(outcome)),
                Err(error) => Some(Err(slugbuilder_report::Diagnosis::of(&error).one_line())),
            };
        }
        state.outcome.clone()
    }

    /// Waits for its end.
    pub(crate) fn wait(&self) -> Result<Outcome, String> {
        loop {
            // In pieces: others ask meanwhile.
            if let Some(outcome) = self.look(LOOK) {
                self.output.wait();
                self.error.wait();
                return outcome;
            }
        }
    }

    /// What it has written until now.
    pub(crate) fn output(&self) -> LogOutput {
        LogOutput {
            stdout: self.output.text(),
            stderr: self.error.text(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has to end first: its end is that of the pipes.
        drop(lock(&self.state).background.take());
        self.output.wait();
        self.error.wait();
    }
}

/// What comes out of a pipe, read as it comes so that nobody who writes has to wait.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Pipe {
    fn read(mut from: File) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 16 * 1024];
            loop {
                match from.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => lock(&into).extend(buffer.iter().take(length)),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        });
        Self {
            bytes,
            reader: Mutex::new(Some(reader)),
        }
    }

    fn wait(&self) {
        if let Some(reader) = lock(&self.reader).take() {
            // It does not panic.
            let _ = reader.join();
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
