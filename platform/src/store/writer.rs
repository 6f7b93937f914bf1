//! The one thread that writes, many requests in one transaction.
//!
//! A commit waits for the disk. While it does, requests queue up; the thread then carries them all out in one
//! transaction, each in a savepoint of its own, so that one that fails takes nothing of the others with it, and answers
//! them when the disk has them all. So a disk with 200 flushes a second does thousands of releases a second, and still no
//! answer is given before what it says is durable.

use super::checkpoints::Checkpoints;
use super::{StoreError, values::Time};
use jiff::Timestamp;
use rusqlite::Connection;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// How many requests wait at most; further ones wait before they get in.
const QUEUE: usize = 4096;
/// How many requests one transaction carries out at most, so that the first ones do not wait for all that come.
const BATCH: usize = 512;

/// A connection within a transaction, and the clock.
pub(super) struct Write<'a> {
    connection: &'a Connection,
    clock: &'a Cell<Timestamp>,
    /// Set where a request that failed could not be undone alone: nothing of the transaction may stay.
    spoiled: Cell<bool>,
}

/// Carries out a request, or is told that there can be no transaction; returns what answers it after the commit.
type Job = Box<dyn FnOnce(Result<&Write<'_>, &str>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// The queue of the thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    /// Taken away to end the thread.
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        connection: Connection,
        mut checkpoints: Checkpoints,
    ) -> Result<Self, StoreError> {
        let clock = Cell::new(newest_time(&connection)?);
        let (queue, mut jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || {
                Checkpoints::attend(&connection);
                while let Some(first) = jobs.blocking_recv() {
                    run_batch(&connection, &clock, first, &mut jobs);
                    checkpoints.committed(&connection);
                }
                // The connection that is left at the end folds the log into the database: the one that writes.
                drop(checkpoints);
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Carries out `work` in a transaction, and answers when it is on the disk. `work` that fails leaves nothing behind.
    ///
    /// Once queued, it is carried out even if nobody waits for the answer any longer.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |write| {
            let result = match write {
                Ok(write) => write.in_savepoint(work),
                Err(reason) => Err(StoreError::NotWritten(reason.to_owned())),
            };
            Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(reason) => Err(StoreError::NotWritten(reason.to_owned())),
                };
                // Whoever no longer waits needs no answer.
                drop(answer.send(result));
            })
        });
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    /// Waits until everything that is queued is written.
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // The thread catches the panics of requests; one of its own has been printed.
            drop(thread.join());
        }
    }
}

impl<'a> Write<'a> {
    /// The connection, within the transaction.
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// The time, later than any that was ever told: no two records have the same.
    pub(super) fn now(&self) -> Time {
        let next = self
            .clock
            .get()
            .as_microsecond()
            .saturating_add(1)
            .max(Timestamp::now().as_microsecond());
        // Beyond the year 9999 it stands still.
        let now = Timestamp::from_microsecond(next).unwrap_or(Timestamp::MAX);
        self.clock.set(now);
        Time(now)
    }

    /// Writes down the newest time, if there was one after `told`.
    fn keep_time(&self, told: Timestamp) -> Result<(), StoreError> {
        let now = self.clock.get();
        if now > told {
            self.connection
                .prepare_cached("UPDATE clock SET newest = ?1")?
                .execute([Time(now)])?;
        }
        Ok(())
    }

    /// Carries out `work`, which leaves nothing behind if it fails. Within a request, too: then what the request did before
    /// stays.
    pub(super) fn in_savepoint<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.execute("SAVEPOINT request")?;
        let result =
            catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or(Err(StoreError::Panicked));
        let result = result.and_then(|answer| {
            self.execute("RELEASE request")?;
            Ok(answer)
        });
        if result.is_err() {
            self.undo();
        }
        result
    }

    /// Takes back what the request did; all requests of the transaction if it alone cannot be.
    fn undo(&self) {
        // SQLite itself has rolled back the whole transaction after some errors, a full disk for one.
        if self.connection.is_autocommit() {
            return;
        }
        let undone = self
            .execute("ROLLBACK TO request")
            .and_then(|()| self.execute("RELEASE request"));
        if undone.is_err() {
            self.spoiled.set(true);
        }
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// Carries out `first` and whatever else waits in one transaction.
fn run_batch(
    connection: &Connection,
    clock: &Cell<Timestamp>,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
) {
    let write = Write {
        connection,
        clock,
        spoiled: Cell::new(false),
    };
    let told = clock.get();
    if let Err(error) = write.execute("BEGIN IMMEDIATE") {
        let reason = error_text(&error);
        first(Err(&reason))(Err(&reason));
        return;
    }
    let mut answers = vec![first(Ok(&write))];
    while answers.len() < BATCH
        && !connection.is_autocommit()
        && !write.spoiled.get()
        && let Ok(job) = jobs.try_recv()
    {
        answers.push(job(Ok(&write)));
    }
    let committed = if connection.is_autocommit() {
        Err("SQLite gave up the transaction".to_owned())
    } else if write.spoiled.get() {
        Err("another request failed and could not be undone alone".to_owned())
    } else {
        write
            .keep_time(told)
            .and_then(|()| write.execute("COMMIT"))
            .map_err(|error| error_text(&error))
    };
    if committed.is_err() && !connection.is_autocommit() {
        // What fails here has ended the transaction.
        drop(write.execute("ROLLBACK"));
    }
    for answer in answers {
        answer(committed.as_ref().copied().map_err(String::as_str));
    }
}

/// The error with its cause: answers carry it as text, since each of a batch gets it.
fn error_text(error: &StoreError) -> String {
    match error {
        StoreError::Sql(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// The newest time that was told before: the clock of the machine may have gone back since.
fn newest_time(connection: &Connection) -> Result<Timestamp, StoreError> {
    let Time(newest) = connection.query_row("SELECT newest FROM clock", [], |row| row.get(0))?;
    Ok(newest)
}
