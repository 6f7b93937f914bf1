//! Running a program whose output is shown while it runs.

use super::{Client, CommandError};
use slugbuilder_report::{Event, Reporter};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// A longer line is shown in pieces of this many bytes.
const MAX_LINE_BYTES: usize = 64 << 10;

/// How many of the last lines are kept, and how many bytes of them.
const KEPT_LINES: usize = 400;
const KEPT_BYTES: usize = 256 << 10;

/// How often it is looked whether the program has ended while something else holds its output open.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long after the program's end silence is waited for, and how long output is taken that does not end: what it
/// started may go on writing for ever.
const WAIT_FOR_REST: Duration = Duration::from_millis(500);
const WAIT_FOR_END: Duration = Duration::from_secs(10);

/// How a program that was run with [`Client::stream`] ended.
#[derive(Debug)]
pub struct Streamed {
    /// Its name.
    pub program: String,
    /// Its exit status.
    pub status: ExitStatus,
    /// The last lines of what it wrote to standard output and standard error.
    pub transcript: Transcript,
}

/// The last lines of a program's output; its size is bounded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Transcript {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Transcript {
    /// The lines, the earliest first, without escape sequences of terminals.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    fn push(&mut self, line: &[u8]) {
        let line = without_escapes(&String::from_utf8_lossy(line));
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(gone) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= gone.len();
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Transcript {
    fn from_iter<I: IntoIterator<Item = S>>(lines: I) -> Self {
        let mut transcript = Self::default();
        for line in lines {
            transcript.push(line.as_ref().as_bytes());
        }
        transcript
    }
}

impl Client {
    /// Runs it with empty standard input, and hands each line that it writes to `reporter` as it comes: those of standard
    /// output and standard error in the order in which they are written.
    ///
    /// A program that ends with an error is no error here: that is in the status.
    pub fn stream(mut self, reporter: &dyn Reporter) -> Result<Streamed, CommandError> {
        let start = |error| CommandError::Start {
            program: self.program.clone(),
            error,
        };
        let (reader, writer) = std::io::pipe().map_err(start)?;
        let second = writer.try_clone().map_err(start)?;
        self.command.stdout(writer).stderr(second);
        let spawned = self.command.spawn();
        let program = self.program;
        // Our copies of the pipe's end go with it: the reader is to see the end of the output.
        drop(self.command);
        let child = spawned.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => CommandError::Missing(program.clone()),
            _ => CommandError::Start {
                program: program.clone(),
                error,
            },
        })?;
        let (sender, lines) = sync_channel(64);
        // It outlives this function where something holds the pipe open.
        std::thread::spawn(move || send_lines(reader, &sender));
        let mut transcript = Transcript::default();
        let ended = follow(child, &lines, |line| {
            reporter.report(Event::Output(line));
            transcript.push(line);
        });
        match ended {
            Ok(status) => Ok(Streamed {
                program,
                status,
                transcript,
            }),
            Err(error) => Err(CommandError::Start { program, error }),
        }
    }
}

fn send_lines(output: impl Read, lines: &SyncSender<Vec<u8>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = output
            .by_ref()
            .take(MAX_LINE_BYTES as u64)
            .read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        while line
            .last()
            .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
        {
            line.pop();
        }
        if lines.send(line).is_err() {
            return;
        }
    }
}

/// Takes lines until the output ends, or the program has ended and nothing more comes.
fn follow(
    mut child: Child,
    lines: &Receiver<Vec<u8>>,
    mut take: impl FnMut(&[u8]),
) -> std::io::Result<ExitStatus> {
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let patience = match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) => {
                take(&line);
                WAIT_FOR_END
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => WAIT_FOR_REST,
        };
        match ended {
            Some((status, since)) if since.elapsed() > patience => return Ok(status),
            Some(_) => {}
            None => ended = child.try_wait()?.map(|status| (status, Instant::now())),
        }
    }
    match ended {
        Some((status, _)) => Ok(status),
        None => child.wait(),
    }
}

/// `line` without the escape sequences that colour it (ECMA-48, section 5.4: CSI, parameters, a final byte).
fn without_escapes(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            clean.push(c);
        } else if rest.next() == Some('[') {
            for c in rest.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    break;
                }
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Environment;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(Instant, String)>>);

    impl Reporter for Heard {
        fn report(&self, event: Event<'_>) {
            if let Event::Output(line) = event {
                let line = String::from_utf8_lossy(line).into_owned();
                self.0.lock().unwrap().push((Instant::now(), line));
            }
        }
    }

    impl Heard {
        fn lines(self) -> Vec<String> {
            let lines = self.0.into_inner().unwrap();
            lines.into_iter().map(|(_, line)| line).collect()
        }
    }

    fn shell(script: &str) -> Client {
        let path = Environment::new([("PATH", "/usr/local/bin:/usr/bin:/bin")]);
        Client::new("sh", &path).args(["-c", script])
    }

    #[test]
    fn both_streams_come_in_order() {
        let heard = Heard::default();
        let script = "echo one; echo two >&2; printf 'three\\r\\n'; cat; printf four; exit 3";
        let streamed = shell(script).stream(&heard).unwrap();
        assert_eq!(streamed.status.code(), Some(3));
        assert_eq!(heard.lines(), ["one", "two", "three", "four"]);
        let kept: Vec<&str> = streamed.transcript.lines().collect();
        assert_eq!(kept, ["one", "two", "three", "four"]);
    }

    #[test]
    fn lines_come_while_the_program_runs() {
        let heard = Heard::default();
        shell("echo one; sleep 0.5; echo two")
            .stream(&heard)
            .unwrap();
        let heard = heard.0.into_inner().unwrap();
        assert!(heard[1].0 - heard[0].0 > Duration::from_millis(300));
    }

    #[test]
    fn what_goes_on_in_the_background_does_not_hold_the_build() {
        let before = Instant::now();
        let heard = Heard::default();
        let streamed = shell("sleep 30 & echo started").stream(&heard).unwrap();
        assert!(streamed.status.success());
        assert_eq!(heard.lines(), ["started"]);
        assert!(before.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn memory_is_bounded() {
        let heard = Heard::default();
        let script = "i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done; head -c 200000 /dev/zero | tr '\\0' x";
        let streamed = shell(script).stream(&heard).unwrap();
        let kept: Vec<&str> = streamed.transcript.lines().collect();
        assert_eq!(kept.len(), KEPT_LINES);
        assert_eq!(kept[KEPT_LINES - 1].len(), 200_000 % MAX_LINE_BYTES);
        assert!(kept.iter().all(|line| line.len() <= MAX_LINE_BYTES));
        assert_eq!(heard.lines().len(), 1004);
    }

    #[test]
    fn kept_lines_have_no_colours() {
        let transcript: Transcript = ["\u{1b}[31merror\u{1b}[0m no such file"]
            .into_iter()
            .collect();
        assert_eq!(transcript.lines().next(), Some("error no such file"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Client::new("no-such-program", &Environment::default())
            .stream(&Heard::default())
            .unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` is not installed");
    }
}
