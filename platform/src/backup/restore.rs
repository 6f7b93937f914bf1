//! Restoring a backup.

use super::{
    BLOBS, BackupError, Contents, FORMAT, LEDGER, MANIFEST, Manifest, NamedBlob, contents,
    named_blobs,
};
use crate::blobs::BlobStore;
use crate::private;
use crate::store::{self, LOCK, StoreError};
use bytes::Bytes;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tar::{Entry, EntryType};
use tokio::runtime::Handle;

/// More than `backup.json` ever has, in bytes.
const MAXIMUM_MANIFEST: u64 = 64 << 10;
/// Bytes that are handed on at once.
const PIECE: usize = 256 << 10;

pub(super) fn restore(
    from: &Path,
    folder: &Path,
    blobs: Option<&BlobStore>,
    handle: &Handle,
) -> Result<Contents, BackupError> {
    // From now on no server uses it. Dropped, it takes back what it did.
    let mut place = Place::take(folder)?;
    // In the folder itself, which may be the root of a file system of its own.
    let unfinished = tempfile::Builder::new()
        .prefix(".restoring-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&place.folder)?;

    let file = fs::File::open(from)?;
    let mut archive = tar::Archive::new(file);
    let backup = Backup { path: from, handle };
    let mut entries = archive.entries().map_err(|error| backup.not_whole(error))?;

    let manifest = backup.manifest(backup.next(&mut entries, MANIFEST)?)?;
    let ledger = unfinished.path().join(LEDGER);
    backup.ledger(backup.next(&mut entries, LEDGER)?, &manifest, &ledger)?;
    let connection = backup.check_ledger(&ledger)?;
    let named = named_blobs(&connection)?;
    let own;
    let blobs = if let Some(blobs) = blobs {
        blobs
    } else {
        own = BlobStore::folder(&unfinished.path().join(BLOBS))?;
        &own
    };
    for blob in &named {
        backup.blob(backup.next(&mut entries, &blob.entry())?, blob, blobs)?;
    }
    if let Some(entry) = entries.next() {
        let name = entry
            .and_then(|entry| Ok(entry.path()?.display().to_string()))
            .map_err(|error| backup.not_whole(error))?;
        return Err(backup.not_whole(format!("nothing in it names its entry `{name}`")));
    }
    let contents = contents(&connection, &manifest, &named)?;
    drop(connection);

    place.put(unfinished.path())?;
    unfinished.close()?;
    place.keep()?;
    Ok(contents)
}

/// The folder that is restored into, locked as the one of a server. Unless it is kept, it is left as it was.
struct Place {
    folder: PathBuf,
    /// The folders that were made for it, the outermost first.
    made: Vec<PathBuf>,
    /// What was put into it.
    put: Vec<PathBuf>,
    lock: Option<File>,
}

impl Place {
    fn take(folder: &Path) -> Result<Self, BackupError> {
        // Before anything is made: nothing is to be left in a folder that has something.
        see_that_it_is_empty(folder)?;
        let mut place = Self {
            folder: folder.to_owned(),
            made: private::folder(folder)?,
            put: Vec::new(),
            lock: None,
        };
        place.lock = Some(store::lock(folder).map_err(BackupError::Ledger)?);
        see_that_it_is_empty(folder)?;
        Ok(place)
    }

    /// Moves everything in `from` to the folder. The ledger comes last: a folder without one has no platform.
    fn put(&mut self, from: &Path) -> io::Result<()> {
        let mut names = fs::read_dir(from)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort_by_key(|name| name == LEDGER);
        for name in names {
            let to = self.folder.join(&name);
            if name == LEDGER {
                // What it names is there before it is.
                private::sync_folder(&self.folder)?;
            }
            fs::rename(from.join(&name), &to)?;
            self.put.push(to);
        }
        Ok(())
    }

    fn keep(mut self) -> io::Result<()> {
        private::sync_folder(&self.folder)?;
        self.put.clear();
        self.made.clear();
        self.lock = None;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed stays: the error that led here is the one to tell.
        for put in self.put.drain(..).rev() {
            drop(fs::remove_file(&put).or_else(|_| fs::remove_dir_all(&put)));
        }
        if let Some(lock) = self.lock.take() {
            drop(fs::remove_file(self.folder.join(LOCK)));
            drop(lock);
        }
        for made in self.made.drain(..).rev() {
            drop(fs::remove_dir(made));
        }
    }
}

/// A new file system has a folder `lost+found`, and the lock is ours.
fn see_that_it_is_empty(folder: &Path) -> Result<(), BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let name = entry?.file_name();
        if name != LOCK && name != "lost+found" {
            return Err(BackupError::Exists {
                path: folder.to_owned(),
            });
        }
    }
    Ok(())
}

/// The part of `backup.json` that every form of it has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// A backup that is being read.
struct Backup<'a> {
    path: &'a Path,
    handle: &'a Handle,
}

impl Backup<'_> {
    fn not_whole(&self, reason: impl fmt::Display) -> BackupError {
        BackupError::NotWhole {
            path: PathBuf::from(self.path),
            reason: reason.to_string(),
        }
    }

    /// The next entry, which has to be the regular file of that name.
    fn next<'a>(
        &self,
        entries: &mut tar::Entries<'a, fs::File>,
        name: &str,
    ) -> Result<Entry<'a, fs::File>, BackupError> {
        let entry = entries
            .next()
            .ok_or_else(|| self.not_whole(format!("its entry `{name}` is missing")))?
            .map_err(|error| self.not_whole(error))?;
        let found = entry.path_bytes();
        if *found != *name.as_bytes() || entry.header().entry_type() != EntryType::Regular {
            let found = String::from_utf8_lossy(&found).escape_debug().to_string();
            return Err(self.not_whole(format!(
                "it has the entry `{found}` in place of the file `{name}`"
            )));
        }
        drop(found);
        Ok(entry)
    }

    fn manifest(&self, mut entry: Entry<'_, impl Read>) -> Result<Manifest, BackupError> {
        if entry.size() > MAXIMUM_MANIFEST {
            return Err(self.not_whole(format!("its `{MANIFEST}` is too large")));
        }
        let mut text = Vec::new();
        entry
            .read_to_end(&mut text)
            .map_err(|error| self.not_whole(error))?;
        let format: Format =
            serde_json::from_slice(&text).map_err(|error| self.not_whole(error))?;
        if format.format != FORMAT {
            return Err(self.not_whole(format!(
                "it has the form {}, and this slugbuilder reads the form {FORMAT}",
                format.format
            )));
        }
        serde_json::from_slice(&text).map_err(|error| self.not_whole(error))
    }

    fn ledger(
        &self,
        entry: Entry<'_, impl Read>,
        manifest: &Manifest,
        to: &Path,
    ) -> Result<(), BackupError> {
        if entry.size() != manifest.ledger_size {
            return Err(self.not_whole("its ledger has another size than it had"));
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?;
        let mut hasher = Sha256::new();
        self.pieces(entry, |piece| {
            hasher.update(&piece);
            Ok(file.write_all(&piece)?)
        })?;
        if hex::encode(hasher.finalize()) != manifest.ledger_sha256 {
            return Err(self.not_whole("its ledger has other bytes than it had"));
        }
        Ok(file.sync_all()?)
    }

    fn check_ledger(&self, path: &Path) -> Result<Connection, BackupError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let checked = connection
            .pragma_update(None, "trusted_schema", false)
            .map_err(StoreError::from)
            .and_then(|()| store::check_kind(&connection, self.path))
            .and_then(|_| store::check_sound(&connection));
        match checked {
            Ok(()) => Ok(connection),
            Err(StoreError::Damaged(reason)) => Err(self.not_whole(reason)),
            Err(other) => Err(BackupError::Ledger(other)),
        }
    }

    fn blob(
        &self,
        entry: Entry<'_, impl Read>,
        blob: &NamedBlob,
        blobs: &BlobStore,
    ) -> Result<(), BackupError> {
        let differs = || {
            let entry = blob.entry();
            self.not_whole(format!("its `{entry}` has other bytes than it had"))
        };
        if entry.size() != blob.size {
            return Err(differs());
        }
        let mut upload = Some(self.handle.block_on(blobs.begin(blob.id))?);
        self.pieces(entry, |piece| {
            if let Some(going_on) = upload.take() {
                upload = Some(self.handle.block_on(going_on.write(piece))?);
            }
            Ok(())
        })?;
        let upload = upload.ok_or(BackupError::Interrupted)?;
        let (received, staged) = self.handle.block_on(upload.finish())?;
        if received.size != blob.size || received.sha256 != blob.sha256 {
            return Err(differs());
        }
        Ok(self.handle.block_on(staged.put_in_place())?)
    }

    /// Hands on the bytes of an entry, piece by piece.
    fn pieces(
        &self,
        mut entry: Entry<'_, impl Read>,
        mut take: impl FnMut(Bytes) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        loop {
            let mut piece = vec![0; PIECE];
            let length = match entry.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) => return Err(self.not_whole(error)),
            };
            piece.truncate(length);
            take(Bytes::from(piece))?;
        }
    }
}
