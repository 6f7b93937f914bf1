//! The staged view as files.

use crate::support::{Source, tree};
use slugbuilder::stage::{StageError, Survey, SurveyOptions, outline};
use slugbuilder_report::{Diagnosis, Style};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn copied(survey: &Survey) -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let destination = temporary.path().join("copy");
    survey.copy_to(&destination, None).unwrap();
    (temporary, destination)
}

#[test]
fn a_copy_is_the_source_without_what_is_left_out() {
    let source = Source::new(&[
        (".slugignore", "*.log"),
        ("web.js", "web"),
        ("lib/x.js", "x"),
        ("lib/x.log", ""),
    ]);
    source.put("empty/.DS_Store", "");
    symlink("/etc/passwd", source.join("link")).unwrap();
    let old = fs::FileTimes::new()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_234_567_890, 5));
    fs::File::options()
        .write(true)
        .open(source.join("web.js"))
        .unwrap()
        .set_times(old)
        .unwrap();
    let survey = source.survey();
    let before = tree(source.path());
    let (_temporary, destination) = copied(&survey);
    assert_eq!(tree(source.path()), before, "the source is as it was");
    let expected: Vec<String> = before
        .into_iter()
        .filter(|line| !line.contains(".log ") && !line.contains(".DS_Store"))
        .collect();
    assert_eq!(tree(&destination), expected);
}

#[test]
fn modes_lose_what_a_slug_has_not_and_hard_links_are_copies() {
    let source = Source::new(&[
        ("suid", ""),
        ("open", ""),
        ("folder/x", ""),
        ("one", "content"),
    ]);
    fs::hard_link(source.join("one"), source.join("two")).unwrap();
    for (name, mode) in [("suid", 0o6755), ("open", 0o666), ("folder", 0o1777)] {
        fs::set_permissions(source.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let (_temporary, destination) = copied(&source.survey());
    assert_eq!(
        ["suid", "open", "folder"].map(|name| mode(&destination.join(name))),
        [0o755, 0o666, 0o777]
    );
    assert_eq!(fs::metadata(destination.join("two")).unwrap().nlink(), 1);
    assert_eq!(fs::read(destination.join("two")).unwrap(), b"content");
}

#[test]
fn folders_that_may_not_be_written_are_copied_and_can_be_removed() {
    let source = Source::new(&[("folder/x", "x")]);
    fs::set_permissions(source.join("folder"), fs::Permissions::from_mode(0o555)).unwrap();
    let (_temporary, destination) = copied(&source.survey());
    assert_eq!(mode(&destination.join("folder")), 0o755);
    assert_eq!(fs::read(destination.join("folder/x")).unwrap(), b"x");
    fs::set_permissions(source.join("folder"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_copy_belongs_to_whom_it_should() {
    let source = Source::new(&[("web.js", "")]);
    let me = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    // Root may give files away; others only to themselves.
    let owner = if me.0 == 0 { (12_345, 12_346) } else { me };
    let temporary = tempfile::tempdir().unwrap();
    let survey = source.survey();
    assert!(survey.owners.iter().any(|(user, _)| *user == me.0));
    survey.copy_to(temporary.path(), Some(owner)).unwrap();
    let metadata = fs::metadata(temporary.path().join("web.js")).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), owner);
}

#[test]
fn a_source_that_changes_after_the_survey_is_an_error_that_names_the_file() {
    type Change = fn(&Path);
    let changes: [Change; 6] = [
        |file| fs::remove_file(file).unwrap(),
        |file| fs::write(file, "longer than before").unwrap(),
        |file| fs::write(file, "").unwrap(),
        |file| fs::write(file, "4321").unwrap(),
        |file| {
            fs::remove_file(file).unwrap();
            symlink("/etc/passwd", file).unwrap();
        },
        |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        },
    ];
    for change in changes {
        let source = Source::new(&[("lib/web.js", "1234")]);
        let survey = source.survey();
        std::thread::sleep(std::time::Duration::from_millis(10));
        change(&source.join("lib/web.js"));
        let destination = tempfile::tempdir().unwrap();
        let error = survey.copy_to(destination.path(), None).unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
            error[source-changed]: `lib/web.js` changed while the source was read

              hint: Build again when nothing else writes to the source.
            ");
        }
    }
    let source = Source::new(&[]);
    symlink("a", source.join("link")).unwrap();
    let survey = source.survey();
    fs::remove_file(source.join("link")).unwrap();
    symlink("b", source.join("link")).unwrap();
    let destination = tempfile::tempdir().unwrap();
    assert!(matches!(
        survey.copy_to(destination.path(), None),
        Err(StageError::Changed { .. })
    ));
}

#[test]
fn a_destination_that_is_not_empty_is_not_overwritten() {
    let source = Source::new(&[("web.js", "new")]);
    let destination = Source::new(&[("web.js", "mine")]);
    let error = source
        .survey()
        .copy_to(destination.path(), None)
        .unwrap_err();
    assert!(matches!(error, StageError::Write { .. }), "{error}");
    assert_eq!(fs::read(destination.join("web.js")).unwrap(), b"mine");
}

/// Makes `depth` folders called `name` in each other and a file `leaf` in the last one, in steps that the kernel takes.
fn put_deep(root: &Path, name: &str, depth: usize) {
    let here = nix::fcntl::open(
        root,
        nix::fcntl::OFlag::O_DIRECTORY,
        nix::sys::stat::Mode::empty(),
    )
    .unwrap();
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o755);
    let mut folder = here;
    for _ in 0..depth {
        nix::sys::stat::mkdirat(&folder, name, mode).unwrap();
        folder = nix::fcntl::openat(&folder, name, nix::fcntl::OFlag::O_DIRECTORY, mode).unwrap();
    }
    let flags = nix::fcntl::OFlag::O_CREAT | nix::fcntl::OFlag::O_WRONLY;
    let leaf = nix::fcntl::openat(&folder, "leaf", flags, mode).unwrap();
    nix::unistd::write(&leaf, b"leaf").unwrap();
    nix::unistd::symlinkat("leaf", &folder, "link").unwrap();
}

#[test]
fn names_of_any_bytes_and_paths_of_any_length_are_staged() {
    let temporary = tempfile::tempdir().unwrap();
    // A source path that leaves less than 4,096 bytes for what is in it.
    let root = temporary.path().join("s".repeat(200)).join("s".repeat(200));
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"new\nline \xff")), "odd").unwrap();
    fs::write(root.join("n".repeat(255)), "255").unwrap();
    put_deep(&root, &"d".repeat(200), 20);
    put_deep(&root, "d", 1500);
    let survey =
        slugbuilder::stage::survey(&root, &slugbuilder::stage::SurveyOptions::default()).unwrap();
    assert_eq!(survey.entries, 2 + 20 + 2 + 1500 + 2);
    assert_eq!(survey.staged.bytes, 3 + 3 + 4 + 4);
    let destination = temporary.path().join("t".repeat(250));
    survey.copy_to(&destination, None).unwrap();
    let copy =
        slugbuilder::stage::survey(&destination, &slugbuilder::stage::SurveyOptions::default())
            .unwrap();
    assert_eq!((copy.entries, copy.staged), (survey.entries, survey.staged));
    let archive = |root: &Path| {
        let options = slugbuilder::archive::ArchiveOptions::default();
        let layout = slugbuilder::archive::AppOnly;
        slugbuilder::archive::write(
            root,
            &layout,
            &options,
            &mut Vec::new(),
            &slugbuilder_report::Silent,
        )
        .unwrap()
    };
    assert_eq!(archive(&root), archive(&destination));
    survey.shadow(&temporary.path().join("shadow")).unwrap();
}

#[test]
fn an_outline_decides_as_a_survey_does() {
    let source = Source::new(&[
        (".slugignore", "secret\n"),
        (".gitignore", "*.log\n"),
        ("web.js", "web"),
        ("mixed/secret", ""),
        ("mixed/.gitignore", "kept\n!b.log\n"),
        ("mixed/a.log", ""),
        ("mixed/b.log", ""),
        ("mixed/kept", "tracked all the same"),
        ("._web.js", ""),
        ("ignored.log/a/b", ""),
        ("lib/node_modules/x/index.js", ""),
        ("lib/node_modules/x/package.json", ""),
    ]);
    symlink("web.js", source.join("link")).unwrap();
    symlink("../outside", source.join("mixed/away")).unwrap();
    source.git(&["init", "-q"]);
    source.git(&["add", "-f", "mixed/kept"]);
    let survey = source.survey();
    let outlined = outline(source.path(), &SurveyOptions::default()).unwrap();
    assert_eq!(outlined.left_out, survey.left_out);
    assert_eq!(outlined.warnings, survey.warnings);
    assert_eq!(outlined.faulty_links(), survey.faulty_links());
    assert_eq!(outlined.not_walked, [Path::new("lib/node_modules")]);
    assert!(survey.not_walked.is_empty(), "{:?}", survey.not_walked);
    assert_eq!(outlined.staged.files + 2, survey.staged.files);
    assert_eq!(outlined.staged.files, 8);

    nix::unistd::mkfifo(&source.join("mixed/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = outline(source.path(), &SurveyOptions::default());
    assert!(matches!(refused, Err(StageError::SpecialFile { .. })));
}

#[test]
fn a_shadow_looks_like_what_is_staged() {
    let source = Source::new(&[
        (".slugignore", "secret\n"),
        ("web.js", "web"),
        ("lib/x.js", "x"),
        ("mixed/secret", ""),
        ("mixed/a/y.js", "y"),
        ("mixed/b/secret/z", ""),
    ]);
    symlink("web.js", source.join("link")).unwrap();
    let survey = source.survey();
    let before = tree(source.path());
    let temporary = tempfile::tempdir().unwrap();
    let shadow = temporary.path().join("shadow");
    survey.shadow(&shadow).unwrap();
    assert_eq!(tree(source.path()), before);
    let mut seen: Vec<String> = walkdir::WalkDir::new(&shadow)
        .min_depth(1)
        .follow_links(true)
        .into_iter()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(&shadow)
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            ".slugignore",
            "lib",
            "lib/x.js",
            "link",
            "mixed",
            "mixed/a",
            "mixed/a/y.js",
            "mixed/b",
            "web.js"
        ]
    );
    assert!(
        fs::symlink_metadata(shadow.join("lib"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fs::symlink_metadata(shadow.join("mixed/a"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fs::symlink_metadata(shadow.join("mixed/b"))
            .unwrap()
            .is_dir()
    );
    assert_eq!(
        fs::read_link(shadow.join("link")).unwrap(),
        Path::new("web.js")
    );
    assert_eq!(fs::read(shadow.join("web.js")).unwrap(), b"web");
}

#[test]
fn surveys_and_copies_end_when_they_have_to() {
    let source = Source::new(&[("web.js", "web"), ("lib/x.js", "x")]);
    let interrupt = slugbuilder::sandbox::Interrupt::new().unwrap();
    let options = slugbuilder::stage::SurveyOptions {
        stop: slugbuilder::stop::Stop::new(&interrupt, None),
        ..Default::default()
    };
    let survey = slugbuilder::stage::survey(source.path(), &options).unwrap();
    interrupt.raise();
    let temporary = tempfile::tempdir().unwrap();
    let again = slugbuilder::stage::survey(source.path(), &options).map(drop);
    for result in [
        again,
        survey.copy_to(&temporary.path().join("copy"), None),
        survey.shadow(&temporary.path().join("shadow")),
    ] {
        let error = result.unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @"
            error[interrupted]: reading the source was interrupted

              hint: Run the same command again; it starts afresh.
            ");
        }
    }
}

#[test]
fn the_copy_of_a_large_file_ends_at_the_deadline() {
    let source = Source::new(&[("web.js", "web")]);
    fs::File::create(source.join("endless"))
        .unwrap()
        .set_len(60 << 30)
        .unwrap();
    let interrupt = slugbuilder::sandbox::Interrupt::new().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_millis(500);
    let options = slugbuilder::stage::SurveyOptions {
        stop: slugbuilder::stop::Stop::new(&interrupt, Some(deadline)),
        ..Default::default()
    };
    let survey = slugbuilder::stage::survey(source.path(), &options).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let error = survey.copy_to(temporary.path(), None).unwrap_err();
    let text = Diagnosis::of(&error).render(Style::Plain);
    assert!(
        text.starts_with("error[timed-out]: reading the source ran out of time"),
        "{text}"
    );
}
