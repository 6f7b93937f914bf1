//! The folder in which a benchmark works.

use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::runner::Runner;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// A folder that belongs to this run until it ends.
#[derive(Debug)]
pub(crate) struct Work {
    root: PathBuf,
    /// Locked as long as it is open.
    _lock: fs::File,
}

impl Work {
    /// Takes the folder `root`, which is made where it is not there, and removes what an earlier run left of its series.
    pub(crate) fn open(root: &Path) -> Result<Self, BenchError> {
        fs::create_dir_all(root)?;
        let root = fs::canonicalize(root)?;
        let lock = fs::File::create(root.join(".lock"))?;
        if lock.file().try_lock().is_err() {
            return Err(BenchError::InUse(root));
        }
        let work = Self { root, _lock: lock };
        remove(&work.root.join("series"))?;
        Ok(work)
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder that stays for later runs.
    pub(crate) fn lasting(&self, name: &str) -> Result<PathBuf, BenchError> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// An empty folder for a series.
    pub(crate) fn series(&self, name: &str) -> Result<PathBuf, BenchError> {
        let folder = self.root.join("series").join(name);
        remove(&folder)?;
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Removes a file or folder, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), BenchError> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    Ok(removed?)
}

/// Copies a folder with everything that it has.
pub(crate) fn copy(runner: &Runner, from: &Path, to: &Path) -> Result<(), BenchError> {
    runner.run(
        &Pipeline::new("cp")
            .arguments("-a --")
            .argument(from)
            .argument(to),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        let work = Work::open(&root).unwrap();
        assert!(matches!(Work::open(&root), Err(BenchError::InUse(_))));
        let series = work.series("a").unwrap();
        fs::write(series.join("left"), "").unwrap();
        fs::write(work.lasting("trees").unwrap().join("kept"), "").unwrap();
        drop(work);
        let work = Work::open(&root).unwrap();
        assert!(!series.exists());
        assert!(work.root().join("trees/kept").exists());
    }
}
