//! The launch environment as a script for `.profile.d` (section 2.10 of the reference).
//!
//! Heroku sources `.profile.d/*.sh` in byte order when the config vars are set already, just as a CNB launcher applies
//! its launch environment, so that `000_` puts this script before the app's own. It is written for bash, which sources
//! it, and is valid for every POSIX shell. It leaves no names of its own behind.

use super::ProcessTypes;
use super::shell::{is_assignable, quote_bytes};
use crate::cnb::{Action, LaunchEnvironment, Modification};
use slugbuilder_report::Warning;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Where the script stands, relative to the app directory.
pub const PROFILE_SCRIPT_PATH: &str = ".profile.d/000_slugbuilder.sh";

const HEADER: &[u8] = b"# The launch environment of the buildpacks, written by slugbuilder.\n";

/// The script and what it could not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileText {
    /// The script; nothing if there is nothing to do. The same launch environment gives the same bytes.
    pub content: Option<Vec<u8>>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Writes the script.
///
/// Values are quoted as bytes. One that begins with `app_dir`, or an element of a `:` list that does, is written
/// relative to `$HOME`, which is where the app is when it runs. What is for one process type is guarded by the dyno's
/// name, which `process_types` knows.
#[must_use]
pub fn profile_script(
    launch: &LaunchEnvironment,
    process_types: &ProcessTypes,
    app_dir: &Path,
) -> ProfileText {
    let mut script = Script {
        app_dir,
        process_types,
        text: HEADER.to_vec(),
        guard: None,
        warnings: Vec::new(),
    };
    for operation in &launch.operations {
        script.guard(operation.process.as_deref());
        script.modify(
            &operation.modification,
            &operation.buildpack,
            &operation.layer,
        );
    }
    for profile in &launch.profile_scripts {
        script.guard(profile.process.as_deref());
        script.text.extend(b". ");
        let path = script.value(profile.path.as_os_str().as_bytes());
        script.text.extend(path);
        script.text.push(b'\n');
    }
    script.guard(None);
    for program in &launch.exec_d {
        script.warnings.push(
            Warning::new(
                "exec-d-unsupported",
                format!(
                    "the program `{}` of layer `{}` of buildpack `{}` will not run when the app starts",
                    program.path.display(),
                    program.layer,
                    program.buildpack
                ),
            )
            .hint("Set the variables that it would set as config vars."),
        );
    }
    ProfileText {
        content: (script.text != HEADER).then_some(script.text),
        warnings: script.warnings,
    }
}

struct Script<'a> {
    app_dir: &'a Path,
    process_types: &'a ProcessTypes,
    text: Vec<u8>,
    guard: Option<String>,
    warnings: Vec<Warning>,
}

impl Script<'_> {
    /// What follows is for dynos of this process type, or all.
    fn guard(&mut self, process: Option<&str>) {
        if self.guard.as_deref() == process {
            return;
        }
        if self.guard.take().is_some() {
            self.text.extend(b";;\nesac\n");
        }
        if let Some(process) = process {
            self.guard = Some(process.to_owned());
            let mut names: Vec<&str> = self.process_types.names_of(process).collect();
            if names.is_empty() {
                // No process of this type: what a dyno of that name would be called all the same.
                names.push(process);
            }
            self.text.extend(b"case \"${DYNO%%.*}\" in\n");
            let names: Vec<Vec<u8>> = names
                .iter()
                .map(|name| quote_bytes(name.as_bytes()))
                .collect();
            self.text.extend(names.join(&b'|'));
            self.text.extend(b")\n");
        }
    }

    fn modify(&mut self, modification: &Modification, buildpack: &str, layer: &str) {
        let name = modification.variable.as_bytes();
        if !is_assignable(name) {
            self.warnings.push(
                Warning::new(
                    "variable-unsupported",
                    format!(
                        "the variable `{}` of layer `{layer}` of buildpack `{buildpack}` is left out: no shell can set it",
                        modification.variable.display()
                    ),
                )
                .hint("Set it as a config var if the app needs it."),
            );
            return;
        }
        let value = self.value(modification.value.as_bytes());
        // An assignment of its own: in some shells the words of `export` are split, those of an assignment never.
        match &modification.action {
            Action::Override => self.write(&[name, b"=", &value]),
            Action::Default => self.write(&[b"[ -n \"${", name, b"-}\" ] || ", name, b"=", &value]),
            Action::Append { delimiter } => {
                let delimiter = quote_bytes(delimiter.as_bytes());
                self.write(&[
                    name, b"=${", name, b":+\"$", name, b"\"", &delimiter, b"}", &value,
                ]);
            }
            Action::Prepend { delimiter } => {
                let delimiter = quote_bytes(delimiter.as_bytes());
                self.write(&[
                    name, b"=", &value, b"${", name, b":+", &delimiter, b"\"$", name, b"\"}",
                ]);
            }
        }
        self.write(&[b"export ", name]);
    }

    fn write(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.text.push(b'\n');
    }

    /// A value in quotes, paths of the app relative to `$HOME`.
    fn value(&self, value: &[u8]) -> Vec<u8> {
        let app_dir = self.app_dir.as_os_str().as_bytes();
        let mut written = Vec::new();
        let mut literal = Vec::new();
        for (index, element) in value.split(|byte| *byte == b':').enumerate() {
            if index > 0 {
                literal.push(b':');
            }
            match element.strip_prefix(app_dir) {
                Some(rest) if rest.is_empty() || rest.starts_with(b"/") => {
                    if !literal.is_empty() {
                        written.extend(quote_bytes(&literal));
                        literal.clear();
                    }
                    written.extend(b"\"$HOME\"");
                    literal.extend_from_slice(rest);
                }
                _ => literal.extend_from_slice(element),
            }
        }
        if !literal.is_empty() || written.is_empty() {
            written.extend(quote_bytes(&literal));
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnb::{ExecD, Operation, Process, ProfileScript};
    use crate::sandbox::Environment;
    use std::ffi::{OsStr, OsString};
    use std::process::Command;

    fn operation(
        process: Option<&str>,
        variable: &str,
        action: Action,
        value: impl AsRef<OsStr>,
    ) -> Operation {
        Operation {
            buildpack: "acme/b".into(),
            layer: "l".into(),
            process: process.map(str::to_owned),
            modification: Modification {
                variable: variable.into(),
                action,
                value: value.as_ref().to_owned(),
            },
        }
    }

    fn launch(operations: Vec<Operation>) -> LaunchEnvironment {
        LaunchEnvironment {
            operations,
            ..LaunchEnvironment::default()
        }
    }

    fn text(launch: &LaunchEnvironment, app_dir: &str) -> Vec<u8> {
        profile_script(launch, &ProcessTypes::default(), Path::new(app_dir))
            .content
            .unwrap_or_default()
    }

    fn append(delimiter: &str) -> Action {
        Action::Append {
            delimiter: delimiter.into(),
        }
    }

    fn prepend(delimiter: &str) -> Action {
        Action::Prepend {
            delimiter: delimiter.into(),
        }
    }

    /// The variables after a shell has sourced the script.
    fn sourced(shell: &str, script: &[u8], base: &Environment) -> Environment {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.sh");
        std::fs::write(&file, script).unwrap();
        let check = Command::new("sh").arg("-n").arg(&file).output().unwrap();
        assert!(
            check.status.success(),
            "{}",
            String::from_utf8_lossy(&check.stderr)
        );
        let output = Command::new(shell)
            .arg("-c")
            .arg(". \"$1\" && exec /usr/bin/env -0")
            .arg(shell)
            .arg(&file)
            .env_clear()
            .envs(base)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
            .stdout
            .split(|byte| *byte == 0)
            .filter_map(|pair| {
                let equals = pair.iter().position(|byte| *byte == b'=')?;
                let (name, value) = pair.split_at(equals);
                Some((
                    OsStr::from_bytes(name).to_owned(),
                    OsStr::from_bytes(&value[1..]).to_owned(),
                ))
            })
            // What shells set themselves.
            .filter(|(name, _)| {
                !["_", "PWD", "SHLVL", "OLDPWD"]
                    .iter()
                    .any(|own| name == own)
            })
            .collect()
    }

    /// Every operation on variables that are not set, empty and set.
    fn vector() -> (LaunchEnvironment, Environment) {
        let nasty = OsString::from(OsStr::from_bytes(b" a'b\"c$HOME`id`\\ \n*\xff~}#! "));
        let mut operations = Vec::new();
        for (index, action) in [
            Action::Override,
            Action::Default,
            append(""),
            append("':}\n"),
            prepend(";"),
            prepend(":"),
        ]
        .into_iter()
        .enumerate()
        {
            for state in ["UNSET", "EMPTY", "SET"] {
                for (kind, value) in [
                    ("NASTY", nasty.as_os_str()),
                    ("NONE", OsStr::new("")),
                    ("PLAIN", OsStr::new("x")),
                ] {
                    operations.push(operation(
                        None,
                        &format!("{state}_{index}_{kind}"),
                        action.clone(),
                        value,
                    ));
                }
            }
        }
        operations.push(operation(
            None,
            "PATH",
            prepend(":"),
            "/app/.slugbuilder/layers/b/l/bin",
        ));
        operations.push(operation(
            None,
            "LIST",
            Action::Override,
            "/app:/app/lib:/apple:/usr/app:",
        ));
        operations.push(operation(None, "TILDE", append(":"), "~/x"));
        operations.push(operation(Some("web"), "ROLE", Action::Override, "web"));
        operations.push(operation(Some("web"), "ROLE", append("-"), "more"));
        operations.push(operation(
            Some("worker"),
            "ROLE",
            Action::Override,
            "worker",
        ));
        operations.push(operation(None, "LAST", Action::Override, "last"));
        let mut base = Environment::from([
            ("HOME".into(), "/app".into()),
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("TILDE".into(), "~ *".into()),
        ]);
        for operation in &operations {
            let name = &operation.modification.variable;
            if name.as_bytes().starts_with(b"EMPTY") {
                base.insert(name.clone(), OsString::new());
            } else if name.as_bytes().starts_with(b"SET") {
                base.insert(name.clone(), " old 'value' * ".into());
            }
        }
        (launch(operations), base)
    }

    #[test]
    fn bash_and_sh_do_what_apply_does() {
        let (launch, mut base) = vector();
        let script = text(&launch, "/app");
        for dyno in ["web.1", "worker.12", "run.1234"] {
            base.insert("DYNO".into(), dyno.into());
            let process = dyno.split('.').next();
            for shell in ["bash", "sh"] {
                assert_eq!(
                    sourced(shell, &script, &base),
                    launch.apply(process, &base),
                    "{shell} {dyno}"
                );
            }
        }
    }

    #[test]
    fn an_app_built_elsewhere_runs_at_home() {
        let launch = launch(vec![
            operation(
                None,
                "A",
                Action::Override,
                "/build/app/x:/build/apple:/build/app",
            ),
            operation(None, "PATH", prepend(":"), "/build/app/bin"),
        ]);
        let base = Environment::from([
            ("HOME".into(), "/home of app".into()),
            ("PATH".into(), "/bin".into()),
        ]);
        let result = sourced("bash", &text(&launch, "/build/app"), &base);
        assert_eq!(
            result[OsStr::new("A")],
            "/home of app/x:/build/apple:/home of app"
        );
        assert_eq!(result[OsStr::new("PATH")], "/home of app/bin:/bin");
    }

    #[test]
    fn the_text_is_this() {
        let launch = LaunchEnvironment {
            operations: vec![
                operation(
                    None,
                    "PATH",
                    prepend(":"),
                    "/app/.slugbuilder/layers/b/l/bin",
                ),
                operation(None, "A", Action::Override, "it's"),
                operation(None, "B", Action::Default, ""),
                operation(Some("web"), "C", append(","), "x"),
            ],
            profile_scripts: vec![
                ProfileScript {
                    buildpack: "b".into(),
                    layer: "l".into(),
                    process: None,
                    path: "/app/.slugbuilder/layers/b/l/profile.d/a b.sh".into(),
                },
                ProfileScript {
                    buildpack: "b".into(),
                    layer: "l".into(),
                    process: Some("server".into()),
                    path: "/app/.slugbuilder/layers/b/l/profile.d/server/x".into(),
                },
            ],
            exec_d: Vec::new(),
        };
        let server = Process {
            r#type: "server".into(),
            command: vec!["x".into()],
            args: Vec::new(),
            default: true,
            working_directory: None,
            buildpack: "b".into(),
        };
        let types = ProcessTypes::of(&[server], Path::new("/app"));
        let script = profile_script(&launch, &types, Path::new("/app"))
            .content
            .unwrap();
        insta::assert_snapshot!(String::from_utf8(script).unwrap(), @r#"
        # The launch environment of the buildpacks, written by slugbuilder.
        PATH="$HOME"'/.slugbuilder/layers/b/l/bin'${PATH:+':'"$PATH"}
        export PATH
        A='it'\''s'
        export A
        [ -n "${B-}" ] || B=''
        export B
        case "${DYNO%%.*}" in
        'web')
        C=${C:+"$C"','}'x'
        export C
        ;;
        esac
        . "$HOME"'/.slugbuilder/layers/b/l/profile.d/a b.sh'
        case "${DYNO%%.*}" in
        'server'|'web')
        . "$HOME"'/.slugbuilder/layers/b/l/profile.d/server/x'
        ;;
        esac
        "#);
    }

    #[test]
    fn nothing_to_do_is_no_script() {
        let nothing = profile_script(
            &LaunchEnvironment::default(),
            &ProcessTypes::default(),
            Path::new("/app"),
        );
        assert_eq!(nothing, ProfileText::default());
    }

    #[test]
    fn what_a_shell_cannot_do_is_reported() {
        let mut launch = launch(vec![
            operation(None, "A-B", Action::Override, "x"),
            operation(None, "UID", Action::Override, "x"),
        ]);
        launch.exec_d.push(ExecD {
            buildpack: "acme/b".into(),
            layer: "l".into(),
            process: None,
            path: "/app/.slugbuilder/layers/acme_b/l/exec.d/p".into(),
        });
        let result = profile_script(&launch, &ProcessTypes::default(), Path::new("/app"));
        assert_eq!(result.content, None);
        let warnings: Vec<String> = result
            .warnings
            .iter()
            .map(|warning| warning.render(slugbuilder_report::Style::Plain))
            .collect();
        insta::assert_snapshot!(warnings.concat(), @r"
        warning[variable-unsupported]: the variable `A-B` of layer `l` of buildpack `acme/b` is left out: no shell can set it
          hint: Set it as a config var if the app needs it.
        warning[variable-unsupported]: the variable `UID` of layer `l` of buildpack `acme/b` is left out: no shell can set it
          hint: Set it as a config var if the app needs it.
        warning[exec-d-unsupported]: the program `/app/.slugbuilder/layers/acme_b/l/exec.d/p` of layer `l` of buildpack `acme/b` will not run when the app starts
          hint: Set the variables that it would set as config vars.
        ");
    }
}
