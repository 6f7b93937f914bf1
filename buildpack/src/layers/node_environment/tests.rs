//! The programs of `exec.d`, against control groups and apps as files.
//!
//! They are run by name of their shell: a process that another test starts at the same moment may still hold the file open
//! for writing, and then it cannot be executed itself (`ETXTBSY`).

use super::*;
use std::collections::BTreeMap;
use std::process::Command;

const V1: &str = "sys/fs/cgroup/memory/memory.limit_in_bytes";
const V2: &str = "sys/fs/cgroup/memory.max";

/// What the program sets, as `<MEMORY_AVAILABLE> <WEB_MEMORY> <WEB_CONCURRENCY>` with `-` for what it leaves, and what
/// it says to stdout and stderr.
fn run(files: &[(&str, &str)], variables: &[(&str, &str)]) -> (String, String, String) {
    let mut outcomes = ["sh", "bash"].map(|shell| run_with(shell, files, variables));
    let [sh, bash] = &outcomes;
    assert_eq!(sh, bash);
    std::mem::take(&mut outcomes[0])
}

fn run_with(
    shell: &str,
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> (String, String, String) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    let program = root.path().join("web_concurrency");
    write_program(&program, WEB_CONCURRENCY).unwrap();
    let toml = root.path().join("toml");
    let output = Command::new(shell)
        .args(["-c", "exec \"$0\" \"$1\" \"$2\" 3>\"$3\"", shell])
        .args([&program, root.path(), &toml])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let set: BTreeMap<String, String> =
        toml::from_str(&fs_err::read_to_string(toml).unwrap()).unwrap();
    let names = ["MEMORY_AVAILABLE", "WEB_MEMORY", "WEB_CONCURRENCY"];
    assert!(set.keys().all(|name| names.contains(&name.as_str())));
    let values = names.map(|name| set.get(name).map_or("-", String::as_str));
    (
        values.join(" "),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// What is set for a limit of that many megabytes.
fn with_megabytes(megabytes: u64) -> String {
    let bytes = format!("{}\n", megabytes * 1_048_576);
    let (one, _, _) = run(&[(V1, &bytes)], &[]);
    let (two, _, _) = run(&[(V2, &bytes)], &[]);
    assert_eq!(one, two);
    one
}

#[test]
fn every_dyno_gets_what_heroku_gives_it() {
    assert_eq!(with_megabytes(512), "512 512 1");
    assert_eq!(with_megabytes(1024), "1024 512 2");
    assert_eq!(with_megabytes(2560), "2560 512 5");
    assert_eq!(with_megabytes(14_336), "14336 512 28");
    assert_eq!(with_megabytes(16_384), "16384 512 32");
    assert_eq!(with_megabytes(16_385), "16385 2048 8");
    assert_eq!(with_megabytes(30_720), "30720 2048 15");
    assert_eq!(with_megabytes(129_024), "129024 2048 63");
    // Less than one process needs.
    assert_eq!(with_megabytes(100), "100 512 1");
}

#[test]
fn limits_that_no_dyno_has_count_as_unknown() {
    let unknown = "512 512 1";
    assert_eq!(run(&[], &[]).0, unknown);
    assert_eq!(with_megabytes(129_025), unknown);
    for text in [
        "max\n",
        "9223372036854771712\n",
        "",
        "0\n",
        "-1\n",
        "1e9\n",
        "08\n",
        "1048575\n",
        "$(touch /tmp/x)\n",
        "99999999999999999999999999\n",
    ] {
        assert_eq!(run(&[(V1, text)], &[]).0, unknown, "{text}");
        assert_eq!(run(&[(V2, text)], &[]).0, unknown, "{text}");
    }
}

#[test]
fn the_smallest_limit_of_the_groups_that_a_process_is_in_counts() {
    let group = "sys/fs/cgroup/system.slice/app.service/memory.max";
    let cgroup = ("proc/self/cgroup", "0::/system.slice/app.service\n");
    let slice = "sys/fs/cgroup/system.slice/memory.max";
    let files = [cgroup, (group, "max\n"), (slice, "1073741824\n")];
    assert_eq!(run(&files, &[]).0, "1024 512 2");
    let files = [cgroup, (group, "536870912\n"), (slice, "1073741824\n")];
    assert_eq!(run(&files, &[]).0, "512 512 1");
    let old = [
        ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/app\n"),
        (
            "sys/fs/cgroup/memory/app/memory.limit_in_bytes",
            "1073741824\n",
        ),
        (V1, "9223372036854771712\n"),
    ];
    assert_eq!(run(&old, &[]).0, "1024 512 2");
}

#[test]
fn what_the_user_sets_wins() {
    let files = [(V2, "1073741824\n")];
    assert_eq!(run(&files, &[("WEB_CONCURRENCY", "7")]).0, "1024 512 -");
    assert_eq!(run(&files, &[("WEB_MEMORY", "256")]).0, "1024 - 4");
    assert_eq!(run(&files, &[("MEMORY_AVAILABLE", "2048")]).0, "- 512 4");
    assert_eq!(run(&files, &[("MEMORY_AVAILABLE", "20480")]).0, "- 2048 10");
    let all = [
        ("WEB_CONCURRENCY", "a b"),
        ("WEB_MEMORY", "1"),
        ("MEMORY_AVAILABLE", "2"),
    ];
    assert_eq!(run(&files, &all).0, "- - -");
    // An empty variable is none.
    assert_eq!(run(&files, &[("WEB_CONCURRENCY", "")]).0, "1024 512 2");
}

#[test]
fn what_cannot_be_meant_is_said() {
    let files = [(V2, "1073741824\n")];
    let (set, _, said) = run(&files, &[("WEB_MEMORY", "512MB")]);
    assert_eq!(set, "1024 - 2");
    insta::assert_snapshot!(said, @"slugbuilder: WEB_MEMORY is `512MB`, not a number of megabytes");
    let (set, _, said) = run(&files, &[("MEMORY_AVAILABLE", "0")]);
    assert_eq!(set, "- 512 2");
    insta::assert_snapshot!(said, @"slugbuilder: MEMORY_AVAILABLE is `0`, not a number of megabytes");
    let (set, _, said) = run(&files, &[("WEB_MEMORY", "5")]);
    assert_eq!(set, "1024 - 1");
    insta::assert_snapshot!(said, @"slugbuilder: 204 processes of 5 MB would fit in 1024 MB: WEB_CONCURRENCY is 1 until you set it");
}

#[test]
fn the_numbers_are_told_where_they_are_asked_for() {
    let (_, said, errors) = run(&[(V2, "1073741824\n")], &[("LOG_CONCURRENCY", "true")]);
    insta::assert_snapshot!(said, @r"
    Detected 1024 MB available memory, 512 MB limit per process (WEB_MEMORY)
    Recommending WEB_CONCURRENCY=2
    ");
    assert_eq!(errors, "");
}

#[test]
fn processes_find_packages_wherever_the_app_is() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("an \"app\"");
    for name in ["node_modules/.bin", "packages/it's/node_modules/.bin"] {
        fs_err::create_dir_all(folder.join(name)).unwrap();
    }
    fs_err::write(folder.join(".pnp.cjs"), "").unwrap();
    let mut app = crate::node::toolchain::tests::vendored_app();
    assert!(packages_program(root.path(), &app).is_none());
    app.package = "packages/it's".into();
    app.linker = Linker::PlugAndPlay {
        zero_install: false,
    };
    let program = root.path().join("packages");
    write_program(&program, &packages_program(&folder, &app).unwrap()).unwrap();
    let moved = root.path().join("moved \\ \"x\"");
    fs_err::rename(&folder, &moved).unwrap();
    let set = |folder: &Path, variables: &[(&str, &str)]| {
        let toml = root.path().join("toml");
        let output = Command::new("/bin/sh")
            .args(["-c", "exec /bin/sh \"$0\" 3>\"$1\""])
            .args([&program, &toml])
            .current_dir(folder)
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = fs_err::read_to_string(&toml).unwrap();
        let set: BTreeMap<String, String> = toml::from_str(&text).unwrap();
        set
    };
    let home = moved.to_str().unwrap();
    let options = format!(
        " --require \"{}/.pnp.cjs\"",
        home.replace('\\', "\\\\").replace('"', "\\\"")
    );
    let variables = [("PATH", "/usr/bin:/bin"), ("NODE_OPTIONS", "--inspect")];
    let found = set(&moved, &variables);
    assert_eq!(
        found["PATH"],
        format!("/usr/bin:/bin:{home}/packages/it's/node_modules/.bin:{home}/node_modules/.bin")
    );
    assert_eq!(found["NODE_OPTIONS"], format!("--inspect{options}"));

    // Yarn takes an option in quotes apart, so that Node.js would not start.
    let plain = root.path().join("app");
    fs_err::rename(&moved, &plain).unwrap();
    let found = set(&plain, &variables);
    assert_eq!(
        found["NODE_OPTIONS"],
        format!("--inspect --require {}/.pnp.cjs", plain.display())
    );
}
