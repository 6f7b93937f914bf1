//! What is remembered of one chunk.

use super::super::border::Border;
use blake3::Hash;

/// Everything about a chunk's bytes, however they came to be known.
#[derive(Debug, Clone)]
pub(in crate::archive) struct Record {
    /// What the chunk was read from, in its state then; nothing where that cannot be trusted to show a change.
    pub(in crate::archive) recipe: Option<Hash>,
    /// BLAKE3 of its bytes of tar.
    pub(in crate::archive) content: Hash,
    /// BLAKE3 of the last of them: the next chunk's dictionary.
    pub(in crate::archive) tail: Hash,
    /// BLAKE3 of its own dictionary.
    pub(in crate::archive) dictionary: Hash,
    /// CRC-32 of its bytes of tar.
    pub(in crate::archive) crc: u32,
    /// Bytes of deflate.
    pub(in crate::archive) length: u64,
    /// CRC-32 of them: disks and copies of caches make mistakes.
    pub(in crate::archive) check: u32,
    /// Where they are in the pack.
    pub(in crate::archive) place: u64,
    /// The archive before it.
    pub(in crate::archive) before: Border,
}

/// Stands for no recipe; no BLAKE3 of anything that we hash will ever be it.
const NO_RECIPE: [u8; 32] = [0; 32];

impl Record {
    /// Bytes of [`Record::append`].
    pub(super) const BYTES: usize = 4 * 32 + 4 + 8 + 4 + 8 + Border::BYTES;

    pub(super) fn append(&self, output: &mut Vec<u8>) {
        let recipe = self.recipe.as_ref().map_or(&NO_RECIPE, Hash::as_bytes);
        output.extend_from_slice(recipe);
        output.extend_from_slice(self.content.as_bytes());
        output.extend_from_slice(self.tail.as_bytes());
        output.extend_from_slice(self.dictionary.as_bytes());
        output.extend_from_slice(&self.crc.to_le_bytes());
        output.extend_from_slice(&self.length.to_le_bytes());
        output.extend_from_slice(&self.check.to_le_bytes());
        output.extend_from_slice(&self.place.to_le_bytes());
        output.extend_from_slice(&self.before.to_bytes());
    }

    pub(super) fn read(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (recipe, rest) = bytes.split_first_chunk::<32>()?;
        let (content, rest) = rest.split_first_chunk::<32>()?;
        let (tail, rest) = rest.split_first_chunk::<32>()?;
        let (dictionary, rest) = rest.split_first_chunk::<32>()?;
        let (crc, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (check, rest) = rest.split_first_chunk()?;
        let (place, rest) = rest.split_first_chunk()?;
        let (before, _) = rest.split_first_chunk()?;
        Some(Self {
            recipe: (*recipe != NO_RECIPE).then(|| Hash::from_bytes(*recipe)),
            content: Hash::from_bytes(*content),
            tail: Hash::from_bytes(*tail),
            dictionary: Hash::from_bytes(*dictionary),
            crc: u32::from_le_bytes(*crc),
            length: u64::from_le_bytes(*length),
            check: u32::from_le_bytes(*check),
            place: u64::from_le_bytes(*place),
            before: Border::from_bytes(before)?,
        })
    }
}
