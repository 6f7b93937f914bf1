//! Where there can be no cache, an archive does without.

use super::app;
use crate::model::content;
use crate::support::{App, again, check_same, cold, options, put, warm};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

/// Any user who is not root.
const ORDINARY: u32 = 65_520;

/// Runs the test `name` as an ordinary user, if this is root; else says that this is one.
fn is_ordinary_user(name: &str) -> bool {
    if !nix::unistd::geteuid().is_root() {
        return true;
    }
    // Where the ordinary user may not go, this program need not be either.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("test");
    // By another process: a child that another test starts meanwhile would hold the copy open for writing, and nobody may run it then.
    let copied = std::process::Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let status = std::process::Command::new(program)
        .args(["--exact", name])
        .current_dir("/")
        .uid(ORDINARY)
        .gid(ORDINARY)
        .status()
        .unwrap();
    assert!(status.success());
    false
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_only_others_may_write_to() {
    if is_ordinary_user("cache::without::a_folder_that_only_others_may_write_to") {
        let app = app();
        fs::create_dir(app.cache()).unwrap();
        mode(&app.cache(), 0o555);
        let slug = app.check_warm(&options());
        assert_eq!(slug.summary.warnings[0].code, "slug-cache-not-kept");
        mode(&app.cache(), 0o755);
        app.check_warm(&options());
        // Full of what is of use, but nothing can be kept in it.
        let folder = app.cache().join("default");
        mode(&folder, 0o555);
        put(&app.root(), "web.js", "edited");
        put(
            &app.root(),
            "layers/runtime/bin/node",
            content(3, 2, 700_000),
        );
        app.check_warm(&options());
        put(
            &app.root(),
            "layers/runtime/bin/node",
            content(4, 2, 700_000),
        );
        let slug = app.check_warm(&options());
        assert_eq!(slug.summary.warnings[0].code, "slug-cache-not-kept");
        mode(&folder, 0o755);
    }
}

#[test]
fn files_that_nobody_may_read() {
    if is_ordinary_user("cache::without::files_that_nobody_may_read") {
        for what in ["index", "pack-", "lock"] {
            let app = app();
            app.check_warm(&options());
            let folder = app.cache().join("default");
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_name().to_string_lossy().starts_with(what) {
                    mode(&entry.path(), 0);
                }
            }
            let slug = app.check_warm(&options());
            assert_eq!(slug.summary.reused, 0, "{what}");
            assert_eq!(slug.summary.warnings.len(), usize::from(what == "lock"));
        }
    }
}

#[test]
fn a_file_in_its_place() {
    let app = app();
    fs::write(app.cache(), "precious").unwrap();
    let slug = app.check_warm(&options());
    assert_eq!(slug.summary.warnings[0].code, "slug-cache-not-kept");
    assert_eq!(fs::read(app.cache()).unwrap(), b"precious");
}

#[test]
#[ignore = "needs user namespaces"]
fn a_disk_that_is_full() {
    on_a_small_disk("cache::without::a_disk_that_is_full", on_a_full_disk);
}

#[test]
#[ignore = "needs user namespaces"]
fn a_disk_with_room_for_the_new_slug_but_not_for_the_last_one() {
    on_a_small_disk(
        "cache::without::a_disk_with_room_for_the_new_slug_but_not_for_the_last_one",
        without_room_for_the_last_slug,
    );
}

/// Runs `inside`, which the test `name` is about, in a process in whose folder `disk` is a disk of a megabyte.
fn on_a_small_disk(name: &str, inside: fn(&Path)) {
    const ROLE: &str = "SLUGBUILDER_TEST_SMALL_DISK";
    if let Some(folder) = std::env::var_os(ROLE) {
        return inside(Path::new(&folder));
    }
    let app = App::new();
    fs::create_dir(app.path("disk")).unwrap();
    let test = again(name);
    let script = r#"mount -t tmpfs -o size=1m disk "$0/disk" && exec "$@""#;
    let status = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", script])
        .arg(app.path(""))
        .arg(test.get_program())
        .args(test.get_args())
        .env(ROLE, app.path(""))
        .status()
        .unwrap();
    assert!(status.success());
    let left = fs::read_dir(app.path("disk")).unwrap().count();
    assert_eq!(left, 0, "the disk was its own");
}

/// What is copied of the last slug before it is known how much of it is right must not be what fails.
fn without_room_for_the_last_slug(folder: &Path) {
    let root = folder.join("root");
    put(&root, "layers/runtime/node", content(1, 2, 600_000));
    for number in 0..3000 {
        put(&root, format!("node_modules/m{number}"), "");
    }
    let archive = |slug: &str| {
        let warm = warm(&root, &folder.join("cache"), &folder.join(slug), &options());
        check_same(&warm, &cold(&root, &options()));
        assert_eq!(warm.summary.warnings, []);
    };
    archive("slug.tgz");
    fs::write(folder.join("disk/ballast"), vec![1; 700_000]).unwrap();
    put(&root, "layers/runtime/node", "");
    archive("disk/slug.tgz");
}

/// In a folder of which `disk` is a disk of a megabyte.
fn on_a_full_disk(folder: &Path) {
    let root = folder.join("root");
    let check = |warnings: usize| {
        let warm = warm(
            &root,
            &folder.join("disk"),
            &folder.join("slug.tgz"),
            &options(),
        );
        check_same(&warm, &cold(&root, &options()));
        assert_eq!(warm.summary.warnings.len(), warnings);
        warm.summary.reused
    };
    // Half of the disk.
    put(&root, "layers/runtime/node", content(1, 2, 250_000));
    put(&root, "node_modules/a", content(1, 2, 250_000));
    check(0);
    // Room for no other pack, and not for what is new in this one either.
    put(&root, "large", content(2, 2, 900_000));
    assert!(check(1) > 500_000, "what fits is of use");
    fs::remove_file(root.join("large")).unwrap();
    assert!(check(0) > 500_000, "and it still is");
    // Not even an index.
    fs::write(folder.join("disk/ballast"), vec![1; 2 << 20]).unwrap_err();
    put(&root, "small", "");
    check(1);
    fs::remove_file(folder.join("disk/ballast")).unwrap();
    check(0);
    // Nothing at all.
    fs::remove_dir_all(folder.join("disk/default")).unwrap();
    fs::write(folder.join("disk/ballast"), vec![1; 2 << 20]).unwrap_err();
    assert_eq!(check(1), 0);
}
