//! Connections that read, off the threads that serve requests.

use super::StoreError;
use super::folder::Folder;
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// A few connections that read, each for one request at a time.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    /// As many permits as there are connections.
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens one connection for each core, at least two: what is read is mostly in memory.
    pub(super) fn open(folder: &Folder) -> Result<Self, StoreError> {
        let count = std::thread::available_parallelism().map_or(2, usize::from);
        let count = count.clamp(2, 16);
        let idle = (0..count)
            .map(|_| folder.reader())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            permits: Arc::new(Semaphore::new(count)),
        })
    }

    /// Runs `work` on one state of the database, on the thread of the caller. See [`super::Store::read_here`].
    pub(super) async fn run_here<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| StoreError::Closed)?;
        let connection = Borrowed::take(&self.idle).ok_or(StoreError::Closed)?;
        connection.read(work)
    }

    /// Runs `work` on one state of the database, on a thread that may wait for the disk.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let connection = Borrowed::take(&idle).ok_or(StoreError::Closed)?;
            let result = connection.read(work);
            // The connection is back before another may come for it.
            drop(connection);
            drop(permit);
            result
        });
        read.await.map_err(|error| {
            if error.is_panic() {
                StoreError::Panicked
            } else {
                StoreError::Closed
            }
        })?
    }
}

/// A connection that goes back when dropped, after a panic, too.
struct Borrowed<'a> {
    connection: Option<Connection>,
    idle: &'a Mutex<Vec<Connection>>,
}

impl<'a> Borrowed<'a> {
    fn take(idle: &'a Mutex<Vec<Connection>>) -> Option<Self> {
        let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Self {
            connection: Some(connection),
            idle,
        })
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.as_ref().ok_or(StoreError::Closed)?;
        // One transaction, so that all that `work` reads is of one moment.
        let _moment = Moment::begin(connection)?;
        work(connection)
    }
}

/// A transaction that reads, until it is dropped. rusqlite's own compiles its statements each time.
struct Moment<'a>(&'a Connection);

impl<'a> Moment<'a> {
    fn begin(connection: &'a Connection) -> Result<Self, StoreError> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // There is nothing to undo. Where it cannot be ended, the next one does not begin, and says so.
        let ended = self.0.prepare_cached("ROLLBACK");
        drop(ended.and_then(|mut statement| statement.execute([])));
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(connection);
        }
    }
}
