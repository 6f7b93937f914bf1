//! Trees to archive.

use flate2::read::GzDecoder;
use slugbuilder::archive::{ArchiveOptions, Layout, Part, Placement, Summary, write};
use slugbuilder_report::Silent;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

pub(crate) const APP_TIME: i64 = 1_700_000_000;

/// A layout like the real one: runtimes and dependencies are known by where they are.
pub(crate) struct Parts;

impl Layout for Parts {
    fn place(&self, path: &Path, _: bool) -> Placement {
        if path.starts_with("skipped") {
            Placement::Skip
        } else if path.starts_with("layers/runtime") {
            Placement::In(Part::Runtime)
        } else if path.starts_with("node_modules") || path.starts_with("vendor/bundle") {
            Placement::In(Part::Dependencies)
        } else {
            Placement::In(Part::App)
        }
    }
}

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
