//! Small trees with the shape of the large ones, for rounds that only check that every row works.

use super::{DEPENDENCY, Kind, PACKAGE, PAGE, SOURCE};
use crate::error::BenchError;
use fs_err as fs;
use std::fmt::Write as _;
use std::path::Path;

/// A change of what is below is a new version.
pub(super) const VERSION: u32 = 1;

/// An app with a build script and without packages.
const PACKAGE_JSON: &[u8] = br#"{
  "name": "generated",
  "version": "1.0.0",
  "scripts": { "build": "node build.js", "start": "node server.js" }
}
"#;

const PACKAGE_LOCK: &[u8] = br#"{
  "name": "generated",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "packages": { "": { "name": "generated", "version": "1.0.0" } }
}
"#;

const BUILD: &[u8] =
    b"const fs = require('fs');\nfs.mkdirSync('dist');\nfs.copyFileSync('server.js', 'dist/server.js');\n";

/// Files of each folder of packages.
const FILES: u32 = 60;

/// Makes the tree.
pub(super) fn make(kind: Kind, folder: &Path) -> Result<String, BenchError> {
    match kind {
        Kind::Big => {
            write(&folder.join("runtime/bin/node"), &binary(3 << 20))?;
            write(&folder.join(DEPENDENCY), source(0).as_bytes())?;
            for number in 0..FILES {
                for package in ["node_modules/some", PACKAGE] {
                    let path = folder.join(format!("{package}/lib/file{number}.js"));
                    write(&path, source(number).as_bytes())?;
                }
                let path = folder.join(format!("src/rules/rule{number}.js"));
                write(&path, source(number + FILES).as_bytes())?;
            }
            write(&folder.join(SOURCE), source(1).as_bytes())?;
            write(&folder.join("server.js"), source(2).as_bytes())?;
            write(&folder.join("Procfile"), b"web: node server.js\n")?;
            write(&folder.join("package.json"), b"{\"private\": true}\n")?;
        }
        Kind::Node => {
            write(&folder.join("runtime/bin/node"), &binary(3 << 20))?;
            write(&folder.join("web.js"), source(3).as_bytes())?;
        }
        Kind::Next => {
            write(&folder.join("app/package.json"), PACKAGE_JSON)?;
            write(&folder.join("app/package-lock.json"), PACKAGE_LOCK)?;
            write(&folder.join("app/build.js"), BUILD)?;
            write(&folder.join("app/server.js"), source(4).as_bytes())?;
            write(&folder.join("app").join(PAGE), source(5).as_bytes())?;
            fs::create_dir_all(folder.join("tools/bin"))?;
        }
        Kind::Go => write(&folder.join("server"), &binary(2 << 20))?,
    }
    Ok("A small generated tree".into())
}

fn write(path: &Path, contents: &[u8]) -> Result<(), BenchError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, contents)?;
    Ok(())
}

/// Numbers without an order (the generator of Knuth's MMIX), the same in each run.
fn numbers(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = u64::from(seed) + 1;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
}

/// Bytes that compress to about half, as machine code does.
fn binary(length: usize) -> Vec<u8> {
    numbers(0).map(|byte| byte & 0x0f).take(length).collect()
}

/// Lines that look like source.
fn source(seed: u32) -> String {
    let mut text = String::new();
    let mut numbers = numbers(seed);
    for line in 0..100 {
        let number = numbers.next().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(text, "exports.value{line} = compute({number}, {seed});");
    }
    text
}
