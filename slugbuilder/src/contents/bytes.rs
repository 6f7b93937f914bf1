//! Contents as bytes, and back.

use super::{Contents, Entry};
use crate::tree::{Kind, Special, Stat};
use blake3::Hash;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Stands for a change time that shows nothing.
const UNKNOWN: (i64, i64) = (i64::MIN, 0);

impl Contents {
    /// As bytes. What was not read has a digest of zeros.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() * 200);
        for entry in &self.entries {
            let stat = &entry.stat;
            bytes.push(byte_of(stat.kind));
            bytes.extend_from_slice(&stat.mode.to_le_bytes());
            for number in [stat.size, stat.device, stat.inode] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            let changed = if entry.shows_changes {
                stat.changed
            } else {
                UNKNOWN
            };
            for (seconds, nanoseconds) in [stat.modified, changed] {
                bytes.extend_from_slice(&seconds.to_le_bytes());
                bytes.extend_from_slice(&nanoseconds.to_le_bytes());
            }
            let digest = entry.digest.unwrap_or(Hash::from_bytes([0; 32]));
            bytes.extend_from_slice(digest.as_bytes());
            for path in [&entry.path, &entry.target] {
                let path = path.as_os_str().as_bytes();
                // No path is that long.
                let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(path);
            }
        }
        bytes
    }

    /// Nothing if they make no sense.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut entries = Vec::new();
        while !bytes.is_empty() {
            entries.push(entry(&mut bytes)?);
        }
        Some(Self { entries })
    }
}

fn entry(rest: &mut &[u8]) -> Option<Entry> {
    let kind = kind_of(*take(rest, 1)?.first()?)?;
    let mode = u32::from_le_bytes(*take(rest, 4)?.first_chunk()?);
    let mut number = || Some(u64::from_le_bytes(*take(rest, 8)?.first_chunk()?));
    let (size, device, inode) = (number()?, number()?, number()?);
    let mut time = || Some(i64::from_le_bytes(*take(rest, 8)?.first_chunk()?));
    let (modified, changed) = ((time()?, time()?), (time()?, time()?));
    let digest = Hash::from_bytes(*take(rest, 32)?.first_chunk()?);
    let (path, target) = (path(rest)?, path(rest)?);
    Some(Entry {
        path,
        stat: Stat {
            kind,
            mode,
            owner: (0, 0),
            size,
            modified,
            changed,
            device,
            inode,
        },
        target,
        shows_changes: changed != UNKNOWN,
        digest: (kind == Kind::File).then_some(digest),
    })
}

fn path(rest: &mut &[u8]) -> Option<PathBuf> {
    let length = u32::from_le_bytes(*take(rest, 4)?.first_chunk()?);
    let path = take(rest, usize::try_from(length).ok()?)?;
    Some(Path::new(OsStr::from_bytes(path)).to_owned())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn byte_of(kind: Kind) -> u8 {
    match kind {
        Kind::Directory => b'd',
        Kind::File => b'f',
        Kind::Link => b'l',
        Kind::Special(Special::Socket) => b's',
        Kind::Special(Special::Fifo) => b'p',
        Kind::Special(Special::Device) => b'c',
    }
}

fn kind_of(byte: u8) -> Option<Kind> {
    Some(match byte {
        b'd' => Kind::Directory,
        b'f' => Kind::File,
        b'l' => Kind::Link,
        b's' => Kind::Special(Special::Socket),
        b'p' => Kind::Special(Special::Fifo),
        b'c' => Kind::Special(Special::Device),
        _ => return None,
    })
}
