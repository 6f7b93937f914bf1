//! Files and folders that hold secrets.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Makes a folder that only its owner may look into, and, as anyone else would, those above it that are missing; all of them
/// outlive a power cut. Returns those that it made, the outermost first: none if the folder is there, which stays as it is.
pub(crate) fn folder(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    make_each(&std::path::absolute(path)?, 0o700, &mut made)?;
    Ok(made)
}

fn make_each(path: &Path, mode: u32, new: &mut Vec<PathBuf>) -> io::Result<()> {
    // Not `fs_err`'s: that has no mode.
    let create = || std::fs::DirBuilder::new().mode(mode).create(path);
    let created = match (create(), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            make_each(parent, 0o777, new)?;
            create()
        }
        (created, _) => created,
    };
    match created {
        Ok(()) => {
            new.push(path.to_owned());
            path.parent().map_or(Ok(()), sync_folder)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => {
            let text = format!("cannot make the folder `{}`: {error}", path.display());
            Err(io::Error::new(error.kind(), text))
        }
    }
}

/// Sees that the names in a folder outlive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs_err::File::open(folder)?.sync_all()
}

/// Sees that all that was written to the file system of a folder outlives a power cut.
pub(crate) fn sync_all(folder: &Path) -> io::Result<()> {
    Ok(nix::unistd::syncfs(fs_err::File::open(folder)?)?)
}

/// Writes a file that appears only when it is whole and on the disk, with this mode.
pub(crate) fn write(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(contents)?;
    let permissions = std::fs::Permissions::from_mode(mode);
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Reads a file of at most `limit` bytes, and its permission bits, which are those of what was read.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<(Vec<u8>, u32)> {
    use std::io::Read as _;
    let file = fs_err::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut contents = Vec::new();
    file.take(limit + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok((contents, metadata.mode() & 0o7777))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn only_the_folder_itself_is_private() {
        let place = tempfile::tempdir().unwrap();
        // What the umask of this process leaves of a folder.
        let usual = place.path().join("usual");
        std::fs::create_dir(&usual).unwrap();
        let (share, data) = (
            place.path().join("share"),
            place.path().join("share/app/data"),
        );
        let made = folder(&data).unwrap();
        assert_eq!(made, [share.clone(), share.join("app"), data.clone()]);
        assert_eq!(mode(&data), 0o700);
        for above in [&share, &share.join("app")] {
            assert_eq!(mode(above), mode(&usual), "{}", above.display());
        }
        // What is there stays as it is.
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(folder(&data).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(mode(&data), 0o750);
        // Also by another way.
        assert!(folder(&share.join("new/../app/data")).unwrap() == [share.join("new")]);
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("data")] {
            let text = folder(&path).unwrap_err().to_string();
            assert!(text.contains("cannot make the folder `"), "{text}");
        }
    }
}
