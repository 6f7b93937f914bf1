//! Our own writer as a row.

use super::THREADS;
use crate::arguments::Compression;
use crate::pipeline::Pipeline;
use slugbuilder::archive::FIXED_TIME;
use std::path::{Path, PathBuf};

/// One call of the writer.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) tree: PathBuf,
    pub(super) output: PathBuf,
    pub(super) cache: Option<PathBuf>,
    pub(super) threads: usize,
    pub(super) compression: Compression,
    pub(super) app_time: i64,
}

impl Write {
    /// A cold archive of `tree`, on two threads.
    pub(super) fn new(tree: &Path, output: &Path) -> Self {
        Self {
            tree: tree.to_owned(),
            output: output.to_owned(),
            cache: None,
            threads: THREADS,
            compression: Compression::Default,
            app_time: FIXED_TIME,
        }
    }

    /// The file that gets the checksum that the writer gives.
    pub(super) fn claimed(&self) -> PathBuf {
        self.output.with_extension("claimed")
    }

    /// As `slugbuilder-bench write`; `program` is this one.
    pub(super) fn pipeline(&self, program: &Path) -> Pipeline {
        let mut pipeline = Pipeline::new(program)
            .argument("write")
            .argument(&self.tree)
            .argument(&self.output)
            .argument(format!("--threads={}", self.threads))
            .argument(format!("--compression={}", self.compression.name()))
            .argument(format!("--app-time={}", self.app_time));
        if let Some(cache) = &self.cache {
            pipeline = pipeline.argument("--cache").argument(cache);
        }
        pipeline.output(self.claimed())
    }
}
