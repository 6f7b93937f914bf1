//! Backups: the whole platform in one tar file, made while the server runs, and restored into an empty folder.
//!
//! A backup is of one moment: SQLite copies the ledger in one transaction, and blobs never change once the ledger names
//! them. It is checked when it is made and when it is restored: the ledger by SQLite's own check and its SHA-256, each blob
//! by the size and SHA-256 that the ledger has of it.
//!
//! The file holds config vars and code, and is made for its user alone (0600). It has neither tokens (the ledger knows
//! their hashes only) nor the keys of signed URLs and TLS, which a server makes anew: URLs that were signed before expire.
//!
//! The entries, in this order: `backup.json` (what the backup is of), `ledger.sqlite`, and for each uploaded slug, sorted,
//! `blobs/<its identifier>`.

mod error;
mod make;
mod restore;
#[cfg(test)]
mod tests;

pub use error::BackupError;

use crate::blobs::BlobStore;
use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tokio::runtime::Handle;
use uuid::Uuid;

/// The folder of blobs in a data folder that has them.
pub const BLOBS: &str = "blobs";

/// The form of backups that this program makes, and the only one it reads.
const FORMAT: u32 = 1;
const MANIFEST: &str = "backup.json";
const LEDGER: &str = crate::store::DATABASE;

/// `backup.json`: what the rest is checked against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// [`FORMAT`].
    format: u32,
    /// When it was made.
    created_at: Timestamp,
    /// Size of the ledger in bytes.
    ledger_size: u64,
    /// SHA-256 of the ledger.
    ledger_sha256: String,
}

/// What a backup has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// When it was made.
    pub created_at: Timestamp,
    /// How many apps.
    pub apps: u64,
    /// How many releases.
    pub releases: u64,
    /// How many blobs.
    pub blobs: u64,
    /// Bytes of the blobs together.
    pub bytes: u64,
}

/// Writes a backup of the data folder `folder`, whose blobs are in `blobs`, to the file `to`, which must not be there yet.
/// A server may run on the folder, and goes on meanwhile.
///
/// The file gets its name when all of it is on the disk.
///
/// # Errors
/// The ledger is not there, damaged or of a newer slugbuilder; a blob is missing or differs from what the ledger says of
/// it; reading or writing fails.
pub async fn backup(folder: &Path, blobs: &BlobStore, to: &Path) -> Result<Contents, BackupError> {
    let (folder, blobs, to) = (folder.to_owned(), blobs.clone(), to.to_owned());
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || make::make(&folder, &blobs, &to, &handle))
        .await
        .map_err(|_| BackupError::Interrupted)?
}

/// Restores the backup `from` into `folder`, which must be empty or not there. Its blobs go to the folder [`BLOBS`] in it,
/// or to `blobs` if that is given.
///
/// It is made within the folder, and gets its names when all of it is checked and on the disk, the ledger last. What fails
/// leaves the folder as it was; blobs that went to `blobs` before stay there, and are replaced when they are restored again.
///
/// # Errors
/// The file is no backup or not one that can be trusted to be whole; reading or writing fails.
pub async fn restore(
    from: &Path,
    folder: &Path,
    blobs: Option<&BlobStore>,
) -> Result<Contents, BackupError> {
    let (from, folder, blobs) = (from.to_owned(), folder.to_owned(), blobs.cloned());
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || restore::restore(&from, &folder, blobs.as_ref(), &handle))
        .await
        .map_err(|_| BackupError::Interrupted)?
}

/// A blob as the ledger names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedBlob {
    /// The slug whose bytes it has.
    id: Uuid,
    size: u64,
    sha256: String,
}

impl NamedBlob {
    /// Its entry in a backup.
    fn entry(&self) -> String {
        format!("{BLOBS}/{}", self.id)
    }
}

/// The blobs of a ledger, sorted.
fn named_blobs(ledger: &Connection) -> rusqlite::Result<Vec<NamedBlob>> {
    ledger
        .prepare("SELECT id, size, sha256 FROM slug WHERE uploaded_at IS NOT NULL ORDER BY id")?
        .query_map([], |row| {
            let size: i64 = row.get("size")?;
            let sha256: [u8; 32] = row.get("sha256")?;
            Ok(NamedBlob {
                id: row.get("id")?,
                size: size.cast_unsigned(),
                sha256: hex::encode(sha256),
            })
        })?
        .collect()
}

/// What the ledger and its blobs are together.
fn contents(
    ledger: &Connection,
    manifest: &Manifest,
    blobs: &[NamedBlob],
) -> rusqlite::Result<Contents> {
    let count = |sql: &str| ledger.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok(Contents {
        created_at: manifest.created_at,
        apps: count("SELECT count(*) FROM app")?.cast_unsigned(),
        releases: count("SELECT count(*) FROM release")?.cast_unsigned(),
        blobs: blobs.len() as u64,
        bytes: blobs.iter().map(|blob| blob.size).sum(),
    })
}
