//! Copying between files inside the kernel.

use nix::errno::Errno;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt as _;

/// Bytes that are copied at once where the kernel cannot do it alone.
const PIECE: usize = 1 << 18;

/// Copies a range of `source` to a place in `target`. File systems that can share blocks (Btrfs, XFS, bcachefs) do so
/// for those that are aligned alike.
pub(super) fn copy_range(
    source: &File,
    mut from: u64,
    target: &File,
    mut to: u64,
    mut length: u64,
) -> Result<()> {
    while length > 0 {
        let copied = match in_kernel(source, from, target, to, length) {
            Ok(copied @ 1..) => copied,
            Err(Errno::EINTR) => continue,
            // Not every kernel, file system and sandbox can; and if it is something else, reading and writing tells what.
            Ok(0) | Err(_) => by_hand(source, from, target, to, length)?,
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

fn in_kernel(source: &File, from: u64, target: &File, to: u64, length: u64) -> nix::Result<u64> {
    let offset = |at: u64| i64::try_from(at).map_err(|_| Errno::EOVERFLOW);
    let (mut from, mut to) = (offset(from)?, offset(to)?);
    // A system call that copies gigabytes would not notice that it is to end.
    let length = usize::try_from(length.min(1 << 30)).map_err(|_| Errno::EOVERFLOW)?;
    let copied =
        nix::fcntl::copy_file_range(source, Some(&mut from), target, Some(&mut to), length);
    copied.map(|copied| copied as u64)
}

fn by_hand(source: &File, from: u64, target: &File, to: u64, length: u64) -> Result<u64> {
    let mut buffer = vec![0; usize::try_from(length).unwrap_or(PIECE).min(PIECE)];
    let read = loop {
        match source.read_at(&mut buffer, from) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    target.write_all_at(&buffer[..read], to)?;
    u64::try_from(read).map_err(Error::other)
}
