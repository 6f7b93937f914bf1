//! From what a chunk is read, in its present state: if it is the same as last time, so are the chunk's bytes.
//!
//! That a file's inode, size, modification and change times are what they were tells that its content is, under two
//! conditions, which git's index knows too:
//!
//! - The file system keeps inode numbers and times itself, as a local one does. (A device number is no condition: each
//!   mount of an overlay has a new one.)
//! - The file had rested when it was looked at. One that is written twice in the same tick of its file system's clock
//!   shows the same times after both; so what is that young is not remembered.
//!
//! Like git's index it is blind to a program that goes on writing through a shared mapping without the file system's
//! knowledge. Of an overlay the folders below it are not known; where container engines lay them, they are local. (Ours
//! are read from those folders.)

use super::chunks::Chunk;
use super::tar_stream::TarStream;
use crate::tree::{Kind, Stat};
use blake3::Hash;
use nix::sys::statfs::{self, FsType};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rest after which a file with times finer than seconds has surely left the tick of its last change: the kernel's
/// coarse clock advances at least a hundred times a second.
const TICK: Duration = Duration::from_millis(100);

/// The same where times may be kept in whole seconds only.
const COARSE_TICK: Duration = Duration::from_secs(3);

/// `f_type` of file systems that `nix` does not name (their sources, or `linux/magic.h`).
const BCACHEFS: FsType = FsType(0xca45_1a4e_u32 as _);
const F2FS: FsType = FsType(0xf2f5_2010_u32 as _);
const ZFS: FsType = FsType(0x2fc1_2fc1);

/// File systems of which the two conditions' first is known to hold.
const LOCAL: [FsType; 8] = [
    statfs::EXT4_SUPER_MAGIC,
    statfs::XFS_SUPER_MAGIC,
    statfs::BTRFS_SUPER_MAGIC,
    statfs::TMPFS_MAGIC,
    statfs::OVERLAYFS_SUPER_MAGIC,
    BCACHEFS,
    F2FS,
    ZFS,
];

/// Whether inode numbers and times of this file system can be trusted.
pub(super) fn is_local(kind: FsType) -> bool {
    LOCAL.contains(&kind)
}

/// What a chunk is read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    /// Stands for all of it.
    pub(super) hash: Hash,
    /// Whether a change of it would surely change the hash, too.
    pub(super) lasts: bool,
}

/// Makes recipes.
pub(super) struct Recipes<'a> {
    tar: &'a TarStream<'a>,
    /// Since 1970, from before the files were looked at.
    looked_at: Duration,
    identity: Vec<u8>,
    scratch: Vec<u8>,
}

impl<'a> Recipes<'a> {
    /// For files that were looked at after `looked_at`.
    pub(super) fn new(tar: &'a TarStream<'a>, looked_at: SystemTime) -> Self {
        Self {
            tar,
            looked_at: since_1970(looked_at),
            identity: Vec::new(),
            scratch: Vec::new(),
        }
    }

    pub(super) fn of(&mut self, chunk: &Chunk) -> Recipe {
        let (entries, piece) = chunk.sources(self.tar);
        self.identity.clear();
        self.identity.push(u8::from(piece.is_some()));
        let mut lasts = true;
        for entry in entries {
            if piece.as_ref().is_none_or(|piece| piece.start == 0) {
                self.tar
                    .identify_head(entry, &mut self.scratch, &mut self.identity);
            }
            if entry.stat.kind == Kind::File {
                identify_file(&entry.stat, &mut self.identity);
                lasts &= entry.is_local && is_at_rest(&entry.stat, self.looked_at);
            }
        }
        if let Some(piece) = piece {
            self.identity.extend_from_slice(&piece.start.to_le_bytes());
            self.identity.extend_from_slice(&piece.end.to_le_bytes());
        }
        self.identity.extend_from_slice(&chunk.length.to_le_bytes());
        Recipe {
            hash: blake3::hash(&self.identity),
            lasts,
        }
    }
}

/// Whether what `stat` tells of had rested for a tick of its file system when it was looked at, after `looked_at` (since
/// 1970).
pub(super) fn is_at_rest(stat: &Stat, looked_at: Duration) -> bool {
    let has_fine_times = stat.changed.1 != 0;
    let rest = if has_fine_times { TICK } else { COARSE_TICK };
    let since_1970 = |(seconds, nanoseconds): (i64, i64)| {
        let nanoseconds = u32::try_from(nanoseconds).ok()?;
        Some(Duration::new(
            u64::try_from(seconds).unwrap_or(0),
            nanoseconds,
        ))
    };
    since_1970(stat.changed)
        .and_then(|changed| changed.checked_add(rest))
        .is_some_and(|rested| rested < looked_at)
}

/// The time since 1970; a clock before that makes every file too young.
pub(super) fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn identify_file(stat: &Stat, identity: &mut Vec<u8>) {
    identity.extend_from_slice(&stat.inode.to_le_bytes());
    identity.extend_from_slice(&stat.size.to_le_bytes());
    for (seconds, nanoseconds) in [stat.modified, stat.changed] {
        identity.extend_from_slice(&seconds.to_le_bytes());
        identity.extend_from_slice(&nanoseconds.to_le_bytes());
    }
}
