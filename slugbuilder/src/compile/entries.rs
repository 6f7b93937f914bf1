//! What a slug would hold, as a list and as a folder.

use super::CompileError;
use super::slug_source::SlugSource;
use crate::archive::ArchiveError;
use crate::sandbox::SandboxOptions;
use crate::tree::{Kind, Special, Stat, Tree};
use nix::fcntl::AtFlags;
use nix::sys::time::TimeSpec;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file, folder or link of an app as a slug holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEntry {
    /// Relative to the app directory.
    pub path: PathBuf,
    /// What it is.
    pub kind: AppEntryKind,
    /// The permission bits.
    pub mode: u32,
}

/// What an [`AppEntry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppEntryKind {
    /// A folder.
    Folder,
    /// A file of this many bytes.
    File(u64),
    /// A symbolic link with this target.
    Link(PathBuf),
}

impl SlugSource<'_> {
    /// What a slug would hold, by path.
    pub(super) fn entries(&self) -> Result<Vec<AppEntry>, CompileError> {
        let mut entries = Vec::new();
        for (path, stat) in self.listed()? {
            let kind = match stat.kind {
                Kind::Directory => AppEntryKind::Folder,
                Kind::File => AppEntryKind::File(stat.size),
                Kind::Link => AppEntryKind::Link(self.read_link(&path)?),
                Kind::Special(kind) => return Err(special(path, kind).into()),
            };
            entries.push(AppEntry {
                path,
                kind,
                mode: stat.mode & 0o777,
            });
        }
        Ok(entries)
    }

    /// Puts what a slug would hold into `destination`, an empty folder, for programs that run as those of the build. Files
    /// of layers are hard links where the file system can: whoever writes into one writes into the layer.
    pub(super) fn copy_to(&self, destination: &Path) -> Result<(), CompileError> {
        let tree = &self.tree;
        let mut folders = Vec::new();
        for (path, stat) in self.listed()? {
            let target = destination.join(&path);
            let failed = |source| ArchiveError::Output {
                path: target.clone(),
                source,
            };
            let of_entry = |failure| ArchiveError::of_entry(&path, failure);
            match stat.kind {
                Kind::Directory => {
                    fs::create_dir(&target).map_err(failed)?;
                    folders.push((target, stat));
                }
                Kind::Link => {
                    let points_to = self.read_link(&path)?;
                    std::os::unix::fs::symlink(points_to, &target).map_err(failed)?;
                    give(&target).map_err(failed)?;
                }
                Kind::File => {
                    let is_linked = path.starts_with(crate::cnb::LAYERS_FOLDER)
                        && link(tree, &path, &target).is_ok();
                    if !is_linked {
                        let file = tree.open_file(&path, &stat).map_err(of_entry)?;
                        copy(file, &target, &stat).map_err(failed)?;
                    }
                }
                Kind::Special(kind) => return Err(special(path, kind).into()),
            }
        }
        // Last, and from below: a folder may not be writable.
        for (target, stat) in folders.into_iter().rev() {
            give(&target)
                .and_then(|()| fs::set_permissions(&target, mode(&stat)))
                .map_err(|source| ArchiveError::Output {
                    path: target,
                    source,
                })?;
        }
        Ok(())
    }

    /// What is for the slug, folders before what is in them, by path.
    fn listed(&self) -> Result<Vec<(PathBuf, Stat)>, CompileError> {
        let mut found = self.walk()?;
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }
}

fn special(path: PathBuf, what: Special) -> ArchiveError {
    ArchiveError::SpecialFile { path, what }
}

/// A hard link to the file itself.
fn link(tree: &Tree, path: &Path, target: &Path) -> nix::Result<()> {
    tree.layer(path).at(path, |directory, rest| {
        nix::unistd::linkat(
            directory,
            rest,
            nix::fcntl::AT_FDCWD,
            target,
            AtFlags::empty(),
        )
    })
}

fn copy(mut file: File, target: &Path, stat: &Stat) -> io::Result<()> {
    let mut copy = File::create_new(target)?;
    io::copy(&mut file, &mut copy)?;
    copy.set_permissions(mode(stat))?;
    let time = TimeSpec::new(stat.modified.0, stat.modified.1);
    nix::sys::stat::futimens(&copy, &time, &time)?;
    give(target)
}

fn mode(stat: &Stat) -> Permissions {
    Permissions::from_mode(stat.mode & 0o777)
}

/// Gives what was copied to the programs that will use it.
fn give(path: &Path) -> io::Result<()> {
    match SandboxOptions::owner() {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}
