//! The lock of a source on its way into a build.

use super::{CompileError, CompileOptions};
use crate::app_root::AppRoot;
use crate::cnb::Platform;
use crate::lock::{self, LockError};
use slugbuilder_report::Warning;
use slugbuilder_report::lock::{LOCK_FILE, LockFile, LockedBuildpack};
use std::path::{Path, PathBuf};

/// The app's folder, where its lock lies, in the source at `root`. [`AppRoot::check`] has found it to be a real one.
pub(crate) fn folder_of(root: &Path, app: Option<&AppRoot>) -> PathBuf {
    match app {
        Some(app) => root.join(app.as_str()),
        None => root.to_owned(),
    }
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
        let folder = folder_of(root, options.root.as_ref());
        Ok(Self::of(&options.locking, &folder)?)
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

    /// As the buildpacks get it.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
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
