//! What leaves the slug after the build: what the app's author lists in [`FILE_NAME`], and files of installed packages
//! that no program can load ([`package_files`]).
//!
//! The app directory itself stays as it was built: the next build starts from all of it. Both rules go by names alone, so
//! the archiver asks them on its one walk through the tree, and what they leave out is counted there.

mod error;
mod package_files;

pub use crate::stage::slug_ignore::AFTER_BUILD as FILE_NAME;
pub use error::AfterBuildError;
pub use package_files::{CLASSES, OTHER_PLATFORM, PackageFile, PackageFiles, When};

use super::PROFILE_SCRIPT_PATH;
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
        if path.starts_with(OWN_FOLDER) || path == Path::new(PROFILE_SCRIPT_PATH) {
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
            let (by, name) = match self.files.get(*number) {
                Some(file) => (
                    LeftOutBy::IgnoreFile,
                    file.path.to_string_lossy().into_owned(),
                ),
                None => {
                    let class = CLASSES.get(number - self.files.len())?;
                    (LeftOutBy::PackageFiles, class.code.to_owned())
                }
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

/// Whether slugbuilder itself needs the entry: its own folder, and the script that sets the launch environment, with the
/// folder that it is in.
fn is_needed(path: &Path) -> bool {
    path.starts_with(OWN_FOLDER) || Path::new(PROFILE_SCRIPT_PATH).starts_with(path)
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
