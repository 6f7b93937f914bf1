//! The lock of a source on its way into a build.

use super::{CompileError, CompileOptions};
use crate::cnb::Platform;
use crate::lock::{self, LockError};
use slugbuilder_report::Warning;
use slugbuilder_report::lock::{LOCK_FILE, LockFile, LockedBuildpack};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The app's folder, where its lock lies, in the source at `root`: that of `SLUGBUILDER_ROOT`. One that is not inside the
/// source is refused here, too, as a lock is written there.
pub(super) fn folder_of(options: &CompileOptions, root: &Path) -> Result<PathBuf, LockError> {
    let variables = &options.platform_variables;
    let Some(below) = variables.get(OsStr::new("SLUGBUILDER_ROOT")) else {
        return Ok(root.to_owned());
    };
    let folder = root.join(Path::new(below));
    let found = folder.canonicalize().and_then(|found| {
        if found.starts_with(root) {
            Ok(found)
        } else {
            Err(io::Error::other("it is outside of the source"))
        }
    });
    found.map_err(|source| LockError::Unreadable {
        path: folder,
        source,
    })
}

/// The lock that a build goes by.
pub(crate) struct SourceLock {
    file: Option<LockFile>,
    text: Option<String>,
    is_strict: bool,
}

impl SourceLock {
    /// Reads the lock of the source at `root`, without the pins that may move.
    pub(crate) fn read(options: &CompileOptions, root: &Path) -> Result<Self, CompileError> {
        Ok(Self::of(&options.locking, &folder_of(options, root)?)?)
    }

    /// The same of the app's folder.
    pub(crate) fn of(locking: &lock::Locking, root: &Path) -> Result<Self, LockError> {
        let read = lock::read(root)?;
        if read.is_none() && locking.locked {
            return Err(LockError::Missing {
                path: root.join(LOCK_FILE),
            });
        }
        let (file, text) = match read {
            // As it stands, for its lines, where all of it counts.
            Some(read) if locking.update == lock::Update::Nothing => {
                (Some(read.lock), Some(read.text))
            }
            Some(read) => {
                let file = locking.update.apply(read.lock)?;
                let text = file.to_string();
                (Some(file), Some(text))
            }
            None => (None, None),
        };
        Ok(Self {
            file,
            text,
            is_strict: locking.locked,
        })
    }

    pub(super) fn file(&self) -> Option<&LockFile> {
        self.file.as_ref()
    }

    /// Gives it to the buildpacks: as a file of the platform's, which no program of the build can change before it is read.
    pub(crate) fn lend(&self, platform: &mut Platform<'_>) -> Result<(), crate::cnb::CnbError> {
        if self.is_strict {
            let variables = &mut platform.platform_variables;
            variables.insert("SLUGBUILDER_LOCKED".into(), "1".into());
        }
        if let Some(text) = &self.text {
            let path = platform.lend_file(LOCK_FILE, text.as_bytes())?;
            let variables = &mut platform.platform_variables;
            variables.insert("SLUGBUILDER_LOCK".into(), path.into());
        }
        Ok(())
    }

    /// Compares it with the stack and the buildpacks of this build.
    pub(super) fn check(
        &self,
        options: &CompileOptions,
        buildpacks: &[LockedBuildpack],
    ) -> Result<Vec<Warning>, CompileError> {
        match &self.file {
            Some(file) => Ok(lock::check(
                file,
                &options.locking,
                &options.stack.name,
                buildpacks,
            )?),
            None => Ok(Vec::new()),
        }
    }
}
