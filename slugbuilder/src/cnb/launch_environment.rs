//! What the environment of a starting process is made of (section 2.7 of the reference).

use super::environment::{LAUNCH_ROOTS, Modification, read_modifications, root_modifications};
use super::files::{Files, Kind};
use super::{BuiltLayer, CnbError};
use crate::sandbox::Environment;
use slugbuilder_report::Warning;
use std::path::{Path, PathBuf};

/// One change of one variable before a process starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Id of the buildpack.
    pub buildpack: String,
    /// Name of the layer.
    pub layer: String,
    /// The process type that it is for; all if there is none.
    pub process: Option<String>,
    /// The change.
    pub modification: Modification,
}

/// A file of a layer's `profile.d` folder, sourced before a process starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileScript {
    /// Id of the buildpack.
    pub buildpack: String,
    /// Name of the layer.
    pub layer: String,
    /// The process type that it is for; all if there is none.
    pub process: Option<String>,
    /// The file, as programs see it.
    pub path: PathBuf,
}

/// A program of a layer's `exec.d` folder, run before a process starts for the variables that it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecD {
    /// Id of the buildpack.
    pub buildpack: String,
    /// Name of the layer.
    pub layer: String,
    /// The process type that it is for; all if there is none.
    pub process: Option<String>,
    /// The file, as programs see it.
    pub path: PathBuf,
}

/// Everything that happens before a process starts, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchEnvironment {
    /// Changes of variables. For each buildpack in build order: the folders of all of its layers, then their `env`,
    /// `env.launch` and `env.launch/<type>` files; layers by name.
    pub operations: Vec<Operation>,
    /// Scripts to source, in order.
    pub profile_scripts: Vec<ProfileScript>,
    /// Programs to run, in order.
    pub exec_d: Vec<ExecD>,
}

impl LaunchEnvironment {
    /// The environment of a process of type `process` that would start with `base`, before any script or program.
    #[must_use]
    pub fn apply(&self, process: Option<&str>, base: &Environment) -> Environment {
        let mut environment = base.clone();
        for operation in &self.operations {
            if operation.process.is_none() || operation.process.as_deref() == process {
                operation.modification.apply(&mut environment);
            }
        }
        environment
    }

    /// Adds the launch layers of the next buildpack.
    pub(super) fn add(&mut self, files: Files<'_>, layers: &[BuiltLayer]) -> Result<(), CnbError> {
        let launch_layers = || layers.iter().filter(|layer| layer.launch);
        for layer in launch_layers() {
            self.extend(
                layer,
                None,
                root_modifications(files, &layer.directory, LAUNCH_ROOTS)?,
            );
        }
        for layer in launch_layers() {
            self.extend(
                layer,
                None,
                read_modifications(files, &layer.directory.join("env"))?,
            );
            let folder = layer.directory.join("env.launch");
            self.extend(layer, None, read_modifications(files, &folder)?);
            for process in subfolders(files, &folder)? {
                let modifications = read_modifications(files, &folder.join(&process))?;
                self.extend(layer, Some(&process), modifications);
            }
            for (process, path) in scripts(files, &layer.directory.join("profile.d"))? {
                self.profile_scripts.push(ProfileScript {
                    buildpack: layer.buildpack.clone(),
                    layer: layer.name.clone(),
                    process,
                    path,
                });
            }
            for (process, path) in scripts(files, &layer.directory.join("exec.d"))? {
                self.exec_d.push(ExecD {
                    buildpack: layer.buildpack.clone(),
                    layer: layer.name.clone(),
                    process,
                    path,
                });
            }
        }
        Ok(())
    }

    fn extend(
        &mut self,
        layer: &BuiltLayer,
        process: Option<&str>,
        modifications: Vec<Modification>,
    ) {
        self.operations
            .extend(modifications.into_iter().map(|modification| Operation {
                buildpack: layer.buildpack.clone(),
                layer: layer.name.clone(),
                process: process.map(str::to_owned),
                modification,
            }));
    }
}

/// Warnings of programs that will not be there, or cannot be executed, when a process starts, which then does not start
/// (pitfall 14 of section 2.11 of the reference).
pub(super) fn unavailable_programs(
    files: Files<'_>,
    programs: &[ExecD],
    layers: &[BuiltLayer],
) -> Result<Vec<Warning>, CnbError> {
    let mut warnings = Vec::new();
    for program in programs {
        let resolved = files.resolve(&program.path)?;
        let reason = match &resolved {
            None => "is a link that leads out of the app, or to nothing".to_owned(),
            Some(path) => {
                let is_elsewhere =
                    |layer: &&BuiltLayer| !layer.launch && path.starts_with(&layer.directory);
                if let Some(layer) = layers.iter().find(is_elsewhere) {
                    format!(
                        "is a link into the layer `{}`, which is not for launch",
                        layer.name
                    )
                } else if files.is_executable(path)? {
                    continue;
                } else {
                    "is no executable file".to_owned()
                }
            }
        };
        warnings.push(
            Warning::new(
                "exec-d-unavailable",
                format!(
                    "the program `{}` of layer `{}` of buildpack `{}` {reason}: processes that need it will not start",
                    program.path.display(),
                    program.layer,
                    program.buildpack
                ),
            )
            .hint("Report this to the authors of the buildpack."),
        );
    }
    Ok(warnings)
}

/// The names of a folder's folders: process types. One that is not UTF-8 is none.
fn subfolders(files: Files<'_>, folder: &Path) -> Result<Vec<String>, CnbError> {
    let Some(folder) = directory(files, folder)? else {
        return Ok(Vec::new());
    };
    Ok(files
        .list(&folder)?
        .into_iter()
        .filter(|(_, kind)| *kind == Kind::Directory)
        .filter_map(|(name, _)| name.into_string().ok())
        .collect())
}

/// The files of a folder, then those of its folders with their process types.
fn scripts(files: Files<'_>, folder: &Path) -> Result<Vec<(Option<String>, PathBuf)>, CnbError> {
    let mut found = Vec::new();
    let mut add = |process: Option<&str>, folder: &Path| -> Result<(), CnbError> {
        if let Some(folder) = directory(files, folder)? {
            for (name, kind) in files.list(&folder)? {
                if kind != Kind::Directory {
                    found.push((process.map(str::to_owned), folder.join(name)));
                }
            }
        }
        Ok(())
    };
    add(None, folder)?;
    for process in subfolders(files, folder)? {
        add(Some(&process), &folder.join(&process))?;
    }
    Ok(found)
}

fn directory(files: Files<'_>, path: &Path) -> Result<Option<PathBuf>, CnbError> {
    let Some(resolved) = files.resolve(path)? else {
        return Ok(None);
    };
    Ok((files.kind(&resolved)? == Some(Kind::Directory)).then_some(resolved))
}
