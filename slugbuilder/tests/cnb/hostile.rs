//! Buildpacks that want more than they may.

use crate::host::Host;

fn refused(build: &str) -> String {
    let host = Host::new().builds("a", build);
    host.rendered(&host.build().unwrap_err())
}

#[test]
fn links_in_place_of_files_are_refused() {
    insta::assert_snapshot!(refused("ln -s /etc/passwd \"$1/launch.toml\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a/launch.toml` is a symbolic link

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
    insta::assert_snapshot!(refused("ln -s /etc/passwd \"$1/l.toml\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a/l.toml` is a symbolic link

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
    insta::assert_snapshot!(refused("echo types.launch=true > \"$1/l.toml\"; ln -s /etc \"$1/l\""), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/l` is a layer but no folder

      hint: Report this to the authors of the buildpack.
    ");
    insta::assert_snapshot!(refused("mkfifo \"$1/launch.toml\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a/launch.toml` is not a regular file

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
}

#[test]
fn a_layers_folder_that_became_a_link_is_refused() {
    insta::assert_snapshot!(refused("rm -r \"$1\"; ln -s /etc \"$1\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a` is no folder

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
    insta::assert_snapshot!(refused("d=$(dirname \"$1\"); rm -rf \"$d\"; ln -s /etc \"$d\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a` is below `/app/.slugbuilder/layers`, which is no folder

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
}

#[test]
fn names_that_climb_are_refused() {
    insta::assert_snapshot!(refused("touch \"$1/...toml\""), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/...toml` is no name for a layer

      hint: Report this to the authors of the buildpack.
    ");
    insta::assert_snapshot!(refused("touch \"$1/$(printf '\\377').toml\""), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/�.toml` has a name that is not UTF-8

      hint: Report this to the authors of the buildpack.
    ");
}

#[test]
fn huge_files_are_refused() {
    insta::assert_snapshot!(refused("truncate -s 1G \"$1/launch.toml\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a/launch.toml` is larger than 4194304 bytes

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
    insta::assert_snapshot!(refused("mkdir -p \"$1/l/env\"; echo types.launch=true > \"$1/l.toml\"; truncate -s 1G \"$1/l/env/A\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a/l/env/A` is larger than 131072 bytes

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
    insta::assert_snapshot!(refused("mkdir -p \"$1/l/env\"; echo types.launch=true > \"$1/l.toml\"; printf 'a\\0b' > \"$1/l/env/A\""), @r"
    error[unusable-file]: `/app/.slugbuilder/layers/a/l/env/A` holds a NUL byte, which no environment variable can

      hint: Report this to the authors of the buildpack, unless the app put it there.
    ");
}

#[test]
fn env_files_may_be_links_inside_the_app_but_not_out_of_it() {
    let host = Host::new().builds(
        "a",
        "mkdir -p \"$1/l/env\" \"$1/l/real\"; echo types.launch=true > \"$1/l.toml\"; printf in > \"$1/l/value\"\n\
         ln -s ../value \"$1/l/env/A\"; ln -s \"$1/l/value\" \"$1/l/env/B\"; ln -s /etc/passwd \"$1/l/env/C\"; ln -s D \"$1/l/env/D\"\n\
         ln -s real \"$1/l/bin\"; ln -s /usr/lib \"$1/l/lib\"",
    );
    let launch = host.build().unwrap().launch_environment;
    let names: Vec<String> = launch
        .operations
        .iter()
        .map(|operation| operation.modification.variable.display().to_string())
        .collect();
    assert_eq!(names, ["PATH", "A", "B"]);
}

#[test]
fn restore_does_not_follow_links() {
    let host = Host::new().builds("a", "");
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("precious"), "x").unwrap();
    host.write(".slugbuilder/layers/keep", "");
    std::os::unix::fs::symlink(outside.path(), host.app(".slugbuilder/layers/a")).unwrap();
    host.restore(&host.detect("a").unwrap()).unwrap();
    assert!(outside.path().join("precious").exists());
    assert!(!host.app(".slugbuilder/layers/a").exists());
}
