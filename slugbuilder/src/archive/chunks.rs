//! How the tar is cut into chunks, which are compressed side by side and known again one by one.
//!
//! A border must not move because of what happens elsewhere in the tree, so each is decided by what lies around it:
//!
//! - A part begins with a border.
//! - A file of more than [`LARGE`] bytes has chunks of its own: pieces of [`PIECE`] bytes of its content, the last one
//!   of up to twice as many; the header is in the first piece and the padding in the last.
//! - Before any other entry there is a border if the chunk would exceed [`LONGEST`] bytes with it, or if the chunk has at
//!   least [`SHORTEST`] bytes and the CRC-32 of the entry's path, read as a fraction of 2^32, is less than the entry's
//!   bytes divided by [`USUAL`]. Chunks so have [`USUAL`] bytes or so, whatever the sizes of the files, and borders that
//!   follow an added or removed file are soon where they were.
//! - The end of the tar is a chunk of its own: its padding depends on everything.
//!
//! All of this is part of the format.

use super::entries::Entry;
use super::header::{BLOCK, RECORD, padding};
use super::tar_stream::{Buffer, TarStream};
use super::{ArchiveError, Part};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

/// Bytes that a chunk has on average.
const USUAL: u64 = 1 << 18;

/// Bytes below which no border is drawn because of a name.
const SHORTEST: u64 = USUAL / 4;

/// Bytes above which a chunk of several entries does not grow.
const LONGEST: u64 = USUAL * 2;

/// Bytes of content above which a file is cut.
const LARGE: u64 = USUAL;

/// Bytes of content in a piece of a large file.
const PIECE: u64 = USUAL;

/// Bytes of text that deflate can refer back to (RFC 1951, section 2): so much of the chunk before is a chunk's
/// dictionary.
const WINDOW: usize = 1 << 15;

/// The end of a chunk's bytes, which is the next one's dictionary.
pub(super) fn tail(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.len().saturating_sub(WINDOW)..]
}

/// What a chunk is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    /// Whole entries.
    Entries(Range<usize>),
    /// A range of the content of one file.
    Piece { entry: usize, content: Range<u64> },
    /// The zeros that end the tar.
    End,
}

/// A range of the tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    material: Material,
    /// Bytes of tar.
    pub(super) length: u64,
}

impl Chunk {
    /// Reads the chunk's bytes into `output`, but for the first `skip`.
    fn read(
        &self,
        tar: &TarStream<'_>,
        mut skip: u64,
        output: &mut Buffer,
    ) -> Result<(), ArchiveError> {
        output.clear();
        match &self.material {
            Material::Entries(entries) => {
                for entry in &tar.entries()[entries.clone()] {
                    // An entry that is skipped as a whole is not even opened.
                    let length = tar.length(entry);
                    if skip >= length {
                        skip -= length;
                    } else {
                        tar.read(entry, 0..entry.content_length(), &mut skip, output)?;
                    }
                }
            }
            Material::Piece { entry, content } => {
                tar.read(&tar.entries()[*entry], content.clone(), &mut skip, output)?;
            }
            Material::End => {
                let length = usize::try_from(self.length.saturating_sub(skip)).unwrap_or(0);
                output.claim(length).fill(0);
            }
        }
        Ok(())
    }

    /// Reads all of the chunk's bytes into `output`.
    pub(super) fn read_all(
        &self,
        tar: &TarStream<'_>,
        output: &mut Buffer,
    ) -> Result<(), ArchiveError> {
        self.read(tar, 0, output)
    }

    /// Reads the last [`WINDOW`] bytes of the chunk into `output`, all of them where it is shorter.
    pub(super) fn read_tail(
        &self,
        tar: &TarStream<'_>,
        output: &mut Buffer,
    ) -> Result<(), ArchiveError> {
        self.read(tar, self.length.saturating_sub(WINDOW as u64), output)
    }

    /// The entries whose content has a say in the chunk's bytes, and the range of it for a piece.
    pub(super) fn sources<'t>(&self, tar: &TarStream<'t>) -> (&'t [Entry], Option<Range<u64>>) {
        match &self.material {
            Material::Entries(entries) => (&tar.entries()[entries.clone()], None),
            Material::Piece { entry, content } => {
                (&tar.entries()[*entry..=*entry], Some(content.clone()))
            }
            Material::End => (&[], None),
        }
    }
}

/// Cuts the tar into chunks.
pub(super) fn cut(tar: &TarStream<'_>) -> Vec<Chunk> {
    let mut cutter = Cutter {
        chunks: Vec::new(),
        open: 0..0,
        length: 0,
        total: 0,
    };
    let mut part = Part::Runtime;
    for (index, entry) in tar.entries().iter().enumerate() {
        if entry.part != part {
            cutter.close();
            part = entry.part;
        }
        let length = tar.length(entry);
        if entry.content_length() > LARGE {
            cutter.close();
            cutter.pieces(index, entry.content_length(), length);
        } else {
            if cutter.border_before(entry, length) {
                cutter.close();
            }
            cutter.add(index, length);
        }
    }
    cutter.finish()
}

struct Cutter {
    chunks: Vec<Chunk>,
    /// The entries of the chunk that is not closed yet, and their bytes.
    open: Range<usize>,
    length: u64,
    /// Bytes of all closed chunks.
    total: u64,
}

impl Cutter {
    fn border_before(&self, entry: &Entry, length: u64) -> bool {
        if self.length + length > LONGEST {
            return true;
        }
        let chance = u128::from(crc32fast::hash(entry.path.as_os_str().as_bytes()));
        self.length >= SHORTEST && chance * u128::from(USUAL) < u128::from(length) << 32
    }

    fn add(&mut self, index: usize, length: u64) {
        if self.open.is_empty() {
            self.open = index..index;
        }
        self.open.end = index + 1;
        self.length += length;
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let entries = std::mem::take(&mut self.open);
            let length = std::mem::take(&mut self.length);
            self.push(Material::Entries(entries), length);
        }
    }

    fn push(&mut self, material: Material, length: u64) {
        self.total += length;
        self.chunks.push(Chunk { material, length });
    }

    /// Adds a large file, of which content and whole entry have so many bytes.
    fn pieces(&mut self, entry: usize, size: u64, length: u64) {
        let tail = padding(size).len() as u64;
        let head = length - size - tail;
        let mut start = 0;
        while start < size {
            let end = if size - start < 2 * PIECE {
                size
            } else {
                start + PIECE
            };
            let around = if start == 0 { head } else { 0 } + if end == size { tail } else { 0 };
            let content = start..end;
            self.push(Material::Piece { entry, content }, end - start + around);
            start = end;
        }
    }

    /// Adds the end: two blocks of zeros, and as many bytes as make the tar a multiple of a record.
    fn finish(mut self) -> Vec<Chunk> {
        self.close();
        let end = (self.total + 2 * BLOCK as u64).next_multiple_of(RECORD);
        self.push(Material::End, end - self.total);
        self.chunks
    }
}

#[cfg(test)]
mod tests;
