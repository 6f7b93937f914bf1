//! Reading slugs back, those made by hand too.

#![expect(clippy::unwrap_used, reason = "tests may panic, their helpers too")]

use slugbuilder::archive::{AppOnly, ArchiveOptions, write_file};
use slugbuilder::slug::unpack;
use slugbuilder_fetch::Limits;
use slugbuilder_report::{Diagnosis, Silent, Style};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// A folder with an app in `app`.
fn app() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    fs::create_dir_all(app.join("lib")).unwrap();
    fs::write(app.join("web.js"), "web").unwrap();
    fs::write(app.join("lib/x.js"), "x").unwrap();
    fs::write(app.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(app.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/app/web.js", app.join("absolute")).unwrap();
    symlink("/etc/passwd", app.join("out")).unwrap();
    folder
}

fn tar(folder: &Path, arguments: &[&str]) {
    let status = Command::new("tar")
        .current_dir(folder)
        .args(arguments)
        .status()
        .unwrap();
    assert!(status.success());
}

fn check(unpacked: &Path) {
    assert_eq!(fs::read(unpacked.join("web.js")).unwrap(), b"web");
    assert_eq!(fs::read(unpacked.join("lib/x.js")).unwrap(), b"x");
    assert_eq!(
        fs::metadata(unpacked.join("run")).unwrap().mode() & 0o777,
        0o755
    );
    assert_eq!(
        fs::read_link(unpacked.join("absolute")).unwrap(),
        Path::new("/app/web.js")
    );
    assert_eq!(
        fs::read_link(unpacked.join("out")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert_eq!(fs::read_dir(unpacked).unwrap().count(), 5);
}

#[test]
fn our_slugs_are_read() {
    let folder = app();
    let slug = folder.path().join("slug.tgz");
    let options = ArchiveOptions {
        app_time: 1_700_000_000,
        ..ArchiveOptions::default()
    };
    write_file(
        &folder.path().join("app"),
        &AppOnly,
        &options,
        &slug,
        &Silent,
    )
    .unwrap();
    let target = folder.path().join("target");
    let result = unpack(
        &slug,
        &target,
        Limits::default(),
        &slugbuilder::stop::Stop::default(),
    )
    .unwrap();
    assert_eq!(
        (
            result.unpacked.files,
            result.unpacked.symlinks,
            result.warnings.len()
        ),
        (3, 2, 0)
    );
    check(&target);
    assert_eq!(
        fs::metadata(target.join("web.js")).unwrap().mtime(),
        1_700_000_000
    );
}

#[test]
fn slugs_made_by_hand_are_read() {
    let folder = app();
    fs::write(folder.path().join("beside"), "").unwrap();
    for (number, what) in [&["./app"][..], &["app"], &["./app", "./beside"]]
        .into_iter()
        .enumerate()
    {
        let arguments = [&["czf", "slug.tgz"], what].concat();
        tar(folder.path(), &arguments);
        let target = folder.path().join(number.to_string());
        let result = unpack(
            &folder.path().join("slug.tgz"),
            &target,
            Limits::default(),
            &slugbuilder::stop::Stop::default(),
        )
        .unwrap();
        check(&target);
        let codes: Vec<&str> = result
            .warnings
            .iter()
            .map(|warning| warning.code.as_str())
            .collect();
        assert_eq!(
            codes,
            if what.len() == 2 {
                vec!["slug-entries-outside-app"]
            } else {
                vec![]
            }
        );
    }
}

/// The error of unpacking a slug with this content, which has to leave nothing behind.
fn error_of(folder: &Path, slug: &str) -> String {
    let target = folder.join("target");
    let error = unpack(
        &folder.join(slug),
        &target,
        Limits::default(),
        &slugbuilder::stop::Stop::default(),
    )
    .unwrap_err();
    assert!(!target.exists());
    Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(folder.to_str().unwrap(), "<temporary>")
}

#[test]
fn a_slug_with_another_prefix_is_refused() {
    let folder = app();
    tar(
        &folder.path().join("app"),
        &["czf", "../slug.tgz", "web.js", "lib"],
    );
    insta::assert_snapshot!(error_of(folder.path(), "slug.tgz"), @r"
    error[slug-without-app]: `<temporary>/slug.tgz` is no slug: it has no `./app`

      Its first entry is `web.js`. Heroku would take and release such a slug, and its dynos would find nothing to run.

      hint: Put the app into a folder `app` and archive that: `tar czf slug.tgz ./app`.
    ");
    tar(folder.path(), &["czf", "empty.tgz", "-T", "/dev/null"]);
    insta::assert_snapshot!(error_of(folder.path(), "empty.tgz"), @r"
    error[slug-without-app]: `<temporary>/empty.tgz` is no slug: it has no `./app`

      It is empty. Heroku would take and release such a slug, and its dynos would find nothing to run.

      hint: Put the app into a folder `app` and archive that: `tar czf slug.tgz ./app`.
    ");
}

#[test]
fn what_is_no_slug_is_refused() {
    let folder = app();
    let put = |content: &[u8]| fs::write(folder.path().join("slug.tgz"), content).unwrap();
    insta::assert_snapshot!(error_of(folder.path(), "slug.tgz"), @r"
    error[slug-unreadable]: cannot read `<temporary>/slug.tgz`
      caused by: No such file or directory (os error 2)

      hint: Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.
    ");
    put(b"");
    insta::assert_snapshot!(error_of(folder.path(), "slug.tgz"), @r"
    error[slug-not-gzip]: `<temporary>/slug.tgz` is no slug: it is empty

      hint: Make slugs with `slugbuilder archive`, or with `tar czf slug.tgz ./app`.
    ");
    put(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>");
    insta::assert_snapshot!(error_of(folder.path(), "slug.tgz"), @r#"
    error[slug-not-gzip]: `<temporary>/slug.tgz` is no slug: it is not compressed with gzip but begins with `<?xml version="1.0" encoding="UT`

      hint: It looks like the answer of a server that had no slug. Download it again.
    "#);
    put(b"PK\x03\x04");
    insta::assert_snapshot!(error_of(folder.path(), "slug.tgz"), @r"
    error[slug-not-gzip]: `<temporary>/slug.tgz` is no slug: it is not compressed with gzip but begins with `PK\u{3}\u{4}`

      hint: Make slugs with `slugbuilder archive`, or with `tar czf slug.tgz ./app`.
    ");
    insta::assert_snapshot!(error_of(folder.path(), "app"), @r"
    error[slug-unreadable]: cannot read `<temporary>/app`
      caused by: it is no file

      hint: Give the path of a slug, not of a folder.
    ");
}

#[test]
fn a_slug_that_is_cut_off_is_refused() {
    let folder = app();
    let slug = folder.path().join("slug.tgz");
    write_file(
        &folder.path().join("app"),
        &AppOnly,
        &ArchiveOptions::default(),
        &slug,
        &Silent,
    )
    .unwrap();
    let whole = fs::read(&slug).unwrap();
    for length in [3, 20, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        fs::write(&slug, &whole[..length]).unwrap();
        let error = error_of(folder.path(), "slug.tgz");
        assert!(
            error.starts_with("error[unpack-truncated]: cannot unpack `<temporary>/slug.tgz`\n"),
            "{length}: {error}"
        );
    }
}

#[test]
fn unpacking_ends_when_it_is_interrupted() {
    let folder = app();
    tar(folder.path(), &["czf", "slug.tgz", "./app"]);
    let interrupt = slugbuilder::sandbox::Interrupt::new().unwrap();
    interrupt.raise();
    let target = folder.path().join("target");
    let stop = slugbuilder::stop::Stop::new(&interrupt, None);
    let slug = folder.path().join("slug.tgz");
    let error = unpack(&slug, &target, Limits::default(), &stop).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @"
    error[interrupted]: unpacking the slug was interrupted

      hint: Run the same command again; it starts afresh.
    ");
    assert!(!target.exists());
}
