//! What an archive is written into.

use std::fs::File;
use std::io::{Result, Seek as _, SeekFrom, Write};

/// A writer of which nothing is known, or a file.
pub(super) enum Output<'a> {
    /// Anything.
    Stream(&'a mut dyn Write),
    /// A file that is empty so far, into which the kernel can copy from another.
    File(&'a File),
}

impl<'a> Output<'a> {
    /// The file, where it is one.
    pub(super) fn file(&self) -> Option<&'a File> {
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

    /// Goes on after the first `length` bytes, and drops what a file has beyond them.
    pub(super) fn go_on_at(&mut self, length: u64) -> Result<()> {
        match self {
            Self::Stream(_) => Ok(()),
            Self::File(file) => {
                file.set_len(length)?;
                file.seek(SeekFrom::Start(length)).map(drop)
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.flush(),
        }
    }
}
