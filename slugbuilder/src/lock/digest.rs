//! The digest of a buildpack's folder.

use super::LockError;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use walkdir::WalkDir;

/// `sha256:<hex>` over the paths in `folder`, sorted by their bytes, each with what it is: of a file whether it can be
/// executed, its size and its content, of a link its target. Times and owners do not count.
pub(crate) fn of_folder(folder: &Path) -> Result<String, LockError> {
    let unreadable = |source| LockError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    digest(folder).map_err(unreadable)
}

fn digest(folder: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let field = |hash: &mut Sha256, bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let walk = WalkDir::new(folder)
        .min_depth(1)
        .sort_by(|one, other| one.file_name().cmp(other.file_name()));
    for entry in walk {
        let entry = entry?;
        let path = entry.path();
        let inside = path.strip_prefix(folder).unwrap_or(path);
        field(&mut hash, inside.as_os_str().as_bytes());
        let kind = entry.file_type();
        if kind.is_dir() {
            field(&mut hash, b"folder");
        } else if kind.is_symlink() {
            field(&mut hash, b"link");
            field(&mut hash, fs::read_link(path)?.as_os_str().as_bytes());
        } else if kind.is_file() {
            let is_executable = entry.metadata()?.mode() & 0o111 != 0;
            let kind: &[u8] = if is_executable { b"program" } else { b"file" };
            field(&mut hash, kind);
            field(&mut hash, &fs::read(path)?);
        } else {
            let text = format!("`{}` is no file, folder or link", path.display());
            return Err(io::Error::other(text));
        }
    }
    Ok(format!("sha256:{}", hex::encode(hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn everything_that_matters_changes_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir(path.join("bin")).unwrap();
        fs::write(path.join("bin/detect"), "x").unwrap();
        let first = of_folder(path).unwrap();
        assert_eq!(of_folder(path).unwrap(), first);
        let mut seen = vec![first];
        let mut changed = |what: &str| {
            let now = of_folder(path).unwrap();
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        fs::set_permissions(path.join("bin/detect"), fs::Permissions::from_mode(0o755)).unwrap();
        changed("mode");
        fs::write(path.join("bin/detect"), "y").unwrap();
        changed("content");
        fs::rename(path.join("bin/detect"), path.join("bin/build")).unwrap();
        changed("name");
        std::os::unix::fs::symlink("build", path.join("bin/detect")).unwrap();
        changed("link");
        fs::create_dir(path.join("empty")).unwrap();
        changed("folder");
    }
}
