//! The key of the signatures, in a file of its own.

use super::KEY;
use fs_err as fs;
use slugbuilder_report::{Explain, Fault};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const NAME: &str = "blob-url.key";

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be made or read.
    #[error("cannot use the key that signs the URLs of blobs")]
    File(#[source] Error),
    /// The system has no random bytes.
    #[error("cannot make a key that signs the URLs of blobs")]
    Random(#[source] getrandom::Error),
    /// The file holds something else than a key.
    #[error("`{}` has {found} bytes, and a key has {KEY}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        found: usize,
    },
    /// Others can read the key.
    #[error("`{}` has mode {mode:04o}, so that others can read the key", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl Explain for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::File(_) => "blob-key-file",
            Self::Random(_) => "blob-key-random",
            Self::Size { .. } => "blob-key-size",
            Self::Exposed { .. } => "blob-key-exposed",
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::File(_) => Fault::Io,
            Self::Random(_) => Fault::Unavailable,
            Self::Size { .. } | Self::Exposed { .. } => Fault::App,
        }
    }

    fn explanation(&self) -> Option<String> {
        matches!(self, Self::Exposed { .. })
            .then(|| "Who has the key can upload and download every slug of this server.".into())
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::File(_) => {
                vec!["Check that the server's user owns the data folder and may write in it.".into()]
            }
            Self::Random(_) => Vec::new(),
            Self::Size { path, .. } => vec![format!(
                "Remove `{}`: the next start makes a new key. URLs that were given out stop working.",
                path.display()
            )],
            Self::Exposed { path, .. } => vec![
                format!("Run `chmod 600 {}`.", path.display()),
                "If others were on this machine, remove the file instead: the next start makes a new key."
                    .into(),
            ],
        }
    }
}

/// The key of `folder`, made where there is none.
pub(super) fn read_or_make(folder: &Path) -> Result<[u8; KEY], KeyError> {
    let path = folder.join(NAME);
    match read(&path) {
        Err(KeyError::File(error)) if error.kind() == ErrorKind::NotFound => {
            make(folder, &path)?;
            // Not the key just made: if two servers start at once, one file wins.
            read(&path)
        }
        other => other,
    }
}

fn read(path: &Path) -> Result<[u8; KEY], KeyError> {
    let bytes = fs::read(path).map_err(KeyError::File)?;
    let mode = fs::metadata(path)
        .map_err(KeyError::File)?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    <[u8; KEY]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Size {
        path: path.to_owned(),
        found: bytes.len(),
    })
}

/// Writes a new key beside its name first, so that there never is half of one. Temporary files have mode 0600.
fn make(folder: &Path, path: &Path) -> Result<(), KeyError> {
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(KeyError::Random)?;
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&key)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Err(failed) if failed.error.kind() != ErrorKind::AlreadyExists => {
                return Err(failed.error);
            }
            _ => {}
        }
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: Error| {
        KeyError::File(Error::new(
            error.kind(),
            format!("failed to make `{}`: {error}", path.display()),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = read_or_make(folder.path()).unwrap();
        assert_ne!(key, [0; KEY]);
        assert_eq!(read_or_make(folder.path()).unwrap(), key);
        assert_eq!(mode(&folder.path().join(NAME)), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(read_or_make(other.path()).unwrap(), key);
    }

    fn refused(content: &[u8], mode: u32) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = read_or_make(folder.path()).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), content, "it is left alone");
        Diagnosis::of(&error)
            .render(Style::Plain)
            .replace(&*folder.path().to_string_lossy(), "data")
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        insta::assert_snapshot!(refused(&[7; 31], 0o600), @r"
        error[blob-key-size]: `data/blob-url.key` has 31 bytes, and a key has 32

          hint: Remove `data/blob-url.key`: the next start makes a new key. URLs that were given out stop working.
        ");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        insta::assert_snapshot!(refused(&[7; KEY], 0o640), @r"
        error[blob-key-exposed]: `data/blob-url.key` has mode 0640, so that others can read the key

          Who has the key can upload and download every slug of this server.

          hint: Run `chmod 600 data/blob-url.key`.
          hint: If others were on this machine, remove the file instead: the next start makes a new key.
        ");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_or_make(&folder.path().join("gone")).unwrap_err();
        assert_eq!(error.code(), "blob-key-file");
    }
}
