//! The buildpack as a folder that `pack build --buildpack` and `pack buildpack package` take.
//!
//! ```text
//! DIR/buildpack.toml   the descriptor that the executable carries
//! DIR/package.toml     tells `pack buildpack package` that the buildpack is this folder
//! DIR/bin/build        the executable
//! DIR/bin/detect       a link to it; the name that it is called by says the phase
//! ```
//!
//! It is the layout of `cargo libcnb package` (`assemble_buildpack_directory` of libcnb-package 0.30.4).

mod error;
mod executable;

pub use error::PackageError;

use crate::BUILDPACK_TOML;
use executable::require_static;
use fs_err as fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// `package.toml` of a buildpack that lies in the same folder (spec distribution.md, "package.toml").
const PACKAGE_TOML: &str = "[buildpack]\nuri = \".\"\n";

/// Every entry of a package, by its path below the folder. `pack` reads nothing else, so nothing else is ever replaced.
const ENTRIES: [&str; 5] = [
    "bin",
    "bin/build",
    "bin/detect",
    "buildpack.toml",
    "package.toml",
];

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The folder, absolute and without links.
    pub folder: PathBuf,
    /// The size of the executable in bytes.
    pub size: u64,
}

/// Writes this buildpack to `folder`, with the file `executable` as its program: one that runs this crate's
/// [`main`](crate::main) when it is called `detect` or `build`.
///
/// The folder is made, with its parents, or replaced if it is empty or an earlier package. It is written beside its
/// final name and renamed when whole. The executable has to be a static one for linux/amd64, as the images that it
/// will run in may have any C library or none. `homepage` is where the publisher answers for the buildpack; `pack`
/// shows it. Modes do not depend on the umask, as `pack` keeps them.
pub fn write(
    folder: &Path,
    executable: &Path,
    homepage: Option<&str>,
) -> Result<Package, PackageError> {
    let descriptor = descriptor(homepage)?;
    let program = fs::read(executable)?;
    require_static(&program)?;
    let replaces = require_ours(folder)?;
    // The folder that a link leads to is replaced, not the link.
    let folder = if replaces {
        fs::canonicalize(folder)?
    } else {
        std::path::absolute(folder)?
    };
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(PackageError::Root);
    };
    fs::create_dir_all(parent)?;
    let beside = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.display()))
        .tempdir_in(parent)
        .map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot write to `{}`: {error}", parent.display()),
            )
        })?;
    let whole = beside.path().join("package");
    make_folder(&whole)?;
    make_folder(&whole.join("bin"))?;
    make_file(&whole.join("buildpack.toml"), descriptor.as_bytes(), 0o644)?;
    make_file(&whole.join("package.toml"), PACKAGE_TOML.as_bytes(), 0o644)?;
    make_file(&whole.join("bin/build"), &program, 0o755)?;
    symlink("build", whole.join("bin/detect"))?;
    put_in_place(&whole, &folder, &beside.path().join("replaced"))?;
    Ok(Package {
        folder,
        size: program.len() as u64,
    })
}

/// [`BUILDPACK_TOML`], with the publisher's homepage.
fn descriptor(homepage: Option<&str>) -> Result<String, PackageError> {
    let Some(homepage) = homepage else {
        return Ok(BUILDPACK_TOML.to_owned());
    };
    let is_address = ["https://", "http://"].iter().any(|scheme| {
        homepage
            .strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    if !is_address || homepage.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(PackageError::Homepage(homepage.to_owned()));
    }
    let line = format!("homepage = {}\n", toml::Value::String(homepage.to_owned()));
    Ok(BUILDPACK_TOML.replacen("keywords = ", &format!("{line}keywords = "), 1))
}

/// Whether there is something to replace; an error if that may be somebody's work.
fn require_ours(folder: &Path) -> Result<bool, PackageError> {
    let foreign = |entry: &Path| PackageError::NotOurs {
        folder: folder.to_owned(),
        entry: entry.to_owned(),
    };
    match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(PackageError::NotAFolder(folder.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match std::fs::symlink_metadata(folder) {
                Ok(_) => Err(PackageError::NotAFolder(folder.to_owned())),
                Err(_) => Ok(false),
            };
        }
        Err(_) => {
            fs::metadata(folder)?;
        }
    }
    let mut is_empty = true;
    for place in ["", "bin"] {
        let place_path = folder.join(place);
        if place == "bin" && !std::fs::symlink_metadata(&place_path).is_ok_and(|bin| bin.is_dir()) {
            continue;
        }
        for entry in fs::read_dir(&place_path)? {
            is_empty = false;
            let name = Path::new(place).join(entry?.file_name());
            if !ENTRIES.iter().any(|known| Path::new(known) == name) {
                return Err(foreign(&name));
            }
        }
    }
    if is_empty || is_this_buildpack(&folder.join("buildpack.toml")) {
        Ok(true)
    } else {
        Err(foreign(Path::new("buildpack.toml")))
    }
}

/// Whether a file is a descriptor of this buildpack, in any version.
fn is_this_buildpack(descriptor: &Path) -> bool {
    let id = |text: &str| {
        let table: toml::Table = toml::from_str(text).ok()?;
        Some(table.get("buildpack")?.get("id")?.as_str()?.to_owned())
    };
    std::fs::read_to_string(descriptor)
        .ok()
        .and_then(|text| id(&text))
        .is_some_and(|found| id(BUILDPACK_TOML) == Some(found))
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

fn make_file(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    fs::write(path, content)?;
    fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// Renames `whole` to `folder`. What is there goes to `aside` first, and back if that fails.
fn put_in_place(whole: &Path, folder: &Path, aside: &Path) -> io::Result<()> {
    let replaces = folder.is_dir();
    if replaces {
        fs::rename(folder, aside)?;
    }
    fs::rename(whole, folder).inspect_err(|_| {
        if replaces {
            // The first error is the one to tell of.
            let _ = fs::rename(aside, folder);
        }
    })
}

#[cfg(test)]
mod tests;
