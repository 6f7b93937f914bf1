//! What leaves the slug after the build: what the app's author lists in [`FILE_NAME`], and files of installed packages
//! that no program can load (the module `package_files`).
//!
//! The app directory itself stays as it was built: the next build starts from all of it. Both rules go by names alone, so
//! the archiver asks them on its one walk through the tree, and what they leave out is counted there.

mod error;
mod package_files;

pub use crate::stage::slug_ignore::AFTER_BUILD as FILE_NAME;
pub use error::AfterBuildError;
pub use package_files::{CLASSES, OTHER_PLATFORM, PackageFile, PackageFiles, When};

use super::{PROFILE_SCRIPT_PATH, ROOT_PROFILE_SCRIPT_PATH};
use crate::archive::{Layout, Placement, Siblings};
use crate::cnb::OWN_FOLDER;
use crate::slug::{LeftOut, LeftOutBy};
use crate::stage::slug_ignore::SlugIgnore;
use crate::stage::{Survey, Tally};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The largest file of patterns that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// What leaves the slug after the build.
#[derive(Debug, Default)]
pub struct AfterBuild {
    files: Vec<IgnoreFile>,
    /// Whether files of packages stay.
    keep_package_files: bool,
}

/// A file of patterns.
#[derive(Debug)]
struct IgnoreFile {
    /// The folder that it is in and speaks of.
    folder: PathBuf,
    path: PathBuf,
    patterns: SlugIgnore,
}

impl AfterBuild {
    /// Reads the files of patterns that are staged: that of the source's root, and that of `root`, a folder in it. Files
    /// of packages stay where `keep_package_files` says so.
    pub fn read(
        survey: &Survey,
        root: Option<&Path>,
        keep_package_files: bool,
    ) -> Result<Self, AfterBuildError> {
        let mut folders = vec![PathBuf::new()];
        folders.extend(
            root.and_then(folder_below)
                .filter(|folder| *folder != folders[0]),
        );
        let mut files = Vec::new();
        for folder in folders {
            let path = folder.join(FILE_NAME);
            let content = survey.read(&path, LARGEST);
            let content = content.map_err(|problem| AfterBuildError::Unreadable {
                file: path.clone(),
                problem,
            })?;
            if let Some(content) = content {
                let patterns =
                    SlugIgnore::parse_all(&content).map_err(|line| AfterBuildError::Line {
                        file: path.clone(),
                        line,
                    })?;
                files.push(IgnoreFile {
                    folder,
                    path,
                    patterns,
                });
            }
        }
        Ok(Self {
            files,
            keep_package_files,
        })
    }

    /// The rules by which everything stays.
    pub(crate) fn leaving_nothing_out() -> Self {
        Self {
            files: Vec::new(),
            keep_package_files: true,
        }
    }

    /// Places what `layout` places, without what leaves the slug.
    pub(crate) fn place(
        &self,
        layout: &dyn Layout,
        path: &Path,
        directory: bool,
        siblings: Siblings<'_>,
    ) -> Placement {
        let placement = layout.place_among(path, directory, siblings);
        if !matches!(placement, Placement::In(_)) || is_needed(path) {
            return placement;
        }
        if self.files.iter().any(|file| file.path == path) {
            return Placement::Skip;
        }
        let selected = self
            .files
            .iter()
            .position(|file| file.selects(path, directory));
        selected
            .or_else(|| {
                if self.keep_package_files {
                    return None;
                }
                let class = package_files::class_of(path, directory, siblings)?;
                Some(self.files.len() + class)
            })
            .map_or(placement, Placement::LeaveOut)
    }

    /// The file of patterns that leaves out the file or folder at `path`, which has a slug's part by itself.
    pub(crate) fn file_that_selects(&self, path: &Path, directory: bool) -> Option<&Path> {
        if path.starts_with(OWN_FOLDER) || is_script(path) {
            return None;
        }
        let selects = |file: &&IgnoreFile| {
            let mut above = path.ancestors().skip(1);
            file.selects(path, directory)
                || above.any(|folder| !is_needed(folder) && file.selects(folder, true))
        };
        Some(&self.files.iter().find(selects)?.path)
    }

    /// What [`Placement::LeaveOut`] counted, for slug.json.
    #[must_use]
    pub fn left_out(&self, counts: &BTreeMap<usize, Tally>) -> Vec<LeftOut> {
        let left_out = |(number, tally): (&usize, &Tally)| {
            let (by, name) = if let Some(file) = self.files.get(*number) {
                let path = file.path.to_string_lossy();
                (LeftOutBy::IgnoreFile, path.into_owned())
            } else {
                let class = CLASSES.get(number - self.files.len())?;
                (LeftOutBy::PackageFiles, class.code.to_owned())
            };
            (tally.files > 0).then_some(LeftOut {
                by,
                name,
                files: tally.files,
                bytes: tally.bytes,
            })
        };
        counts.iter().filter_map(left_out).collect()
    }
}

/// The words for people of a class of package files.
#[must_use]
pub fn words_of(code: &str) -> Option<&'static str> {
    let class = CLASSES.iter().find(|class| class.code == code)?;
    Some(class.what)
}

impl IgnoreFile {
    fn selects(&self, path: &Path, directory: bool) -> bool {
        let selects = |path: &Path, directory| {
            path.strip_prefix(&self.folder).is_ok_and(|path| {
                !path.as_os_str().is_empty() && self.patterns.selects(path, directory)
            })
        };
        // A folder that stays for what we need in it goes in all but name.
        let folder = || path.parent().filter(|folder| is_needed(folder));
        selects(path, directory) || folder().is_some_and(|folder| selects(folder, true))
    }
}

/// Scripts that slugbuilder writes for the app's start.
const SCRIPTS: [&str; 2] = [PROFILE_SCRIPT_PATH, ROOT_PROFILE_SCRIPT_PATH];

fn is_script(path: &Path) -> bool {
    SCRIPTS.iter().any(|script| path == Path::new(script))
}

/// Whether slugbuilder itself needs the entry: its own folder, and its scripts for the app's start, with the folder that
/// they are in.
fn is_needed(path: &Path) -> bool {
    let mut scripts = SCRIPTS.iter().map(Path::new);
    path.starts_with(OWN_FOLDER) || scripts.any(|script| script.starts_with(path))
}

/// A folder as the source has it; nothing for what leads out of it.
fn folder_below(folder: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in folder.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::AppOnly;
    use crate::stage::{SurveyOptions, survey};
    use slugbuilder_report::{Diagnosis, Style};

    fn read(files: &[(&str, &str)], root: &str) -> Result<AfterBuild, AfterBuildError> {
        let source = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = source.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        }
        let survey = survey(source.path(), &SurveyOptions::default()).unwrap();
        AfterBuild::read(&survey, Some(Path::new(root)), false)
    }

    #[test]
    fn each_file_speaks_of_its_own_folder() {
        let files = [
            (".slugignore-after-build", "*.map\n"),
            ("packages/api/.slugignore-after-build", "/src\n*.ts\n"),
            ("packages/web/.slugignore-after-build", "*\n"),
        ];
        let after_build = read(&files, "./packages/api").unwrap();
        let place = |path: &str, directory| {
            after_build.place(&AppOnly, Path::new(path), directory, Siblings::default())
        };
        for (path, directory, number) in [
            ("packages/web/x.map", false, 0),
            ("packages/api/x.map", false, 0),
            ("packages/api/src", true, 1),
            ("packages/api/lib/x.ts", false, 1),
        ] {
            assert_eq!(
                place(path, directory),
                Placement::LeaveOut(number),
                "{path}"
            );
        }
        for (path, directory) in [
            ("src", true),
            ("packages/api", true),
            ("packages/api/lib/src", true),
            ("packages/web/x.ts", false),
        ] {
            assert!(matches!(place(path, directory), Placement::In(_)), "{path}");
        }
        assert_eq!(place(".slugignore-after-build", false), Placement::Skip);
        assert_eq!(
            place("packages/api/.slugignore-after-build", false),
            Placement::Skip
        );
        // What nobody follows is a file as any other.
        assert!(matches!(
            place("packages/web/.slugignore-after-build", false),
            Placement::In(_)
        ));
        let counts = BTreeMap::from([
            (1, Tally { files: 2, bytes: 3 }),
            (2, Tally { files: 1, bytes: 1 }),
            (3, Tally::default()),
        ]);
        let left_out = after_build.left_out(&counts);
        let names: Vec<_> = left_out.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "packages/api/.slugignore-after-build",
                "node-gyp-intermediates"
            ]
        );
    }

    #[test]
    fn a_root_that_leads_out_has_no_file() {
        let after_build = read(&[("x", "")], "../elsewhere").unwrap();
        assert!(after_build.files.is_empty());
    }

    #[test]
    fn what_slugbuilder_needs_stays_whatever_selects_it() {
        for patterns in ["*", ".*", ".profile.d/\n.slugbuilder/", "*.sh\n**/*\n"] {
            let after_build = read(&[(".slugignore-after-build", patterns)], "").unwrap();
            let place = |path: &str, directory| {
                after_build.place(&AppOnly, Path::new(path), directory, Siblings::default())
            };
            for (path, directory) in [
                (".slugbuilder", true),
                (".slugbuilder/layers/a/b/x.sh", false),
                (".profile.d", true),
                (PROFILE_SCRIPT_PATH, false),
                (ROOT_PROFILE_SCRIPT_PATH, false),
            ] {
                assert!(
                    matches!(place(path, directory), Placement::In(_)),
                    "{patterns}: {path}"
                );
            }
            assert_eq!(
                place(".profile.d/own.sh", false),
                Placement::LeaveOut(0),
                "{patterns}"
            );
        }
    }

    #[test]
    fn a_wrong_line_is_an_error_with_its_place() {
        let refused = |content| {
            let files = [("api/.slugignore-after-build", content)];
            Diagnosis::of(&read(&files, "api").unwrap_err()).render(Style::Plain)
        };
        insta::assert_snapshot!(refused("x\n../y\n"), @r"
        error[slugignore-line]: `api/.slugignore-after-build` line 2: `../y` cannot be followed: `..` could leave the app

          hint: Write the path from the app's root.
        ");
        insta::assert_snapshot!(refused("[a-\n"), @r"
        error[slugignore-line]: `api/.slugignore-after-build` line 1: `[a-` cannot be followed: it ends in the middle of a class or after a backslash

          hint: End the class with `]`; a backslash before `[` or another backslash makes it an ordinary character.
        ");
        let folder = [(".slugignore-after-build/x", "")];
        insta::assert_snapshot!(Diagnosis::of(&read(&folder, "").unwrap_err()).render(Style::Plain), @r"
        error[slugignore-unreadable]: `.slugignore-after-build` is no file

          hint: Make it a plain file of patterns, one a line.
        ");
    }
}
