//! Whether the ELF files of a tree can be loaded on a stack (section "ELF check" of the reference).

use super::elf::{self, Elf, Native};
use super::{Machine, Stack, StackError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most problems that are kept of one tree.
const PROBLEM_LIMIT: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many programs and libraries for the target were checked.
    pub checked: usize,
    /// ELF files that the target will not load, with the reason. Packages often ship files for every platform.
    pub inert: Vec<(PathBuf, String)>,
    /// What the stack cannot load.
    pub problems: Vec<Finding>,
}

/// One file that cannot be loaded, and one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the tree's root.
    pub file: PathBuf,
    /// Why.
    pub problem: Problem,
}

/// Why a file cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is a program for something else.
    Foreign {
        /// For what: a machine or an operating system.
        found: String,
    },
    /// It needs a loader that the stack does not have; musl's, for example.
    Interpreter {
        /// The loader's path.
        found: String,
    },
    /// It needs a library that neither the stack nor the tree has.
    MissingLibrary {
        /// The library.
        soname: String,
    },
    /// It needs a version of a library's symbols that the stack's is too old for.
    MissingVersion {
        /// The library.
        soname: String,
        /// The version.
        version: String,
        /// The newest of its kind that the stack has.
        newest: Option<String>,
    },
    /// It makes no sense.
    Malformed {
        /// What of it.
        reason: String,
    },
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign { found } => write!(f, "is for another platform ({found})"),
            Self::Interpreter { found } => write!(f, "needs the loader `{found}`"),
            Self::MissingLibrary { soname } => write!(f, "needs `{soname}`, which is not there"),
            Self::MissingVersion {
                soname,
                version,
                newest,
            } => {
                write!(f, "needs `{version}` of `{soname}`")?;
                match newest {
                    Some(newest) => write!(f, "; the newest there is `{newest}`"),
                    None => f.write_str(", which has nothing of that kind"),
                }
            }
            Self::Malformed { reason } => write!(f, "is a broken program: {reason}"),
        }
    }
}

/// The ELF files of a tree; read once, checked against any stack.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: Vec<(PathBuf, Elf)>,
    /// The names under which libraries of the tree can be found.
    provided: BTreeSet<String>,
}

/// Checks every ELF file below `root` against what `stack` offers on `machine`.
///
/// A library may come from the tree as well as from the stack: what a plugin needs often comes from the program that
/// loads it, and a runtime's own libraries are found through its RUNPATH or the launch environment. Programs that are
/// linked statically pass. Object files are passed over, and so are files for other platforms unless they are in `bin`
/// or there is nothing else.
pub fn check(root: &Path, stack: &Stack, machine: Machine) -> Result<Findings, StackError> {
    Ok(Tree::read(root, machine)?.check(stack, machine))
}

impl Tree {
    pub(super) fn read(root: &Path, machine: Machine) -> Result<Self, StackError> {
        let mut tree = Self::default();
        for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
            let unreadable = |path: Option<&Path>, source: std::io::Error| StackError::Unreadable {
                path: path.unwrap_or(root).to_owned(),
                source,
            };
            let entry = entry.map_err(|error| {
                let path = error.path().map(Path::to_owned);
                let source = error
                    .into_io_error()
                    .unwrap_or_else(|| std::io::Error::other("the folders form a loop"));
                unreadable(path.as_deref(), source)
            })?;
            if entry.file_type().is_symlink() && entry.path().exists() {
                // `libx.so.1` usually is a link to `libx.so.1.2.3`.
                tree.provided
                    .insert(entry.file_name().to_string_lossy().into_owned());
            }
            if !entry.file_type().is_file() {
                continue;
            }
            let elf = elf::read(entry.path(), machine)
                .map_err(|source| unreadable(Some(entry.path()), source))?;
            let Some(elf) = elf else { continue };
            if let Elf::Native(native) = &elf {
                tree.provided
                    .insert(entry.file_name().to_string_lossy().into_owned());
                tree.provided.extend(native.soname.clone());
            }
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            tree.files.push((relative.to_owned(), elf));
        }
        Ok(tree)
    }

    pub(super) fn check(&self, stack: &Stack, machine: Machine) -> Findings {
        let mut findings = Findings::default();
        let has_native = self
            .files
            .iter()
            .any(|(_, elf)| matches!(elf, Elf::Native(_)));
        for (file, elf) in &self.files {
            let must_load = !has_native || file.starts_with("bin");
            match elf {
                Elf::Inert => {}
                Elf::Foreign(found) if must_load => {
                    findings.add(
                        file,
                        Problem::Foreign {
                            found: found.clone(),
                        },
                    );
                }
                Elf::Malformed(reason) if must_load => {
                    findings.add(
                        file,
                        Problem::Malformed {
                            reason: reason.clone(),
                        },
                    );
                }
                Elf::Foreign(reason) | Elf::Malformed(reason) => {
                    findings.inert.push((file.clone(), reason.clone()));
                }
                Elf::Native(native) => {
                    findings.checked += 1;
                    self.check_native(file, native, stack, machine, &mut findings);
                }
            }
        }
        findings
    }

    fn check_native(
        &self,
        file: &Path,
        native: &Native,
        stack: &Stack,
        machine: Machine,
        findings: &mut Findings,
    ) {
        if let Some(found) = native
            .interpreter
            .as_ref()
            .filter(|found| *found != machine.interpreter())
        {
            findings.add(
                file,
                Problem::Interpreter {
                    found: found.clone(),
                },
            );
        }
        for soname in &native.needed {
            if !stack.provides(soname) && !self.provides(soname) {
                findings.add(
                    file,
                    Problem::MissingLibrary {
                        soname: soname.clone(),
                    },
                );
            }
        }
        for (soname, version) in &native.versions {
            // A library of the tree goes before the stack's, and defines what it was linked with.
            if !self.provides(soname) && !stack.defines(soname, version) {
                findings.add(
                    file,
                    Problem::MissingVersion {
                        soname: soname.clone(),
                        version: version.clone(),
                        newest: stack.newest_like(soname, version).map(str::to_owned),
                    },
                );
            }
        }
    }

    fn provides(&self, soname: &str) -> bool {
        // A name with a slash is a path, of which the last part must be right.
        let name = soname.rsplit('/').next().unwrap_or(soname);
        self.provided.contains(name)
    }
}

impl Findings {
    fn add(&mut self, file: &Path, problem: Problem) {
        if self.problems.len() < PROBLEM_LIMIT {
            self.problems.push(Finding {
                file: file.to_owned(),
                problem,
            });
        }
    }
}
