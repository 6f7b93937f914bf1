//! Which paths of the source are slugbuilder's own output.

use crate::archive::replacement;
use crate::lock;
use crate::tree::{Kind, Stat, Tree};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// Bytes of the largest file that is looked at for whether it is a `slug.json`.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// The outputs that lie in the source.
#[derive(Debug, Default)]
pub(super) struct Outputs(Vec<(PathBuf, OsString)>);

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

    /// Whether the entry `name` of `directory` is one of them or belongs to one, or is what another run of slugbuilder has
    /// left half-written, whatever that wrote.
    pub(super) fn contain(&self, directory: &Path, name: &OsStr) -> bool {
        replacement::is_left_behind(name)
            || lock::is_left_behind(name)
            || self.0.iter().any(|(parent, output)| {
                parent == directory && replacement::belongs_to(output, name)
            })
    }

    /// Adds the slugs in the source's root that earlier runs wrote under other names, each with its `slug.json`. Returns
    /// the names of those slugs.
    pub(super) fn add_earlier(
        &mut self,
        tree: &Tree,
        listing: &[(OsString, Stat)],
    ) -> Vec<OsString> {
        let is_file = |name: &OsStr| {
            let mut entries = listing.iter();
            entries.any(|(entry, stat)| entry == name && stat.kind == Kind::File)
        };
        let mut slugs = Vec::new();
        for (name, _) in listing {
            let Some(stem) = name.as_bytes().strip_suffix(b".tgz") else {
                continue;
            };
            let manifest = OsString::from_vec([stem, b".json"].concat());
            let is_slug = is_file(name)
                && !self.contain(Path::new(""), name)
                && is_file(&manifest)
                && is_manifest(tree, &manifest);
            if is_slug {
                slugs.push(name.clone());
                self.0.push((PathBuf::new(), name.clone()));
                self.0.push((PathBuf::new(), manifest));
            }
        }
        slugs
    }
}

/// Whether a file is a `slug.json` of ours. What cannot be read is none, and is told where it is staged.
fn is_manifest(tree: &Tree, name: &OsStr) -> bool {
    /// What makes it one, whichever version wrote it.
    #[derive(Deserialize)]
    struct Manifest {
        slug: Slug,
    }
    #[derive(Deserialize)]
    struct Slug {
        #[serde(rename = "process_types")]
        _process_types: serde_json::Map<String, serde_json::Value>,
        checksum: String,
        #[serde(rename = "stack")]
        _stack: IgnoredAny,
    }
    // An outline knows too little to tell whether it has changed meanwhile.
    let Ok(file) = tree.open_any(Path::new(name)) else {
        return false;
    };
    let mut content = Vec::new();
    let read = file.take(LARGEST_MANIFEST + 1).read_to_end(&mut content);
    read.is_ok()
        && content.len() as u64 <= LARGEST_MANIFEST
        && serde_json::from_slice::<Manifest>(&content)
            .is_ok_and(|manifest| manifest.slug.checksum.starts_with("SHA256:"))
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
        // What runs with other outputs left.
        for name in [
            ".other.tgz.k2Jd81.tmp",
            ".other.json.k2Jd81.tmp",
            "other.tgz.oversize",
            ".slugbuilder.lock.k2Jd81",
        ] {
            assert!(contain("", name), "{name}");
        }
        for name in [
            ".tgz.k2Jd81.tmp",
            ".other.tgz.k2Jd8.tmp",
            ".other.txt.k2Jd81.tmp",
            "other.tgz.k2Jd81.tmp",
            ".tmp",
            ".slugbuilder.lock.k2Jd8",
            "slugbuilder.lock",
        ] {
            assert!(!contain("", name), "{name}");
        }
    }

    #[test]
    fn earlier_slugs_in_the_root_are_left_out_and_told() {
        let source = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = source.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let manifest = r#"{"slug":{"process_types":{"web":"x"},"stack":"heroku-24","checksum":"SHA256:ab"},"build":{}}"#;
        write("web.js", "");
        write("slug.tgz", "slug");
        write("slug.json", manifest);
        write("data/slug.tgz", "fixture");
        write("data/slug.json", manifest);
        write("vendored.tgz", "package");
        write("vendored.json", "{\"name\":\"vendored\"}");
        write("alone.tgz", "package");
        write(".slug.tgz.k2Jd81.tmp", "half");
        for survey in [super::super::survey, super::super::outline] {
            let survey = survey(source.path(), &super::super::SurveyOptions::default()).unwrap();
            let left_out: Vec<_> = survey.whiteouts().map(Path::to_str).collect();
            assert_eq!(
                left_out,
                [".slug.tgz.k2Jd81.tmp", "slug.json", "slug.tgz"].map(Some)
            );
            let [warning] = survey.warnings.as_slice() else {
                panic!("{:?}", survey.warnings);
            };
            assert_eq!(warning.code, "earlier-slug");
            assert!(
                warning.message.contains("`slug.tgz`"),
                "{}",
                warning.message
            );
        }
    }
}
