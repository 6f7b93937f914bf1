//! From references to folders.

use super::archive;
use super::package::{self, Dependency};
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
    /// The archive that it was unpacked from.
    archive: Option<&'a Path>,
    named: bool,
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
        let canonical = std::fs::canonicalize(path).map_err(failed)?;
        if !self.visited.insert(canonical.clone()) {
            return Ok(());
        }
        if std::fs::metadata(&canonical).map_err(failed)?.is_dir() {
            return self.add_folder(&canonical, origin);
        }
        let folder = archive::unpacked(&canonical, self.cache_dir, self.stop)?;
        let origin = Origin {
            archive: Some(&canonical),
            ..origin
        };
        self.add_folder(&folder, origin)
    }

    fn add_folder(&mut self, folder: &Path, origin: Origin<'_>) -> Result<(), SelectionError> {
        if folder.join("buildpack.toml").exists() || folder.join("extension.toml").exists() {
            return self.add_buildpack(folder, origin);
        }
        if let Some(package) = package::read(folder)? {
            return match package.buildpack {
                Some(Dependency::Path(path)) if folder.join(&path) != folder => {
                    self.add_path(&folder.join(path), origin)?;
                    self.add_dependencies(folder, package.dependencies, origin)
                }
                Some(Dependency::Elsewhere(elsewhere)) => Err(SelectionError::Elsewhere {
                    reference: folder.join(package::FILE).display().to_string(),
                    elsewhere,
                }),
                _ => Err(SelectionError::NoBuildpack {
                    folder: folder.to_owned(),
                }),
            };
        }
        // Several of them: `<name>/buildpack.toml`, or `<id>/<version>/buildpack.toml` as in `/cnb/buildpacks`.
        let mut inside = Vec::new();
        for child in folders(folder)? {
            if child.join("buildpack.toml").exists() {
                inside.push(child);
                continue;
            }
            let versions = folders(&child)?.into_iter();
            inside.extend(versions.filter(|version| version.join("buildpack.toml").exists()));
        }
        if inside.is_empty() {
            return Err(SelectionError::NoBuildpack {
                folder: origin.archive.unwrap_or(folder).to_owned(),
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
                    archive: archive.to_owned(),
                    directory: folder.to_owned(),
                },
                None => BuildpackSource::Directory(folder.to_owned()),
            },
            buildpack,
            reference: origin.reference.to_owned(),
            named: origin.named,
        });
        if is_composite && let Some(package) = package::read(folder)? {
            self.add_dependencies(folder, package.dependencies, origin)?;
        }
        Ok(())
    }

    fn add_dependencies(
        &mut self,
        folder: &Path,
        dependencies: Vec<(String, Dependency)>,
        origin: Origin<'_>,
    ) -> Result<(), SelectionError> {
        for (uri, dependency) in dependencies {
            match dependency {
                Dependency::Path(path) => {
                    let origin = Origin {
                        named: false,
                        ..origin
                    };
                    self.add_path(&folder.join(path), origin)?;
                }
                Dependency::Elsewhere(elsewhere) => {
                    return Err(SelectionError::Elsewhere {
                        reference: format!("{uri}` of `{}", folder.join(package::FILE).display()),
                        elsewhere,
                    });
                }
            }
        }
        Ok(())
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
