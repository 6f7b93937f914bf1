//! What installations leave behind that no running app reads and that differs from build to build, so that the same source
//! would not give the same slug.

use super::job::Job;
use super::trees;
use fs_err as fs;
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
        if !tree.is_dir() {
            continue;
        }
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

/// Removes the archives of Yarn's cache folder that Plug'n'Play's map does not lead into: those of development dependencies,
/// which Yarn leaves there, and of packages that are unplugged.
pub(crate) fn remove_unused_archives(root: &Path) -> io::Result<()> {
    let mut map = String::new();
    for name in [".pnp.cjs", ".pnp.data.json"] {
        match fs::read_to_string(root.join(name)) {
            Ok(text) => map.push_str(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let cache = root.join(".yarn/cache");
    if map.is_empty() || !cache.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_archive = Path::new(&name).extension() == Some(OsStr::new("zip"));
        let Some(name) = name.to_str().filter(|_| is_archive) else {
            continue;
        };
        if !map.contains(&format!("/{name}/")) {
            fs::remove_file(entry.path())?;
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
