//! Copies of folders: of a fixture, so that tests may change it and rebuilds find it in the same place.

use fs_err as fs;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt};
use std::path::Path;
use walkdir::WalkDir;

/// Copies what is in `from` into `to`, which is made. Links stay links; permission bits and times stay. `give` is called
/// for everything that was made.
pub(crate) fn copy_tree(
    from: &Path,
    to: &Path,
    give: &dyn Fn(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let mut folders = Vec::new();
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let Ok(relative) = entry.path().strip_prefix(from) else {
            continue;
        };
        let target = if relative.as_os_str().is_empty() {
            to.to_owned()
        } else {
            to.join(relative)
        };
        let metadata = entry.metadata()?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            fs::create_dir(&target)?;
            folders.push((target, metadata));
            continue;
        }
        if kind.is_symlink() {
            fs::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            keep_time(&target, &metadata)?;
        } else {
            let what = if kind.is_fifo() { "a FIFO" } else { "no file" };
            return Err(io::Error::other(format!(
                "{} is {what}: it cannot be copied",
                entry.path().display()
            )));
        }
        give(&target)?;
    }
    // From below, since what is written into a folder changes its time, and may need more than its own bits.
    for (folder, metadata) in folders.into_iter().rev() {
        give(&folder)?;
        let mode = metadata.permissions().mode() & 0o7777;
        fs::set_permissions(&folder, PermissionsExt::from_mode(mode))?;
        keep_time(&folder, &metadata)?;
    }
    Ok(())
}

fn keep_time(target: &Path, metadata: &Metadata) -> io::Result<()> {
    let Ok(modified) = metadata.modified() else {
        return Ok(());
    };
    // Opening for reading is enough to set times, and the file may be read-only.
    fs::File::open(target)?
        .into_file()
        .set_modified(modified)
        .or_else(|error| match error.kind() {
            // A file that its owner cannot change is a file all the same.
            io::ErrorKind::PermissionDenied => Ok(()),
            _ => Err(error),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn everything_but_the_owner_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/file"), "content").unwrap();
        fs::set_permissions(from.join("a/b/file"), PermissionsExt::from_mode(0o755)).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = fs::File::open(from.join("a/b/file")).unwrap();
        file.into_file().set_modified(old).unwrap();
        fs::os::unix::fs::symlink("b/file", from.join("a/link")).unwrap();
        fs::set_permissions(from.join("a/b"), PermissionsExt::from_mode(0o555)).unwrap();
        copy_tree(&from, &to, &|_| Ok(())).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/link")).unwrap(), "content");
        assert_eq!(
            fs::read_link(to.join("a/link")).unwrap(),
            Path::new("b/file")
        );
        let metadata = fs::metadata(to.join("a/b/file")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o755);
        assert_eq!(metadata.modified().unwrap(), old);
        let mode = fs::metadata(to.join("a/b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o555);
        for folder in [&from, &to] {
            fs::set_permissions(folder.join("a/b"), PermissionsExt::from_mode(0o755)).unwrap();
        }
    }
}
