//! What a view shows of this machine that can change what a build makes, apart from the system's own folders.

use super::view::{HostView, is_system};
use super::wire::Mount;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Files that change whenever the package manager changes the system, those of dpkg, apk and rpm; and the one that tells the
/// version of a Go from go.dev.
const PACKAGES: &[&str] = &[
    "/etc/os-release",
    "/usr/lib/os-release",
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/rpmdb.sqlite-wal",
    "/usr/local/go/VERSION",
];

/// Folders whose times tell that something was put into them or taken out: of what is installed by hand, and pacman's
/// folder of a folder for each package.
const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/local/lib", "/var/lib/pacman/local"];

/// Files of a toolchain's folder that say which one it is: Go's and npm's.
const TOOLCHAIN: &[&str] = &["VERSION", "package.json"];

impl HostView {
    /// Variables, the files of the home, and the times of folders of the machine, with what a person calls them.
    pub(crate) fn named(&self) -> Vec<(String, Vec<u8>)> {
        let variables = self.environment.iter().map(|(name, value)| {
            let name = format!("the variable `{}` of this machine", name.to_string_lossy());
            (name, value.as_bytes().to_vec())
        });
        let files = self.home_files.iter().map(|(path, content)| {
            let name = format!("the configuration `~/{}`", path.display());
            (name, content.clone())
        });
        variables.chain(files).chain(times_of(FOLDERS)).collect()
    }

    /// Which folders and files of this machine show, and where; without those that the user has named.
    pub(crate) fn shown(&self) -> Vec<u8> {
        let mut shown = Vec::new();
        for mount in &self.mounts {
            if let Mount::Bind { from, to, .. } = mount {
                for path in [from, to] {
                    shown.extend_from_slice(path.as_bytes());
                    shown.push(0);
                }
            }
        }
        shown
    }

    /// Files that stand for what programs see of this machine: those of the user's own toolchains and certificates, and
    /// what says which packages the system has. Some may not be there.
    pub(crate) fn telling_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = PACKAGES.iter().map(PathBuf::from).collect();
        for mount in &self.mounts {
            let Mount::Bind { from, .. } = mount else {
                continue;
            };
            let from = Path::new(from);
            if is_system(from) || from.starts_with("/etc") || from.starts_with("/var") {
                continue;
            }
            if from.is_dir() {
                files.extend(TOOLCHAIN.iter().map(|name| from.join(name)));
            } else {
                files.push(from.to_owned());
            }
        }
        files
    }
}

/// When something was put into these folders or taken out, as far as they are there.
fn times_of<'a>(folders: &'a [&'a str]) -> impl Iterator<Item = (String, Vec<u8>)> + 'a {
    folders.iter().filter_map(|folder| {
        let there = std::fs::metadata(folder).ok()?;
        let time = format!("{}.{:09}", there.mtime(), there.mtime_nsec());
        let name = format!("the folder `{folder}` of this machine");
        Some((name, time.into_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Credentials, Environment};

    #[test]
    fn toolchains_variables_and_configuration_are_told() {
        let (_home, root) = crate::sandbox::toolchain::tests::home_with_toolchains();
        std::fs::write(root.join(".npmrc"), "strict-ssl=false\n_auth=s3cret\n").unwrap();
        let path = format!("{}/bin", root.display());
        let host = Environment::from([
            ("PATH".into(), path.into()),
            ("HOME".into(), root.clone().into()),
            ("HTTPS_PROXY".into(), "http://proxy.example".into()),
        ]);
        let view = HostView::of(&host, Credentials::default());
        let files = view.telling_files();
        for file in [
            "sdk/go1.99/VERSION",
            "bin/node",
            "lib/node_modules/npm/package.json",
        ] {
            assert!(files.contains(&root.join(file)), "{file}: {files:?}");
        }
        let named = view.named();
        for (name, content) in [
            (
                "the variable `HTTPS_PROXY` of this machine",
                "http://proxy.example",
            ),
            ("the configuration `~/.npmrc`", "strict-ssl=false\n"),
        ] {
            let told = (name.to_owned(), content.as_bytes().to_vec());
            assert!(named.contains(&told), "{name}: {named:?}");
        }
        let other = HostView::of(&Environment::new(), Credentials::default());
        assert_ne!(view.shown(), other.shown());
    }

    #[test]
    fn what_is_put_into_a_folder_by_hand_tells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let times = || times_of(&[path, "/absent"]).collect::<Vec<_>>();
        let before = times();
        assert_eq!(before.len(), 1);
        assert_eq!(before[0].0, format!("the folder `{path}` of this machine"));
        assert_eq!(times(), before);
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(folder.path().join("tool"), "").unwrap();
        assert_ne!(times(), before);
    }
}
