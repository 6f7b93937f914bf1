//! What an archive is written into.

use super::cache::copy_range;
use std::fs::File;
use std::io::{Result, Seek as _, SeekFrom, Write};

/// A writer of which nothing is known, or a file.
pub(super) enum Output<'a> {
    /// Anything.
    Stream(&'a mut dyn Write),
    /// A file that is empty so far, into which the kernel can copy from another.
    File(&'a File),
}

impl Output<'_> {
    /// The file, where it is one.
    pub(super) fn file(&self) -> Option<&File> {
        match self {
            Self::Stream(_) => None,
            Self::File(file) => Some(file),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// Copies a range of `source` to the end of `file`, where its next byte would be written.
pub(super) fn splice(mut file: &File, source: &File, from: u64, length: u64) -> Result<()> {
    let position = file.stream_position()?;
    copy_range(source, from, file, position, length)?;
    file.seek(SeekFrom::Start(position + length))?;
    Ok(())
}
