//! From references to folders.

use super::archive::{self, InUse, Unpacked};
use super::package::{self, Dependency, Reference};
use super::{BuildpackSource, SelectionError};
use crate::cnb::{Buildpack, BuildpackDescriptor};
use crate::stop::Stop;
use fs_err as fs;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The most buildpacks that are taken; the largest builders have some two hundred.
const LIMIT: usize = 1000;

/// The most `package.toml` files on the way to a buildpack, each named by the one before.
const LEVEL_LIMIT: usize = 32;

/// A buildpack, and by which reference it came.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) buildpack: Buildpack,
    pub(super) source: BuildpackSource,
    pub(super) reference: OsString,
    /// Whether it was named itself rather than asked for by a `package.toml`.
    named: bool,
}

pub(super) struct Collector<'a> {
    pub(super) found: Vec<Found>,
    carried: Option<Carried>,
    cache_dir: &'a Path,
    stop: &'a Stop,
    visited: BTreeSet<PathBuf>,
}

struct Carried {
    toml: &'static str,
    buildpack: Buildpack,
}

/// Where a folder that is looked at came from.
#[derive(Clone, Copy)]
struct Origin<'a> {
    reference: &'a OsStr,
    archive: Option<Archive<'a>>,
    named: bool,
    /// How many `package.toml` files led to it.
    level: usize,
}

/// What a folder was unpacked from.
#[derive(Clone, Copy)]
struct Archive<'a> {
    path: &'a Path,
    /// Where all that is in it lies, canonical.
    root: &'a Path,
    in_use: &'a InUse,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        carried_toml: Option<&'static str>,
        cache_dir: &'a Path,
        stop: &'a Stop,
    ) -> Result<Self, SelectionError> {
        let carried = |toml| -> Result<Carried, SelectionError> {
            let buildpack = Buildpack::embedded(toml, "/")?;
            Ok(Carried { toml, buildpack })
        };
        Ok(Self {
            found: Vec::new(),
            carried: carried_toml.map(carried).transpose()?,
            cache_dir,
            stop,
            visited: BTreeSet::new(),
        })
    }

    /// The buildpack that is carried, if there is one.
    pub(super) fn add_carried(&mut self) {
        if let Some(Carried { toml, buildpack }) = &self.carried {
            self.found.push(Found {
                reference: OsString::from(&buildpack.descriptor.id),
                source: BuildpackSource::Embedded(toml),
                buildpack: buildpack.clone(),
                named: true,
            });
        }
    }

    /// What a reference of the user names.
    pub(super) fn add(&mut self, reference: &OsStr) -> Result<(), SelectionError> {
        let carried = self.carried.as_ref().map(|one| &one.buildpack.descriptor);
        if let Some(carried) = carried
            && (reference == carried.id.as_str() || reference == carried.reference().as_str())
        {
            let twice = self.has(carried);
            if twice {
                return Err(SelectionError::Twice {
                    buildpack: carried.reference(),
                });
            }
            self.add_carried();
            return Ok(());
        }
        let path = match reference.to_str().map(package::of_uri) {
            Some(Dependency::Path(path)) => path,
            Some(Dependency::Elsewhere(elsewhere)) => {
                return Err(SelectionError::Elsewhere {
                    reference: reference.to_string_lossy().into_owned(),
                    elsewhere,
                });
            }
            None => PathBuf::from(reference),
        };
        let before = self.found.len();
        self.add_path(
            &path,
            Origin {
                reference,
                archive: None,
                named: true,
                level: 0,
            },
        )?;
        if self.found.len() == before {
            // All of it was there already.
            return Err(SelectionError::Twice {
                buildpack: reference.to_string_lossy().into_owned(),
            });
        }
        Ok(())
    }

    fn has(&self, descriptor: &BuildpackDescriptor) -> bool {
        self.found
            .iter()
            .any(|one| one.buildpack.descriptor.reference() == descriptor.reference())
    }

    fn add_path(&mut self, path: &Path, origin: Origin<'_>) -> Result<(), SelectionError> {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => SelectionError::NotThere {
                path: path.to_owned(),
                carried: (self.carried.as_ref()).map(|one| one.buildpack.descriptor.id.clone()),
            },
            _ => SelectionError::Unreadable {
                path: path.to_owned(),
                source,
            },
        };
        self.stop.check().map_err(SelectionError::Stopped)?;
        let canonical = std::fs::canonicalize(path).map_err(failed)?;
        if !self.visited.insert(canonical.clone()) {
            return Ok(());
        }
        if std::fs::metadata(&canonical).map_err(failed)?.is_dir() {
            return self.add_folder(&canonical, origin);
        }
        let Unpacked { folder, in_use } = archive::unpacked(&canonical, self.cache_dir, self.stop)?;
        let archive = Archive {
            path: &canonical,
            root: &folder,
            in_use: &in_use,
        };
        let origin = Origin {
            archive: Some(archive),
            ..origin
        };
        self.add_folder(&folder, origin)
    }

    fn add_folder(&mut self, folder: &Path, origin: Origin<'_>) -> Result<(), SelectionError> {
        if folder.join("buildpack.toml").exists() || folder.join("extension.toml").exists() {
            return self.add_buildpack(folder, origin);
        }
        if let Some(package) = package::read(folder)? {
            let elsewhere = |reference: &Reference| match &reference.dependency {
                Dependency::Path(path) => folder.join(path) != folder,
                Dependency::Elsewhere(_) => true,
            };
            let Some(buildpack) = package.buildpack.filter(elsewhere) else {
                return Err(SelectionError::NoBuildpack {
                    folder: folder.to_owned(),
                });
            };
            self.add_named_by_package(folder, &buildpack, origin)?;
            return self.add_dependencies(folder, &package.dependencies, origin);
        }
        // Several of them: `<name>/buildpack.toml`, or `<id>/<version>/buildpack.toml` as in `/cnb/buildpacks`.
        let mut inside = Vec::new();
        for child in folders(folder)? {
            if child.join("buildpack.toml").exists() {
                inside.push(child);
                continue;
            }
            self.stop.check().map_err(SelectionError::Stopped)?;
            let versions = folders(&child)?.into_iter();
            inside.extend(versions.filter(|version| version.join("buildpack.toml").exists()));
        }
        if inside.is_empty() {
            return Err(SelectionError::NoBuildpack {
                folder: (origin.archive.map_or(folder, |archive| archive.path)).to_owned(),
            });
        }
        for child in inside {
            if self.visited.insert(child.clone()) {
                self.add_buildpack(&child, origin)?;
            }
        }
        Ok(())
    }

    fn add_buildpack(&mut self, folder: &Path, origin: Origin<'_>) -> Result<(), SelectionError> {
        let buildpack = Buildpack::read(folder, folder)?;
        let descriptor = &buildpack.descriptor;
        if let Some(known) = self
            .found
            .iter()
            .find(|one| one.buildpack.descriptor.reference() == descriptor.reference())
        {
            // Two composites may each bring the same component.
            if known.named && origin.named {
                return Err(SelectionError::Twice {
                    buildpack: descriptor.reference(),
                });
            }
            return Ok(());
        }
        if self.found.len() == LIMIT {
            return Err(SelectionError::TooMany { limit: LIMIT });
        }
        let is_composite = !descriptor.order.is_empty();
        self.found.push(Found {
            source: match origin.archive {
                Some(archive) => BuildpackSource::Unpacked {
                    archive: archive.path.to_owned(),
                    directory: folder.to_owned(),
                    in_use: archive.in_use.clone(),
                },
                None => BuildpackSource::Directory(folder.to_owned()),
            },
            buildpack,
            reference: origin.reference.to_owned(),
            named: origin.named,
        });
        if is_composite && let Some(package) = package::read(folder)? {
            self.add_dependencies(folder, &package.dependencies, origin)?;
        }
        Ok(())
    }

    fn add_dependencies(
        &mut self,
        folder: &Path,
        dependencies: &[Reference],
        origin: Origin<'_>,
    ) -> Result<(), SelectionError> {
        let origin = Origin {
            named: false,
            ..origin
        };
        dependencies
            .iter()
            .try_for_each(|reference| self.add_named_by_package(folder, reference, origin))
    }

    /// What the `package.toml` of `folder` names. That of an archive can name nothing but what is in the archive: what is
    /// added is shown to programs of the build.
    fn add_named_by_package(
        &mut self,
        folder: &Path,
        Reference { uri, dependency }: &Reference,
        origin: Origin<'_>,
    ) -> Result<(), SelectionError> {
        let file = folder.join(package::FILE);
        let path = match dependency {
            Dependency::Path(path) => folder.join(path),
            Dependency::Elsewhere(elsewhere) => {
                return Err(SelectionError::Elsewhere {
                    reference: format!("{uri}` of `{}", file.display()),
                    elsewhere: *elsewhere,
                });
            }
        };
        if let Some(Archive {
            path: archive,
            root,
            ..
        }) = origin.archive
        {
            let relative = matches!(dependency, Dependency::Path(path) if path.is_relative());
            // What is not there is for `add_path` to tell of.
            let canonical = std::fs::canonicalize(&path);
            if !relative || canonical.is_ok_and(|canonical| !canonical.starts_with(root)) {
                return Err(SelectionError::OutOfArchive {
                    uri: uri.clone(),
                    file: file.strip_prefix(root).unwrap_or(&file).to_owned(),
                    archive: archive.to_owned(),
                });
            }
        }
        if origin.level == LEVEL_LIMIT {
            return Err(SelectionError::TooDeep {
                file,
                limit: LEVEL_LIMIT,
            });
        }
        let origin = Origin {
            level: origin.level + 1,
            ..origin
        };
        self.add_path(&path, origin)
    }
}

/// The folders in a folder, by name; links are followed, as the user made them.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, SelectionError> {
    let failed = |source| SelectionError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
