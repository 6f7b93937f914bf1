//! The folders of all apps, for whoever looks at them from outside or takes them away.

use super::lock::{self, Attempt};
use super::{AppRecord, runs, trash};
use fs_err as fs;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Name of the folder of all apps.
pub(crate) const BUCKET: &str = "apps-v1";

/// An app's folder.
#[derive(Debug)]
pub(crate) struct AppFolder(PathBuf);

/// What came of taking something away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is gone.
    Away,
    /// Somebody uses it.
    InUse,
}

impl AppFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn record(&self) -> Option<AppRecord> {
        AppRecord::read(&self.0)
    }

    pub(crate) fn in_use(&self) -> bool {
        lock::in_use(&self.0)
    }

    /// Whether there is something in it called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.join(name).symlink_metadata().is_ok()
    }

    /// Removes the folder.
    pub(crate) fn remove(&self) -> io::Result<Taken> {
        self.take(None)
    }

    /// Removes what a killed build left.
    pub(crate) fn remove_build(&self) -> io::Result<Taken> {
        self.take(Some("build"))
    }

    fn take(&self, name: Option<&str>) -> io::Result<Taken> {
        let bucket = self.0.parent().unwrap_or(Path::new("/"));
        let held = match lock::attempt(&self.0)? {
            Attempt::Held(held) => held,
            Attempt::InUse => return Ok(Taken::InUse),
            Attempt::Gone => return Ok(Taken::Away),
        };
        let path = name.map_or_else(|| self.0.clone(), |name| self.0.join(name));
        let thrown = trash::throw_away(&path, bucket);
        // Whoever waits need not wait for the rest.
        drop(held);
        match thrown {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Taken::Away),
            Err(error) => Err(error),
            Ok(trash) => trash::remove(&trash).map(|()| Taken::Away),
        }
    }
}

/// The folders of apps below `cache_dir`. Where there is none, there are no apps; what is not called like one is none.
pub(crate) fn all(cache_dir: &Path) -> io::Result<Vec<AppFolder>> {
    let Some(bucket) = existing(cache_dir, BUCKET)? else {
        return Ok(Vec::new());
    };
    let mut apps = Vec::new();
    for entry in fs::read_dir(bucket)? {
        let entry = entry?;
        if is_key(&entry.file_name()) && entry.file_type()?.is_dir() {
            apps.push(AppFolder(entry.path()));
        }
    }
    apps.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(apps)
}

fn is_key(name: &OsStr) -> bool {
    let digits = name.as_bytes();
    digits.len() == super::KEY_DIGITS
        && digits
            .iter()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folders of running apps below `cache_dir`, and whether each is in use.
pub(crate) fn runs(cache_dir: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let Some(bucket) = existing(cache_dir, runs::BUCKET)? else {
        return Ok(Vec::new());
    };
    let folders = runs::folders(&bucket)?.into_iter();
    Ok(folders
        .map(|folder| {
            let in_use = lock::in_use(&folder);
            (folder, in_use)
        })
        .collect())
}

/// What was thrown away below `cache_dir` by processes that did not live to remove it.
pub(crate) fn trash(cache_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for name in [BUCKET, runs::BUCKET] {
        if let Some(bucket) = existing(cache_dir, name)? {
            all.extend(trash::left(&bucket)?);
        }
    }
    Ok(all)
}

/// Removes [`trash()`], as far as it can be removed.
pub(crate) fn remove_trash(cache_dir: &Path) -> io::Result<()> {
    for name in [BUCKET, runs::BUCKET] {
        if let Some(bucket) = existing(cache_dir, name)? {
            trash::sweep(&bucket)?;
        }
    }
    Ok(())
}

/// Removes the folders of runs that were killed.
pub(crate) fn remove_left_runs(cache_dir: &Path) -> io::Result<()> {
    match existing(cache_dir, runs::BUCKET)? {
        Some(bucket) => runs::clear(cache_dir, &bucket),
        None => Ok(()),
    }
}

fn existing(cache_dir: &Path, name: &str) -> io::Result<Option<PathBuf>> {
    let path = cache_dir.join(name);
    match fs::metadata(&path) {
        Ok(_) => Ok(Some(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
