//! Putting a slug and its manifest into their places: together, as the last thing that a build does.
//!
//! No file system renames two files as one. Both are therefore whole under temporary names, and what can be known to be
//! in the way of either is looked for, before the first rename.

use crate::archive::{ArchiveError, WrittenSlug};
use crate::slug::{SlugError, WrittenManifest};

/// Puts both into their places, the slug first: a manifest must not speak of a slug that is not there.
pub(crate) fn publish<E: From<ArchiveError> + From<SlugError>>(
    slug: WrittenSlug,
    manifest: WrittenManifest,
) -> Result<(), E> {
    slug.check()?;
    manifest.check()?;
    slug.finish()?;
    manifest.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{self, AppOnly, ArchiveOptions};
    use crate::compile::CompileError;
    use crate::slug::{self, Checksum, Manifest};
    use slugbuilder_report::Silent;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    fn written(folder: &Path) -> (WrittenSlug, WrittenManifest) {
        let app = tempfile::tempdir().unwrap();
        let (summary, slug) = archive::write_beside(
            app.path(),
            &AppOnly,
            &ArchiveOptions::default(),
            &folder.join("slug.tgz"),
            &Silent,
        )
        .unwrap();
        let manifest = Manifest {
            slug: slug::Slug {
                process_types: BTreeMap::new(),
                stack: "heroku-24".to_owned(),
                checksum: Checksum(summary.sha256),
                commit: None,
                commit_description: None,
                buildpack_provided_description: None,
            },
            build: slug::Build::of(&summary),
        };
        let manifest = manifest.write_beside(&folder.join("slug.json")).unwrap();
        (slug, manifest)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn both_appear_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (slug, manifest) = written(folder.path());
        assert_eq!(names(folder.path()).len(), 2);
        assert!(!folder.path().join("slug.tgz").exists());
        publish::<CompileError>(slug, manifest).unwrap();
        assert_eq!(names(folder.path()), ["slug.json", "slug.tgz"]);
    }

    #[test]
    fn a_manifest_without_a_place_leaves_the_earlier_slug() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slug.tgz");
        fs::write(&path, "earlier").unwrap();
        let (slug, manifest) = written(folder.path());
        // Made during the build, after the look that the build begins with.
        fs::create_dir(folder.path().join("slug.json")).unwrap();
        let error = publish::<CompileError>(slug, manifest).unwrap_err();
        assert!(matches!(error, CompileError::Manifest(_)));
        assert_eq!(fs::read(&path).unwrap(), b"earlier");
        assert_eq!(names(folder.path()), ["slug.json", "slug.tgz"]);
    }
}
