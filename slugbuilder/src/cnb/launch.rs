//! `launch.toml`: processes, labels and slices (rule 6 of section 2.4 of the reference).

use super::order::is_for_production;
use super::{BuildpackDescriptor, CnbError};
use serde::Deserialize;
use slugbuilder_report::Warning;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A process type of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its name.
    pub r#type: String,
    /// The program and those arguments that are always there.
    pub command: Vec<String>,
    /// Further arguments.
    pub args: Vec<String>,
    /// Whether it is started where none is named. At most one is.
    pub default: bool,
    /// Where it runs, as programs see it; the app directory if nothing is said.
    pub working_directory: Option<PathBuf>,
    /// Id of the buildpack that defined it.
    pub buildpack: String,
}

/// A process type for other execution environments than `production` (API 0.12), such as `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessElsewhere {
    /// Its name.
    pub r#type: String,
    /// Where it is for.
    pub execution_environments: Vec<String>,
    /// Id of the buildpack that defined it.
    pub buildpack: String,
}

/// A label for an image; a slug has none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Paths of the app that an image would hold in a layer of their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Slice {
    /// Globs below the app directory.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// What one buildpack's `launch.toml` says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LaunchDocument {
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    #[serde(default)]
    pub(super) slices: Vec<Slice>,
    #[serde(default)]
    processes: Vec<ProcessDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ProcessDocument {
    r#type: String,
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    default: bool,
    working_dir: Option<PathBuf>,
    #[serde(default)]
    exec_env: Vec<String>,
    direct: Option<toml::Value>,
}

/// The processes of all buildpacks so far.
#[derive(Debug, Default)]
pub(super) struct Processes {
    by_type: BTreeMap<String, Process>,
    default: Option<String>,
    /// Those that are not for us.
    pub(super) elsewhere: Vec<ProcessElsewhere>,
}

impl Processes {
    /// Adds what a later buildpack defines: it replaces processes of the same type.
    pub(super) fn add(
        &mut self,
        path: &Path,
        descriptor: &BuildpackDescriptor,
        document: LaunchDocument,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), CnbError> {
        let mut defaults = 0;
        for process in document.processes {
            if let Some(reason) = objection(&process) {
                return Err(CnbError::InvalidOutput {
                    buildpack: descriptor.id.clone(),
                    path: path.to_owned(),
                    reason: format!("defines the process `{}`, which {reason}", process.r#type),
                });
            }
            if !is_for_production(&process.exec_env) {
                self.elsewhere.push(ProcessElsewhere {
                    r#type: process.r#type,
                    execution_environments: process.exec_env,
                    buildpack: descriptor.id.clone(),
                });
                continue;
            }
            defaults += usize::from(process.default);
            if defaults > 1 {
                return Err(CnbError::InvalidOutput {
                    buildpack: descriptor.id.clone(),
                    path: path.to_owned(),
                    reason: "defines more than one default process".into(),
                });
            }
            if process.default {
                self.default = Some(process.r#type.clone());
            } else if self.default.as_ref() == Some(&process.r#type) {
                self.default = None;
                warnings.push(Warning::new(
                    "default-process-replaced",
                    format!(
                        "buildpack `{}` replaces the default process `{}` by one that is not the default",
                        descriptor.id, process.r#type
                    ),
                ));
            }
            self.by_type.insert(
                process.r#type.clone(),
                Process {
                    r#type: process.r#type,
                    command: process.command,
                    args: process.args,
                    default: false,
                    working_directory: process.working_dir,
                    buildpack: descriptor.id.clone(),
                },
            );
        }
        Ok(())
    }

    /// All of them, by type.
    pub(super) fn into_vec(self) -> Vec<Process> {
        self.by_type
            .into_values()
            .map(|process| Process {
                default: self.default.as_ref() == Some(&process.r#type),
                ..process
            })
            .collect()
    }
}

fn objection(process: &ProcessDocument) -> Option<&'static str> {
    let words = || process.command.iter().chain(&process.args);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if process.r#type.is_empty() || !process.r#type.bytes().all(allowed) {
        Some("has a type with other characters than letters, digits, `.`, `_` and `-`")
    } else if process.direct.is_some() {
        Some("has the key `direct`, which Buildpack API 0.9 has removed")
    } else if process.command.first().is_none_or(String::is_empty) {
        Some("has no command")
    } else if words().any(|word| word.contains('\0')) {
        Some("has a NUL character in its command")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(id: &str) -> BuildpackDescriptor {
        let text = format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n");
        BuildpackDescriptor::parse(Path::new("buildpack.toml"), text.as_bytes()).unwrap()
    }

    fn merged(documents: &[(&str, &str)]) -> Result<(Vec<Process>, Vec<Warning>), CnbError> {
        let mut processes = Processes::default();
        let mut warnings = Vec::new();
        for (id, text) in documents {
            let document = toml::from_str(text).unwrap();
            processes.add(
                Path::new("/launch.toml"),
                &descriptor(id),
                document,
                &mut warnings,
            )?;
        }
        Ok((processes.into_vec(), warnings))
    }

    fn summary(processes: &[Process]) -> Vec<String> {
        processes
            .iter()
            .map(|process| {
                let default = if process.default { "*" } else { "" };
                format!(
                    "{}{default}={} ({})",
                    process.r#type,
                    process.command.join(" "),
                    process.buildpack
                )
            })
            .collect()
    }

    const WEB: &str = "[[processes]]\ntype='web'\ncommand=['a']\ndefault=true\n";

    #[test]
    fn later_definitions_and_defaults_win() {
        let other = "[[processes]]\ntype='worker'\ncommand=['b']\ndefault=true\n[[processes]]\ntype='web'\ncommand=['c']\n";
        let (processes, warnings) = merged(&[("x", WEB), ("y", other)]).unwrap();
        assert_eq!(summary(&processes), ["web=c (y)", "worker*=b (y)"]);
        assert!(warnings.is_empty());
    }

    #[test]
    fn a_default_replaced_by_a_process_that_is_none_is_cleared_with_a_warning() {
        let (processes, warnings) = merged(&[
            ("x", WEB),
            ("y", "[[processes]]\ntype='web'\ncommand=['c']\n"),
        ])
        .unwrap();
        assert_eq!(summary(&processes), ["web=c (y)"]);
        assert_eq!(warnings[0].code, "default-process-replaced");
    }

    #[test]
    fn processes_for_other_execution_environments_are_left_out() {
        let test = "[[processes]]\ntype='test'\ncommand=['t']\nexec-env=['test']\n";
        assert!(merged(&[("x", test)]).unwrap().0.is_empty());
    }

    #[test]
    fn what_the_contract_forbids_is_refused() {
        let refused = |text: &str| merged(&[("x", text)]).unwrap_err().to_string();
        insta::assert_snapshot!(refused(&format!("{WEB}{}", WEB.replace("web", "two"))), @"buildpack `x` broke the buildpack contract: `/launch.toml` defines more than one default process");
        insta::assert_snapshot!(refused("[[processes]]\ntype='a b'\ncommand=['c']\n"), @"buildpack `x` broke the buildpack contract: `/launch.toml` defines the process `a b`, which has a type with other characters than letters, digits, `.`, `_` and `-`");
        insta::assert_snapshot!(refused("[[processes]]\ntype='a'\ncommand=['c']\ndirect=true\n"), @"buildpack `x` broke the buildpack contract: `/launch.toml` defines the process `a`, which has the key `direct`, which Buildpack API 0.9 has removed");
        insta::assert_snapshot!(refused("[[processes]]\ntype='a'\ncommand=[]\n"), @"buildpack `x` broke the buildpack contract: `/launch.toml` defines the process `a`, which has no command");
        insta::assert_snapshot!(refused("[[processes]]\ntype='a'\ncommand=[\"c\\u0000\"]\n"), @"buildpack `x` broke the buildpack contract: `/launch.toml` defines the process `a`, which has a NUL character in its command");
    }

    #[test]
    fn a_command_is_a_list() {
        assert!(
            toml::from_str::<LaunchDocument>("[[processes]]\ntype='a'\ncommand='c'\n").is_err()
        );
    }
}
