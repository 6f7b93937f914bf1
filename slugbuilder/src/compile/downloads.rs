//! The archives of runtimes that builds download.
//!
//! A build reads the shared cache and writes into one of its own, because its programs may be hostile. What it wrote is
//! taken over afterwards under the checksum of its content, whatever it was called, so that nothing can be slipped under
//! a checksum that another build asks for.

use super::CompileError;
use crate::sandbox::{SandboxError, SandboxOptions};
use crate::workspace::Workspace;
use slugbuilder_fetch::Cache;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most that the shared cache may hold, in bytes: some forty runtimes.
const MAX_BYTES: u64 = 2 << 30;

pub(super) struct Downloads {
    shared: Cache,
    pub(super) shared_root: PathBuf,
    pub(super) incoming: PathBuf,
}

impl Downloads {
    pub(super) fn prepare(cache_dir: &Path, workspace: &Workspace) -> Result<Self, CompileError> {
        let shared_root = cache_dir.join("downloads");
        let shared = Cache::open(&shared_root)?;
        let incoming = workspace.build().join("downloads");
        let make = || -> io::Result<PathBuf> {
            fs::create_dir(&incoming)?;
            if let Some((uid, gid)) = SandboxOptions::owner() {
                std::os::unix::fs::chown(&incoming, Some(uid), Some(gid))?;
            }
            fs::canonicalize(&shared_root)
        };
        let shared_root = make().map_err(|source| SandboxError::SetUp {
            step: "making a cache for the build".into(),
            source,
        })?;
        Ok(Self {
            shared,
            shared_root,
            incoming,
        })
    }

    /// Takes over what the build downloaded, and keeps the cache within its bounds.
    pub(super) fn keep(&self, incoming: Option<&Path>) -> Result<(), CompileError> {
        if let Some(incoming) = incoming {
            self.shared.adopt(incoming)?;
        }
        self.shared.prune(MAX_BYTES)?;
        Ok(())
    }
}
