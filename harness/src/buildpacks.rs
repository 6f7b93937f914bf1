//! From references to buildpack folders.
//!
//! Buildpacks of the Cargo workspace are packaged; where everything else is, and what composites are made of, is up to
//! [`slugbuilder::buildpacks::select`], as for `slugbuilder compile --buildpack`.

use crate::cargo::{self, CargoError, Programs};
use crate::{BuildConfig, BuildpackReference};
use fs_err as fs;
use libcnb_data::buildpack::{BuildpackDescriptor, BuildpackId};
use libcnb_package::buildpack_dependency_graph::{
    BuildpackDependencyGraphNode, build_libcnb_buildpacks_dependency_graph,
};
use libcnb_package::cross_compile::{CrossCompileAssistance, cross_compile_assistance};
use libcnb_package::dependency_graph::get_dependencies;
use libcnb_package::output::default_buildpack_directory_name;
use libcnb_package::package;
use slugbuilder::buildpacks::{BuildpackRequest, Selection};
use slugbuilder::stop::Stop;
use slugbuilder_report::{Diagnosis, Style};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The buildpacks of `config`, packaged below `folder` where they are of the Cargo workspace of the crate in `manifest_dir`.
/// Archives are unpacked below `cache_dir`.
pub(crate) fn select(
    config: &BuildConfig,
    manifest_dir: &Path,
    folder: &Path,
    cache_dir: &Path,
) -> Result<Selection, String> {
    if let Some(triple) = &config.target_triple {
        refuse_other_machines(triple)?;
    }
    let workspace = Workspace {
        config,
        manifest_dir,
        folder,
    };
    let mut references = Vec::new();
    for reference in &config.buildpacks {
        references.push(match reference {
            BuildpackReference::CurrentCrate => workspace
                .current_crate()
                .map_err(|error| format!("Error packaging current crate as buildpack: {error}"))?
                .into(),
            BuildpackReference::WorkspaceBuildpack(id) => workspace
                .package(id)
                .map_err(|error| format!("Error packaging buildpack '{id}': {error}"))?
                .into(),
            BuildpackReference::Other(text) => other(text, manifest_dir),
        });
    }
    let request = BuildpackRequest {
        references,
        order: None,
        carried: None,
    };
    slugbuilder::buildpacks::select(&request, cache_dir, &Stop::default())
        .map_err(|error| Diagnosis::of(&error).render(Style::Plain))
}

/// A buildpack that is there already: its path as the crate's tests see it, if it is one.
fn other(text: &str, manifest_dir: &Path) -> OsString {
    let path = manifest_dir.join(text);
    if path.exists() {
        path.into()
    } else {
        text.into()
    }
}

fn refuse_other_machines(triple: &str) -> Result<(), String> {
    let machine = triple.split('-').next().unwrap_or_default();
    if machine == std::env::consts::ARCH && triple.contains("-linux-") {
        return Ok(());
    }
    Err(format!(
        "buildpacks run on this machine, which is no `{triple}`\nLeave `target_triple` out, or choose one of {}-unknown-linux-….",
        std::env::consts::ARCH
    ))
}

/// Why a buildpack of the workspace could not be packaged.
#[derive(Debug, thiserror::Error)]
enum PackageError {
    #[error("Couldn't find a buildpack.toml file at {0}")]
    NoDescriptor(PathBuf),
    #[error("{path} is no buildpack's: {reason}", path = path.display())]
    BadDescriptor { path: PathBuf, reason: String },
    #[error("Couldn't find a buildpack with ID '{id}' in the workspace at {root}; there are: {known}", root = root.display())]
    NotThere {
        id: BuildpackId,
        root: PathBuf,
        known: String,
    },
    #[error("{0}")]
    Libcnb(String),
    #[error(transparent)]
    Cargo(#[from] CargoError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn libcnb(error: impl std::fmt::Display) -> PackageError {
    PackageError::Libcnb(error.to_string())
}

struct Workspace<'a> {
    config: &'a BuildConfig,
    manifest_dir: &'a Path,
    folder: &'a Path,
}

impl Workspace<'_> {
    fn current_crate(&self) -> Result<PathBuf, PackageError> {
        let descriptor = self.manifest_dir.join("buildpack.toml");
        if !descriptor.exists() {
            return Err(PackageError::NoDescriptor(descriptor));
        }
        let id = id_in(&descriptor)?;
        if !is_crate(self.manifest_dir) {
            return self.package(&id);
        }
        // Not by its id: folders of fixtures may hold other buildpacks of the same.
        let destination = self.destination(&id);
        self.package_crate(self.manifest_dir, &destination)?;
        Ok(destination)
    }

    /// Packages a buildpack of the workspace, and those that it is composed of before it.
    fn package(&self, id: &BuildpackId) -> Result<PathBuf, PackageError> {
        let root =
            libcnb_package::find_cargo_workspace_root_dir(self.manifest_dir).map_err(libcnb)?;
        let graph = build_libcnb_buildpacks_dependency_graph(&root).map_err(libcnb)?;
        let node = graph
            .node_weights()
            .find(|node| node.buildpack_id == *id)
            .ok_or_else(|| PackageError::NotThere {
                id: id.clone(),
                root: root.clone(),
                known: known(graph.node_weights()),
            })?;
        let mut packaged = BTreeMap::new();
        for node in get_dependencies(&graph, &[node]).map_err(libcnb)? {
            let destination = self.destination(&node.buildpack_id);
            if is_crate(&node.path) {
                self.package_crate(&node.path, &destination)?;
            } else {
                fs::create_dir_all(&destination)?;
                package::package_composite_buildpack(&node.path, &destination, &packaged)
                    .map_err(libcnb)?;
            }
            packaged.insert(node.buildpack_id.clone(), destination);
        }
        Ok(self.destination(id))
    }

    fn destination(&self, id: &BuildpackId) -> PathBuf {
        self.folder.join(default_buildpack_directory_name(id))
    }

    fn package_crate(&self, path: &Path, destination: &Path) -> Result<(), PackageError> {
        if destination.exists() {
            return Ok(());
        }
        let Some(triple) = &self.config.target_triple else {
            let programs = cargo::programs(path, self.config.cargo_profile)?;
            return Ok(assemble(&programs, path, destination)?);
        };
        let environment = match cross_compile_assistance(triple) {
            CrossCompileAssistance::HelpText(text) => return Err(PackageError::Libcnb(text)),
            CrossCompileAssistance::NoAssistance => Vec::new(),
            CrossCompileAssistance::Configuration { cargo_env } => cargo_env,
        };
        fs::create_dir_all(destination)?;
        package::package_buildpack(
            path,
            self.config.cargo_profile,
            triple,
            &environment,
            destination,
            &BTreeMap::new(),
        )
        .map_err(libcnb)
    }
}

/// Whether a buildpack's folder is a crate's, rather than that of a composite one.
fn is_crate(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file()
}

fn id_in(descriptor: &Path) -> Result<BuildpackId, PackageError> {
    let text = fs::read_to_string(descriptor)?;
    let descriptor: BuildpackDescriptor =
        toml::from_str(&text).map_err(|error| PackageError::BadDescriptor {
            path: descriptor.to_owned(),
            reason: error.to_string(),
        })?;
    Ok(descriptor.buildpack().id.clone())
}

fn known<'a>(nodes: impl Iterator<Item = &'a BuildpackDependencyGraphNode>) -> String {
    let mut ids: Vec<String> = nodes.map(|node| node.buildpack_id.to_string()).collect();
    ids.sort();
    if ids.is_empty() {
        "none".to_owned()
    } else {
        ids.join(", ")
    }
}

/// Lays a buildpack's folder out as libcnb-package does.
fn assemble(programs: &Programs, from: &Path, destination: &Path) -> io::Result<()> {
    let bin = destination.join("bin");
    fs::create_dir_all(&bin)?;
    fs::copy(
        from.join("buildpack.toml"),
        destination.join("buildpack.toml"),
    )?;
    place(&programs.main, &bin.join("build"))?;
    fs::os::unix::fs::symlink("build", bin.join("detect"))?;
    if !programs.additional.is_empty() {
        // Where `libcnb::additional_buildpack_binary_path!` looks.
        let additional = destination.join(".libcnb-cargo/additional-bin");
        fs::create_dir_all(&additional)?;
        for (name, program) in &programs.additional {
            place(program, &additional.join(name))?;
        }
    }
    fs::write(
        destination.join("package.toml"),
        "[buildpack]\nuri = \".\"\n",
    )?;
    // Not left to the umask: as root, builds run as another user.
    for entry in walkdir::WalkDir::new(destination) {
        let entry = entry?;
        if entry.file_type().is_dir() || entry.file_name() == "buildpack.toml" {
            let mode = if entry.file_type().is_dir() {
                0o755
            } else {
                0o644
            };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// A program of Cargo's in its place: linked, for debug builds are large and Cargo replaces rather than writes them.
fn place(program: &Path, to: &Path) -> io::Result<()> {
    let executable_by_all = fs::metadata(program)?.permissions().mode() & 0o005 == 0o005;
    if executable_by_all && fs::hard_link(program, to).is_ok() {
        return Ok(());
    }
    fs::copy(program, to)?;
    fs::set_permissions(to, Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reference: &str) -> String {
        let config = BuildConfig::new("heroku/builder:24", "app")
            .buildpacks([BuildpackReference::Other(reference.into())])
            .clone();
        let folder = tempfile::tempdir().unwrap();
        let selected = select(&config, folder.path(), folder.path(), folder.path());
        let error = selected.err().unwrap();
        error.replace(folder.path().to_str().unwrap(), "[folder]")
    }

    #[test]
    fn what_needs_a_registry_is_refused_with_what_to_do() {
        insta::assert_snapshot!(refused("docker://heroku/buildpack-nodejs"), @r"
        error[buildpack-elsewhere]: `docker://heroku/buildpack-nodejs` is not on this machine

          It is a container image, which needs a registry and Docker to get.

          hint: Download the release archive of the buildpack and give its path, as a `.tgz` or unpacked.
        ");
        insta::assert_snapshot!(refused("heroku/procfile"), @r"
        error[buildpack-not-there]: there is no buildpack `heroku/procfile`

          hint: Give a folder with a `buildpack.toml`, or an archive of one.
        ");
        insta::assert_snapshot!(refused(""), @r"
        error[no-buildpack]: there is no `buildpack.toml` in `[folder]`

          hint: Give the folder that holds `buildpack.toml` and `bin`, or one that holds several such folders.
        ");
    }

    #[test]
    fn targets_of_other_machines_are_refused() {
        let own = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        refuse_other_machines(&own).unwrap();
        let error = refuse_other_machines("riscv64gc-unknown-linux-gnu").unwrap_err();
        assert!(
            error.contains("no `riscv64gc-unknown-linux-gnu`"),
            "{error}"
        );
        refuse_other_machines("x86_64-apple-darwin").unwrap_err();
    }
}
