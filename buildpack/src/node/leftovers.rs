//! What installations leave behind that no running app reads and that differs from build to build, so that the same source
//! would not give the same slug.

use super::job::Job;
use super::trees;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// State of package managers right in `node_modules`, with dates or paths of the build in it: pnpm's, Yarn classic's.
const STATE: [&str; 4] = [
    ".modules.yaml",
    ".pnpm-workspace-state.json",
    ".pnpm-workspace-state-v1.json",
    ".yarn-integrity",
];

/// node-gyp's, in the `build` folder of an addon: the order of what is in them is not fixed, and they hold the build's
/// paths.
const OF_NODE_GYP: [&str; 5] = [
    "Makefile",
    "binding.Makefile",
    "config.gypi",
    "gyp-mac-tool",
    ".deps",
];

/// Removes it from the trees at `paths`.
pub(crate) fn remove(job: &Job<'_>, paths: &[PathBuf]) -> io::Result<()> {
    for path in paths {
        let tree = job.folder.join(path);
        for name in STATE {
            trees::remove(&tree.join(name))?;
        }
        let mut walk = walkdir::WalkDir::new(&tree).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            if is_of_node_gyp(entry.path()) {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                trees::remove(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Whether `path` is one of node-gyp's files: `build/Makefile`, `build/x.target.mk`, `build/Release/.deps`, of a package
/// with a `binding.gyp`.
fn is_of_node_gyp(path: &Path) -> bool {
    let Some(name) = path.file_name() else {
        return false;
    };
    let is_named = OF_NODE_GYP.iter().any(|known| name == *known)
        || path.extension() == Some(OsStr::new("mk"));
    if !is_named {
        return false;
    }
    path.ancestors()
        .skip(1)
        .take(2)
        .find(|folder| folder.file_name() == Some(OsStr::new("build")))
        .and_then(Path::parent)
        .is_some_and(|package| package.join("binding.gyp").is_file())
}
