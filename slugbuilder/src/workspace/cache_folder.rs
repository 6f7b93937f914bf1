//! The cache folder itself: whether it may be used, and what marks it as one.

use super::WorkspaceError;
use fs_err as fs;
use nix::unistd::{Gid, Uid};
use std::fs::Metadata;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Refuses a cache folder that is the source or lies above it. Writes nothing.
pub(super) fn check(cache_dir: &Path, source: &Path) -> Result<(), WorkspaceError> {
    // A folder that is not there yet has nothing in it, and a source that is not there is for others to tell of.
    let (Ok(cache), Ok(inside)) = (
        std::fs::canonicalize(cache_dir),
        std::fs::canonicalize(source),
    ) else {
        return Ok(());
    };
    if inside.starts_with(&cache) {
        return Err(WorkspaceError::HoldsSource {
            cache_dir: cache_dir.to_owned(),
            source_folder: source.to_owned(),
        });
    }
    Ok(())
}

/// Makes the folder `name` in the cache folder, and the cache folder where there is none yet. The path is absolute,
/// because helpers with another working directory get it.
pub(crate) fn bucket(cache_dir: &Path, name: &str) -> Result<PathBuf, WorkspaceError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        // Not left to the umask: what others can write to, root refuses.
        .mode(0o755)
        .create(cache_dir)
        .or_else(|_| fs::create_dir_all(cache_dir))?;
    refuse_what_others_control(cache_dir)?;
    for (name, contents) in [
        // https://bford.info/cachedir/
        (
            "CACHEDIR.TAG",
            "Signature: 8a477f597d28d172789f06886806bc55\n",
        ),
        (".gitignore", "*\n"),
    ] {
        mark(&cache_dir.join(name), contents)?;
    }
    let bucket = cache_dir.join(name);
    fs::create_dir_all(&bucket)?;
    Ok(fs::canonicalize(bucket)?)
}

/// Writes a file where there is nothing yet, not even a link.
fn mark(path: &Path, contents: &str) -> io::Result<()> {
    match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(contents.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whoever can write to the folder can make links in it, which root would follow.
pub(super) fn refuse_what_others_control(cache_dir: &Path) -> Result<(), WorkspaceError> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    if others_control(&fs::metadata(cache_dir)?) {
        return Err(WorkspaceError::Foreign {
            path: cache_dir.to_owned(),
        });
    }
    Ok(())
}

fn others_control(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    metadata.uid() != Uid::effective().as_raw()
        || mode & 0o002 != 0
        || (mode & 0o020 != 0 && metadata.gid() != Gid::effective().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    #[test]
    fn a_cache_that_is_the_source_or_above_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("apps/one");
        fs::create_dir_all(&source).unwrap();
        symlink("apps", folder.path().join("alias")).unwrap();
        for cache in ["", "apps", "alias", "apps/one", "apps/one/../one"] {
            let error = check(&folder.path().join(cache), &source).unwrap_err();
            assert!(matches!(error, WorkspaceError::HoldsSource { .. }));
        }
        for cache in ["cache", "apps/one/cache", "apps/on"] {
            check(&folder.path().join(cache), &source).unwrap();
        }
    }

    #[test]
    fn markers_are_never_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let cache = folder.path().join("cache");
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&target, cache.join(".gitignore")).unwrap();
        bucket(&cache, "apps-v1").unwrap();
        assert!(!target.exists());
        assert!(cache.join("CACHEDIR.TAG").exists());
    }

    #[test]
    fn who_controls_a_folder_is_known() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, of_others) in [
            (0o700, false),
            (0o755, false),
            (0o757, true),
            (0o1777, true),
        ] {
            fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let metadata = fs::metadata(folder.path()).unwrap();
            assert_eq!(others_control(&metadata), of_others, "{mode:o}");
        }
    }

    #[test]
    #[ignore = "needs root"]
    fn root_refuses_a_cache_that_others_control() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        bucket(&cache, "apps-v1").unwrap();
        bucket(&cache, "apps-v1").unwrap();
        chown(&cache, Some(65520), None).unwrap();
        fs::remove_file(cache.join(".gitignore")).unwrap();
        let error = bucket(&cache, "apps-v1").unwrap_err();
        assert!(matches!(error, WorkspaceError::Foreign { .. }));
        assert!(!cache.join(".gitignore").exists());
    }
}
