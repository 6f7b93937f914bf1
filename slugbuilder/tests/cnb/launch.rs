//! Section 2.7: the launch environment.

use crate::host::{Host, environment};

fn layer(name: &str, commands: &str) -> String {
    format!(
        "(mkdir -p \"$1/{name}\"; echo types.launch=true > \"$1/{name}.toml\"; cd \"$1/{name}\"; {commands})\n"
    )
}

#[test]
fn folders_of_all_layers_come_before_their_files() {
    // `a` prepends to PATH in its file, `b` has a folder: the file of `a` is applied after the folder of `b`.
    let build = layer(
        "a",
        "mkdir bin lib include env; printf /a-file > env/PATH.prepend; printf : > env/PATH.delim",
    ) + &layer("b", "mkdir bin");
    let host = Host::new().builds("x", &build);
    let launch = host.build().unwrap().launch_environment;
    let result = launch.apply(None, &environment(&[("PATH", "/usr/bin")]));
    let shown: Vec<String> = result
        .iter()
        .map(|(name, value)| host.shown(&format!("{}={}", name.display(), value.display())))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    LD_LIBRARY_PATH=/app/.slugbuilder/layers/x/a/lib
    PATH=/a-file:/app/.slugbuilder/layers/x/b/bin:/app/.slugbuilder/layers/x/a/bin:/usr/bin
    ");
}

#[test]
fn each_buildpack_in_turn() {
    let set = |value: &str| {
        layer(
            "l",
            &format!("mkdir env; printf {value} > env/A.append; printf , > env/A.delim"),
        )
    };
    let host = Host::new()
        .builds("z", &set("first"))
        .builds("a", &set("second"));
    let launch = host.build().unwrap().launch_environment;
    let result = launch.apply(None, &environment(&[("A", "config")]));
    assert_eq!(result, environment(&[("A", "config,first,second")]));
}

#[test]
fn env_then_env_launch_then_the_process() {
    let build = layer(
        "l",
        "mkdir -p env env.build env.launch/web env.launch/worker; printf e > env/A; printf b > env.build/A; printf l > env.launch/A.append\n\
         printf w > env.launch/web/A.append; printf k > env.launch/worker/A",
    );
    let host = Host::new().builds("x", &build);
    let launch = host.build().unwrap().launch_environment;
    let of = |process| launch.apply(process, &environment(&[]));
    assert_eq!(of(Some("web")), environment(&[("A", "elw")]));
    assert_eq!(of(Some("worker")), environment(&[("A", "k")]));
    assert_eq!(of(Some("clock")), environment(&[("A", "el")]));
    assert_eq!(of(None), environment(&[("A", "el")]));
}

#[test]
fn override_beats_the_users_variable_and_default_does_not() {
    let host = Host::new().builds(
        "x",
        &layer(
            "l",
            "mkdir env; printf l > env/A; printf l > env/B.default; printf l > env/C.default",
        ),
    );
    let launch = host.build().unwrap().launch_environment;
    assert_eq!(
        launch.apply(None, &environment(&[("A", "u"), ("B", "u"), ("C", "")])),
        environment(&[("A", "l"), ("B", "u"), ("C", "l")])
    );
}

#[test]
fn layers_that_are_not_for_launch_change_nothing() {
    let build = layer(
        "l",
        "mkdir env bin profile.d; touch profile.d/x; printf l > env/A",
    ) + "echo types.build=true > \"$1/l.toml\"";
    let launch = Host::new()
        .builds("x", &build)
        .build()
        .unwrap()
        .launch_environment;
    assert_eq!(launch, slugbuilder::cnb::LaunchEnvironment::default());
}

#[test]
fn scripts_and_programs_are_listed_with_their_process() {
    let build = layer(
        "l",
        "mkdir -p profile.d/web exec.d/web; touch profile.d/2.sh profile.d/1.sh profile.d/web/w.sh exec.d/p exec.d/web/q",
    );
    let host = Host::new().builds("x", &build);
    let launch = host.build().unwrap().launch_environment;
    let shown = |process: &Option<String>, path: &std::path::Path| {
        format!(
            "{}:{}",
            process.as_deref().unwrap_or("*"),
            path.strip_prefix(host.app(".slugbuilder/layers/x/l"))
                .unwrap()
                .display()
        )
    };
    let scripts: Vec<String> = launch
        .profile_scripts
        .iter()
        .map(|script| shown(&script.process, &script.path))
        .collect();
    let programs: Vec<String> = launch
        .exec_d
        .iter()
        .map(|program| shown(&program.process, &program.path))
        .collect();
    assert_eq!(
        scripts,
        [
            "*:profile.d/1.sh",
            "*:profile.d/2.sh",
            "web:profile.d/web/w.sh"
        ]
    );
    assert_eq!(programs, ["*:exec.d/p", "web:exec.d/web/q"]);
}
