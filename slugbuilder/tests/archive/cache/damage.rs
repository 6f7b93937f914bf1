//! Whatever happens to the cache's files, the archive is right.

use super::packs;
use crate::model::content;
use crate::support::{App, Slug, cold, options, put, rest, warm};
use slugbuilder::archive::{ArchiveOptions, Compression};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// A tree of some chunks, its archive, and what that leaves in the cache.
struct Whole {
    app: App,
    expected: Slug,
    /// A copy of the cache's files.
    files: Vec<(PathBuf, Vec<u8>)>,
    index: PathBuf,
    pack: PathBuf,
}

impl Whole {
    fn new() -> Self {
        Self::with(&options(), 1)
    }

    fn with(options: &ArchiveOptions, seed: u16) -> Self {
        let app = App::new();
        put(
            &app.root(),
            "layers/runtime/node",
            content(seed, 2, 300_000),
        );
        put(&app.root(), "node_modules/a.js", content(seed, 1, 250_000));
        put(&app.root(), "web.js", content(seed, 1, 1000));
        rest();
        let expected = app.check_warm(options);
        let folder = app.cache().join("default");
        let (mut found, _) = packs(&folder);
        let (index, pack) = (folder.join("index"), found.remove(0));
        let files = [&index, &pack].map(|path| (path.clone(), fs::read(path).unwrap()));
        Self {
            app,
            expected,
            files: files.into(),
            index,
            pack,
        }
    }

    /// Archives after `damage` was done to a whole cache. Returns how many bytes were reused.
    fn after(&self, what: &str, damage: impl FnOnce()) -> u64 {
        self.restore();
        damage();
        // On a thread of its own, to see that it ends.
        let (sender, receiver) = mpsc::channel();
        let (root, cache, slug) = (self.app.root(), self.app.cache(), self.app.path("slug.tgz"));
        std::thread::spawn(move || {
            let _ = sender.send(warm(&root, &cache, &slug, &options()));
        });
        let slug = receiver
            .recv_timeout(Duration::from_mins(1))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(slug.bytes == self.expected.bytes, "{what}: another slug");
        assert_eq!(slug.summary.sha256, self.expected.summary.sha256, "{what}");
        assert_eq!(
            slug.summary.diff_id, self.expected.summary.diff_id,
            "{what}"
        );
        assert!(slug.summary.warnings.len() <= 1, "{what}");
        slug.summary.reused
    }

    fn restore(&self) {
        let folder = self.index.parent().unwrap();
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        for (path, bytes) in &self.files {
            fs::write(path, bytes).unwrap();
        }
    }

    /// Archives twice after `damage`: the second time the cache is whole again.
    fn check(&self, what: &str, damage: impl FnOnce()) {
        self.after(what, damage);
        let again = self.app.warm(&options());
        assert!(again.bytes == self.expected.bytes, "{what}: another slug");
        assert!(again.made() <= 20, "{what}: {} bytes are new", again.made());
    }
}

#[test]
fn without_damage_all_is_reused() {
    let whole = Whole::new();
    let reused = whole.after("nothing", || ());
    assert!(whole.expected.summary.size - reused <= 20);
}

#[test]
fn a_byte_of_the_index() {
    let whole = Whole::new();
    let length = whole.files[0].1.len();
    for at in (0..length).step_by(37).chain([length - 1]) {
        let reused = whole.after(&format!("byte {at}"), || flip(&whole.index, at));
        assert_eq!(reused, 0, "byte {at} is part of the digest");
    }
}

#[test]
fn a_byte_of_the_pack() {
    let whole = Whole::new();
    let length = whole.files[1].1.len();
    // The first ten are the slug's header, and the last ten its end; neither is looked at.
    for at in (10..length - 10).step_by(7001) {
        let reused = whole.after(&format!("byte {at}"), || flip(&whole.pack, at));
        assert!(reused < whole.expected.summary.size - 20, "byte {at}");
    }
    whole.check("one byte", || flip(&whole.pack, length / 2));
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1 << (at % 8);
    fs::write(file, bytes).unwrap();
}

#[test]
fn cut_anywhere() {
    let whole = Whole::new();
    for (file, bytes) in &whole.files {
        for part in 0..16 {
            let length = bytes.len() * part / 16;
            let cut = || File::options().write(true).open(file).unwrap();
            whole.after(&format!("cut to {length}"), || {
                cut().set_len(length as u64).unwrap();
            });
        }
        whole.check("one byte less", || {
            let file = File::options().write(true).open(file).unwrap();
            file.set_len(bytes.len() as u64 - 1).unwrap();
        });
    }
}

#[test]
fn with_something_after_it() {
    let whole = Whole::new();
    for (file, bytes) in &whole.files {
        whole.check("more", || {
            fs::write(file, [&bytes[..], b"more"].concat()).unwrap();
        });
    }
}

/// What is in the place of a file, and how it comes there.
type Replacement = (&'static str, fn(&Path));

/// Every way in which a file can be none.
fn replacements() -> Vec<Replacement> {
    vec![
        ("gone", |_| ()),
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a folder with something in it", |path| {
            fs::create_dir_all(path.join("a")).unwrap();
        }),
        ("a FIFO", |path| {
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("a link to nothing", |path| {
            symlink("nothing", path).unwrap();
        }),
        ("a link to something endless", |path| {
            symlink("/dev/zero", path).unwrap();
        }),
        ("a link to itself", |path| symlink(path, path).unwrap()),
        ("a socket", |path| {
            std::os::unix::net::UnixListener::bind(path).unwrap();
        }),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("zeros without an end", |path| {
            File::create(path).unwrap().set_len(1 << 40).unwrap();
        }),
    ]
}

#[test]
fn an_index_that_is_none() {
    let whole = Whole::new();
    for (what, replacement) in replacements() {
        let reused = whole.after(what, || {
            fs::remove_file(&whole.index).unwrap();
            replacement(&whole.index);
        });
        assert_eq!(reused, 0, "{what}");
    }
}

#[test]
fn a_pack_that_is_none() {
    let whole = Whole::new();
    for (what, replacement) in replacements() {
        let reused = whole.after(what, || {
            fs::remove_file(&whole.pack).unwrap();
            replacement(&whole.pack);
        });
        assert_eq!(reused, 0, "{what}");
    }
}

#[test]
fn a_lock_that_is_none() {
    let whole = Whole::new();
    for (what, replacement) in replacements() {
        whole.after(what, || replacement(&whole.index.with_file_name("lock")));
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_written_through() {
    let whole = Whole::new();
    let victim = whole.app.path("victim");
    for name in [
        "index",
        "lock",
        whole.pack.file_name().unwrap().to_str().unwrap(),
    ] {
        fs::write(&victim, "precious").unwrap();
        let path = whole.index.with_file_name(name);
        whole.after(name, || {
            let _ = fs::remove_file(&path);
            symlink(&victim, &path).unwrap();
        });
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{name}");
    }
}

#[test]
fn a_folder_that_is_none() {
    let whole = Whole::new();
    let folder = whole.index.parent().unwrap();
    for (what, replacement) in replacements() {
        if what.contains("a folder") || what == "gone" {
            continue;
        }
        whole.after(what, || {
            fs::remove_dir_all(folder).unwrap();
            replacement(folder);
        });
        let slug = whole.app.warm(&options());
        assert_eq!(slug.summary.warnings.len(), 1, "{what}");
        assert_eq!(slug.summary.warnings[0].code, "slug-cache-not-kept");
        let _ = fs::remove_file(folder);
    }
}

#[test]
fn the_files_of_another_app() {
    let (whole, other) = (Whole::new(), Whole::with(&options(), 2));
    whole.check("index and pack", || {
        fs::copy(&other.index, &whole.index).unwrap();
        let pack = whole.pack.with_file_name(other.pack.file_name().unwrap());
        fs::copy(&other.pack, pack).unwrap();
    });
    let reused = whole.after("the pack alone", || {
        fs::write(&whole.pack, &other.files[1].1).unwrap();
    });
    // The tar's end is the same in both.
    assert!(reused < 1000, "{reused}");
    whole.check("the pack alone", || {
        fs::write(&whole.pack, &other.files[1].1).unwrap();
    });
}

#[test]
fn the_files_of_another_compression() {
    let whole = Whole::new();
    let fast = ArchiveOptions {
        compression: Compression::Fast,
        ..options()
    };
    whole.restore();
    whole.app.check_warm(&fast);
    let folder = whole.app.cache().join("fast");
    let reused = whole.after("another compression's", || {
        fs::remove_dir_all(whole.index.parent().unwrap()).unwrap();
        fs::rename(&folder, whole.index.parent().unwrap()).unwrap();
    });
    assert_eq!(reused, 0);
}

#[test]
fn an_index_of_another_version() {
    let whole = Whole::new();
    // After the magic's 24 bytes come both versions.
    for at in [24, 28] {
        let reused = whole.after("another version", || {
            let mut bytes = whole.files[0].1.clone();
            bytes[at] += 1;
            bytes.truncate(bytes.len() - 32);
            let digest = blake3::hash(&bytes);
            bytes.extend_from_slice(digest.as_bytes());
            fs::write(&whole.index, bytes).unwrap();
        });
        assert_eq!(reused, 0);
    }
}

/// The fields of an index that are numbers and not hashes, with anything in them and the right digest over them.
#[test]
fn absurd_numbers_under_a_right_digest() {
    let whole = Whole::new();
    let bytes = &whole.files[0].1;
    let length = bytes.len() - 32;
    for number in [1, 1 << 40, i64::MAX as u64, u64::MAX] {
        for at in (32..length - 8).step_by(20) {
            if bytes[at..at + 8] == number.to_le_bytes() {
                continue;
            }
            let mut bytes = bytes[..length].to_vec();
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
            let digest = blake3::hash(&bytes);
            bytes.extend_from_slice(digest.as_bytes());
            whole.restore();
            fs::write(&whole.index, bytes).unwrap();
            // Who knows the digest can lie about the slug's; but nothing breaks.
            whole.app.warm(&options());
        }
    }
}

#[test]
fn a_sparse_pack_under_a_right_digest() {
    let whole = Whole::new();
    whole.restore();
    let mut bytes = whole.files[0].1.clone();
    bytes.truncate(bytes.len() - 32);
    bytes[32..40].copy_from_slice(&(1_u64 << 42).to_le_bytes());
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    fs::write(&whole.index, bytes).unwrap();
    let pack = File::options().write(true).open(&whole.pack).unwrap();
    pack.set_len(1 << 42).unwrap();
    whole.app.check_warm(&options());
    let (packs, bytes) = packs(whole.index.parent().unwrap());
    assert_eq!(packs.len(), 1);
    assert!(bytes < 2 * whole.expected.summary.size, "{bytes}");
}

#[test]
fn files_that_nobody_may_read() {
    // Root may, and then they are just files.
    let whole = Whole::new();
    for (file, _) in &whole.files {
        whole.check("mode 0", || {
            fs::set_permissions(file, fs::Permissions::from_mode(0o0)).unwrap();
        });
    }
}

#[test]
fn the_tree_may_be_another_meanwhile() {
    let whole = Whole::new();
    for at in [20, 100_000, 300_000, 310_000] {
        whole.restore();
        flip(&whole.pack, at);
        put(&whole.app.root(), "web.js", at.to_string());
        let slug = whole.app.warm(&options());
        assert!(
            slug.bytes == cold(&whole.app.root(), &options()).bytes,
            "{at}"
        );
    }
}
