//! The file that says what is in a pack.
//!
//! ```text
//! magic and version      32 bytes
//! length of the pack      8 bytes
//! number of the pack      8 bytes
//! state of the pack      32 bytes
//! the end's border        Border::BYTES
//! records                 Record::BYTES each, in the order of the slug
//! BLAKE3 of all before   32 bytes
//! ```
//!
//! All numbers are little-endian.

use super::super::FORMAT_VERSION;
use super::super::border::Border;
use super::record::Record;
use blake3::Hash;

/// Version of this file and of the pack; the archive's format has its own in the magic, too.
const VERSION: u32 = 1;

/// Bytes of tar, and of deflate, that no chunk has: those of one with the longest names come nowhere near.
const LONGEST_CHUNK: u64 = 1 << 26;

const MAGIC: usize = 32;
const DIGEST: usize = 32;
const HEAD: usize = MAGIC + 8 + 8 + 32 + Border::BYTES;

/// The index of a pack.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// Which pack.
    pub(super) pack: u64,
    /// Bytes of it that count; what follows was left by a killed build.
    pub(super) pack_length: u64,
    /// The pack's inode and times when it was written, see [`super::state()`].
    pub(super) pack_state: Hash,
    /// The last slug's chunks, in its order.
    pub(super) records: Vec<Record>,
    /// The border after them.
    pub(super) end: Border,
}

fn magic() -> [u8; MAGIC] {
    let mut magic = [0; MAGIC];
    magic[..24].copy_from_slice(b"slugbuilder slug index\r\n");
    magic[24..28].copy_from_slice(&VERSION.to_le_bytes());
    magic[28..].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    magic
}

impl Index {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let size = HEAD + self.records.len() * Record::BYTES + DIGEST;
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&magic());
        bytes.extend_from_slice(&self.pack_length.to_le_bytes());
        bytes.extend_from_slice(&self.pack.to_le_bytes());
        bytes.extend_from_slice(self.pack_state.as_bytes());
        bytes.extend_from_slice(&self.end.to_bytes());
        for record in &self.records {
            record.append(&mut bytes);
        }
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// What [`Index::to_bytes`] wrote in this version; nothing for everything else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (bytes, digest) = bytes.split_last_chunk::<DIGEST>()?;
        let (found, rest) = bytes.split_first_chunk::<MAGIC>()?;
        if *found != magic() || blake3::hash(bytes) != Hash::from_bytes(*digest) {
            return None;
        }
        let (pack_length, rest) = rest.split_first_chunk()?;
        let (pack, rest) = rest.split_first_chunk()?;
        let (pack_state, rest) = rest.split_first_chunk()?;
        let (end, rest) = rest.split_first_chunk()?;
        let (records, []) = rest.as_chunks::<{ Record::BYTES }>() else {
            return None;
        };
        let index = Self {
            pack: u64::from_le_bytes(*pack),
            pack_length: u64::from_le_bytes(*pack_length),
            pack_state: Hash::from_bytes(*pack_state),
            records: records.iter().map(Record::read).collect::<Option<_>>()?,
            end: Border::from_bytes(end)?,
        };
        index.is_sound().then_some(index)
    }

    /// Whether its numbers fit together and are such as chunks have: it may have been made by anyone.
    fn is_sound(&self) -> bool {
        let borders = self.records.iter().map(|record| &record.before);
        let next = borders.skip(1).chain([&self.end]);
        self.records.iter().zip(next).all(|(record, after)| {
            let in_slug = record.before.slug_length.checked_add(record.length);
            let in_pack = record.place.checked_add(record.length);
            let tar = after.tar_length.checked_sub(record.before.tar_length);
            in_slug == Some(after.slug_length)
                && in_pack.is_some_and(|end| end <= self.pack_length)
                && tar.is_some_and(|length| length <= LONGEST_CHUNK)
                && record.length <= LONGEST_CHUNK
        })
    }

    /// The border before a record, or the last one.
    pub(super) fn before(&self, record: usize) -> &Border {
        self.records
            .get(record)
            .map_or(&self.end, |record| &record.before)
    }
}
