//! The ignore rules that hold in one folder, after `gitignore(5)`.

use super::{Repository, WILDCARDS};
use gix_glob::Pattern;
use gix_glob::pattern::Case;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

/// Name of the files with ignore rules.
pub(in crate::stage) const FILE_NAME: &str = ".gitignore";

/// The patterns of one ignore file, and of those that hold where it does not decide.
#[derive(Debug)]
pub(in crate::stage) struct Rules {
    repository: Rc<Repository>,
    /// Length of the path, with its final slash, of the folder that the patterns are relative to.
    base: usize,
    patterns: Vec<Pattern>,
    above: Option<Rc<Rules>>,
}

impl Rules {
    /// Rules of the repository as a whole, from `info/exclude`.
    pub(super) fn new(repository: Rc<Repository>, exclude: &[u8]) -> Self {
        Self {
            repository,
            base: 0,
            patterns: parse(exclude),
            above: None,
        }
    }

    /// These rules and those of the `.gitignore` with `content` in the source's folder `directory`.
    pub(in crate::stage) fn and(self: &Rc<Self>, directory: &Path, content: &[u8]) -> Rc<Self> {
        self.and_in_work_tree(&self.repository.path_in_work_tree(directory), content)
    }

    pub(super) fn and_in_work_tree(self: &Rc<Self>, directory: &Path, content: &[u8]) -> Rc<Self> {
        let length = directory.as_os_str().len();
        Rc::new(Self {
            repository: Rc::clone(&self.repository),
            base: if length == 0 { 0 } else { length + 1 },
            patterns: parse(content),
            above: Some(Rc::clone(self)),
        })
    }

    /// Whether a pattern ignores the source's entry at `path`, the folders above it aside.
    pub(in crate::stage) fn ignores(&self, path: &Path, directory: bool) -> bool {
        self.ignores_in_work_tree(&self.repository.path_in_work_tree(path), directory)
    }

    pub(super) fn ignores_in_work_tree(&self, path: &Path, directory: bool) -> bool {
        let mut rules = Some(self);
        while let Some(these) = rules {
            let relative = path
                .as_os_str()
                .as_bytes()
                .get(these.base..)
                .unwrap_or_default();
            let name_at = relative
                .iter()
                .rposition(|&byte| byte == b'/')
                .map(|slash| slash + 1);
            let matching = these.patterns.iter().rev().find(|pattern| {
                pattern.matches_repo_relative_path(
                    relative.into(),
                    name_at,
                    Some(directory),
                    Case::Sensitive,
                    WILDCARDS,
                )
            });
            if let Some(pattern) = matching {
                return !pattern.is_negative();
            }
            rules = these.above.as_deref();
        }
        false
    }

    /// Whether git tracks the source's entry at `path`, or anything below it.
    pub(in crate::stage) fn tracks(&self, path: &Path, directory: bool) -> bool {
        self.repository
            .tracks(&self.repository.path_in_work_tree(path), directory)
    }

    pub(super) fn tracks_in_work_tree(&self, directory: &Path) -> bool {
        self.repository.tracks(directory, true)
    }
}

fn parse(content: &[u8]) -> Vec<Pattern> {
    // Without support for "precious" files: no released git has it.
    gix_ignore::parse(content, false)
        .map(|(pattern, _, _)| pattern)
        .collect()
}
