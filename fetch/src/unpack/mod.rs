//! Unpacking archives in which nothing is trusted.

mod archive;
mod error;
mod options;
mod stream;
#[cfg(test)]
mod tests;
mod tree;

pub use error::{Refusal, UnpackError};
pub use options::{Format, Limits, Links, Strip, Times, UnpackOptions, Unpacked};

use archive::{Archive, Entry, Kind, printable};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use tree::{Place, Relative, Tree};

/// Unpacks the archive in `reader` to the folder `destination`, which must not exist; the folder that it is in must.
///
/// Everything is written to a folder `.unpacking-…` beside `destination`, which gets its name when it is whole; a killed
/// process leaves that folder. Owners are ignored, permissions are kept without setuid, setgid and sticky bits. Of two
/// files or links of the same name the last one stays. Nothing is written to disk explicitly (`fsync`).
pub fn unpack(
    reader: impl Read + Send,
    format: Format,
    destination: &Path,
    options: &UnpackOptions<'_>,
) -> Result<Unpacked, UnpackError> {
    if std::fs::symlink_metadata(destination).is_ok() {
        return Err(UnpackError::DestinationExists {
            path: destination.to_owned(),
        });
    }
    let folder = match destination.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |source| UnpackError::Disk {
        action: "create",
        path: destination.to_owned(),
        source,
    };
    let staging = tempfile::Builder::new()
        .prefix(".unpacking-")
        .tempdir_in(folder)
        .map_err(failed)?;
    let tree = Tree::new(staging.path(), destination)?;
    let (inflater, portions) = stream::portions();
    let limits = options.limits;
    let unpacked = std::thread::scope(|scope| {
        let inflate = move || inflater.run(reader, format, limits);
        std::thread::Builder::new()
            .name("inflate".to_owned())
            .spawn_scoped(scope, inflate)
            .map_err(UnpackError::Read)?;
        write(Archive::new(portions, limits.entries), tree, options)
    })?;
    publish(staging.path(), destination)?;
    // It has another name now.
    drop(staging.keep());
    Ok(unpacked)
}

/// Gives `staging` its name. Nothing can have come there meanwhile, not even an empty folder.
fn publish(staging: &Path, destination: &Path) -> Result<(), UnpackError> {
    let exists = || UnpackError::DestinationExists {
        path: destination.to_owned(),
    };
    let failed = |source| UnpackError::Disk {
        action: "create",
        path: destination.to_owned(),
        source,
    };
    match renameat2(
        AT_FDCWD,
        staging,
        AT_FDCWD,
        destination,
        RenameFlags::RENAME_NOREPLACE,
    ) {
        Ok(()) => Ok(()),
        Err(Errno::EEXIST) => Err(exists()),
        // Some file systems do not have that call.
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
            if std::fs::symlink_metadata(destination).is_ok() {
                return Err(exists());
            }
            std::fs::rename(staging, destination).map_err(failed)
        }
        Err(errno) => Err(failed(errno.into())),
    }
}

/// Writes every wanted entry of `archive`.
fn write(
    mut archive: Archive,
    mut tree: Tree,
    options: &UnpackOptions<'_>,
) -> Result<Unpacked, UnpackError> {
    let strip = Stripper::new(&options.strip);
    let mut unpacked = Unpacked::default();
    while let Some(mut entry) = archive.next()? {
        if options.for_owner {
            entry.mode |= match entry.kind {
                Kind::Directory => 0o700,
                _ => 0o400,
            };
        }
        let parts = relative(&entry.name, &entry)?;
        let Some(path) = strip.apply(&parts) else {
            unpacked.outside += 1;
            continue;
        };
        let modified = (options.times == Times::Archive).then_some(entry.modified);
        if path.is_empty() {
            // The root of what is unpacked; anything but a folder would have to be its content.
            if entry.kind == Kind::Directory {
                tree.directory(
                    Place {
                        path: &path,
                        name: &entry.name,
                    },
                    entry.mode,
                    modified,
                )?;
                unpacked.directories += 1;
            } else {
                unpacked.outside += 1;
            }
            continue;
        }
        if !(options.keep)(Path::new(OsStr::from_bytes(&path))) {
            unpacked.unwanted += 1;
            continue;
        }
        let place = Place {
            path: &path,
            name: &entry.name,
        };
        match entry.kind {
            Kind::Directory => {
                tree.directory(place, entry.mode, modified)?;
                unpacked.directories += 1;
            }
            Kind::File => {
                unpacked.bytes += write_file(&mut archive, &mut tree, place, &entry, modified)?;
                unpacked.files += 1;
            }
            Kind::Symlink => {
                tree.symlink(place, &entry.target, modified)?;
                unpacked.symlinks += 1;
            }
            Kind::HardLink => {
                let parts = relative(&entry.target, &entry);
                let target = parts.ok().and_then(|parts| strip.apply(&parts));
                let target = target
                    .ok_or_else(|| place.refused(Refusal::HardLink(printable(&entry.target))))?;
                tree.hard_link(place, &target, &entry.target)?;
                unpacked.files += 1;
            }
        }
    }
    if options.links == Links::Inside {
        tree.check_links()?;
    }
    tree.finish()?;
    Ok(unpacked)
}

/// Writes the content of a file; its size.
fn write_file(
    archive: &mut Archive,
    tree: &mut Tree,
    place: Place<'_>,
    entry: &Entry,
    modified: Option<u64>,
) -> Result<u64, UnpackError> {
    let mut file = tree.file(place, entry.mode)?;
    let mut written = 0;
    loop {
        let bytes = archive.content()?;
        if bytes.is_empty() {
            break;
        }
        file.write_all(bytes)
            .map_err(|source| tree.write_failed(place, source))?;
        let count = bytes.len();
        written += count as u64;
        archive.consume(count);
    }
    if let Some(modified) = modified {
        tree.set_time(place, &file, modified)?;
    }
    Ok(written)
}

/// The parts of a name of the archive, `.` left out.
fn relative<'a>(name: &'a [u8], entry: &Entry) -> Result<Vec<&'a [u8]>, UnpackError> {
    let refused = |reason| UnpackError::Refused {
        entry: printable(&entry.name),
        reason,
    };
    if name.is_empty() {
        return Err(refused(Refusal::Name("which is an empty name")));
    }
    if name.contains(&0) {
        return Err(refused(Refusal::Name("whose name holds a NUL byte")));
    }
    if name.starts_with(b"/") {
        return Err(refused(Refusal::Absolute));
    }
    let parts: Vec<&[u8]> = name
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    if parts.contains(&&b".."[..]) {
        return Err(refused(Refusal::ParentDirectory));
    }
    Ok(parts)
}

/// [`Strip`], made ready.
enum Stripper<'a> {
    Components(usize),
    Prefix(Vec<&'a [u8]>),
}

impl<'a> Stripper<'a> {
    fn new(strip: &'a Strip) -> Self {
        match strip {
            Strip::Components(count) => Self::Components(*count),
            Strip::Prefix(prefix) => {
                let parts = prefix.as_os_str().as_bytes().split(|&byte| byte == b'/');
                Self::Prefix(
                    parts
                        .filter(|part| !part.is_empty() && *part != b".")
                        .collect(),
                )
            }
        }
    }

    /// The path to write to; nothing for what is outside.
    fn apply(&self, parts: &[&[u8]]) -> Option<Relative> {
        let rest = match self {
            Self::Components(count) => parts.get(*count..),
            Self::Prefix(prefix) => parts.strip_prefix(prefix.as_slice()),
        };
        rest.map(|rest| rest.join(&b'/'))
    }
}
