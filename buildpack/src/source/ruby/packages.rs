//! Debian packages as archives.

use crate::source::{Kit, SourceError};
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::{Format, Links, UnpackOptions, unpack};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Unpacks Debian packages over one another into `tree`, each through our own unpacker.
pub(crate) fn unpack_packages(
    kit: &Kit<'_>,
    files: &[PathBuf],
    tree: &Path,
    keep: &dyn Fn(&Path) -> bool,
) -> Result<(), SourceError> {
    let program = kit
        .settings
        .environment
        .find("dpkg-deb")
        .ok_or_else(|| SourceError::Absent("`dpkg-deb` is not installed".into()))?;
    fs_err::create_dir_all(tree).map_err(SourceError::Disk)?;
    for file in files {
        let mut child = Command::new(&program)
            .arg("--fsys-tarfile")
            .arg(file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(SourceError::Disk)?;
        let Some(output) = child.stdout.take() else {
            return Err(SourceError::Answer("`dpkg-deb` has no output".into()));
        };
        let one = tree.with_extension("one");
        // Links between packages are whole only when all are there; the archive of the whole tree is unpacked with
        // links checked.
        let options = UnpackOptions {
            keep,
            links: Links::Any,
            ..UnpackOptions::default()
        };
        let unpacked = unpack(output, Format::Tar, &one, &options);
        let status = child.wait().map_err(SourceError::Disk)?;
        unpacked?;
        if !status.success() {
            return Err(SourceError::Answer(format!("`dpkg-deb` failed ({status})")));
        }
        merge(&one, tree).map_err(SourceError::Disk)?;
        fs_err::remove_dir_all(&one).map_err(SourceError::Disk)?;
    }
    Ok(())
}

/// Moves what is in `from` into `to`; folders that are in both become one.
fn merge(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match target.symlink_metadata() {
            Ok(there) if there.is_dir() && entry.file_type()?.is_dir() => {
                merge(&entry.path(), &target)?;
            }
            _ => fs_err::rename(entry.path(), target)?,
        }
    }
    Ok(())
}

/// One checksum for several packages: that of the list of their checksums and names, as `sha256sum` writes it.
pub(crate) fn digest_of(files: &[PathBuf]) -> Result<String, SourceError> {
    let mut list = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes = fs_err::read(file).map_err(SourceError::Disk)?;
        let _ = writeln!(list, "{}  {name}", hex::encode(Sha256::digest(bytes)));
    }
    Ok(format!("sha256:{}", hex::encode(Sha256::digest(list))))
}
