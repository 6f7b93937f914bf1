//! Clients that ask all at once, and how long each waits.
//!
//! *Closed*: each connection asks again when it has its answer. That finds how many requests a second there can be, and
//! hides how long they take: while the server stands still, nobody asks.
//!
//! *Open*: requests fall due at a fixed rate, whatever became of those before. Each is timed from when it was due, and not
//! from when a connection was free to send it, so that a server that stands still is seen by all who would have come
//! meanwhile ("coordinated omission").

use super::client::Connection;
use super::ledger::Ledger;
use super::random::Random;
use super::requests::{Created, Kind, Planned, get, parse, wrong};
use super::server::Server;
use crate::error::BenchError;
use crate::runner::Runner;
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The longest wait that is told apart, in microseconds: one minute.
const LONGEST: u64 = 60_000_000;

/// Significant decimal digits of what is measured.
const DIGITS: u8 = 3;

/// How long a load may go on after its end until all its answers are there.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whom a load is put on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) runner: &'a Runner,
    pub(super) server: &'a Server,
    pub(super) ledger: &'a Ledger,
}

/// How it is put.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// Each connection waits for its answer.
    Closed,
    /// So many requests fall due in a second.
    Open(f64),
}

/// A load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    pub(super) kind: Kind,
    pub(super) connections: usize,
    pub(super) pace: Pace,
    pub(super) length: Duration,
}

/// What it found.
#[derive(Debug)]
pub(super) struct Sample {
    /// Answers a second.
    pub(super) rate: f64,
    /// Microseconds.
    waits: Histogram<u64>,
    /// Processor time of the server for each request, in seconds.
    pub(super) cpu: f64,
}

impl Sample {
    /// The wait in seconds that this part of all requests did not exceed.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        seconds(self.waits.value_at_quantile(part))
    }

    /// The longest wait, in seconds.
    pub(super) fn longest(&self) -> f64 {
        seconds(self.waits.max())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a minute, and counts of requests"
)]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

/// What the clients of a load share. All of them are on one thread.
struct Shared {
    waits: RefCell<Histogram<u64>>,
    created: RefCell<Vec<Created>>,
}

impl Load {
    /// Puts the load on `target` and sees that every answer is right. `seed` decides what is asked for.
    pub(super) async fn run(self, target: Target<'_>, seed: u64) -> Result<Sample, BenchError> {
        let shared = Shared {
            waits: RefCell::new(histogram()?),
            created: RefCell::default(),
        };
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            connections.push(Connection::open(target.server.address).await?);
        }
        let cpu = target.server.cpu()?;
        let started = Instant::now();
        let due = Rc::new(match self.pace {
            Pace::Closed => None,
            Pace::Open(rate) => Some(Mutex::new(schedule(started, rate, self.length)?)),
        });
        let clients = connections
            .into_iter()
            .zip(1..)
            .map(|(connection, number)| {
                let client = Client {
                    target,
                    load: self,
                    shared: &shared,
                    connection,
                    random: Random::new(seed.wrapping_mul(1_000_003) ^ number),
                };
                client.run(started, Rc::clone(&due))
            });
        let all = futures_util::future::try_join_all(clients);
        tokio::time::timeout(self.length + PATIENCE, all)
            .await
            .map_err(|_| wrong(self.kind.key(), "the server did not answer in a minute"))??;
        let elapsed = started.elapsed().as_secs_f64();
        let cpu = target.server.cpu()?.saturating_sub(cpu);
        let waits = shared.waits.into_inner();
        let count = seconds(waits.len()) * 1e6;
        if waits.is_empty() {
            return Err(wrong(self.kind.key(), "nothing was answered"));
        }
        nothing_twice(target, shared.created.into_inner()).await?;
        Ok(Sample {
            rate: count / elapsed,
            waits,
            cpu: cpu.as_secs_f64() / count,
        })
    }
}

fn histogram() -> Result<Histogram<u64>, BenchError> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS)
        .map_err(|error| std::io::Error::other(error.to_string()).into())
}

/// The times at which requests fall due. From a thread of its own: timers of the runtime wake a millisecond late.
fn schedule(
    started: Instant,
    rate: f64,
    length: Duration,
) -> Result<UnboundedReceiver<Instant>, BenchError> {
    let (sender, receiver) = unbounded_channel();
    let interval = Duration::from_secs_f64(1.0 / rate);
    std::thread::Builder::new()
        .name("schedule".into())
        .spawn(move || {
            let mut due = started;
            while due < started + length {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if sender.send(due).is_err() {
                    break;
                }
                due += interval;
            }
        })?;
    Ok(receiver)
}

struct Client<'a> {
    target: Target<'a>,
    load: Load,
    shared: &'a Shared,
    connection: Connection,
    random: Random,
}

impl Client<'_> {
    async fn run(
        mut self,
        started: Instant,
        due: Rc<Option<Mutex<UnboundedReceiver<Instant>>>>,
    ) -> Result<(), BenchError> {
        loop {
            self.target.runner.check()?;
            let begun = match &*due {
                None if started.elapsed() >= self.load.length => return Ok(()),
                None => Instant::now(),
                Some(due) => {
                    let next = due.lock().await.recv().await;
                    let Some(next) = next else { return Ok(()) };
                    next
                }
            };
            self.ask(begun).await?;
        }
    }

    async fn ask(&mut self, begun: Instant) -> Result<(), BenchError> {
        let planned = Planned::draw(self.load.kind, self.target.ledger, &mut self.random)?;
        let (request, check) = planned.split();
        let answer = self.connection.send(request).await?;
        let wait = u64::try_from(begun.elapsed().as_micros()).unwrap_or(LONGEST);
        self.shared.waits.borrow_mut().saturating_record(wait);
        if let Some(created) = check.see(&answer)? {
            self.shared.created.borrow_mut().push(created);
        }
        Ok(())
    }
}

/// Sees that of the releases that were answered, no app has two of one number, and none in between or behind that was not.
async fn nothing_twice(target: Target<'_>, created: Vec<Created>) -> Result<(), BenchError> {
    let mut of_app: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for Created { app, version } in created {
        of_app.entry(app).or_default().push(version);
    }
    // All of them would take longer than the load did.
    let asked: usize = 200;
    let mut connection = Connection::open(target.server.address).await?;
    for (index, (app, mut versions)) in of_app.into_iter().enumerate() {
        versions.sort_unstable();
        let name = &target.ledger.app(app)?.name;
        for pair in versions.windows(2) {
            if let [one, next] = pair
                && one + 1 != *next
            {
                let reason = format!("{name} was answered v{one} and then v{next}");
                return Err(wrong("create", reason));
            }
        }
        if index >= asked {
            continue;
        }
        let path = format!("/apps/{name}/releases");
        let range = "version ..; max=1, order=desc";
        let request = get(&path, target.ledger.token_of(app)?, Some(range))?;
        let newest: Vec<super::requests::Release> =
            parse("create", &connection.send(request).await?)?;
        let newest = newest.first().map(|release| release.version);
        if newest != versions.last().copied() {
            let reason = format!(
                "{name} was answered v{:?} last, and has v{newest:?}",
                versions.last()
            );
            return Err(wrong("create", reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_fall_due_at_their_rate() {
        let started = Instant::now();
        let mut due = schedule(started, 200.0, Duration::from_millis(50)).unwrap();
        let mut all = Vec::new();
        while let Some(next) = due.recv().await {
            assert!(Instant::now() >= next);
            all.push(next);
        }
        let expected: Vec<_> = (0..10)
            .map(|n| started + n * Duration::from_millis(5))
            .collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn waits_are_told_to_three_digits() {
        let mut waits = histogram().unwrap();
        for wait in 1..=1000 {
            waits.saturating_record(wait * 1000);
        }
        waits.saturating_record(2 * LONGEST);
        let sample = Sample {
            rate: 1.0,
            waits,
            cpu: 0.0,
        };
        assert!((sample.quantile(0.5) - 0.5).abs() < 0.002);
        assert!((sample.quantile(0.99) - 0.99).abs() < 0.002);
        assert!((sample.longest() - 60.0).abs() < 0.1);
    }
}
