//! Making a backup.

use super::{
    BackupError, Contents, FORMAT, LEDGER, MANIFEST, Manifest, NamedBlob, contents, named_blobs,
};
use crate::blobs::{BlobError, BlobStore, BlobStream};
use crate::store::{self, StoreError};
use bytes::{Buf as _, Bytes};
use fs_err as fs;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use sha2::{Digest as _, Sha256};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::runtime::Handle;

/// How often it is begun anew because an app was deleted, with its blobs, while it was made.
const TRIES: usize = 5;

pub(super) fn make(
    folder: &Path,
    blobs: &BlobStore,
    to: &Path,
    handle: &Handle,
) -> Result<Contents, BackupError> {
    // Looked at first, since a backup may take long; seen to again when it gets its name.
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists {
            path: to.to_owned(),
        });
    }
    let live = open(folder)?;
    for _ in 1..TRIES {
        match once(&live, folder, blobs, to, handle) {
            Err(BackupError::BlobMissing { id }) if !is_named(&live, id)? => {}
            done => return done,
        }
    }
    once(&live, folder, blobs, to, handle)
}

fn once(
    live: &Connection,
    folder: &Path,
    blobs: &BlobStore,
    to: &Path,
    handle: &Handle,
) -> Result<Contents, BackupError> {
    let parent = parent(to);
    let copy = copy(live, &parent)?;
    let (ledger_size, ledger_sha256) = hashed(copy.path())?;
    let manifest = Manifest {
        format: FORMAT,
        created_at: Timestamp::now(),
        ledger_size,
        ledger_sha256,
    };
    let ledger = Connection::open_with_flags(copy.path(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    store::check_sound(&ledger).map_err(|error| match error {
        StoreError::Damaged(reason) => BackupError::Ledger(StoreError::Damaged(format!(
            "`{}`: {reason}",
            folder.join(LEDGER).display()
        ))),
        other => BackupError::Ledger(other),
    })?;
    let named = named_blobs(&ledger)?;

    // Temporary files are for their user alone.
    let file = NamedTempFile::new_in(&parent)?;
    let mut archive = tar::Builder::new(BufWriter::with_capacity(1 << 20, file));
    let about = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from)?;
    append(
        &mut archive,
        MANIFEST,
        about.len() as u64,
        &manifest,
        &*about,
    )?;
    let bytes = fs::File::open(copy.path())?;
    append(&mut archive, LEDGER, ledger_size, &manifest, bytes)?;
    for blob in &named {
        append_blob(&mut archive, blob, &manifest, blobs, handle)?;
    }
    let file = archive
        .into_inner()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(to)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists {
                path: to.to_owned(),
            },
            _ => BackupError::Io(error.error),
        })?;
    fs::File::open(&parent)?.sync_all()?;
    Ok(contents(&ledger, &manifest, &named)?)
}

/// The ledger of a data folder, which a server may be using.
fn open(folder: &Path) -> Result<Connection, BackupError> {
    let path = folder.join(LEDGER);
    if !path.is_file() {
        return Err(BackupError::NoLedger {
            folder: folder.to_owned(),
        });
    }
    // To read a log that a killed server left, SQLite has to write.
    let connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(30))?;
    store::check_kind(&connection, &path).map_err(BackupError::Ledger)?;
    Ok(connection)
}

/// A copy of the ledger as it is at one moment.
fn copy(live: &Connection, folder: &Path) -> Result<NamedTempFile, BackupError> {
    let copy = NamedTempFile::new_in(folder)?;
    let path = copy.path().to_str().ok_or_else(|| {
        let text = format!("`{}` is not UTF-8", copy.path().display());
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })?;
    // SQLite takes an empty file for one that is not there.
    live.execute("VACUUM INTO ?1", [path])?;
    Ok(copy)
}

/// Whether the ledger still names the blob.
fn is_named(live: &Connection, id: uuid::Uuid) -> Result<bool, BackupError> {
    let found: Option<i64> = live
        .query_row("SELECT 1 FROM slug WHERE id = ?1", [id], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

fn hashed(path: &Path) -> Result<(u64, String), BackupError> {
    let mut file = fs::File::open(path)?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0; 256 << 10];
    loop {
        let length = file.read(&mut piece)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else {
            return Ok((size, hex::encode(hasher.finalize())));
        };
        hasher.update(read);
        size += length as u64;
    }
}

fn append(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    size: u64,
    manifest: &Manifest,
    bytes: impl Read,
) -> Result<(), BackupError> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o600);
    header.set_size(size);
    header.set_mtime(u64::try_from(manifest.created_at.as_second()).unwrap_or_default());
    archive.append_data(&mut header, name, bytes)?;
    Ok(())
}

fn append_blob(
    archive: &mut tar::Builder<impl Write>,
    blob: &NamedBlob,
    manifest: &Manifest,
    blobs: &BlobStore,
    handle: &Handle,
) -> Result<(), BackupError> {
    let differs = || BackupError::BlobDiffers { id: blob.id };
    match handle.block_on(blobs.size(blob.id))? {
        None => return Err(BackupError::BlobMissing { id: blob.id }),
        Some(size) if size != blob.size => return Err(differs()),
        Some(_) => {}
    }
    let stream = handle
        .block_on(blobs.read(blob.id, 0..blob.size))?
        .ok_or(BackupError::BlobMissing { id: blob.id })?;
    let mut bytes = BlobBytes {
        stream,
        piece: Bytes::new(),
        hasher: Sha256::new(),
        error: None,
        size: 0,
        handle,
    };
    let appended = append(archive, &blob.entry(), blob.size, manifest, &mut bytes);
    if let Some(error) = bytes.error {
        return Err(error.into());
    }
    appended?;
    if bytes.size != blob.size || hex::encode(bytes.hasher.finalize()) != blob.sha256 {
        return Err(differs());
    }
    Ok(())
}

/// The bytes of a blob for those who wait for them.
struct BlobBytes<'a> {
    stream: BlobStream,
    piece: Bytes,
    hasher: Sha256,
    size: u64,
    /// What ended them early.
    error: Option<BlobError>,
    handle: &'a Handle,
}

impl Read for BlobBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.handle.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    let text = error.to_string();
                    self.error = Some(error);
                    return Err(io::Error::other(text));
                }
            }
        }
        let length = buffer.len().min(self.piece.len());
        let Some(part) = buffer.get_mut(..length) else {
            return Ok(0);
        };
        self.piece.copy_to_slice(part);
        self.hasher.update(&*part);
        self.size += length as u64;
        Ok(length)
    }
}

/// The folder that a file is in.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
