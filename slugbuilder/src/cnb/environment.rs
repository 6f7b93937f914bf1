//! Environment variables between layers, users and buildpacks (sections 2.5 and 2.7 of the reference).
//!
//! libcnb's `LayerEnv` differs from the reference implementation in four ways (order inside a folder, `default` for
//! empty variables, which dot splits a file's name, per-process folders), so these rules are our own.

use super::CnbError;
use super::files::{Files, Kind, VARIABLE_LIMIT};
use crate::sandbox::Environment;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// The folders of a layer that extend path variables while later buildpacks build.
pub(super) const BUILD_ROOTS: &[(&str, &[&str])] = &[
    ("bin", &["PATH"]),
    ("lib", &["LD_LIBRARY_PATH", "LIBRARY_PATH"]),
    ("include", &["CPATH"]),
    ("pkgconfig", &["PKG_CONFIG_PATH"]),
];
/// The folders of a layer that extend path variables when the app runs.
pub(super) const LAUNCH_ROOTS: &[(&str, &[&str])] =
    &[("bin", &["PATH"]), ("lib", &["LD_LIBRARY_PATH"])];

/// What is done to a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The value replaces what is there.
    Override,
    /// The value is taken if the variable is empty or not set.
    Default,
    /// The value goes behind what is there, which the delimiter separates unless it is empty.
    Append {
        /// Any bytes; none unless the layer says so.
        delimiter: OsString,
    },
    /// The value goes before what is there, which the delimiter separates unless it is empty.
    Prepend {
        /// Any bytes; none unless the layer says so.
        delimiter: OsString,
    },
}

/// One change of one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modification {
    /// The variable's name.
    pub variable: OsString,
    /// What is done.
    pub action: Action,
    /// The value, exactly.
    pub value: OsString,
}

impl Modification {
    /// A folder before the others of a path variable.
    pub(super) fn prepend_path(variable: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        Self {
            variable: variable.into(),
            action: Action::Prepend {
                delimiter: ":".into(),
            },
            value: value.into(),
        }
    }

    /// Makes the change.
    pub fn apply(&self, environment: &mut Environment) {
        let current = environment
            .get(&self.variable)
            .filter(|value| !value.is_empty())
            .map(OsString::as_os_str);
        let value = match (&self.action, current) {
            (Action::Default, Some(_)) => return,
            (Action::Override, _) | (_, None) => self.value.clone(),
            (Action::Append { delimiter }, Some(current)) => {
                join(&[current, delimiter, &self.value])
            }
            (Action::Prepend { delimiter }, Some(current)) => {
                join(&[&self.value, delimiter, current])
            }
        };
        environment.insert(self.variable.clone(), value);
    }
}

fn join(parts: &[&OsStr]) -> OsString {
    let mut joined = OsString::new();
    for part in parts {
        joined.push(part);
    }
    joined
}

/// The changes that the files of a layer's `env*` folder ask for, in the order of the names' bytes.
///
/// A file's name is split at its first dot: `FOO` and `FOO.override` set, `FOO.default`, `FOO.append` and
/// `FOO.prepend` do what they say, `FOO.delim` holds the delimiter of the last two. Other names mean nothing. Contents
/// are taken as they are. Links inside the app directory are followed, folders are passed over.
pub(super) fn read_modifications(
    files: Files<'_>,
    folder: &Path,
) -> Result<Vec<Modification>, CnbError> {
    let Some(folder) = files.resolve(folder)? else {
        return Ok(Vec::new());
    };
    if files.kind(&folder)? != Some(Kind::Directory) {
        return Ok(Vec::new());
    }
    let mut modifications = Vec::new();
    for (file_name, _) in files.list(&folder)? {
        let bytes = file_name.as_bytes();
        let (name, suffix) = match bytes.iter().position(|byte| *byte == b'.') {
            Some(dot) => (
                bytes.get(..dot).unwrap_or_default(),
                bytes.get(dot + 1..).unwrap_or_default(),
            ),
            None => (bytes, &b"override"[..]),
        };
        // No program can be given such a variable.
        if name.is_empty() || name.contains(&b'=') {
            continue;
        }
        let name = OsStr::from_bytes(name);
        let delimiter = || {
            let mut file = name.to_owned();
            file.push(".delim");
            Ok::<_, CnbError>(read_value(files, &folder.join(file))?.unwrap_or_default())
        };
        let action = match suffix {
            b"override" => Action::Override,
            b"default" => Action::Default,
            b"append" => Action::Append {
                delimiter: delimiter()?,
            },
            b"prepend" => Action::Prepend {
                delimiter: delimiter()?,
            },
            _ => continue,
        };
        if let Some(value) = read_value(files, &folder.join(&file_name))? {
            modifications.push(Modification {
                variable: name.to_owned(),
                action,
                value,
            });
        }
    }
    Ok(modifications)
}

fn read_value(files: Files<'_>, path: &Path) -> Result<Option<OsString>, CnbError> {
    let Some(resolved) = files.resolve(path)? else {
        return Ok(None);
    };
    if files.kind(&resolved)? == Some(Kind::Directory) {
        return Ok(None);
    }
    let Some(content) = files.read(&resolved, VARIABLE_LIMIT)? else {
        return Ok(None);
    };
    if content.contains(&0) {
        return Err(CnbError::UnusableFile {
            path: path.to_owned(),
            reason: "holds a NUL byte, which no environment variable can".into(),
        });
    }
    Ok(Some(OsString::from_vec(content)))
}

/// The changes that the mere folders of a layer make.
pub(super) fn root_modifications(
    files: Files<'_>,
    layer: &Path,
    roots: &[(&str, &[&str])],
) -> Result<Vec<Modification>, CnbError> {
    let mut modifications = Vec::new();
    for (folder, variables) in roots {
        let folder = layer.join(folder);
        let Some(resolved) = files.resolve(&folder)? else {
            continue;
        };
        if files.kind(&resolved)? == Some(Kind::Directory) {
            for variable in *variables {
                modifications.push(Modification::prepend_path(*variable, folder.as_os_str()));
            }
        }
    }
    Ok(modifications)
}

/// Adds the user's variables: folders go before those of path variables, everything else replaces.
pub(super) fn add_user_variables(environment: &mut Environment, user: &Environment) {
    for (name, value) in user {
        let is_path = BUILD_ROOTS
            .iter()
            .any(|(_, variables)| variables.iter().any(|variable| *name == **variable));
        if is_path {
            Modification::prepend_path(name, value).apply(environment);
        } else {
            environment.insert(name.clone(), value.clone());
        }
    }
}

/// Refuses variables that cannot be a file in `<platform>/env` or part of a program's environment.
pub(super) fn check_variables(variables: &Environment) -> Result<(), CnbError> {
    for (name, value) in variables {
        let bytes = name.as_bytes();
        let reason = if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&b'/') {
            "its name is empty or holds `=` or `/`"
        } else if bytes == b"." || bytes == b".." || bytes.len() > 255 {
            "its name cannot be a file's"
        } else if bytes.contains(&0) || value.as_bytes().contains(&0) {
            "it holds a NUL byte"
        } else {
            continue;
        };
        return Err(CnbError::InvalidVariable {
            name: name.to_string_lossy().into_owned(),
            reason,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn after(action: Action, value: &str, before: &[(&str, &str)]) -> Option<String> {
        let mut environment = environment(before);
        Modification {
            variable: "A".into(),
            action,
            value: value.into(),
        }
        .apply(&mut environment);
        environment
            .get(OsStr::new("A"))
            .map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn default_fills_what_is_empty_or_not_set() {
        assert_eq!(after(Action::Default, "x", &[]).unwrap(), "x");
        assert_eq!(after(Action::Default, "x", &[("A", "")]).unwrap(), "x");
        assert_eq!(after(Action::Default, "x", &[("A", "y")]).unwrap(), "y");
    }

    #[test]
    fn a_delimiter_stands_only_between_two_values() {
        let delimiter = || OsString::from("::");
        assert_eq!(
            after(
                Action::Append {
                    delimiter: delimiter()
                },
                "x",
                &[]
            )
            .unwrap(),
            "x"
        );
        assert_eq!(
            after(
                Action::Append {
                    delimiter: delimiter()
                },
                "x",
                &[("A", "")]
            )
            .unwrap(),
            "x"
        );
        assert_eq!(
            after(
                Action::Append {
                    delimiter: delimiter()
                },
                "x",
                &[("A", "y")]
            )
            .unwrap(),
            "y::x"
        );
        assert_eq!(
            after(
                Action::Prepend {
                    delimiter: delimiter()
                },
                "x",
                &[("A", "y")]
            )
            .unwrap(),
            "x::y"
        );
        assert_eq!(after(Action::Override, "x", &[("A", "y")]).unwrap(), "x");
    }

    #[test]
    fn a_user_extends_paths_and_replaces_the_rest() {
        let mut all = environment(&[
            ("PATH", "/bin"),
            ("CPATH", ""),
            ("A", "layer"),
            ("B", "layer"),
        ]);
        add_user_variables(
            &mut all,
            &environment(&[("PATH", "/mine"), ("CPATH", "/inc"), ("A", "user")]),
        );
        assert_eq!(
            all,
            environment(&[
                ("PATH", "/mine:/bin"),
                ("CPATH", "/inc"),
                ("A", "user"),
                ("B", "layer")
            ])
        );
    }

    #[test]
    fn impossible_names_and_values_are_refused() {
        for (name, value) in [
            ("", "x"),
            ("A/B", "x"),
            ("A=B", "x"),
            ("..", "x"),
            ("A", "x\0"),
        ] {
            assert!(
                check_variables(&environment(&[(name, value)])).is_err(),
                "{name:?}"
            );
        }
        assert!(check_variables(&environment(&[("A.b", "x\ny")])).is_ok());
    }
}
