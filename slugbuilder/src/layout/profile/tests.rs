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
    __slugbuilder_home=$HOME
    PATH="$__slugbuilder_home"'/.slugbuilder/layers/b/l/bin'${PATH:+':'"$PATH"}
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
    . "$__slugbuilder_home"'/.slugbuilder/layers/b/l/profile.d/a b.sh'
    case "${DYNO%%.*}" in
    'server'|'web')
    . "$__slugbuilder_home"'/.slugbuilder/layers/b/l/profile.d/server/x'
    ;;
    esac
    unset __slugbuilder_home
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
    let launch = launch(vec![
        operation(None, "A-B", Action::Override, "x"),
        operation(None, "UID", Action::Override, "x"),
    ]);
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

/// An app folder with programs in it.
fn app_with(programs: &[(&str, &str)]) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let app = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = app.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    write(EXEC_D_HELPER_PATH, crate::layout::EXEC_D_HELPER);
    for (name, script) in programs {
        write(name, &format!("#!/bin/sh\n{script}\n"));
    }
    app
}

fn exec_d(process: Option<&str>, name: &str) -> ExecD {
    ExecD {
        buildpack: "b".into(),
        layer: "l".into(),
        process: process.map(str::to_owned),
        path: Path::new("/build/app").join(name),
    }
}

#[test]
fn programs_set_variables_for_their_processes_in_order() {
    let app = app_with(&[
        ("one", "echo \"A = '$A one'\" >&3"),
        (
            "web",
            "printf 'A = \"%s web\"\\nW = \"\"\"\\n$HOME\\n`id`\"\"\"' \"$A\" >&3",
        ),
        ("two", "echo \"A = '$A two'\" >&3"),
    ]);
    let launch = LaunchEnvironment {
        operations: vec![operation(None, "A", Action::Override, "layer")],
        exec_d: vec![
            exec_d(None, "one"),
            exec_d(Some("web"), "web"),
            exec_d(None, "two"),
        ],
        ..LaunchEnvironment::default()
    };
    let script = text(&launch, "/build/app");
    insta::assert_snapshot!(String::from_utf8(script.clone()).unwrap(), @r#"
    # The launch environment of the buildpacks, written by slugbuilder.
    __slugbuilder_home=$HOME
    A='layer'
    export A
    { __slugbuilder_exec_d=$(/bin/bash -p "$__slugbuilder_home"'/.slugbuilder/exec_d.bash' "$__slugbuilder_home" "$__slugbuilder_home"'/one') || exit 1; } 4>&1
    eval "$__slugbuilder_exec_d"
    unset __slugbuilder_exec_d
    case "${DYNO%%.*}" in
    'web')
    { __slugbuilder_exec_d=$(/bin/bash -p "$__slugbuilder_home"'/.slugbuilder/exec_d.bash' "$__slugbuilder_home" "$__slugbuilder_home"'/web') || exit 1; } 4>&1
    eval "$__slugbuilder_exec_d"
    unset __slugbuilder_exec_d
    ;;
    esac
    { __slugbuilder_exec_d=$(/bin/bash -p "$__slugbuilder_home"'/.slugbuilder/exec_d.bash' "$__slugbuilder_home" "$__slugbuilder_home"'/two') || exit 1; } 4>&1
    eval "$__slugbuilder_exec_d"
    unset __slugbuilder_exec_d
    unset __slugbuilder_home
    "#);
    for shell in ["bash", "sh"] {
        let result = |dyno: &str| {
            let base = Environment::from([
                ("HOME".into(), app.path().into()),
                ("DYNO".into(), dyno.into()),
            ]);
            sourced(shell, &script, &base)
        };
        let web = result("web.1");
        assert_eq!(web[OsStr::new("A")], "layer one web two");
        assert_eq!(web[OsStr::new("W")], "$HOME\n`id`");
        assert_eq!(web.len(), 4, "{web:?}");
        assert_eq!(result("worker.1")[OsStr::new("A")], "layer one two");
    }
}

/// What follows a new `HOME` is found all the same.
#[test]
fn programs_and_scripts_may_change_home() {
    let app = app_with(&[
        ("one", "echo \"HOME = '/nowhere'\" >&3"),
        ("web", "echo \"A = '$HOME'\" >&3"),
        ("one.sh", "B=$HOME; HOME=/elsewhere"),
        ("two.sh", "B=\"$B $HOME\"; export B"),
    ]);
    let script = |process: Option<&str>, name: &str| ProfileScript {
        buildpack: "b".into(),
        layer: "l".into(),
        process: process.map(str::to_owned),
        path: Path::new("/build/app").join(name),
    };
    let launch = LaunchEnvironment {
        exec_d: vec![exec_d(None, "one"), exec_d(Some("web"), "web")],
        profile_scripts: vec![script(None, "one.sh"), script(Some("web"), "two.sh")],
        ..LaunchEnvironment::default()
    };
    let text = text(&launch, "/build/app");
    let base = Environment::from([
        ("HOME".into(), app.path().into()),
        ("DYNO".into(), "web.1".into()),
    ]);
    for shell in ["bash", "sh"] {
        let environment = sourced(shell, &text, &base);
        assert_eq!(environment[OsStr::new("A")], "/nowhere");
        assert_eq!(environment[OsStr::new("B")], "/nowhere /elsewhere");
        assert_eq!(environment[OsStr::new("HOME")], "/elsewhere");
        assert!(!environment.contains_key(OsStr::new("__slugbuilder_home")));
    }
}

#[test]
fn a_program_that_fails_ends_the_start() {
    let app = app_with(&[
        ("fails", "echo \"A = 'x'\" >&3; exit 3"),
        ("never", "touch never-run"),
    ]);
    let launch = LaunchEnvironment {
        exec_d: vec![exec_d(None, "fails"), exec_d(Some("web"), "never")],
        ..LaunchEnvironment::default()
    };
    let output = Command::new("bash")
        .args(["-c", "eval \"$1\"; echo started", "bash"])
        .arg(OsStr::from_bytes(&text(&launch, "/build/app")))
        .env_clear()
        .envs([
            ("HOME", app.path().as_os_str()),
            ("DYNO", OsStr::new("web.1")),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert!(!app.path().join("never-run").exists());
    let said = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!(said.replace(app.path().to_str().unwrap(), "[APP]"), @"slugbuilder: the exec.d program `[APP]/fails` ended with status 3");
}

#[test]
fn a_layer_may_change_home() {
    let app = app_with(&[("program", "echo \"SEEN = '$HOME'\" >&3")]);
    let launch = LaunchEnvironment {
        operations: vec![
            operation(None, "HOME", Action::Override, "/elsewhere"),
            operation(None, "A", Action::Override, "/build/app/x"),
        ],
        exec_d: vec![exec_d(None, "program")],
        ..LaunchEnvironment::default()
    };
    let base = Environment::from([("HOME".into(), app.path().into())]);
    let result = sourced("bash", &text(&launch, "/build/app"), &base);
    let expected = Environment::from([
        ("HOME".into(), "/elsewhere".into()),
        ("SEEN".into(), "/elsewhere".into()),
        ("A".into(), app.path().join("x").into()),
    ]);
    assert_eq!(result, expected);
}
