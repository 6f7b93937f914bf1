//! The script against `LaunchEnvironment::apply`, in real shells.

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
            operation(Some("worker"), "C", append(","), "x"),
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
    'worker')
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

#[test]
fn another_process_that_serves_as_web_does_not_get_the_environment_of_web() {
    let server = Process {
        r#type: "server".into(),
        command: vec!["x".into()],
        args: Vec::new(),
        default: true,
        working_directory: None,
        buildpack: "b".into(),
    };
    let types = ProcessTypes::of(&[server], Path::new("/app"));
    let launch = launch(vec![
        operation(Some("web"), "A", Action::Override, "web"),
        operation(Some("server"), "B", Action::Override, "server"),
    ]);
    let script = profile_script(&launch, &types, Path::new("/app"))
        .content
        .unwrap();
    let base = Environment::from([("DYNO".into(), "web.1".into())]);
    let result = sourced("bash", &script, &base);
    assert_eq!(result.get(OsStr::new("A")), None);
    assert_eq!(result[OsStr::new("B")], "server");
}
