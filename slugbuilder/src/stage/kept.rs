//! A copy of the staged view that is kept from build to build, for sources that cannot be below an overlay themselves.
//!
//! Beside the copy lies an index of what each entry was when it was copied: its kind, mode, size and times, device and
//! inode. Whatever differs from it is copied anew. The index is away while the copy changes, so that a copy that was
//! left half-made is never taken for a whole one.
//!
//! ```text
//! "slugbuilder source 1\n"  bytes of all files: u64  whom it belongs to: u32 u32
//! for each entry, parents first: length: u32, kind: u8, mode: u32, seven numbers: u64, path, and for a link NUL and target
//! ```
//! Numbers are little-endian.

use super::walk::Entry;
use super::{StageError, Survey};
use crate::tree::{Kind, Tree};
use crate::workspace::remove_tree;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

const MAGIC: &[u8] = b"slugbuilder source 1\n";

/// Bytes before the first entry.
const HEADER: usize = MAGIC.len() + 8 + 4 + 4;

/// Bytes of an entry before its path: kind, mode and seven numbers.
const FIXED: usize = 1 + 4 + 7 * 8;

/// A file that changed less than this before it was looked at may change again without showing it: file systems count
/// time in ticks.
const TICK: Duration = Duration::from_millis(100);

/// Bytes of the files of the copy with this index; nothing where there is none.
pub(crate) fn bytes_of_copy(index: &Path) -> u64 {
    let mut header = [0u8; HEADER];
    let read = fs::File::open(index).and_then(|mut file| file.read_exact(&mut header));
    match (
        read,
        header.strip_prefix(MAGIC).and_then(<[u8]>::first_chunk),
    ) {
        (Ok(()), Some(bytes)) => u64::from_le_bytes(*bytes),
        _ => 0,
    }
}

impl Survey {
    /// Makes the folder `copy` what [`Survey::copy_to`] makes a new one, by copying what has changed since the last call
    /// with the same `copy` and `index`. Nobody else may write to either.
    pub fn refresh_copy(
        &self,
        copy: &Path,
        index: &Path,
        owner: Option<(u32, u32)>,
    ) -> Result<(), StageError> {
        let failed = |error| StageError::writing(index, error);
        let text = self.index(owner, false);
        let last = match fs::read(index) {
            Ok(last) => last,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        if last == text {
            return Ok(());
        }
        remove_tree(index).map_err(failed)?;
        let start = text.len().min(HEADER);
        let same_kind = |last: &&[u8]| {
            let owners = MAGIC.len() + 8..start;
            last.starts_with(MAGIC) && last.get(owners.clone()) == text.get(owners)
        };
        if let Some(last) = Some(last.as_slice()).filter(same_kind).and_then(records) {
            self.copy_changes(copy, owner, &last)?;
        } else {
            remove_tree(copy).map_err(|error| StageError::writing(copy, error))?;
            self.copy_to(copy, owner)?;
        }
        let new = index.with_extension("new");
        fs::File::create(&new)
            .and_then(|mut file| file.write_all(&self.index(owner, true)))
            .and_then(|()| fs::rename(&new, index))
            .map_err(failed)
    }

    fn copy_changes(
        &self,
        copy: &Path,
        owner: Option<(u32, u32)>,
        last: &[(&Path, &[u8])],
    ) -> Result<(), StageError> {
        let target = Tree::open(copy).map_err(|error| StageError::writing(copy, error))?;
        let known: HashMap<&Path, &[u8]> = last.iter().copied().collect();
        let mut record = Vec::new();
        // What is there now and is to stay, and folders that are to be finished once more.
        let (mut stays, mut touched) = (HashSet::new(), HashSet::new());
        for entry in &self.staged_entries {
            record.clear();
            self.append_record(entry, false, &mut record);
            let path = entry.path.as_path();
            let folder = entry.stat.kind == Kind::Directory;
            match known.get(path) {
                Some(last) if *last == record => {
                    stays.insert(path);
                }
                Some(last) if folder && last.first() == record.first() => {
                    stays.insert(path);
                    touched.insert(path);
                }
                _ => {
                    touched.extend(path.parent());
                    touched.extend(folder.then_some(path));
                }
            }
        }
        // From below: what is in a folder goes before it does.
        for (path, record) in last.iter().rev().filter(|(path, _)| !stays.contains(path)) {
            self.stop.check()?;
            touched.extend(path.parent());
            let flag = if record.first() == Some(&kind(Kind::Directory)) {
                UnlinkatFlags::RemoveDir
            } else {
                UnlinkatFlags::NoRemoveDir
            };
            target
                .at(path, |directory, rest| unlinkat(directory, rest, flag))
                .map_err(|error| StageError::writing(copy.join(path), error))?;
        }
        self.copy_some(
            copy,
            owner,
            &|entry| !stays.contains(entry.path.as_path()),
            &|folder| touched.contains(folder.path.as_path()),
        )
    }

    /// The text of an index. Where it is `to_keep`, what may change without showing it is made to differ from itself.
    fn index(&self, owner: Option<(u32, u32)>, to_keep: bool) -> Vec<u8> {
        let mut text = Vec::with_capacity(HEADER + self.staged_entries.len() * (FIXED + 80));
        text.extend_from_slice(MAGIC);
        text.extend_from_slice(&self.staged.bytes.to_le_bytes());
        let (user, group) = owner.unwrap_or((u32::MAX, u32::MAX));
        text.extend_from_slice(&user.to_le_bytes());
        text.extend_from_slice(&group.to_le_bytes());
        for entry in &self.staged_entries {
            let start = text.len();
            text.extend_from_slice(&[0; 4]);
            self.append_record(entry, to_keep, &mut text);
            // No path is that long.
            let length = u32::try_from(text.len() - start - 4).unwrap_or(u32::MAX);
            text[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        text
    }

    fn append_record(&self, entry: &Entry, to_keep: bool, text: &mut Vec<u8>) {
        let stat = &entry.stat;
        let young = to_keep && stat.kind != Kind::Directory && self.is_young(stat.changed);
        let changed = if young { (i64::MIN, 0) } else { stat.changed };
        text.push(kind(stat.kind));
        text.extend_from_slice(&stat.mode.to_le_bytes());
        for number in [stat.size, stat.device, stat.inode] {
            text.extend_from_slice(&number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [stat.modified, changed] {
            text.extend_from_slice(&seconds.to_le_bytes());
            text.extend_from_slice(&nanoseconds.to_le_bytes());
        }
        text.extend_from_slice(entry.path.as_os_str().as_bytes());
        if let Some(target) = self.links.target(&entry.path) {
            text.push(0);
            text.extend_from_slice(target.as_os_str().as_bytes());
        }
    }

    fn is_young(&self, (seconds, nanoseconds): (i64, i64)) -> bool {
        let since_1970 = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let changed = u64::try_from(seconds).map_or(Duration::ZERO, |seconds| {
            Duration::new(seconds, u32::try_from(nanoseconds).unwrap_or(0))
        });
        changed + TICK >= since_1970
    }
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Directory => b'd',
        Kind::File => b'f',
        Kind::Link => b'l',
        Kind::Special(_) => b's',
    }
}

/// The paths and records of an index in their order; nothing if it is damaged.
fn records(index: &[u8]) -> Option<Vec<(&Path, &[u8])>> {
    let mut rest = index.get(HEADER..)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (record, after) = after.split_at_checked(length)?;
        let path = record.get(FIXED..)?.split(|byte| *byte == 0).next()?;
        found.push((Path::new(OsStr::from_bytes(path)), record));
        rest = after;
    }
    Some(found)
}
