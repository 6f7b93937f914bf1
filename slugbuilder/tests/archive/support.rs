//! Trees to archive.

pub(crate) use crate::model::Parts;

use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};
use slugbuilder::archive::{ArchiveOptions, Summary, write, write_file};
use slugbuilder_report::Silent;
use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const APP_TIME: i64 = 1_700_000_000;

pub(crate) fn options() -> ArchiveOptions {
    ArchiveOptions {
        app_time: APP_TIME,
        ..ArchiveOptions::default()
    }
}

pub(crate) fn put(root: &Path, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
    let path = root.join(path);
    let mut folders: Vec<&Path> = path
        .ancestors()
        .skip(1)
        .take_while(|folder| *folder != root)
        .collect();
    folders.reverse();
    for folder in folders {
        if !folder.exists() {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

/// A tree with something of everything; its modes do not depend on the umask.
pub(crate) fn tree() -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    put(root, "layers/runtime/bin/node", "\x7fELF");
    fs::set_permissions(
        root.join("layers/runtime/bin/node"),
        fs::Permissions::from_mode(0o6755),
    )
    .unwrap();
    put(root, "node_modules/b/package.json", "{}");
    put(root, "node_modules/a/package.json", "{}");
    put(root, "node_modules/a/index.js", "");
    put(root, "node_modules/a-b/index.js", "a-b");
    put(root, "vendor/bundle/x.rb", "x");
    put(root, "vendor/own.rb", "own");
    put(root, "web.js", "require('http')");
    put(root, "lib/web.js", "lib");
    put(root, "skipped/secret", "secret");
    symlink("web.js", root.join("main.js")).unwrap();
    fs::hard_link(root.join("web.js"), root.join("zzz.js")).unwrap();
    temporary
}

pub(crate) fn archive(root: &Path) -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let summary = write(root, &Parts, &options(), &mut bytes, &Silent).unwrap();
    (bytes, summary)
}

pub(crate) fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut tar).unwrap();
    tar
}

/// An archive of an app's tree.
pub(crate) struct Slug {
    pub(crate) bytes: Vec<u8>,
    pub(crate) summary: Summary,
}

impl Slug {
    /// Bytes that are not from the cache.
    pub(crate) fn made(&self) -> u64 {
        self.summary.size - self.summary.reused
    }
}

/// A folder with a tree, a cache and a slug.
pub(crate) struct App {
    folder: tempfile::TempDir,
}

impl App {
    pub(crate) fn new() -> Self {
        let app = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(app.root()).unwrap();
        app
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// An archive with the cache, which may be empty.
    pub(crate) fn warm(&self, options: &ArchiveOptions) -> Slug {
        warm(&self.root(), &self.cache(), &self.path("slug.tgz"), options)
    }

    /// An archive with the cache, which has to be what one without would be.
    pub(crate) fn check_warm(&self, options: &ArchiveOptions) -> Slug {
        let warm = self.warm(options);
        check_same(&warm, &cold(&self.root(), options));
        warm
    }
}

/// An archive with a cache.
pub(crate) fn warm(root: &Path, cache: &Path, slug: &Path, options: &ArchiveOptions) -> Slug {
    let options = ArchiveOptions {
        cache: Some(cache.to_owned()),
        ..options.clone()
    };
    let summary = write_file(root, &Parts, &options, slug, &Silent).unwrap();
    Slug {
        bytes: fs::read(slug).unwrap(),
        summary,
    }
}

/// An archive without a cache, and by one thread.
pub(crate) fn cold(root: &Path, options: &ArchiveOptions) -> Slug {
    let options = ArchiveOptions {
        threads: NonZeroUsize::new(1),
        cache: None,
        ..options.clone()
    };
    let mut bytes = Vec::new();
    let summary = write(root, &Parts, &options, &mut bytes, &Silent).unwrap();
    Slug { bytes, summary }
}

/// Checks that two archives and their summaries are the same, whatever was reused for them and warned of.
pub(crate) fn check_same(warm: &Slug, cold: &Slug) {
    // Not `assert_eq`: it would print megabytes.
    assert!(warm.bytes == cold.bytes, "other bytes than a cold archive");
    let comparable = |summary: &Summary| Summary {
        reused: 0,
        warnings: Vec::new(),
        ..summary.clone()
    };
    assert_eq!(comparable(&warm.summary), comparable(&cold.summary));
    assert_eq!(
        warm.summary.sha256[..],
        Sha256::digest(&warm.bytes)[..],
        "another digest than that of the file"
    );
}

/// Waits until files that were written before have rested long enough for the cache to know them by their state.
pub(crate) fn rest() {
    std::thread::sleep(std::time::Duration::from_millis(150));
}

/// This test's program again, for one of its tests, in a process of its own.
pub(crate) fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--include-ignored"])
        .stdout(Stdio::null());
    command
}
