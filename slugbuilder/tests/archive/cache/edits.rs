//! Edits, one after the other on one cache.

use super::{CHUNK, app, fill, packs};
use crate::model::content;
use crate::support::{APP_TIME, App, options, put, rest};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use slugbuilder::archive::{ArchiveOptions, Compression};
use std::fs::{self, File, Permissions};
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;

/// What is done to the tree, and how many chunks may be new after it at most.
type Edit = (&'static str, usize, fn(&Path));

/// A chunk that is changed, the next one, whose dictionary is another, and the tar's end.
const FEW: usize = 3;

const EDITS: [Edit; 19] = [
    ("nothing", 0, |_| ()),
    ("an app file", FEW, |root| {
        put(root, "lib/f3.js", "something else");
    }),
    ("an app file, the same size", FEW, |root| {
        put(root, "lib/f4.js", content(99, 2, 30_000));
    }),
    ("a dependency", FEW, |root| {
        put(root, "node_modules/m7/index.js", "something else");
    }),
    ("a file that is new", FEW, |root| {
        put(root, "lib/a.js", "new");
    }),
    ("a file that is gone", FEW, |root| {
        fs::remove_file(root.join("lib/a.js")).unwrap();
    }),
    ("another name", 2 * FEW, |root| {
        fs::rename(root.join("lib/f9.js"), root.join("lib/z.js")).unwrap();
    }),
    ("another mode", FEW, |root| {
        fs::set_permissions(root.join("lib/f5.js"), Permissions::from_mode(0o755)).unwrap();
    }),
    ("a folder's mode", FEW, |root| {
        fs::set_permissions(root.join("lib"), Permissions::from_mode(0o711)).unwrap();
    }),
    ("a link's target", FEW, |root| {
        fs::remove_file(root.join("main.js")).unwrap();
        symlink("lib/z.js", root.join("main.js")).unwrap();
    }),
    ("a folder that is new", FEW, |root| {
        fs::create_dir(root.join("node_modules/m5/bin")).unwrap();
        fs::set_permissions(
            root.join("node_modules/m5/bin"),
            Permissions::from_mode(0o755),
        )
        .unwrap();
    }),
    ("a large file in its middle", FEW, |root| {
        let file = File::options()
            .write(true)
            .open(root.join("video"))
            .unwrap();
        file.write_all_at(b"other", 600_000).unwrap();
    }),
    ("a large file that grew", FEW, |root| {
        let file = File::options()
            .write(true)
            .open(root.join("video"))
            .unwrap();
        // The header is in the first piece.
        file.write_all_at(&content(3, 2, 400_000), 1_200_000)
            .unwrap();
    }),
    ("a large file that shrank", FEW + 2, |root| {
        let file = File::options()
            .write(true)
            .open(root.join("video"))
            .unwrap();
        file.set_len(500_000).unwrap();
    }),
    ("a large file that became small", FEW, |root| {
        put(root, "video", "small");
    }),
    ("a file that became a folder", 2 * FEW, |root| {
        fs::remove_file(root.join("video")).unwrap();
        put(root, "video/one", content(5, 2, 1000));
    }),
    ("another part", usize::MAX, |root| {
        fs::rename(root.join("layers/runtime"), root.join("layers/other")).unwrap();
    }),
    ("nothing left", usize::MAX, |root| {
        fs::remove_dir_all(root).unwrap();
        fs::create_dir(root).unwrap();
    }),
    // More than half of the pack is dead by now.
    ("all again", usize::MAX, fill),
];

/// Makes all edits, and checks each time that the archive is right, and how much is new.
fn check(app: &App, compression: Compression, edits: &[Edit], rested: bool) {
    let with = |threads| ArchiveOptions {
        compression,
        threads: NonZeroUsize::new(threads),
        ..options()
    };
    let mut size = app.check_warm(&with(2)).summary.size;
    for (number, (what, chunks, edit)) in edits.iter().enumerate() {
        edit(&app.root());
        if rested {
            rest();
        }
        let slug = app.check_warm(&with([1, 2, 8][number % 3]));
        let made = slug.made();
        // Header and trailer are always new.
        let most = (*chunks as u64).saturating_mul(CHUNK).saturating_add(20);
        assert!(made <= most, "{what}: {made} bytes are new");
        assert!(
            made <= 20 || *chunks == usize::MAX || slug.summary.reused > size / 2,
            "{what}: {} bytes were reused",
            slug.summary.reused
        );
        size = slug.summary.size;
        let name = match compression {
            Compression::Fast => "fast",
            Compression::Default => "default",
            Compression::Best => "best",
        };
        let (packs, bytes) = packs(&app.cache().join(name));
        assert_eq!(packs.len(), 1, "{what}");
        assert!(
            bytes <= 2 * size,
            "{what}: {bytes} bytes for a slug of {size}"
        );
    }
}

#[test]
fn fast_slugs_after_all_edits() {
    check(&app(), Compression::Fast, &EDITS, false);
}

#[test]
fn slugs_after_all_edits() {
    check(&app(), Compression::Default, &EDITS, true);
}

#[test]
fn best_slugs_after_all_edits() {
    check(&app(), Compression::Best, &EDITS, false);
}

#[test]
fn each_compression_has_a_cache_of_its_own() {
    let app = app();
    for round in 0..2 {
        for compression in [Compression::Fast, Compression::Default, Compression::Best] {
            let slug = app.check_warm(&ArchiveOptions {
                compression,
                ..options()
            });
            assert_eq!(slug.summary.reused > 0, round > 0);
        }
    }
}

#[test]
fn a_new_date_renews_the_apps_own_part_only() {
    let app = app();
    let small = |path: &str| put(&app.root(), path, "");
    small("node_modules/m1/small");
    app.check_warm(&options());
    let slug = app.check_warm(&ArchiveOptions {
        app_time: APP_TIME + 1,
        ..options()
    });
    // Of the app's 1.8 MB, content that is in pieces, and not their first.
    let made = slug.made();
    assert!((100_000..1_300_000).contains(&made), "{made}");
}

#[test]
fn another_checkout_with_the_same_cache_is_known_by_content() {
    let app = app();
    app.check_warm(&options());
    let (other, old) = (app.path("other"), app.path("old"));
    fs::create_dir(&other).unwrap();
    fill(&other);
    fs::rename(app.root(), &old).unwrap();
    fs::rename(&other, app.root()).unwrap();
    let slug = app.check_warm(&options());
    assert!(slug.made() <= 20, "{} bytes are new", slug.made());
    // And what was found out is kept: the next one knows the new files by their state.
    let same = app.check_warm(&options());
    assert!(same.made() <= 20, "{} bytes are new", same.made());
}

#[test]
fn a_cache_at_another_place_is_as_good() {
    let app = app();
    app.check_warm(&options());
    let moved = app.path("moved");
    fs::rename(app.cache(), &moved).unwrap();
    let slug = crate::support::warm(&app.root(), &moved, &app.path("slug.tgz"), &options());
    assert!(slug.made() <= 20, "{} bytes are new", slug.made());
}

#[test]
fn the_pack_stays_within_its_bound_and_goes_on_being_of_use() {
    let app = app();
    app.check_warm(&options());
    let cache = app.cache().join("default");
    let mut names = std::collections::BTreeSet::new();
    for round in 0..40_u16 {
        // Here and there, so that what is new comes in several runs.
        for file in [round % 20, (round * 7 + 3) % 20] {
            put(
                &app.root(),
                format!("lib/f{file}.js"),
                content(1000 + round, 2, 30_000),
            );
        }
        let module = round % 120;
        put(
            &app.root(),
            format!("node_modules/m{module}/index.js"),
            round.to_string(),
        );
        let slug = app.check_warm(&options());
        assert!(slug.summary.reused > slug.summary.size / 3, "round {round}");
        let (packs, bytes) = packs(&cache);
        assert!(bytes <= 2 * slug.summary.size, "round {round}: {bytes}");
        names.extend(packs);
    }
    assert!(names.len() > 2, "the pack was not written anew");
    assert!(names.len() < 20, "the pack did not grow");
}

#[test]
fn what_is_known_by_its_state_is_not_read() {
    let app = app();
    let watch = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
    for file in ["layers/runtime/bin/node", "node_modules/m3/index.js"] {
        let file = app.root().join(file);
        watch.add_watch(&file, AddWatchFlags::IN_OPEN).unwrap();
    }
    let is_read = || match watch.read_events() {
        Ok(events) => !events.is_empty(),
        Err(Errno::EAGAIN) => false,
        Err(error) => panic!("{error}"),
    };
    rest();
    app.warm(&options());
    assert!(is_read(), "the first time");
    app.warm(&options());
    assert!(!is_read(), "all as it was");
    put(&app.root(), "lib/f3.js", "edited");
    app.warm(&options());
    assert!(!is_read(), "nothing before the edited file is read");
}
