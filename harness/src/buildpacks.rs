//! From references to buildpack folders.
//!
//! [`slugbuilder::compile`] is given the buildpacks of the references, one group in their order, and after them those that
//! composite ones are made of: [`sources`] is the one place that knows what it takes.

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
use slugbuilder::compile::BuildpackSource;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The buildpacks of `config`, packaged below `folder` where they are of the Cargo workspace of the crate in `manifest_dir`.
pub(crate) fn sources(
    config: &BuildConfig,
    manifest_dir: &Path,
    folder: &Path,
) -> Result<Vec<BuildpackSource>, String> {
    if let Some(triple) = &config.target_triple {
        refuse_other_machines(triple)?;
    }
    let workspace = Workspace {
        config,
        manifest_dir,
        folder,
    };
    let mut paths = Vec::new();
    for reference in &config.buildpacks {
        let path = match reference {
            BuildpackReference::CurrentCrate => workspace
                .current_crate()
                .map_err(|error| format!("Error packaging current crate as buildpack: {error}"))?,
            BuildpackReference::WorkspaceBuildpack(id) => workspace
                .package(id)
                .map_err(|error| format!("Error packaging buildpack '{id}': {error}"))?,
            BuildpackReference::Other(text) => other(text, manifest_dir)?,
        };
        paths.push(path);
    }
    // Grows while it is walked: parts may be composite, too.
    let mut index = 0;
    while let Some(path) = paths.get(index) {
        for part in parts(path)? {
            if !paths.contains(&part) {
                paths.push(part);
            }
        }
        index += 1;
    }
    Ok(paths.into_iter().map(BuildpackSource::Directory).collect())
}

/// The folders of the buildpacks that the one in `folder` is composed of, as its `package.toml` says
/// (<https://github.com/buildpacks/spec/blob/main/extensions/buildpackage.md>).
fn parts(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let path = folder.join("package.toml");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let read = || -> Result<Package, String> {
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    };
    read()?
        .dependencies
        .iter()
        .map(|dependency| other(&dependency.uri, folder))
        .collect()
}

/// What matters here of a `package.toml`.
#[derive(serde::Deserialize)]
struct Package {
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(serde::Deserialize)]
struct Dependency {
    uri: String,
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

/// A buildpack that is there already.
fn other(text: &str, manifest_dir: &Path) -> Result<PathBuf, String> {
    let path = manifest_dir.join(text.strip_prefix("file://").unwrap_or(text));
    if path.is_dir() {
        if path.join("buildpack.toml").is_file() {
            return Ok(path);
        }
        return Err(format!(
            "the buildpack `{text}` is none: {} has no buildpack.toml",
            path.display()
        ));
    }
    if path.is_file() {
        return Err(format!(
            "the buildpack `{text}` is a file\nUnpack it, and name the folder."
        ));
    }
    let what = if text.contains(":/") || text.starts_with("urn:") {
        "is an address that needs Docker or a registry, which are not used here"
    } else {
        "is no folder"
    };
    Err(format!(
        "the buildpack `{text}` {what}\nName a folder with a buildpack.toml; {} was looked at.",
        path.display()
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

    #[test]
    fn what_needs_a_registry_is_refused_with_what_to_do() {
        let refused = |text: &str| other(text, Path::new("/nowhere")).unwrap_err();
        insta::assert_snapshot!(refused("docker://heroku/buildpack-nodejs"), @"
        the buildpack `docker://heroku/buildpack-nodejs` is an address that needs Docker or a registry, which are not used here
        Name a folder with a buildpack.toml; /nowhere/docker://heroku/buildpack-nodejs was looked at.
        ");
        insta::assert_snapshot!(refused("heroku/procfile"), @"
        the buildpack `heroku/procfile` is no folder
        Name a folder with a buildpack.toml; /nowhere/heroku/procfile was looked at.
        ");
        let folder = tempfile::tempdir().unwrap();
        let error = other("", folder.path()).unwrap_err();
        assert!(error.contains("has no buildpack.toml"), "{error}");
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
