//! What is refused, told and kept.

use crate::support::{Parts, archive, options, put, tree};
use sha2::{Digest, Sha256};
use slugbuilder::archive::{AppOnly, ArchiveError, ArchiveOptions, write, write_file};
use slugbuilder::stop::{Stop, Stopped};
use slugbuilder_report::{Diagnosis, Event, Reporter, Silent, Style};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;

#[test]
fn special_files_are_refused_by_name() {
    let temporary = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(temporary.path().join("s.sock")).unwrap();
    let error = write(
        temporary.path(),
        &AppOnly,
        &options(),
        &mut Vec::new(),
        &Silent,
    )
    .unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[archive-special-file]: cannot archive the socket `s.sock`

      A slug can hold files, folders and symbolic links only.

      hint: Stop the program that made it and remove it.
    ");
}

#[test]
fn links_that_leave_are_told_and_kept() {
    let temporary = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", temporary.path().join("out")).unwrap();
    symlink("/app/web.js", temporary.path().join("in")).unwrap();
    symlink("loop", temporary.path().join("loop")).unwrap();
    let (_, summary) = archive(temporary.path());
    let warnings: Vec<_> = summary
        .warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(
        warnings,
        [
            "symbolic links lead out of `./app`: `out`",
            "symbolic links lead back to themselves: `loop`"
        ]
    );
    assert_eq!(summary.entries, 4);
}

/// Does something to the tree once the writer has listed it and begins to write.
struct Meanwhile<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send> Meanwhile<F> {
    fn new(action: F) -> Self {
        Self(Mutex::new(Some(action)))
    }
}

impl<F: FnOnce() + Send> Reporter for Meanwhile<F> {
    fn report(&self, event: Event<'_>) {
        if let Event::Started { .. } = event
            && let Some(action) = self.0.lock().unwrap().take()
        {
            action();
        }
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error_that_names_it() {
    type Change = fn(&Path);
    let changes: [Change; 6] = [
        |file| fs::remove_file(file).unwrap(),
        |file| fs::write(file, "longer than before").unwrap(),
        |file| fs::write(file, "").unwrap(),
        |file| {
            fs::remove_file(file).unwrap();
            symlink("/etc/passwd", file).unwrap();
        },
        |file| {
            fs::remove_file(file).unwrap();
            nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        },
        |file| {
            fs::write(file.with_file_name("other"), "1234").unwrap();
            fs::rename(file.with_file_name("other"), file).unwrap();
        },
    ];
    for change in changes {
        let temporary = tempfile::tempdir().unwrap();
        let file = put(temporary.path(), "a/web.js", "1234");
        let meanwhile = Meanwhile::new(move || change(&file));
        let error = write(
            temporary.path(),
            &AppOnly,
            &options(),
            &mut Vec::new(),
            &meanwhile,
        )
        .unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
            error[archive-changed]: `a/web.js` changed while it was archived

              hint: Try again when nothing else writes to the folder.
            ");
        }
    }
}

#[test]
fn a_failure_leaves_the_earlier_slug_and_nothing_else() {
    let tree = tree();
    let folder = tempfile::tempdir().unwrap();
    let slug = folder.path().join("slug.tgz");
    fs::write(&slug, "earlier").unwrap();
    let vanishing = tree.path().join("web.js");
    let meanwhile = Meanwhile::new(move || fs::remove_file(vanishing).unwrap());
    let error = write_file(tree.path(), &Parts, &options(), &slug, &meanwhile).unwrap_err();
    assert!(matches!(error, ArchiveError::Changed { .. }), "{error}");
    assert_eq!(fs::read(&slug).unwrap(), b"earlier");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let summary = write_file(tree.path(), &AppOnly, &options(), &slug, &Silent).unwrap();
    assert_eq!(
        summary.sha256[..],
        Sha256::digest(fs::read(&slug).unwrap())[..]
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_slug_that_is_too_large_is_kept_beside_the_earlier_one() {
    let tree = tree();
    let folder = tempfile::tempdir().unwrap();
    let slug = folder.path().join("slug.tgz");
    fs::write(&slug, "earlier").unwrap();
    let small = ArchiveOptions {
        max_size: 100,
        ..options()
    };
    let error = write_file(tree.path(), &Parts, &small, &slug, &Silent).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(folder.path().to_str().unwrap(), "out");
    insta::assert_snapshot!(text, @r"
    error[slug-too-large]: the slug has 615 bytes, more than the 100 bytes that are allowed

      The largest folders, before compression:
         7 bytes  node_modules
         4 bytes  layers/runtime/bin
         4 bytes  vendor
         3 bytes  lib
         3 bytes  node_modules/a-b
         2 bytes  node_modules/a
         2 bytes  node_modules/b
         1 bytes  vendor/bundle

      hint: Leave out what running does not need with `.slugignore`.
      hint: Look into it: it is kept as `out/slug.tgz.oversize`.
      hint: If your platform takes larger slugs, raise the limit with `--max-size`.
    ");
    assert_eq!(fs::read(&slug).unwrap(), b"earlier");
    let kept = fs::read(folder.path().join("slug.tgz.oversize")).unwrap();
    assert_eq!(kept, archive(tree.path()).0);
}

#[test]
fn a_large_slug_is_warned_of() {
    let tree = tree();
    let options = ArchiveOptions {
        warn_size: 100,
        ..options()
    };
    let summary = write(tree.path(), &Parts, &options, &mut Vec::new(), &Silent).unwrap();
    assert_eq!(summary.warnings[0].code, "slug-large");
}

#[test]
fn a_full_disk_is_told() {
    let tree = tree();
    let mut full = fs::File::options().write(true).open("/dev/full").unwrap();
    let error = write(tree.path(), &Parts, &options(), &mut full, &Silent).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[archive-not-written]: cannot write the slug
      caused by: No space left on device (os error 28)

      hint: Free some disk space, or choose another place with `--output`.
    ");
}

#[test]
fn an_output_that_is_a_folder_is_told() {
    let tree = tree();
    let folder = tempfile::tempdir().unwrap();
    let error = write_file(tree.path(), &Parts, &options(), folder.path(), &Silent).unwrap_err();
    let text = Diagnosis::of(&error)
        .render(Style::Plain)
        .replace(folder.path().to_str().unwrap(), "out");
    insta::assert_snapshot!(text, @r"
    error[archive-not-written]: cannot write `out`
      caused by: is a directory

      hint: Give the name of a file with `--output`.
    ");
}

#[test]
fn a_slug_that_is_far_too_large_is_given_up() {
    let tree = tree();
    // What gzip cannot make smaller.
    let mut state = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(8 << 20)
    .collect();
    put(tree.path(), "lib/noise", noise);
    let folder = tempfile::tempdir().unwrap();
    let slug = folder.path().join("slug.tgz");
    let small = ArchiveOptions {
        max_size: 1 << 20,
        ..options()
    };
    let error = write_file(tree.path(), &Parts, &small, &slug, &Silent).unwrap_err();
    let ArchiveError::FarTooLarge { written, .. } = &error else {
        panic!("{error}");
    };
    assert!((4 << 20..5 << 20).contains(written), "{written}");
    let text = Diagnosis::of(&error).render(Style::Plain);
    assert!(
        text.starts_with("error[slug-too-large]: the slug would have more than 4"),
        "{text}"
    );
    assert!(text.contains(" MB  lib\n"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Raises an interrupt when the first bytes are through.
struct Interrupting(slugbuilder::sandbox::Interrupt);

impl Reporter for Interrupting {
    fn report(&self, event: Event<'_>) {
        if let Event::Progressed { .. } = event {
            self.0.raise();
        }
    }
}

#[test]
fn writing_ends_in_the_middle_of_a_file_when_it_is_interrupted() {
    let tree = tree();
    fs::File::create(tree.path().join("lib/endless"))
        .unwrap()
        .set_len(60 << 30)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let slug = folder.path().join("slug.tgz");
    fs::write(&slug, "earlier").unwrap();
    let interrupt = slugbuilder::sandbox::Interrupt::new().unwrap();
    let options = ArchiveOptions {
        stop: Stop::new(&interrupt, None),
        ..options()
    };
    let reporter = Interrupting(interrupt);
    let error = write_file(tree.path(), &Parts, &options, &slug, &reporter).unwrap_err();
    assert!(
        matches!(error, ArchiveError::Stopped(Stopped::Interrupted)),
        "{error}"
    );
    assert_eq!(fs::read(&slug).unwrap(), b"earlier");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
