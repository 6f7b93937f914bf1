//! Native addons: which packages have one that is not there for the slug's machine.

use crate::target::Machine;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// No package.json is larger, in bytes; one that is says nothing.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// Programs of which one in an install script means that an addon is compiled or fetched.
const BUILDERS: [&str; 5] = [
    "node-gyp",
    "prebuild-install",
    "node-pre-gyp",
    "cmake-js",
    "neon build",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    gypfile: Option<bool>,
    scripts: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "optionalDependencies")]
    optional: BTreeMap<String, serde_json::Value>,
}

/// The installed packages below `root` that have a native addon but no compiled file for `machine` with glibc, as paths
/// relative to `root`, sorted. Links are not followed: what they lead to is found where it is.
pub(crate) fn not_compiled_for(root: &Path, machine: Machine) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for child in folders_in(&folder)? {
            if is_package(&child) {
                let manifest = manifest_of(&child);
                if has_addon(&child, &manifest) && !is_compiled(&child, &manifest, machine)? {
                    let path = child.strip_prefix(root).unwrap_or(&child);
                    found.push(path.display().to_string());
                }
            }
            folders.push(child);
        }
    }
    found.sort();
    Ok(found)
}

fn folders_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// Whether `folder` is an installed package: `node_modules/<name>` or `node_modules/@<scope>/<name>`.
fn is_package(folder: &Path) -> bool {
    let name_of = |path: Option<&Path>| {
        path.and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let parent = folder.parent();
    let is_in_modules = name_of(parent) == "node_modules"
        || (name_of(parent).starts_with('@')
            && name_of(parent.and_then(Path::parent)) == "node_modules");
    is_in_modules && folder.join("package.json").is_file()
}

fn manifest_of(package: &Path) -> Manifest {
    let mut text = Vec::new();
    let read = fs_err::File::open(package.join("package.json"))
        .and_then(|file| file.take(MAX_MANIFEST_BYTES).read_to_end(&mut text));
    read.ok()
        .and_then(|_| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

fn has_addon(package: &Path, manifest: &Manifest) -> bool {
    let is_built_by_script = ["preinstall", "install", "postinstall"].iter().any(|name| {
        manifest
            .scripts
            .get(*name)
            .and_then(|script| script.as_str())
            .is_some_and(|script| BUILDERS.iter().any(|builder| script.contains(builder)))
    });
    // npm runs `node-gyp rebuild` of its own accord where there is a `binding.gyp` and no script.
    let is_built_by_npm = manifest.gypfile != Some(false)
        && !manifest.scripts.contains_key("install")
        && !manifest.scripts.contains_key("preinstall")
        && package.join("binding.gyp").is_file();
    is_built_by_script || is_built_by_npm || manifest.gypfile == Some(true)
}

/// Whether there is a compiled file in the package, or in one of the optional packages that bring it for one machine
/// each.
fn is_compiled(package: &Path, manifest: &Manifest, machine: Machine) -> std::io::Result<bool> {
    if holds_compiled(package, machine)? {
        return Ok(true);
    }
    for name in manifest.optional.keys() {
        let installed = package
            .ancestors()
            .map(|folder| folder.join("node_modules").join(name))
            .chain(package.ancestors().map(|folder| folder.join(name)))
            .find(|folder| folder.join("package.json").is_file());
        if let Some(installed) = installed
            && holds_compiled(&installed, machine)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds_compiled(package: &Path, machine: Machine) -> std::io::Result<bool> {
    let mut folders = vec![package.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let kind = entry.file_type()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && name != "node_modules" && !name.contains("musl") {
                folders.push(path);
            } else if kind.is_file()
                && path
                    .extension()
                    .is_some_and(|extension| extension == "node")
                && !name.contains("musl")
                && is_for(&path, machine)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether `file` is a 64-bit ELF file for `machine` (its header's `e_machine`). One that cannot be read is not.
fn is_for(file: &Path, machine: Machine) -> bool {
    let mut header = [0; 20];
    let read = fs_err::File::open(file).and_then(|mut file| file.read_exact(&mut header));
    let expected: u16 = match machine {
        Machine::Amd64 => 62,
        Machine::Arm64 => 183,
    };
    read.is_ok() && header.starts_with(b"\x7fELF\x02") && header[18..] == expected.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(18, 0);
        header.extend(machine.to_le_bytes());
        header
    }

    fn app(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn addons_without_a_file_for_the_machine_are_named() {
        let (x64, arm64) = (elf(62), elf(183));
        let app = app(&[
            ("package.json", b"{\"gypfile\": true}"),
            ("node_modules/plain/package.json", b"{}"),
            // Compiled where it was installed.
            ("node_modules/here/package.json", b"{}"),
            ("node_modules/here/binding.gyp", b""),
            ("node_modules/here/build/Release/x.node", &arm64),
            // Brings a file for each.
            (
                "node_modules/both/package.json",
                b"{\"scripts\": {\"install\": \"node-gyp-build\"}}",
            ),
            ("node_modules/both/prebuilds/linux-x64/x.node", &x64),
            ("node_modules/both/prebuilds/linux-arm64/x.node", &arm64),
            // Only musl's.
            ("node_modules/@scope/musl/package.json", b"{\"gypfile\": true}"),
            ("node_modules/@scope/musl/prebuilds/x.musl.node", &x64),
            // An optional package brings it.
            (
                "node_modules/.pnpm/a/node_modules/watcher/package.json",
                b"{\"scripts\": {\"install\": \"node-gyp rebuild\"}, \"optionalDependencies\": {\"@w/linux\": \"1\"}}",
            ),
            (
                "node_modules/.pnpm/a/node_modules/@w/linux/package.json",
                b"{}",
            ),
            (
                "node_modules/.pnpm/a/node_modules/@w/linux/w.node",
                &x64,
            ),
            // Nested, with a manifest that nobody can read.
            (
                "packages/a/node_modules/b/node_modules/deep/package.json",
                b"<html>",
            ),
            (
                "packages/a/node_modules/b/node_modules/deep/binding.gyp",
                b"",
            ),
        ]);
        assert_eq!(
            not_compiled_for(app.path(), Machine::Amd64).unwrap(),
            [
                "node_modules/@scope/musl",
                "node_modules/here",
                "packages/a/node_modules/b/node_modules/deep"
            ]
        );
        assert_eq!(
            not_compiled_for(app.path(), Machine::Arm64).unwrap(),
            [
                "node_modules/.pnpm/a/node_modules/watcher",
                "node_modules/@scope/musl",
                "packages/a/node_modules/b/node_modules/deep"
            ]
        );
    }
}
