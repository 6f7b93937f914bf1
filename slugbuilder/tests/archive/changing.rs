//! Files that change while they are archived: an error that names one, or a slug that is whole.

use crate::model::content;
use crate::support::{App, Parts, options, put, unpacked};
use sha2::{Digest as _, Sha256};
use slugbuilder::archive::{ArchiveError, ArchiveOptions, Summary, write_file};
use slugbuilder_report::{Event, Reporter};
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A tree of many chunks; what is edited lies in its middle.
fn app() -> App {
    let app = App::new();
    put(&app.root(), "layers/runtime/node", content(1, 2, 3_000_000));
    for number in 0..60_u16 {
        let path = format!("node_modules/m{number}/index.js");
        put(&app.root(), path, content(number, 1, 30_000));
    }
    put(&app.root(), "video", content(2, 2, 3_000_000));
    app
}

/// Does something each time that the archive has come further.
struct AtEachStep<F>(Mutex<F>);

impl<F: FnMut(u64) + Send> Reporter for AtEachStep<F> {
    fn report(&self, event: Event<'_>) {
        if let Event::Progressed { position, .. } = event {
            (self.0.lock().unwrap())(position);
        }
    }
}

/// Archives, and checks that what comes of it is whole, or an error that names one of `changing`.
fn check(app: &App, threads: usize, reporter: &dyn Reporter, changing: &[&str]) -> bool {
    let options = ArchiveOptions {
        threads: NonZeroUsize::new(threads),
        cache: Some(app.cache()),
        ..options()
    };
    let slug = app.path("slug.tgz");
    let _ = fs::remove_file(&slug);
    match write_file(&app.root(), &Parts, &options, &slug, reporter) {
        Ok(summary) => {
            check_whole(&slug, &summary);
            true
        }
        Err(error) => {
            let ArchiveError::Changed { path } = &error else {
                panic!("{error}");
            };
            let path = path.to_str().unwrap();
            assert!(changing.contains(&path), "`{path}` did not change");
            assert!(!slug.exists());
            false
        }
    }
}

/// Whatever bytes the files had: gzip's checksum, the digests and the headers fit.
fn check_whole(slug: &Path, summary: &Summary) {
    let bytes = fs::read(slug).unwrap();
    let tar = unpacked(&bytes);
    assert_eq!(summary.sha256[..], Sha256::digest(&bytes)[..]);
    assert_eq!(summary.diff_id[..], Sha256::digest(&tar)[..]);
    assert_eq!(summary.uncompressed, tar.len() as u64);
    let mut archive = tar::Archive::new(&tar[..]);
    let entries = archive.entries().unwrap().map(Result::unwrap).count();
    assert_eq!(summary.entries, entries as u64);
}

#[test]
fn edited_at_each_step() {
    type Edit = fn(&Path);
    let edits: [Edit; 6] = [
        // The same size.
        |file| {
            let file = File::options().write(true).open(file).unwrap();
            file.write_all_at(b"other", 1_500_000).unwrap();
        },
        |file| {
            let file = File::options().write(true).open(file).unwrap();
            file.set_len(4_000_000).unwrap();
        },
        |file| {
            let file = File::options().write(true).open(file).unwrap();
            file.set_len(1_000_000).unwrap();
        },
        |file| {
            let other = file.with_file_name("other");
            fs::write(&other, content(9, 2, 3_000_000)).unwrap();
            fs::rename(other, file).unwrap();
        },
        |file| fs::remove_file(file).unwrap(),
        |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        },
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        // Early, in its middle and near its end.
        for after in [1, 4_500_000, 6_500_000] {
            let app = app();
            let file = app.root().join("video");
            let mut is_done = false;
            let reporter = AtEachStep(Mutex::new(|position| {
                if position >= after && !is_done {
                    is_done = true;
                    edit(&file);
                }
            }));
            let is_whole = check(&app, 1 + number % 2, &reporter, &["video"]);
            // One or two threads are not so far ahead that they have read all of it.
            assert!(!is_whole || after > 1, "edit {number} was not noticed");
            // With the cache that it left, and nothing that changes any more.
            fs::create_dir_all(app.root()).unwrap();
            app.check_warm(&options());
        }
    }
}

#[test]
fn edited_by_another_thread_all_the_time() {
    let app = app();
    let changing = ["video", "layers/runtime/node", "node_modules/m7/index.js"];
    let is_over = AtomicBool::new(false);
    let mut failed = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0_u16;
            while !is_over.load(Ordering::Relaxed) {
                for path in changing {
                    round = round.wrapping_add(1);
                    let file = File::options()
                        .write(true)
                        .open(app.root().join(path))
                        .unwrap();
                    let length = file.metadata().unwrap().len();
                    // Near a border between pieces, too, where the next one's dictionary is read.
                    for at in [length / 2, (length / 2) >> 18 << 18] {
                        file.write_all_at(&round.to_le_bytes(), at).unwrap();
                    }
                }
                std::thread::sleep(std::time::Duration::from_micros(300_000 >> (round % 12)));
            }
        });
        for round in 0..40 {
            let silent = slugbuilder_report::Silent;
            let threads = [1, 2, 8][round % 3];
            failed += usize::from(!check(&app, threads, &silent, &changing));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(failed > 0, "nothing was noticed");
    app.check_warm(&options());
}

/// The one edit that leaves no trace in size and modification time: only the next chunk's dictionary can show it.
#[test]
fn the_end_of_a_chunk_changes_before_the_next_one_reads_its_dictionary() {
    // In the last rounds nothing is edited any more: the tree is not that large.
    for round in 0..28_u64 {
        let app = app();
        let file = File::options()
            .write(true)
            .open(app.root().join("video"))
            .unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        let mut number = 0_u8;
        let reporter = AtEachStep(Mutex::new(|position: u64| {
            if position > round * 300_000 {
                number = number.wrapping_add(1);
                for piece in 1..=11_u64 {
                    file.write_all_at(&[number; 64], (piece << 18) - 64)
                        .unwrap();
                }
                file.set_modified(modified).unwrap();
            }
        }));
        let is_whole = check(&app, 1, &reporter, &["video"]);
        assert!(is_whole || round < 27, "round {round}");
        if round % 8 == 0 {
            app.check_warm(&options());
        }
    }
}
