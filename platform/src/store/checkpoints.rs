//! Brings what is in SQLite's log into the database, beside the thread that writes.
//!
//! A commit only adds pages to the log. SQLite by itself moves them into the database within the commit that makes them a
//! thousand, and everyone whose request is in it waits. That is long where a ledger is large: hardly two releases change the
//! same page then, so that a thousand of them are a hundred releases.
//!
//! So a thread of its own moves them meanwhile. The log starts over only when nothing is left to move, which under load is
//! never the case for that thread; so when the log has become long, the thread that writes moves the rest, which is no more
//! than what came while the other one was last at it.

use super::StoreError;
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pages that are worth the trouble: as many as SQLite's own default.
const ENOUGH: c_int = 1000;
/// Pages of a log that is long: 32 MB, which a start after a kill reads in a moment.
const LONG: c_int = 8192;

thread_local! {
    /// Pages in the log after the newest commit of this thread, which has one connection.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// The thread that moves pages, and what the one that writes knows of it.
#[derive(Debug)]
pub(super) struct Checkpoints {
    /// Takes something only while the thread waits. Taken away to end it.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages in the log when the thread was last woken.
    known: c_int,
}

impl Checkpoints {
    /// Starts the thread with a connection of its own.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (wake, woken) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || {
                while woken.recv().is_ok() {
                    checkpoint(&connection);
                }
            })?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
            known: 0,
        })
    }

    /// To be called on the connection that writes, before it does. It leaves its log alone from now on.
    pub(super) fn attend(connection: &Connection) {
        let count = |_: &Wal, pages| {
            PAGES.set(pages);
            Ok(())
        };
        // This takes the place of SQLite's own, which is such a hook.
        connection.wal_hook(Some(count));
    }

    /// To be called after each commit, by the thread that writes, when everyone has their answers.
    pub(super) fn committed(&mut self, connection: &Connection) {
        let pages = PAGES.get();
        if pages < self.known {
            // The log has started over.
            self.known = 0;
        }
        if pages - self.known >= ENOUGH
            && let Some(wake) = &self.wake
            && wake.try_send(()).is_ok()
        {
            self.known = pages;
        } else if pages >= LONG {
            checkpoint(connection);
        }
    }
}

impl Drop for Checkpoints {
    /// Ends the thread, and with it its connection.
    fn drop(&mut self) {
        self.wake.take();
        if let Some(thread) = self.thread.take() {
            // A panic has been printed.
            drop(thread.join());
        }
    }
}

/// Moves what can be moved without keeping anyone waiting. Nothing happens while another connection does.
fn checkpoint(connection: &Connection) {
    // What fails here is tried again after the next commits, and loses nothing: the log has all of it. A disk that is full
    // or broken is what those commits say.
    let moved = connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
    drop(moved);
}
