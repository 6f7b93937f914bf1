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

#[test]
fn programs_that_will_not_be_there_are_told() {
    let build = layer("tool", "mkdir bin; echo x > bin/x; chmod +x bin/x")
        + "echo types.build=true > \"$1/tool.toml\"\n"
        + &layer(
            "l",
            "mkdir exec.d; cd exec.d; ln -s ../../tool/bin/x build-only; ln -s nowhere gone; ln -s /etc/passwd outside; touch plain; echo x > good; chmod +x good",
        );
    let host = Host::new().builds("x", &build);
    let warnings: Vec<String> = host
        .build()
        .unwrap()
        .warnings
        .iter()
        .map(|warning| host.shown(&warning.message))
        .collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    the program `/app/.slugbuilder/layers/x/l/exec.d/build-only` of layer `l` of buildpack `x` is a link into the layer `tool`, which is not for launch: processes that need it will not start
    the program `/app/.slugbuilder/layers/x/l/exec.d/gone` of layer `l` of buildpack `x` is a link that leads out of the app, or to nothing: processes that need it will not start
    the program `/app/.slugbuilder/layers/x/l/exec.d/outside` of layer `l` of buildpack `x` is a link that leads out of the app, or to nothing: processes that need it will not start
    the program `/app/.slugbuilder/layers/x/l/exec.d/plain` of layer `l` of buildpack `x` is no executable file: processes that need it will not start
    ");
}

#[test]
fn a_variable_with_a_nul_byte_is_refused() {
    let host = Host::new().builds("x", &layer("l", "mkdir env; printf 'a\\0b' > env/A"));
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/x/l/env/A` holds a NUL byte, which no environment variable can

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
}
