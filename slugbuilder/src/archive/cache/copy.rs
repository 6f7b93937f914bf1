//! Copying between files.

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statfs::{EXT4_SUPER_MAGIC, fstatfs};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt as _;

/// Bytes that are copied at once where the kernel does not do it alone.
const PIECE: usize = 1 << 18;

/// Copies into one file.
pub(super) struct Copying<'a> {
    target: &'a File,
    is_ext4: bool,
    buffer: Vec<u8>,
}

impl<'a> Copying<'a> {
    pub(super) fn into(target: &'a File) -> Self {
        let kind = fstatfs(target).map(|found| found.filesystem_type());
        Self {
            target,
            is_ext4: kind == Ok(EXT4_SUPER_MAGIC),
            buffer: Vec::new(),
        }
    }

    /// Tells the file system how long the target will be, where that makes it faster to fill.
    ///
    /// Ext4 decides about each block that is written whether there is one; asked for all of them at once it is done with a
    /// copy in two thirds of the time. What it cannot give is found missing by the writer.
    pub(super) fn expect_length(&self, length: u64) {
        if let Ok(length) = i64::try_from(length)
            && self.is_ext4
        {
            let _ = fallocate(self.target, FallocateFlags::empty(), 0, length);
        }
    }

    /// Copies a range of `source` to a place in the target. File systems that can share blocks (Btrfs, XFS, bcachefs) do
    /// so for those that are aligned alike.
    pub(super) fn range(
        &mut self,
        source: &File,
        mut from: u64,
        mut to: u64,
        mut length: u64,
    ) -> Result<()> {
        while length > 0 {
            let copied = match self.in_kernel(source, from, to, length) {
                Ok(copied @ 1..) => copied,
                Err(Errno::EINTR) => continue,
                // Not every kernel, file system and sandbox can; and if it is something else, reading and writing tells
                // what.
                Ok(0) | Err(_) => self.by_hand(source, from, to, length)?,
            };
            if copied == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            from += copied;
            to += copied;
            length = length.saturating_sub(copied);
        }
        Ok(())
    }

    fn in_kernel(&self, source: &File, from: u64, to: u64, length: u64) -> nix::Result<u64> {
        // Ext4 shares no blocks, and its kernel's copy, through a pipe, takes longer than one through a buffer.
        if self.is_ext4 {
            return Ok(0);
        }
        let offset = |at: u64| i64::try_from(at).map_err(|_| Errno::EOVERFLOW);
        let (mut from, mut to) = (offset(from)?, offset(to)?);
        // A system call that copies gigabytes would not notice that it is to end.
        let length = usize::try_from(length.min(1 << 30)).map_err(|_| Errno::EOVERFLOW)?;
        let copied = nix::fcntl::copy_file_range(
            source,
            Some(&mut from),
            self.target,
            Some(&mut to),
            length,
        );
        copied.map(|copied| copied as u64)
    }

    fn by_hand(&mut self, source: &File, from: u64, to: u64, length: u64) -> Result<u64> {
        self.buffer.resize(PIECE, 0);
        let piece = usize::try_from(length).unwrap_or(PIECE).min(PIECE);
        let buffer = &mut self.buffer[..piece];
        let read = loop {
            match source.read_at(buffer, from) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.target.write_all_at(&buffer[..read], to)?;
        u64::try_from(read).map_err(Error::other)
    }
}
