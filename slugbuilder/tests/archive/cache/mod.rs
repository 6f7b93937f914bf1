//! With a cache, an archive is what it would be without, and made faster.

mod damage;
mod edits;
mod killed;
mod names;
mod together;
mod trust;
mod without;

use crate::model::content;
use crate::support::{App, put};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Bytes of tar that a chunk has at most, but for long names.
const CHUNK: u64 = 1 << 19;

/// A tree of some 5 MB in all parts, with large files and small ones, and with links.
fn app() -> App {
    let app = App::new();
    fill(&app.root());
    app
}

fn fill(root: &Path) {
    let file = |path: &str, seed: u16, kind: u8, size: usize| {
        put(root, path, content(seed, kind, size));
    };
    file("layers/runtime/bin/node", 1, 2, 700_000);
    file("layers/runtime/lib/large.a", 2, 1, 600_001);
    for number in 0..120 {
        let size = 1 + usize::from(number) * 2713 % 30_000;
        for name in ["index.js", "package.json"] {
            file(&format!("node_modules/m{number}/{name}"), number, 1, size);
        }
    }
    // The app's own: several chunks after which there is still a large file.
    for number in 0..20 {
        file(&format!("lib/f{number}.js"), number, 2, 30_000);
    }
    file("video", 7, 2, 1_200_000);
    put(root, "web.js", "require('http')");
    put(root, "empty", "");
    symlink("web.js", root.join("main.js")).unwrap();
}

/// The packs of a cache, and the bytes of all of them.
fn packs(cache: &Path) -> (Vec<PathBuf>, u64) {
    let entries = fs::read_dir(cache).unwrap().map(Result::unwrap);
    let packs: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("pack-"))
        .collect();
    let size = packs.iter().map(|pack| pack.metadata().unwrap().len());
    let size = size.sum();
    (packs.iter().map(fs::DirEntry::path).collect(), size)
}
