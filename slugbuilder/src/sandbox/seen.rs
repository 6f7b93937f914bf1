//! What a view shows of this machine that can change what a build makes, apart from the system's own folders.

use super::view::{HostView, is_system};
use super::wire::Mount;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Files that change whenever the package manager changes the system: those of dpkg, apk and rpm.
const PACKAGES: &[&str] = &[
    "/etc/os-release",
    "/usr/lib/os-release",
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/var/lib/rpm/rpmdb.sqlite",
];

/// Files of a toolchain's folder that say which one it is: Go's and npm's.
const TOOLCHAIN: &[&str] = &["VERSION", "package.json"];

impl HostView {
    /// Variables, and the files of the home, with what a person calls them.
    pub(crate) fn named(&self) -> Vec<(String, Vec<u8>)> {
        let variables = self.environment.iter().map(|(name, value)| {
            let name = format!("the variable `{}` of this machine", name.to_string_lossy());
            (name, value.as_bytes().to_vec())
        });
        let files = self.home_files.iter().map(|(path, content)| {
            let name = format!("the configuration `~/{}`", path.display());
            (name, content.clone())
        });
        variables.chain(files).collect()
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
}
