use super::*;
use slugbuilder_report::{Diagnosis, PinnedArchive, Style};
use std::fs;

fn pin(name: &str, version: &str, locations: &[&str]) -> Pin {
    Pin {
        kind: PinKind::Runtime,
        name: name.into(),
        version: version.into(),
        requested: "24.x".into(),
        requested_by: "package.json:5".into(),
        archives: locations
            .iter()
            .map(|location| PinnedArchive {
                location: (*location).into(),
                hash: format!("sha256:{}", "a".repeat(64)),
            })
            .collect(),
    }
}

fn buildpack(version: &str, digest: Option<&str>) -> LockedBuildpack {
    LockedBuildpack {
        id: "example/one".into(),
        version: version.into(),
        digest: digest.map(str::to_owned),
    }
}

fn lock(pins: Vec<Pin>) -> LockFile {
    merge(
        None,
        "heroku-24",
        vec![buildpack("1", Some("sha256:x"))],
        pins,
    )
}

#[test]
fn drift_of_stack_and_buildpacks_is_told() {
    let text = lock(Vec::new())
        .to_string()
        .replace("sha256:x", &format!("sha256:{}", "b".repeat(64)));
    let lock: LockFile = text.parse().unwrap();
    let digest = format!("sha256:{}", "b".repeat(64));
    let same = || vec![buildpack("1", Some(&digest))];
    let strict = Locking {
        locked: true,
        update: Update::Nothing,
    };
    let said = |stack: &str, buildpacks: Vec<LockedBuildpack>| {
        let warnings = check(&lock, &Locking::default(), stack, &buildpacks).unwrap();
        let error = check(&lock, &strict, stack, &buildpacks);
        assert_eq!(error.is_err(), !warnings.is_empty());
        error.map_or_else(
            |error| Diagnosis::of(&error).render(Style::Plain),
            |_| "fits\n".into(),
        )
    };
    let messages = [
        said("heroku-24", same()),
        said("heroku-22", same()),
        said("heroku-24", vec![buildpack("2", Some(&digest))]),
        said("heroku-24", vec![buildpack("1", None)]),
        said("heroku-24", Vec::new()),
        said("heroku-24", [same(), same()].concat()),
    ];
    insta::assert_snapshot!(messages.join("\n"), @"
    fits

    error[lock-outdated]: slugbuilder.lock:4 is for heroku-24, and this is a build for heroku-22

      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock:6 pins buildpack example/one@1, and example/one@2 builds

      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock:6 pins buildpack example/one@1 with other files than it has

      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock:6 pins buildpack example/one, which does not build

      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock does not pin buildpack example/one

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");
}

#[test]
fn archives_that_another_machine_found_stay_with_their_version() {
    let earlier = lock(vec![
        pin("node", "24.1.0", &["npm:node"]),
        pin("go", "1.26.0", &["go:x"]),
    ]);
    let new = vec![
        pin("node", "24.1.0", &["https://node"]),
        pin("ruby", "3.3.9", &[]),
    ];
    let merged = merge(Some(&earlier), "heroku-24", Vec::new(), new.clone());
    let node = merged.pin(PinKind::Runtime, "node").unwrap();
    assert_eq!(node.value.archives.len(), 2);
    insta::assert_snapshot!(differences(Some(&earlier), &merged).join("\n"), @"
    ruby 3.3.9
    go 1.26.0 is gone
    ");

    let moved = merge(
        Some(&earlier),
        "heroku-24",
        Vec::new(),
        vec![pin("node", "24.2.0", &["https://node"])],
    );
    assert_eq!(moved.pins[0].value.archives.len(), 1);
    insta::assert_snapshot!(differences(Some(&earlier), &moved).join("\n"), @"
    node 24.1.0 → 24.2.0
    go 1.26.0 is gone
    ");
}

#[test]
fn only_what_may_move_is_passed_over() {
    let both = || lock(vec![pin("node", "24.1.0", &[]), pin("go", "1.26.0", &[])]);
    let names = |update: Update| -> Vec<String> {
        let lock = update.apply(both()).unwrap();
        lock.pins.into_iter().map(|pin| pin.value.name).collect()
    };
    assert_eq!(names(Update::Nothing), ["go", "node"]);
    assert_eq!(names(Update::Named(vec!["node".into()])), ["go"]);
    assert!(names(Update::Everything).is_empty());
    let error = Update::Named(vec!["npm".into()]).apply(both()).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @"
    error[unknown-pin]: slugbuilder.lock pins no `npm`

      hint: It pins go, node.
    ");
}

#[test]
fn the_file_is_written_whole_and_through_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let lock = lock(vec![pin("node", "24.1.0", &[])]);
    assert_eq!(read(folder.path()).unwrap(), None);
    assert_eq!(write(folder.path(), &lock).unwrap(), LockChange::Written);
    assert_eq!(write(folder.path(), &lock).unwrap(), LockChange::Same);
    let names = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 1);

    let path = folder.path().join(LOCK_FILE);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(matches!(
        write(folder.path(), &lock),
        Err(LockError::NoFile { .. })
    ));
    assert!(matches!(read(folder.path()), Err(LockError::NoFile { .. })));
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
    assert!(matches!(read(folder.path()), Err(LockError::NoFile { .. })));
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"version = 1\n\xff").unwrap();
    let error = read(folder.path()).unwrap_err();
    assert!(
        error.to_string().starts_with("slugbuilder.lock:2: "),
        "{error}"
    );
}
