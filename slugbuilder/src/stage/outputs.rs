//! Which paths of the source are slugbuilder's own output.

use crate::archive::replacement;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The outputs that lie in the source.
#[derive(Debug, Default)]
pub(super) struct Outputs(Vec<(PathBuf, std::ffi::OsString)>);

impl Outputs {
    /// `root` is canonical.
    pub(super) fn new(root: &Path, outputs: &[PathBuf]) -> Self {
        let relative = |output: &PathBuf| {
            let absolute = std::path::absolute(output).ok()?;
            let name = absolute.file_name()?.to_owned();
            let parent = existing(absolute.parent()?);
            Some((parent.strip_prefix(root).ok()?.to_owned(), name))
        };
        Self(outputs.iter().filter_map(relative).collect())
    }

    /// Whether the entry `name` of `directory` is one of them or belongs to one.
    pub(super) fn contain(&self, directory: &Path, name: &OsStr) -> bool {
        self.0
            .iter()
            .any(|(parent, output)| parent == directory && replacement::belongs_to(output, name))
    }
}

/// `path` with as much of it resolved as there is.
fn existing(path: &Path) -> PathBuf {
    match std::fs::canonicalize(path) {
        Ok(resolved) => resolved,
        Err(_) => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => existing(parent).join(name),
            _ => path.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_in_the_source_are_known_with_their_temporaries() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("out")).unwrap();
        std::os::unix::fs::symlink("out", root.join("alias")).unwrap();
        let outputs = Outputs::new(
            &root,
            &[
                root.join("alias/slug.tgz"),
                root.join("later/slug.json"),
                root.clone(),
                root.parent().unwrap().to_owned(),
                "/elsewhere/web.js".into(),
            ],
        );
        let contain =
            |directory: &str, name: &str| outputs.contain(Path::new(directory), OsStr::new(name));
        assert!(contain("out", "slug.tgz"));
        assert!(contain("out", "slug.tgz.oversize"));
        assert!(contain("out", ".slug.tgz.k2Jd81.tmp"));
        assert!(contain("later", "slug.json"));
        assert!(!contain("", "slug.tgz"));
        assert!(!contain("", "web.js"));
        assert!(!contain("out", "slug.tgz.old"));
        assert!(!contain("out", ".slug.tgz"));
    }
}
