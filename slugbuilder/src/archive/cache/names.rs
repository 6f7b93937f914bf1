//! The file that says what is in each folder of the tree.
//!
//! To ask for a folder's names takes the kernel longer than anything else about it. They are what they were as long as the
//! folder's inode, modification and change time are, under the conditions of [`super::super::recipe`]: whatever adds,
//! removes or renames an entry sets the times of the folder that it is in. Only the names are remembered, and each entry is
//! asked about in every build.
//!
//! ```text
//! magic and version      32 bytes
//! folders                inode (8), modified (8 + 8), changed (8 + 8), bytes of names (4), names
//! BLAKE3 of all before   32 bytes
//! ```
//!
//! All numbers are little-endian. Names are in the order of their bytes, each with a zero after it. Folders are in no order.

use crate::tree::Stat;
use blake3::Hash;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;

/// Version of this file.
const VERSION: u32 = 1;

const MAGIC: usize = 32;
const DIGEST: usize = 32;
const HEAD: usize = 5 * 8 + 4;

/// A folder in the state in which it was listed; the times are seconds and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Folder {
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Folder {
    fn of(stat: &Stat) -> Self {
        Self {
            inode: stat.inode,
            modified: stat.modified,
            changed: stat.changed,
        }
    }
}

fn magic() -> [u8; MAGIC] {
    let mut magic = [0; MAGIC];
    magic[..24].copy_from_slice(b"slugbuilder slug names\r\n");
    magic[24..28].copy_from_slice(&VERSION.to_le_bytes());
    magic
}

/// The names of the last archive's folders.
#[derive(Debug, Default)]
pub(in crate::archive) struct Names {
    bytes: Vec<u8>,
    folders: HashMap<Folder, Range<usize>>,
}

impl Names {
    /// What [`NewNames::to_bytes`] wrote in this version; no names for everything else.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        match folders(&bytes) {
            Some(folders) => Self { bytes, folders },
            None => Self::default(),
        }
    }

    /// The names in a folder, by their bytes, if it has not changed since they were listed.
    pub(in crate::archive) fn of(&self, folder: &Stat) -> Option<Vec<&OsStr>> {
        let names = self.folders.get(&Folder::of(folder))?;
        split(&self.bytes[names.clone()])
    }
}

/// The folders of a whole file.
fn folders(bytes: &[u8]) -> Option<HashMap<Folder, Range<usize>>> {
    let (body, digest) = bytes.split_last_chunk::<DIGEST>()?;
    if *body.first_chunk::<MAGIC>()? != magic() || blake3::hash(body) != Hash::from_bytes(*digest) {
        return None;
    }
    let mut folders = HashMap::new();
    let mut at = MAGIC;
    while at < body.len() {
        let (head, rest) = body[at..].split_first_chunk::<HEAD>()?;
        let (numbers, length) = head.split_last_chunk::<4>()?;
        let ([inode, numbers @ ..], []) = numbers.as_chunks::<8>() else {
            return None;
        };
        let [modified, modified_fine, changed, changed_fine] =
            numbers.first_chunk::<4>()?.map(i64::from_le_bytes);
        let folder = Folder {
            inode: u64::from_le_bytes(*inode),
            modified: (modified, modified_fine),
            changed: (changed, changed_fine),
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let start = at + HEAD;
        rest.get(..length)?;
        at = start + length;
        folders.insert(folder, start..at);
    }
    Some(folders)
}

/// The names in `bytes`; nothing if these are not what a folder can have, as the file may have been made by anyone: a
/// path among them would lead elsewhere.
fn split(bytes: &[u8]) -> Option<Vec<&OsStr>> {
    let mut names: Vec<&OsStr> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let name = &rest[..end];
        let is_name = !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/');
        let is_next = names.last().is_none_or(|last| last.as_bytes() < name);
        if !is_name || !is_next {
            return None;
        }
        names.push(OsStr::from_bytes(name));
        rest = &rest[end + 1..];
    }
    Some(names)
}

/// What a walk found out about folders, for the next one.
#[derive(Debug, Default)]
pub(in crate::archive) struct NewNames {
    /// Folders whose names were known.
    known: Vec<Folder>,
    /// The others, as in the file.
    listed: Vec<u8>,
}

impl NewNames {
    /// A folder whose names were known.
    pub(in crate::archive) fn add_known(&mut self, folder: &Stat) {
        self.known.push(Folder::of(folder));
    }

    /// A folder that was listed, with its names by their bytes.
    pub(in crate::archive) fn add_listed<'n>(
        &mut self,
        folder: &Stat,
        names: impl IntoIterator<Item = &'n OsStr>,
    ) {
        let start = self.listed.len();
        append_head(&Folder::of(folder), 0, &mut self.listed);
        for name in names {
            self.listed.extend_from_slice(name.as_bytes());
            self.listed.push(0);
        }
        match u32::try_from(self.listed.len() - start - HEAD) {
            Ok(length) => {
                let end = start + HEAD;
                self.listed[end - 4..end].copy_from_slice(&length.to_le_bytes());
            }
            // A folder of four gigabytes of names is listed again each time.
            Err(_) => self.listed.truncate(start),
        }
    }

    pub(in crate::archive) fn add(&mut self, mut other: Self) {
        self.known.append(&mut other.known);
        self.listed.append(&mut other.listed);
    }

    /// The file for the next archive; nothing if that is the one of `names`, where the known ones come from.
    pub(super) fn to_bytes(&self, names: &Names) -> Option<Vec<u8>> {
        if self.listed.is_empty() && self.known.len() == names.folders.len() {
            return None;
        }
        let mut bytes = magic().to_vec();
        for folder in &self.known {
            if let Some(range) = names.folders.get(folder)
                && let Ok(length) = u32::try_from(range.len())
            {
                append_head(folder, length, &mut bytes);
                bytes.extend_from_slice(&names.bytes[range.clone()]);
            }
        }
        bytes.extend_from_slice(&self.listed);
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        Some(bytes)
    }
}

fn append_head(folder: &Folder, length: u32, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&folder.inode.to_le_bytes());
    for (seconds, nanoseconds) in [folder.modified, folder.changed] {
        bytes.extend_from_slice(&seconds.to_le_bytes());
        bytes.extend_from_slice(&nanoseconds.to_le_bytes());
    }
    bytes.extend_from_slice(&length.to_le_bytes());
}
