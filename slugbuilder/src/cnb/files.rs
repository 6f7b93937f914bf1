//! Files that buildpacks wrote or will read: hostile until checked.
//!
//! All paths here are *inside* paths. Whoever wrote below them may have left links, devices or huge files in order to
//! make this process, which runs outside the sandbox, read or delete something else. So every folder on the way must be
//! a real one, the last part is opened without following links, and what is read is bounded. There is no race: all
//! programs have ended before their output is looked at ([`Executor::run`]).

use super::CnbError;
use super::documents::{DOCUMENT_LIMIT, parse_toml, read_untrusted};
use crate::sandbox::Executor;
use fs_err as fs;
use serde::de::DeserializeOwned;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// The largest value of an environment variable, in bytes: what Linux takes for one string (`MAX_ARG_STRLEN`).
pub(super) const VARIABLE_LIMIT: u64 = 128 << 10;
/// The most names that are read from one folder.
const FOLDER_LIMIT: usize = 100_000;
/// The most symbolic links on the way to a file, as in Linux (`MAXSYMLINKS`).
const LINK_LIMIT: usize = 40;

/// What a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Other,
}

/// The view of an executor's files through paths inside.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    executor: &'a dyn Executor,
}

impl<'a> Files<'a> {
    pub(super) fn new(executor: &'a dyn Executor) -> Self {
        Self { executor }
    }

    /// Where this process finds `path`, once every folder above it below the app or work directory proved real.
    fn outside(self, path: &Path) -> Result<PathBuf, CnbError> {
        let unusable = |reason: &str| CnbError::UnusableFile {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let root = [self.executor.app_dir(), self.executor.work_dir()]
            .into_iter()
            .find(|root| path.starts_with(root))
            .ok_or_else(|| unusable("is outside of the build"))?;
        let below = path.strip_prefix(root).unwrap_or(path);
        if below
            .components()
            .any(|part| !matches!(part, Component::Normal(_)))
        {
            return Err(unusable("is not a plain path"));
        }
        let mut ancestor = root.to_owned();
        if let Some(parents) = below.parent() {
            for part in parents.components() {
                ancestor.push(part);
                match fs::symlink_metadata(self.executor.outside(&ancestor)) {
                    Ok(metadata) if metadata.is_dir() => {}
                    Ok(_) => {
                        return Err(unusable(&format!(
                            "is below `{}`, which is no folder",
                            ancestor.display()
                        )));
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => break,
                    Err(source) => return Err(failed("read", path, source)),
                }
            }
        }
        Ok(self.executor.outside(path))
    }

    /// The content of a regular file of at most `limit` bytes; nothing where there is no such name.
    pub(super) fn read(self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, CnbError> {
        read_untrusted(&self.outside(path)?, path, limit)
    }

    /// A TOML file; nothing where there is no such name.
    pub(super) fn read_toml<T: DeserializeOwned>(self, path: &Path) -> Result<Option<T>, CnbError> {
        self.read(path, DOCUMENT_LIMIT)?
            .map(|bytes| parse_toml(path, &bytes))
            .transpose()
    }

    /// The names in a folder in the order of their bytes; none where there is no such folder.
    pub(super) fn list(self, path: &Path) -> Result<Vec<(OsString, Kind)>, CnbError> {
        let outside = self.outside(path)?;
        match fs::symlink_metadata(&outside) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                return Err(CnbError::UnusableFile {
                    path: path.to_owned(),
                    reason: "is no folder".into(),
                });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed("read", path, source)),
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&outside).map_err(|source| failed("read", path, source))? {
            let entry = entry.map_err(|source| failed("read", path, source))?;
            let kind = entry
                .file_type()
                .map_err(|source| failed("read", path, source))?;
            let kind = if kind.is_file() {
                Kind::File
            } else if kind.is_dir() {
                Kind::Directory
            } else {
                Kind::Other
            };
            if names.len() == FOLDER_LIMIT {
                return Err(CnbError::UnusableFile {
                    path: path.to_owned(),
                    reason: format!("holds more than {FOLDER_LIMIT} names"),
                });
            }
            names.push((entry.file_name(), kind));
        }
        names.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(names)
    }

    /// What stands at `path` itself, links not followed; nothing where there is no such name.
    pub(super) fn kind(self, path: &Path) -> Result<Option<Kind>, CnbError> {
        match fs::symlink_metadata(self.outside(path)?) {
            Ok(metadata) if metadata.is_file() => Ok(Some(Kind::File)),
            Ok(metadata) if metadata.is_dir() => Ok(Some(Kind::Directory)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    /// Whether a regular file stands at `path` that may be executed.
    pub(super) fn is_executable(self, path: &Path) -> Result<bool, CnbError> {
        match fs::symlink_metadata(self.outside(path)?) {
            Ok(metadata) => Ok(metadata.is_file() && metadata.permissions().mode() & 0o111 != 0),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    /// The path without links that a program inside reaches by `path`; nothing where there is no such file or the way
    /// leaves the app directory.
    pub(super) fn resolve(self, path: &Path) -> Result<Option<PathBuf>, CnbError> {
        let mut pending: Vec<OsString> = parts(path);
        pending.reverse();
        let mut resolved = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = pending.pop() {
            if part == ".." {
                resolved.pop();
                continue;
            }
            resolved.push(&part);
            if self.executor.app_dir().starts_with(&resolved) {
                // The app directory itself is the platform's.
                continue;
            }
            if !resolved.starts_with(self.executor.app_dir()) {
                return Ok(None);
            }
            let outside = self.executor.outside(&resolved);
            match fs::symlink_metadata(&outside) {
                Ok(metadata) if metadata.is_symlink() => {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Ok(None);
                    }
                    let target =
                        fs::read_link(&outside).map_err(|source| failed("read", path, source))?;
                    if target.is_absolute() {
                        resolved = PathBuf::from("/");
                    } else {
                        resolved.pop();
                    }
                    pending.extend(parts(&target).into_iter().rev());
                }
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    return Ok(None);
                }
                Err(source) => return Err(failed("read", path, source)),
            }
        }
        Ok(Some(resolved))
    }

    /// Writes a file, replacing whatever has its name.
    pub(super) fn write(self, path: &Path, content: &[u8]) -> Result<(), CnbError> {
        self.remove(path)?;
        let outside = self.outside(path)?;
        fs::write(&outside, content).map_err(|source| failed("write", path, source))?;
        // Not left to the umask: the slug's bytes must not depend on it.
        fs::set_permissions(&outside, PermissionsExt::from_mode(0o644))
            .and_then(|()| self.give(&outside))
            .map_err(|source| failed("write", path, source))
    }

    /// Gives what this process made to the uid that programs run as.
    fn give(self, outside: &Path) -> std::io::Result<()> {
        match self.executor.owner() {
            Some((uid, gid)) => std::os::unix::fs::lchown(outside, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    /// Makes a folder and those above it; one that is there is fine.
    pub(super) fn make_directory(self, path: &Path) -> Result<(), CnbError> {
        match self.kind(path)? {
            Some(Kind::Directory) => Ok(()),
            Some(Kind::File | Kind::Other) => Err(CnbError::UnusableFile {
                path: path.to_owned(),
                reason: "is no folder".into(),
            }),
            None => {
                if let Some(parent) = path.parent()
                    && parent != self.executor.app_dir()
                    && parent != self.executor.work_dir()
                {
                    self.make_directory(parent)?;
                }
                let outside = self.outside(path)?;
                fs::create_dir(&outside).map_err(|source| failed("make", path, source))?;
                fs::set_permissions(&outside, PermissionsExt::from_mode(0o755))
                    .and_then(|()| self.give(&outside))
                    .map_err(|source| failed("make", path, source))
            }
        }
    }

    /// Renames within one folder, replacing what has the new name.
    pub(super) fn rename(self, from: &Path, to: &Path) -> Result<(), CnbError> {
        self.remove(to)?;
        fs::rename(self.outside(from)?, self.outside(to)?)
            .map_err(|source| failed("rename", from, source))
    }

    /// Removes a file or a whole tree, read-only folders (Go's module cache) too; nothing there is fine.
    pub(super) fn remove(self, path: &Path) -> Result<(), CnbError> {
        let outside = self.outside(path)?;
        let removed = match self.kind(path)? {
            None => Ok(()),
            Some(Kind::File | Kind::Other) => fs::remove_file(&outside),
            Some(Kind::Directory) => fs::remove_dir_all(&outside).or_else(|error| {
                if error.kind() != ErrorKind::PermissionDenied {
                    return Err(error);
                }
                open_up(&outside)?;
                fs::remove_dir_all(&outside)
            }),
        };
        removed.map_err(|source| failed("remove", path, source))
    }
}

impl Files<'_> {
    /// Lets the owner read every file and folder of the tree at `path`. Returns those that were closed, relative to it,
    /// with the modes that they had; what is in a folder comes after it.
    pub(super) fn open_to_owner(self, path: &Path) -> Result<Vec<(PathBuf, u32)>, CnbError> {
        let outside = self.outside(path)?;
        let mut opened = Vec::new();
        let mut pending = vec![PathBuf::new()];
        let mut open = || -> std::io::Result<()> {
            while let Some(relative) = pending.pop() {
                let place = outside.join(&relative);
                let metadata = fs::symlink_metadata(&place)?;
                let needed = if metadata.is_dir() {
                    0o700
                } else if metadata.is_file() {
                    0o400
                } else {
                    continue;
                };
                let mode = metadata.permissions().mode() & 0o7777;
                if mode & needed != needed {
                    fs::set_permissions(&place, PermissionsExt::from_mode(mode | needed))?;
                    opened.push((relative.clone(), mode));
                }
                if metadata.is_dir() {
                    for entry in fs::read_dir(&place)? {
                        pending.push(relative.join(entry?.file_name()));
                    }
                }
            }
            Ok(())
        };
        open().map_err(|source| failed("open", path, source))?;
        Ok(opened)
    }

    /// Gives what lies in the tree at `path` the modes that [`Files::open_to_owner`] returned.
    pub(super) fn set_modes(self, path: &Path, modes: &[(PathBuf, u32)]) -> Result<(), CnbError> {
        let outside = self.outside(path)?;
        // Backwards: once its folder is closed, nothing in it can be reached.
        for (relative, mode) in modes.iter().rev() {
            fs::set_permissions(outside.join(relative), PermissionsExt::from_mode(*mode))
                .map_err(|source| failed("close", &path.join(relative), source))?;
        }
        Ok(())
    }
}

/// Makes every folder of a tree writable for its owner.
fn open_up(root: &Path) -> std::io::Result<()> {
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsStr::new("..").to_owned()),
            _ => None,
        })
        .collect()
}

pub(super) fn failed(action: &'static str, path: &Path, source: std::io::Error) -> CnbError {
    CnbError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
