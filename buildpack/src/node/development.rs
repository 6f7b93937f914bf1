//! The packages of npm's tree that only development needs, and their removal.
//!
//! npm keeps a hidden lockfile in each tree that it installs, which says of every package whether anything but a
//! development dependency leads to it (`dev`). What `npm prune --omit=dev` does is to take those away, with the links
//! in `.bin` folders that lead into them (`@npmcli/arborist`, `reify.js`: `_trashOmits`), after it has read the tree and
//! asked the registry's cache again. Doing only that takes a hundredth of the time.

use fs_err as fs;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Where packages are, in a tree's root and in packages.
const MODULES: &str = "node_modules";

/// npm's record of the tree (npm 7 and later), in the `node_modules` of the tree's root.
const HIDDEN_LOCKFILE: &str = ".package-lock.json";

/// No record is larger, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// The packages of one tree that only development needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Development {
    /// Relative to the tree's root. None lies in another.
    packages: BTreeSet<PathBuf>,
    /// The record without them.
    record: Value,
}

impl Development {
    /// Reads the record of the tree at `root`; nothing where there is none that says what is needed, so that npm itself
    /// has to be asked.
    pub(crate) fn find(root: &Path) -> io::Result<Option<Self>> {
        Self::read(&root.join(MODULES))
    }

    /// The same where the tree's `node_modules` is at `modules`.
    pub(crate) fn read(modules: &Path) -> io::Result<Option<Self>> {
        let path = modules.join(HIDDEN_LOCKFILE);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_BYTES => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let Ok(record) = serde_json::from_slice::<Value>(&fs::read(&path)?) else {
            return Ok(None);
        };
        Ok(Self::of(record))
    }

    fn of(mut record: Value) -> Option<Self> {
        let version = record.get("lockfileVersion")?.as_u64()?;
        if !(2..=3).contains(&version) {
            return None;
        }
        let listed = record.get_mut("packages")?.as_object_mut()?;
        let mut packages = BTreeSet::new();
        let mut others = Vec::new();
        for (name, package) in listed.iter() {
            let path = package_path(name)?;
            // What npm has not been asked for is nobody's business here but npm's.
            if flag(package, "extraneous") {
                return None;
            }
            if flag(package, "dev") {
                // A folder of the source that a link leads to: it is not npm's to remove, and the link does not say `dev`.
                if modules_folder(&path)?.file_name() != Some(OsStr::new(MODULES)) {
                    return None;
                }
                packages.insert(path);
            } else {
                others.push(path);
            }
        }
        let lies_in_one = |path: &Path| {
            path.ancestors()
                .skip(1)
                .any(|folder| packages.contains(folder))
        };
        // A package inside one that goes is only reached through it. A record that says otherwise is not understood.
        if others.iter().any(|path| lies_in_one(path)) {
            return None;
        }
        let outermost = packages
            .iter()
            .filter(|path| !lies_in_one(path))
            .cloned()
            .collect();
        let kept: Map<String, Value> = std::mem::take(listed)
            .into_iter()
            .filter(|(_, package)| !flag(package, "dev"))
            .collect();
        *listed = kept;
        Some(Self {
            packages: outermost,
            record,
        })
    }

    /// How many folders go; the packages inside them are not counted.
    pub(crate) fn len(&self) -> usize {
        self.packages.len()
    }

    /// Whether `path`, relative to the tree's root, is the folder or the link of one.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        self.packages.contains(path)
    }

    /// Removes them from the tree at `root`, where they still are there, and what leads to them.
    pub(crate) fn remove(&self, root: &Path) -> io::Result<()> {
        if self.packages.is_empty() {
            return Ok(());
        }
        let mut folders = BTreeSet::new();
        for package in &self.packages {
            if !has_plain_folders(root, package) {
                continue;
            }
            remove(&root.join(package))?;
            folders.extend(modules_folder(package).map(Path::to_owned));
            // A scope is empty when its last package has gone.
            if let Some(scope) = package.parent().filter(|folder| is_scope(folder)) {
                remove_if_empty(&root.join(scope))?;
            }
        }
        for folder in &folders {
            unlink_dangling(&root.join(folder).join(".bin"))?;
            // npm leaves none of a package's own that holds nothing.
            if folder != Path::new(MODULES) {
                remove_if_empty(&root.join(folder))?;
            }
        }
        let text = serde_json::to_vec_pretty(&self.record)?;
        let path = root.join(MODULES).join(HIDDEN_LOCKFILE);
        let new = path.with_extension("json.new");
        fs::write(&new, text)?;
        fs::rename(new, path)
    }
}

fn flag(package: &Value, name: &str) -> bool {
    package.get(name).and_then(Value::as_bool) == Some(true)
}

/// The path that a key of the record names, if it is one inside the tree.
fn package_path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(name);
    let is_inside = !name.is_empty()
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    is_inside.then_some(path)
}

/// The `node_modules` folder that a package lies in.
fn modules_folder(package: &Path) -> Option<&Path> {
    let folder = package.parent()?;
    if is_scope(folder) {
        folder.parent()
    } else {
        Some(folder)
    }
}

fn is_scope(folder: &Path) -> bool {
    folder
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"@"))
}

/// Whether no link stands in the way to `path`: what lies behind one belongs to somebody else.
fn has_plain_folders(root: &Path, path: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty())
        .all(|folder| {
            root.join(folder)
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_dir())
        })
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        // An optional package for another machine is in the record and not on the disk.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    }
}

fn remove_if_empty(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir(folder) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Removes the links of a `.bin` folder that lead nowhere, and the folder itself when it holds no more.
fn unlink_dangling(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_symlink() && !entry.path().exists() {
            fs::remove_file(entry.path())?;
        }
    }
    remove_if_empty(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::symlink;

    fn record(packages: &Value) -> Value {
        json!({ "name": "app", "lockfileVersion": 3, "requires": true, "packages": packages })
    }

    fn package(root: &Path, path: &str) {
        let folder = root.join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("cli.js"), "").unwrap();
    }

    fn bin(root: &Path, folder: &str, name: &str, target: &str) {
        let folder = root.join(folder).join(".bin");
        fs::create_dir_all(&folder).unwrap();
        symlink(format!("../{target}/cli.js"), folder.join(name)).unwrap();
    }

    fn listing(root: &Path) -> Vec<String> {
        walkdir::WalkDir::new(root)
            .sort_by_file_name()
            .into_iter()
            .map(|entry| entry.unwrap())
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| {
                let path = entry.path().strip_prefix(root).unwrap();
                path.to_str().unwrap().to_owned()
            })
            .collect()
    }

    #[test]
    fn packages_of_development_go_with_their_links() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "node_modules/express",
            "node_modules/express/node_modules/ms",
            "node_modules/typescript",
            "node_modules/eslint",
            "node_modules/eslint/node_modules/ms",
            "node_modules/@types/node",
            "node_modules/@scope/kept",
            "node_modules/@scope/gone",
            "packages/api/node_modules/jest",
        ] {
            package(root, path);
        }
        bin(root, "node_modules", "tsc", "typescript");
        bin(root, "node_modules", "express", "express");
        bin(root, "packages/api/node_modules", "jest", "jest");
        let dev = json!({ "dev": true });
        let text = record(&json!({
            "node_modules/express": {},
            "node_modules/express/node_modules/ms": {},
            "node_modules/typescript": dev,
            "node_modules/eslint": dev,
            "node_modules/eslint/node_modules/ms": dev,
            "node_modules/@types/node": dev,
            "node_modules/@scope/kept": { "devOptional": true },
            "node_modules/@scope/gone": dev,
            "node_modules/not-for-this-machine": { "dev": true, "optional": true },
            "packages/api": {},
            "packages/api/node_modules/jest": dev,
        }));
        fs::write(root.join(MODULES).join(HIDDEN_LOCKFILE), text.to_string()).unwrap();

        let development = Development::find(root).unwrap().unwrap();
        assert_eq!(development.len(), 6);
        development.remove(root).unwrap();
        assert_eq!(
            listing(root),
            [
                "node_modules/.bin/express",
                "node_modules/.package-lock.json",
                "node_modules/@scope/kept/cli.js",
                "node_modules/express/cli.js",
                "node_modules/express/node_modules/ms/cli.js",
            ]
        );
        assert!(!root.join("node_modules/@types").exists());
        let again = Development::find(root).unwrap().unwrap();
        assert_eq!(again.len(), 0);
        assert_eq!(
            again.record["packages"].as_object().unwrap().len(),
            4,
            "{}",
            again.record
        );
    }

    #[test]
    fn a_record_that_is_not_understood_is_left_to_npm() {
        for packages in [
            json!({ "../outside": { "dev": true } }),
            json!({ "/etc": { "dev": true } }),
            json!({ "": { "dev": true } }),
            json!({ "node_modules/a": { "extraneous": true } }),
            json!({ "node_modules/a": { "dev": true }, "node_modules/a/node_modules/b": {} }),
            json!({ "node_modules/a": { "link": true, "resolved": "packages/a" }, "packages/a": { "dev": true } }),
            json!({ "a": { "dev": true } }),
            json!([]),
        ] {
            assert_eq!(Development::of(record(&packages)), None, "{packages}");
        }
        assert_eq!(
            Development::of(json!({ "lockfileVersion": 1, "packages": {} })),
            None
        );
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Development::find(folder.path()).unwrap(), None);
    }

    #[test]
    fn what_lies_behind_a_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (root, other) = (folder.path().join("app"), folder.path().join("other"));
        package(&other, "typescript");
        fs::create_dir_all(root.join("node_modules")).unwrap();
        symlink(&other, root.join("node_modules/@linked")).unwrap();
        let packages = json!({ "node_modules/@linked/typescript": { "dev": true } });
        let development = Development::of(record(&packages)).unwrap();
        development.remove(&root).unwrap();
        assert!(other.join("typescript/cli.js").exists());
    }

    /// Against npm itself.
    #[test]
    #[ignore = "needs npm and its registry"]
    fn the_tree_is_the_one_that_npm_prunes() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        let manifest = json!({
            "name": "app",
            "version": "1.0.0",
            "workspaces": ["packages/*"],
            "dependencies": { "express": "^5", "esbuild": "^0.25", "debug": "^2" },
            "devDependencies": { "eslint": "^9", "typescript": "^5", "@types/node": "*", "mocha": "^11" },
            "optionalDependencies": { "fsevents": "*" },
        });
        let member = json!({
            "name": "api",
            "version": "1.0.0",
            "dependencies": { "ms": "1.0.0" },
            "devDependencies": { "rimraf": "^5", "debug": "^4" },
        });
        fs::create_dir_all(ours.join("packages/api")).unwrap();
        fs::write(ours.join("package.json"), manifest.to_string()).unwrap();
        fs::write(ours.join("packages/api/package.json"), member.to_string()).unwrap();
        let npm = |folder: &Path, arguments: &[&str]| {
            let status = std::process::Command::new("npm")
                .args(arguments)
                .args([
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                ])
                .current_dir(folder)
                .status()
                .unwrap();
            assert!(status.success());
        };
        npm(&ours, &["install"]);
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([&ours, &theirs])
            .status();
        assert!(copied.unwrap().success());

        npm(&theirs, &["prune", "--omit=dev"]);
        let development = Development::find(&ours).unwrap().unwrap();
        assert!(development.len() > 50);
        development.remove(&ours).unwrap();
        assert_eq!(listing(&ours), listing(&theirs));
        let read = |root: &Path| -> Value {
            serde_json::from_slice(&fs::read(root.join(MODULES).join(HIDDEN_LOCKFILE)).unwrap())
                .unwrap()
        };
        assert_eq!(read(&ours), read(&theirs));
    }
}
