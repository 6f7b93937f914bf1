//! Buildpacks that want more than they may.

use crate::host::Host;

fn refused(build: &str) -> String {
    let host = Host::new().builds("a", build);
    host.rendered(&host.build().unwrap_err())
}

#[test]
fn links_in_place_of_files_are_refused() {
    insta::assert_snapshot!(refused("ln -s /etc/passwd \"$1/launch.toml\""), @"");
    insta::assert_snapshot!(refused("ln -s /etc/passwd \"$1/l.toml\""), @"");
    insta::assert_snapshot!(refused("echo types.launch=true > \"$1/l.toml\"; ln -s /etc \"$1/l\""), @"");
    insta::assert_snapshot!(refused("mkfifo \"$1/launch.toml\""), @"");
}

#[test]
fn a_layers_folder_that_became_a_link_is_refused() {
    insta::assert_snapshot!(refused("rm -r \"$1\"; ln -s /etc \"$1\""), @"");
    insta::assert_snapshot!(refused("cd /; rm -r \"$1/..\" 2>/dev/null || true; d=$(dirname \"$1\"); rm -rf \"$d\"; ln -s /etc \"$d\""), @"");
}

#[test]
fn names_that_climb_are_refused() {
    insta::assert_snapshot!(refused("touch \"$1/...toml\""), @"");
    insta::assert_snapshot!(refused("touch \"$1/$(printf '\\377').toml\""), @"");
}

#[test]
fn huge_files_are_refused() {
    insta::assert_snapshot!(refused("truncate -s 1G \"$1/launch.toml\""), @"");
    insta::assert_snapshot!(refused("mkdir -p \"$1/l/env\"; echo types.launch=true > \"$1/l.toml\"; truncate -s 1G \"$1/l/env/A\""), @"");
    insta::assert_snapshot!(refused("mkdir -p \"$1/l/env\"; echo types.launch=true > \"$1/l.toml\"; printf 'a\\0b' > \"$1/l/env/A\""), @"");
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
