//! The staged view as files of its own.

use super::walk::Entry;
use super::{StageError, Survey};
use crate::tree::{Kind, Tree, unchanged};
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, UtimensatFlags, fchmod, futimens, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown, fchownat, symlinkat};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;

/// Bytes that are copied between two looks at whether to stop.
const PIECE: u64 = 16 << 20;

/// Permission bits that every folder gets besides its own, so that the build can write in it and the copy can be removed.
const FOLDER_BITS: u32 = 0o700;

/// The same for files, so that the build and the archive can read them.
const FILE_BITS: u32 = 0o400;

impl Survey {
    /// Copies what is staged into the folder `destination`, which is created where it is not there and has to be empty.
    ///
    /// Contents are shared with the source where the file system can (`copy_file_range` clones extents on Btrfs and XFS).
    /// Hard links become files of their own. Permission bits are kept without setuid, setgid and sticky; a file's owner
    /// can always read it and a folder's owner always use it. Modification times are kept. Everything gets `owner` (user
    /// and group id) where given, which needs the right to do so. `destination` itself keeps its own mode and time.
    ///
    /// It ends early where [`super::SurveyOptions::stop`] says so. A file that vanishes or changes between the survey and the end of its copying is an error that names it. After an
    /// error, `destination` holds a part of the tree.
    pub fn copy_to(&self, destination: &Path, owner: Option<(u32, u32)>) -> Result<(), StageError> {
        self.copy_some(destination, owner, &|_| true, &|_| true)
    }

    /// Copies the entries that are `wanted`, which must not be there, and gives mode and time to folders as
    /// `to_be_finished` says.
    pub(super) fn copy_some(
        &self,
        destination: &Path,
        owner: Option<(u32, u32)>,
        wanted: &dyn Fn(&Entry) -> bool,
        to_be_finished: &dyn Fn(&Entry) -> bool,
    ) -> Result<(), StageError> {
        std::fs::create_dir_all(destination)
            .map_err(|error| StageError::writing(destination, error))?;
        let target =
            Tree::open(destination).map_err(|error| StageError::writing(destination, error))?;
        let copy = Copy {
            survey: self,
            target: &target,
            destination,
            owner: owner.map(|(user, group)| (Uid::from_raw(user), Gid::from_raw(group))),
        };
        for entry in self.staged_entries.iter().filter(|entry| wanted(entry)) {
            self.stop.check()?;
            match entry.stat.kind {
                Kind::Directory => copy.make_folder(entry)?,
                Kind::Link => copy.link(entry)?,
                Kind::File => copy.file(entry)?,
                // The survey refuses them.
                Kind::Special(_) => {}
            }
        }
        // Last, and from below: writing into a folder changes its time, and may need more than its own bits.
        for entry in self
            .staged_entries
            .iter()
            .rev()
            .filter(|entry| entry.stat.kind == Kind::Directory && to_be_finished(entry))
        {
            let folder = target
                .open_directory(&entry.path)
                .map_err(|error| copy.failed(entry, error))?;
            copy.finish(entry, folder, FOLDER_BITS)?;
        }
        match copy.owner {
            None => Ok(()),
            Some((user, group)) => {
                std::os::unix::fs::chown(destination, Some(user.as_raw()), Some(group.as_raw()))
                    .map_err(|error| StageError::writing(destination, error))
            }
        }
    }
}

struct Copy<'a> {
    survey: &'a Survey,
    target: &'a Tree,
    destination: &'a Path,
    owner: Option<(Uid, Gid)>,
}

impl Copy<'_> {
    fn failed(&self, entry: &Entry, error: impl Into<std::io::Error>) -> StageError {
        StageError::writing(self.destination.join(&entry.path), error)
    }

    fn make_folder(&self, entry: &Entry) -> Result<(), StageError> {
        let mode = Mode::from_bits_truncate(FOLDER_BITS);
        let result = self.target.at(&entry.path, |directory, rest| {
            mkdirat(directory, rest, mode)
        });
        result.map_err(|error| self.failed(entry, error))
    }

    fn link(&self, entry: &Entry) -> Result<(), StageError> {
        let target = self
            .survey
            .tree
            .read_link(&entry.path)
            .map_err(|failure| StageError::of_entry(&entry.path, failure))?;
        if Some(target.as_path()) != self.survey.links.target(&entry.path) {
            return Err(StageError::Changed {
                path: entry.path.clone(),
            });
        }
        let time = modified(entry);
        let result = self.target.at(&entry.path, |directory, rest| {
            symlinkat(&target, directory, rest)?;
            if let Some((user, group)) = self.owner {
                fchownat(
                    directory,
                    rest,
                    Some(user),
                    Some(group),
                    AtFlags::AT_SYMLINK_NOFOLLOW,
                )?;
            }
            utimensat(
                directory,
                rest,
                &time,
                &time,
                UtimensatFlags::NoFollowSymlink,
            )
        });
        result.map_err(|error| self.failed(entry, error))
    }

    fn file(&self, entry: &Entry) -> Result<(), StageError> {
        let of_source = |failure| StageError::of_entry(&entry.path, failure);
        let source = self
            .survey
            .tree
            .open_file(&entry.path, &entry.stat)
            .map_err(of_source)?;
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o600);
        let target = self.target.at(&entry.path, |directory, rest| {
            openat(directory, rest, flags, mode)
        });
        let mut target = File::from(target.map_err(|error| self.failed(entry, error))?);
        // One byte more than there should be, so that a file that grows without end does not fill the disk.
        let mut rest = entry.stat.size + 1;
        while rest > 0 {
            self.survey.stop.check()?;
            let copied = std::io::copy(&mut (&source).take(rest.min(PIECE)), &mut target)
                .map_err(|error| self.failed(entry, error))?;
            if copied == 0 {
                break;
            }
            rest -= copied;
        }
        if rest != 1 {
            return Err(StageError::Changed {
                path: entry.path.clone(),
            });
        }
        unchanged(&source, &entry.stat).map_err(of_source)?;
        self.finish(entry, target, FILE_BITS)
    }

    /// Gives a copied file or folder its owner, mode and time, in the order in which none undoes another.
    fn finish(&self, entry: &Entry, target: impl AsFd, bits: u32) -> Result<(), StageError> {
        let time = modified(entry);
        let finished = || {
            if let Some((user, group)) = self.owner {
                fchown(&target, Some(user), Some(group))?;
            }
            fchmod(
                &target,
                Mode::from_bits_truncate(entry.stat.mode & 0o777 | bits),
            )?;
            futimens(&target, &time, &time)
        };
        finished().map_err(|error| self.failed(entry, error))
    }
}

fn modified(entry: &Entry) -> TimeSpec {
    let (seconds, nanoseconds) = entry.stat.modified;
    TimeSpec::new(seconds, nanoseconds)
}
