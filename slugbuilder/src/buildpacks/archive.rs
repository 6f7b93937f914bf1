//! Archives of buildpacks, unpacked into the cache under the checksum of their content.

use super::SelectionError;
use crate::sandbox::SandboxOptions;
use crate::stop::{Stop, Stoppable};
use crate::workspace::{self, remove_tree};
use fs_err as fs;
use slugbuilder_fetch::{
    Algorithm, Checksum, Format, Limits, Links, Strip, Times, UnpackError, UnpackOptions,
};
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The folder in the cache. Its number changes with what is in it.
const FOLDER: &str = "buildpacks-v1";

/// How long what nobody uses stays.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// The folder with what is in the archive `file`.
pub(super) fn unpacked(
    file: &Path,
    cache_dir: &Path,
    stop: &Stop,
) -> Result<PathBuf, SelectionError> {
    let failed = |source| SelectionError::Unreadable {
        path: file.to_owned(),
        source,
    };
    // Before it is opened: opening a FIFO would wait for a writer.
    if !fs::metadata(file).map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is no file")));
    }
    let mut archive = std::fs::File::open(file).map_err(failed)?;
    let format = format(&archive).map_err(failed)?;
    archive.rewind().map_err(failed)?;
    let reading = Stoppable {
        inner: &archive,
        stop,
    };
    let checksum = Checksum::of(Algorithm::Sha256, reading).map_err(|source| {
        stop.check()
            .map_or_else(SelectionError::Stopped, |()| failed(source))
    })?;
    archive.rewind().map_err(failed)?;

    let bucket = workspace::bucket(cache_dir, FOLDER)?;
    let folder = bucket.join(checksum.hex());
    forget_unused(&bucket, &folder);
    if !folder.is_dir() {
        let options = UnpackOptions {
            strip: Strip::Components(0),
            keep: &|_| true,
            links: Links::Inside,
            times: Times::Archive,
            limits: Limits::default(),
        };
        let reading = Stoppable {
            inner: &archive,
            stop,
        };
        match slugbuilder_fetch::unpack(reading, format, &folder, &options) {
            Ok(_) => open_to_builds(&folder),
            // Another build was faster.
            Err(UnpackError::DestinationExists { .. }) => {}
            Err(source) => {
                stop.check().map_err(SelectionError::Stopped)?;
                return Err(SelectionError::Unpack {
                    path: file.to_owned(),
                    source,
                });
            }
        }
    }
    // Its time says when it was last used.
    let _ = std::fs::File::open(&folder).and_then(|opened| opened.set_modified(SystemTime::now()));
    if folder.join("oci-layout").exists() {
        return Err(SelectionError::Oci {
            path: file.to_owned(),
        });
    }
    Ok(folder)
}

/// Lets the uid that programs run as, where that is not ours, read what was packed for its owner's eyes only. Whoever
/// could not be let in meets an error that names the file.
fn open_to_builds(folder: &Path) {
    if SandboxOptions::owner().is_none() {
        return;
    }
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let mode = metadata.permissions().mode();
        let open = mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6;
        if !metadata.is_symlink() && open != mode {
            let _ = fs::set_permissions(entry.path(), PermissionsExt::from_mode(open));
        }
    }
}

/// What the first bytes say; a plain tar says nothing at its beginning.
fn format(mut file: &std::fs::File) -> std::io::Result<Format> {
    let mut beginning = Vec::new();
    (&mut file).take(6).read_to_end(&mut beginning)?;
    Ok(match beginning.as_slice() {
        [0x1f, 0x8b, ..] => Format::TarGz,
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Format::TarXz,
        _ => Format::Tar,
    })
}

/// Removes what was not used for long. What cannot be removed is tried again next time.
fn forget_unused(bucket: &Path, wanted: &Path) {
    let Ok(entries) = fs::read_dir(bucket) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let age = path
            .symlink_metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|used| used.elapsed().ok());
        if path != wanted && age.is_some_and(|age| age > KEPT) {
            let _ = remove_tree(&path);
        }
    }
}

/// Removes all of them.
pub(crate) fn forget_all(cache_dir: &Path) -> std::io::Result<()> {
    remove_tree(&cache_dir.join(FOLDER))
}
