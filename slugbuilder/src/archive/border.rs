//! What is known of an archive at a border between two chunks: enough to go on from there without what lies before.

use super::Compression;
use crc32fast::Hasher as Crc32;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256};

/// Bytes of the gzip header, after which the first chunk begins.
const GZIP_HEADER: usize = 10;

/// An empty last block with fixed codes (RFC 1951, section 3.2.6): every chunk leaves the stream open.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Operating system "unknown" of RFC 1952.
const UNKNOWN_SYSTEM: u8 = 255;

/// The gzip header: no time, no name; the eighth byte tells the compressor's effort (RFC 1952, section 2.3.1).
pub(super) fn gzip_header(compression: Compression) -> [u8; GZIP_HEADER] {
    let effort = match compression {
        Compression::Fast => 4,
        Compression::Default => 0,
        Compression::Best => 2,
    };
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, effort, UNKNOWN_SYSTEM]
}

/// A border, and all that was written before it.
#[derive(Debug, Clone)]
pub(super) struct Border {
    slug: Sha256,
    tar: Sha256,
    /// CRC-32 of the tar.
    crc: u32,
    /// Bytes of the slug.
    pub(super) slug_length: u64,
    /// Bytes of the tar.
    pub(super) tar_length: u64,
}

impl Border {
    /// The one before the first chunk.
    pub(super) fn first(compression: Compression) -> Self {
        let header = gzip_header(compression);
        Self {
            slug: Sha256::new_with_prefix(header),
            tar: Sha256::new(),
            crc: 0,
            slug_length: header.len() as u64,
            tar_length: 0,
        }
    }

    /// Goes over a chunk with these bytes of tar (of which `crc` is the CRC-32) and of deflate.
    pub(super) fn pass(&mut self, tar: &[u8], crc: u32, deflate: &[u8]) {
        self.tar.update(tar);
        self.slug.update(deflate);
        let mut sum = Crc32::new_with_initial_len(self.crc, self.tar_length);
        sum.combine(&Crc32::new_with_initial_len(crc, tar.len() as u64));
        self.crc = sum.finalize();
        self.tar_length += tar.len() as u64;
        self.slug_length += deflate.len() as u64;
    }

    /// Ends the archive. Returns what follows the last chunk, and the digests.
    pub(super) fn end(self) -> End {
        let length = u32::try_from(self.tar_length & u64::from(u32::MAX)).unwrap_or(0);
        let trailer = [
            &LAST_BLOCK[..],
            &self.crc.to_le_bytes(),
            &length.to_le_bytes(),
        ]
        .concat();
        End {
            size: self.slug_length + trailer.len() as u64,
            sha256: self.slug.chain_update(&trailer).finalize().into(),
            diff_id: self.tar.finalize().into(),
            uncompressed: self.tar_length,
            trailer,
        }
    }

    /// Bytes of [`Border::to_bytes`].
    pub(super) const BYTES: usize = 2 * STATE + 4 + 8 + 8;

    /// For the next build.
    pub(super) fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let fields = [
            &self.slug.serialize()[..],
            &self.tar.serialize(),
            &self.crc.to_le_bytes(),
            &self.slug_length.to_le_bytes(),
            &self.tar_length.to_le_bytes(),
        ];
        let mut rest = &mut bytes[..];
        for field in fields {
            let (start, after) = rest.split_at_mut(field.len());
            start.copy_from_slice(field);
            rest = after;
        }
        bytes
    }

    /// What [`Border::to_bytes`] wrote; nothing for what it cannot have written.
    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (slug, rest) = bytes.split_first_chunk::<STATE>()?;
        let (tar, rest) = rest.split_first_chunk::<STATE>()?;
        let (crc, rest) = rest.split_first_chunk()?;
        let (slug_length, rest) = rest.split_first_chunk()?;
        let (tar_length, _) = rest.split_first_chunk()?;
        let slug_length = u64::from_le_bytes(*slug_length);
        let tar_length = u64::from_le_bytes(*tar_length);
        Some(Self {
            slug: hash_after(slug, slug_length)?,
            tar: hash_after(tar, tar_length)?,
            crc: u32::from_le_bytes(*crc),
            slug_length,
            tar_length,
        })
    }
}

/// Bytes of a serialized SHA-256: eight words, the number of blocks, and a block that is not full yet.
const STATE: usize = size_of::<SerializedState<Sha256>>();

/// Bytes of the eight words.
const WORDS: usize = 32;

/// Bytes of a block.
const BLOCK: u64 = 64;

/// Bytes that no archive has, and that may be added to without overflow.
const ABSURD: u64 = 1 << 60;

/// A hash that went over so many bytes; nothing if the serialized one went over others.
fn hash_after(state: &[u8; STATE], length: u64) -> Option<Sha256> {
    let blocks = state.get(WORDS..)?.first_chunk()?;
    if length >= ABSURD || u64::from_le_bytes(*blocks) != length / BLOCK {
        return None;
    }
    Sha256::deserialize(&SerializedState::<Sha256>::from(*state)).ok()
}

/// The end of an archive.
#[derive(Debug)]
pub(super) struct End {
    /// What follows the last chunk.
    pub(super) trailer: Vec<u8>,
    /// Bytes of the slug.
    pub(super) size: u64,
    /// Of the slug.
    pub(super) sha256: [u8; 32],
    /// Of the tar.
    pub(super) diff_id: [u8; 32],
    /// Bytes of the tar.
    pub(super) uncompressed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_from_bytes_is_going_on() {
        let chunks: [&[u8]; 3] = [
            b"one",
            b"",
            b"three and more than a block of sixty-four bytes, to be sure of it",
        ];
        let mut whole = Border::first(Compression::Default);
        let mut resumed = whole.clone();
        for chunk in chunks {
            let crc = crc32fast::hash(chunk);
            whole.pass(chunk, crc, chunk);
            resumed = Border::from_bytes(&resumed.to_bytes()).unwrap();
            resumed.pass(chunk, crc, chunk);
        }
        let (whole, resumed) = (whole.end(), resumed.end());
        assert_eq!(whole.sha256, resumed.sha256);
        assert_eq!(whole.trailer, resumed.trailer);
        let diff_id: [u8; 32] = Sha256::digest(chunks.concat()).into();
        assert_eq!(resumed.diff_id, diff_id);
        assert_eq!(
            resumed.trailer[2..6],
            crc32fast::hash(&chunks.concat()).to_le_bytes()
        );
    }

    /// If this fails after an update of sha2, the states in people's caches no longer mean what they did: raise `VERSION`
    /// in cache/index.rs together with it.
    #[test]
    fn hashes_are_kept_in_the_form_of_this_version() {
        let mut border = Border::first(Compression::Default);
        let text = [7; 100];
        border.pass(&text, crc32fast::hash(&text), &text);
        insta::assert_snapshot!(blake3::hash(&border.to_bytes()), @"d63a24a1833e88da4c743505a333486c5357aef2563ee67cd256c699d96aa5a6");
    }

    #[test]
    fn bytes_that_no_hash_has_are_no_border() {
        let mut bytes = Border::first(Compression::Default).to_bytes();
        // The last byte of a serialized hash is how much of its block is filled.
        bytes[STATE - 1] = 0xff;
        assert!(Border::from_bytes(&bytes).is_none());
    }
}
