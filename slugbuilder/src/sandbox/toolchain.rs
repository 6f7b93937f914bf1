//! Toolchains that a user has outside of the system's folders, recognised by what only they have, so that nothing else of
//! the user is shown with them.

use super::view::is_system;
use std::path::{Path, PathBuf};

/// Where toolchains are shown.
pub(super) const TOOLCHAINS: &str = "/opt/toolchains";

/// A toolchain outside of the system's folders: only what is certainly its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The root of a Go.
    Go(PathBuf),
    /// The program `node`, which needs no other file.
    Node(PathBuf),
    /// The folder of the package npm.
    Npm(PathBuf),
}

impl Toolchain {
    /// Those whose programs are in `folder`, found by where the programs really are.
    pub(super) fn in_folder(folder: &Path) -> Vec<Self> {
        let real = |program: &str| {
            folder
                .join(program)
                .canonicalize()
                .ok()
                .filter(|path| !is_system(path))
        };
        let mut found = Vec::new();
        if let Some(root) = real("go").and_then(|program| above(&program, "bin/go"))
            && root.join("VERSION").is_file()
            && root.join("src/runtime").is_dir()
        {
            found.push(Self::Go(root));
        }
        if let Some(program) =
            real("node").filter(|program| program.is_file() && program.ends_with("bin/node"))
        {
            found.push(Self::Node(program));
        }
        if let Some(package) = real("npm").and_then(|program| above(&program, "bin/npm-cli.js"))
            && package.ends_with("lib/node_modules/npm")
        {
            found.push(Self::Npm(package));
        }
        found
    }
}

/// `path` without `ending`, if it ends so.
fn above(path: &Path, ending: &str) -> Option<PathBuf> {
    if !path.ends_with(ending) {
        return None;
    }
    let root = path
        .ancestors()
        .nth(Path::new(ending).components().count())?;
    // Never the root of everything.
    root.parent().map(|_| root.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A home with a Go, a Node.js whose prefix is the home itself, and something that is nobody's business.
    pub(in crate::sandbox) fn home_with_toolchains() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        for folder in [
            "sdk/go1.99/bin",
            "sdk/go1.99/src/runtime",
            "bin",
            "lib/node_modules/npm/bin",
            ".ssh",
        ] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [
            "sdk/go1.99/VERSION",
            "sdk/go1.99/bin/go",
            "bin/node",
            "lib/node_modules/npm/bin/npm-cli.js",
            ".ssh/id",
        ] {
            std::fs::write(root.join(file), "").unwrap();
        }
        for (link, target) in [
            ("bin/go", "sdk/go1.99/bin/go"),
            ("bin/npm", "lib/node_modules/npm/bin/npm-cli.js"),
        ] {
            std::os::unix::fs::symlink(root.join(target), root.join(link)).unwrap();
        }
        (home, root)
    }

    #[test]
    fn only_a_whole_toolchain_counts() {
        assert_eq!(above(Path::new("/bin/go"), "bin/go"), None);
        assert_eq!(above(Path::new("/a/bin/go"), "bin/go"), Some("/a".into()));
        assert_eq!(above(Path::new("/a/xbin/go"), "bin/go"), None);
        let (_home, root) = home_with_toolchains();
        std::fs::remove_file(root.join("sdk/go1.99/VERSION")).unwrap();
        let found = Toolchain::in_folder(&root.join("bin"));
        assert!(
            !found.iter().any(|one| matches!(one, Toolchain::Go(_))),
            "{found:?}"
        );
    }
}
