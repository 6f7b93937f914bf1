//! Whether a pack is as we left it.

use blake3::{Hash, Hasher};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

/// Stands for a pack in its present state, as long as the machine runs: what is written to a file shows in its times,
/// and what a loss of power takes from it while it is being written out is lost with a restart only. Nothing where that
/// cannot be told.
pub(super) fn state(pack: &File) -> Option<Hash> {
    // Made anew at each start of the kernel (random(4)).
    let boot = std::fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    let metadata = pack.metadata().ok()?;
    let mut state = Hasher::new();
    state.update(&boot);
    for number in [metadata.dev(), metadata.ino(), metadata.len()] {
        state.update(&number.to_le_bytes());
    }
    for number in [
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ] {
        state.update(&number.to_le_bytes());
    }
    Some(state.finalize())
}

/// Stands for a pack whose state cannot be told. It is no pack's.
pub(super) const UNKNOWN: Hash = Hash::from_bytes([0; 32]);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::time::Duration;

    #[test]
    fn what_is_written_to_a_pack_shows() {
        let mut pack = tempfile::tempfile().unwrap();
        pack.write_all(b"chunk").unwrap();
        let before = state(&pack).unwrap();
        assert_eq!(state(&pack), Some(before));
        // Longer than a tick of the file system's clock.
        std::thread::sleep(Duration::from_millis(50));
        std::os::unix::fs::FileExt::write_all_at(&pack, b"c", 0).unwrap();
        assert_ne!(state(&pack), Some(before));
        assert_ne!(before, UNKNOWN);
    }
}
