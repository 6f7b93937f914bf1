//! The data folder, its lock, and connections to the database in it.

use super::StoreError;
use crate::private;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations, SchemaVersion};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database's file in a data folder; SQLite's log (`-wal`) and index of it (`-shm`) stand beside it.
pub const DATABASE: &str = "ledger.sqlite";
/// The file that the running server holds a lock on.
pub(crate) const LOCK: &str = "ledger.lock";

/// `PRAGMA application_id` of our databases: `slug`.
pub(crate) const APPLICATION: i32 = 0x736c_7567;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_ledger.sql")),
    M::up(include_str!("migrations/0002_accounts.sql")),
    M::up(include_str!("migrations/0003_attached.sql")),
    M::up(include_str!("migrations/0004_pipelines.sql")),
    M::up(include_str!("migrations/0005_builds.sql")),
    M::up(include_str!("migrations/0006_git.sql")),
    M::up(include_str!("migrations/0007_clock.sql")),
    M::up(include_str!("migrations/0008_deployments.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The form of database that this program makes: the number of migrations.
pub(crate) const FORM: u64 = STEPS.len() as u64;

/// Kibibytes of the database that a connection keeps in memory. The one that writes is alone in changing them, and keeps
/// what it goes through again and again. To one that reads, each commit makes all that it kept void: it reads from the
/// system's memory anyhow.
const WRITER_CACHE: i32 = 16_384;
const READER_CACHE: i32 = 2_048;

/// A data folder that no other process uses.
#[derive(Debug)]
pub(super) struct Folder {
    database: PathBuf,
    /// Held open: the lock ends with the process, however that ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder, for its user alone, if it is not there, and locks it.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        private::folder(folder)?;
        let lock = lock(folder)?;
        let database = folder.join(DATABASE);
        // Made here, since SQLite would give it the mode of the umask. Its other files get the mode of this one.
        private_file(&database)?;
        Ok(Self {
            database,
            _lock: lock,
        })
    }

    /// The connection that writes, to a database in its newest form.
    pub(super) fn writer(&self) -> Result<Connection, StoreError> {
        self.open_writer().map_err(|error| match error {
            StoreError::Damaged(detail) => {
                StoreError::Damaged(format!("`{}`: {detail}", self.database.display()))
            }
            other => other,
        })
    }

    fn open_writer(&self) -> Result<Connection, StoreError> {
        let mut connection = Connection::open_with_flags(
            &self.database,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        configure(&connection, WRITER_CACHE)?;
        let found = check_kind(&connection, &self.database)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // FULL: a commit is on the disk when it returns. NORMAL would lose the last ones with the power.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        if found < FORM {
            migrate(&mut connection, &self.database)?;
        }
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    }

    /// A connection that moves pages from the log into the database, and writes nothing else. After [`Folder::writer`].
    pub(super) fn checkpointer(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(
            &self.database,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        configure(&connection, READER_CACHE)?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(connection)
    }

    /// A connection that reads only. After [`Folder::writer`], which makes the database.
    pub(super) fn reader(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(
            &self.database,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        configure(&connection, READER_CACHE)?;
        Ok(connection)
    }
}

/// What all connections have.
fn configure(connection: &Connection, cache: i32) -> Result<(), StoreError> {
    connection.busy_timeout(Duration::from_secs(10))?;
    // The files of a damaged or forged database are not to be believed.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -cache)?;
    // Else SQLite plans each statement with a `LIMIT ?` anew whenever it is carried out, which takes longer than a page.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(())
}

/// Sees that the database is empty or one of ours that is not too new, and tells its form.
pub(crate) fn check_kind(connection: &Connection, path: &Path) -> Result<u64, StoreError> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let form = u64::try_from(version).map_err(|_| foreign(path))?;
    let empty = tables == 0 && form == 0 && application == 0;
    if application != APPLICATION && !empty {
        return Err(foreign(path));
    }
    if form > FORM {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: form,
            known: FORM,
        });
    }
    Ok(form)
}

/// Sees that the database is sound in all of its pages, which takes as long as reading them. For an operator's doubts and
/// for backups: at the start of a server it would cost too much.
pub(crate) fn check_sound(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Damaged(verdict));
    }
    let dangling = connection
        .prepare("PRAGMA foreign_key_check")?
        .query_map([], |row| row.get::<_, String>("table"))?
        .next()
        .transpose()?;
    match dangling {
        None => Ok(()),
        Some(table) => Err(StoreError::Damaged(format!(
            "a row of `{table}` refers to one that is not there"
        ))),
    }
}

fn foreign(path: &Path) -> StoreError {
    StoreError::Foreign {
        path: path.to_owned(),
    }
}

/// Brings the database into its newest form, altogether or not at all.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    // Migrations that rebuild a table must not cascade; each checks its references itself (`foreign_key_check`).
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    MIGRATIONS
        .to_latest(connection)
        .map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
            rusqlite_migration::Error::InvalidUserVersion => foreign(path),
            other => StoreError::Damaged(other.to_string()),
        })?;
    match MIGRATIONS.current_version(connection) {
        Ok(SchemaVersion::Inside(_)) => Ok(()),
        _ => Err(StoreError::Damaged(
            "it has no form after its migration".into(),
        )),
    }
}

/// Locks a data folder for as long as the file is open, which the end of the process sees to.
pub(crate) fn lock(folder: &Path) -> Result<File, StoreError> {
    let file = private_file(&folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn private_file(path: &Path) -> Result<File, StoreError> {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    Ok(file.into_parts().0)
}
