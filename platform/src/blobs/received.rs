//! What is known of bytes once all of them are there.

use sha2::{Digest, Sha256};

/// Size and hash of the bytes that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Bytes.
    pub size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Counts and hashes bytes on their way.
#[derive(Debug, Default)]
pub(super) struct Meter {
    size: u64,
    hasher: Sha256,
}

impl Meter {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    pub(super) fn finish(self) -> Received {
        Received {
            size: self.size,
            sha256: hex::encode(self.hasher.finalize()),
        }
    }
}
