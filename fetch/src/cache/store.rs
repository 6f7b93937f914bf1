//! The folders of a cache and the rules for touching them.
//!
//! ```text
//! <root>/.gitignore, CACHEDIR.TAG
//! <root>/archives-v1/sha256/<hex>   the content; its modification time says when it was last used
//! <root>/archives-v1/sha512/<hex>   a short text: the SHA-256 in hexadecimal of the content with this SHA-512
//! <root>/archives-v1/new/…          what is being written, each file locked by its writer
//! <root>/archives-v1/lock           locked while names are given or taken away
//! <root>/upstream/archives-v1/…     another cache, which is only read; often not there
//! ```
//!
//! Every lock is an advisory one on an open file (`flock`), so a killed process leaves none behind. A file in `new`
//! that nobody has locked is therefore a dead process's, and the next that opens the cache removes it.

use super::CacheError;
use crate::Checksum;
use fs_err::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// Format of everything below: another format gets another name, and the two live side by side.
pub(super) const BUCKET: &str = "archives-v1";

/// After <https://bford.info/cachedir/>; backup programs then leave the folder out.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# Downloads of slugbuilder; can be removed at any time.\n";

/// One bucket.
#[derive(Debug, Clone)]
pub(super) struct Store {
    bucket: PathBuf,
}

/// A file that is being written, known to be alive by its lock.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) path: TempPath,
    /// Holds the lock.
    pub(super) file: std::fs::File,
}

/// Gives `path` its mode, whatever the umask is: a build of root runs as another user and reads this cache. Who may
/// enter the folder above it stays that folder's say.
fn make_readable(path: &Path, mode: u32) -> Result<(), CacheError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = path.metadata().map_err(CacheError::disk("read", path))?;
    if metadata.permissions().mode() & mode == mode {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(CacheError::disk("write", path))
}

impl Store {
    /// The bucket below `root`, which may not exist.
    pub(super) fn at(root: &Path) -> Self {
        Self {
            bucket: root.join(BUCKET),
        }
    }

    /// Creates what is missing below `root`, and removes what dead processes left.
    pub(super) fn create(root: &Path) -> Result<Self, CacheError> {
        let store = Self::at(root);
        for folder in ["sha256", "sha512", "new"] {
            let path = store.bucket.join(folder);
            std::fs::create_dir_all(&path).map_err(CacheError::disk("create", &path))?;
        }
        for folder in [root, &store.bucket, &store.contents(), &store.notes()] {
            make_readable(folder, 0o755)?;
        }
        for (name, content) in [("CACHEDIR.TAG", TAG), (".gitignore", "*\n")] {
            let path = root.join(name);
            if !path.exists() {
                std::fs::write(&path, content).map_err(CacheError::disk("write", &path))?;
            }
        }
        let _lock = store.lock()?;
        store.reclaim()?;
        Ok(store)
    }

    /// Waits until no other process gives or takes names; the lock ends when the file is dropped.
    pub(super) fn lock(&self) -> Result<std::fs::File, CacheError> {
        let path = self.bucket.join("lock");
        let mut options = std::fs::OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(CacheError::disk("open", &path))?;
        file.lock().map_err(CacheError::disk("lock", &path))?;
        Ok(file)
    }

    /// Where the content with this SHA-256 is, or would be.
    pub(super) fn content(&self, sha256_hex: &str) -> PathBuf {
        self.bucket.join("sha256").join(sha256_hex)
    }

    /// Where the note for this SHA-512 is, or would be.
    pub(super) fn note(&self, sha512_hex: &str) -> PathBuf {
        self.bucket.join("sha512").join(sha512_hex)
    }

    pub(super) fn contents(&self) -> PathBuf {
        self.bucket.join("sha256")
    }

    pub(super) fn notes(&self) -> PathBuf {
        self.bucket.join("sha512")
    }

    /// Opens the file that should have `checksum`, unverified.
    pub(super) fn open(&self, checksum: &Checksum) -> Result<Option<File>, CacheError> {
        let path = match checksum {
            Checksum::Sha256(_) => self.content(&checksum.hex()),
            Checksum::Sha512(_) => {
                let note = self.note(&checksum.hex());
                match regular(&note)?.map(|_| std::fs::read_to_string(&note)) {
                    // Hexadecimal digits only: a note leads to no other folder.
                    Some(Ok(hex))
                        if Checksum::from_hex(crate::Algorithm::Sha256, hex.trim()).is_ok() =>
                    {
                        self.content(hex.trim())
                    }
                    Some(Err(source))
                        if !matches!(
                            source.kind(),
                            ErrorKind::NotFound | ErrorKind::InvalidData
                        ) =>
                    {
                        return Err(CacheError::disk("read", &note)(source));
                    }
                    _ => return Ok(None),
                }
            }
            // Nothing is kept under these.
            Checksum::Sha1(_) | Checksum::Sha224(_) | Checksum::Sha384(_) => return Ok(None),
        };
        if regular(&path)?.is_none() {
            return Ok(None);
        }
        match std::fs::File::open(&path) {
            Ok(file) => Ok(Some(File::from_parts(file, path))),
            Err(source) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CacheError::disk("read", &path)(source)),
        }
    }

    /// A new file that gets its name with [`Store::keep`].
    pub(super) fn new_file(&self) -> Result<NewFile, CacheError> {
        let folder = self.bucket.join("new");
        // Between its creation and its lock the file looks like a dead process's.
        let _lock = self.lock()?;
        let (file, path) = tempfile::Builder::new()
            .prefix("archive-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(&folder)
            .map_err(CacheError::disk("create", &folder))?
            .into_parts();
        file.lock().map_err(CacheError::disk("lock", &path))?;
        Ok(NewFile { path, file })
    }

    /// Gives `new`, whose checksum is `sha256`, its name; with `sha512` it can be found by that too.
    pub(super) fn keep(
        &self,
        new: NewFile,
        sha256: &Checksum,
        sha512: Option<&Checksum>,
    ) -> Result<PathBuf, CacheError> {
        let path = self.content(&sha256.hex());
        let _lock = self.lock()?;
        make_readable(&new.path, 0o644)?;
        new.path
            .persist(&path)
            .map_err(|error| CacheError::disk("write", &path)(error.error))?;
        if let Some(sha512) = sha512 {
            let note = self.note(&sha512.hex());
            let folder = self.bucket.join("new");
            let mut file =
                NamedTempFile::new_in(&folder).map_err(CacheError::disk("create", &folder))?;
            io::Write::write_all(&mut file, sha256.hex().as_bytes())
                .map_err(CacheError::disk("write", &note))?;
            make_readable(file.path(), 0o644)?;
            file.persist(&note)
                .map_err(|error| CacheError::disk("write", &note)(error.error))?;
        }
        Ok(path)
    }

    /// Removes what dead processes left in `new`; the cache is locked.
    fn reclaim(&self) -> Result<(), CacheError> {
        let folder = self.bucket.join("new");
        let failed = || CacheError::disk("read", &folder);
        for entry in std::fs::read_dir(&folder).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            let dead = std::fs::File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if dead {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// What is known of `path`, if it is a file and not a link to one.
pub(super) fn regular(path: &Path) -> Result<Option<std::fs::Metadata>, CacheError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata).filter(std::fs::Metadata::is_file)),
        Err(source)
            if matches!(
                source.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(CacheError::disk("read", path)(source)),
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), CacheError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(CacheError::disk("remove", path)(source))
        }
        _ => Ok(()),
    }
}
