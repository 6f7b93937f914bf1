//! Where symbolic links lead once the tree is at `/app`.
//!
//! A link is judged by its text and by the other links of the tree, as the kernel would follow it at `/app`, and without
//! looking at the machine at hand: the verdict is the same wherever the tree is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Links that the kernel follows in one path before it gives up (`path_resolution(7)`).
const FOLLOWED: usize = 40;

/// Name of the folder at `/` that the tree becomes.
const APP: &[u8] = b"app";

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It leads out of `/app`.
    Leaves,
    /// It leads back to itself.
    Loops,
}

/// All symbolic links of a tree with their targets.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<PathBuf, PathBuf>);

impl Links {
    pub(crate) fn insert(&mut self, link: PathBuf, target: PathBuf) {
        self.0.insert(link, target);
    }

    pub(crate) fn add(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// The target that the link at `path` had when it was recorded.
    pub(crate) fn target(&self, path: &Path) -> Option<&Path> {
        self.0.get(path).map(PathBuf::as_path)
    }

    /// The links with `fault`, in byte order, with their targets.
    pub(crate) fn with(&self, fault: Fault) -> Vec<(&Path, &Path)> {
        self.0
            .iter()
            .filter(|(link, _)| self.fault(link) == Some(fault))
            .map(|(link, target)| (link.as_path(), target.as_path()))
            .collect()
    }

    fn fault(&self, link: &Path) -> Option<Fault> {
        self.resolve(link).err()
    }

    /// Where `path` leads, relative to the tree, with every link on the way followed. There may be nothing.
    pub(crate) fn resolve(&self, path: &Path) -> Result<PathBuf, Fault> {
        // The path walked so far, from `/`, and what is still to be walked, last part first.
        let mut at: Vec<&[u8]> = Vec::new();
        let mut ahead: Vec<&[u8]> = parts(path).rev().collect();
        ahead.push(APP);
        let mut followed = 0;
        while let Some(part) = ahead.pop() {
            if part == b".." {
                at.pop();
                continue;
            }
            at.push(part);
            let Some(target) = self.target_at(&at) else {
                continue;
            };
            followed += 1;
            if followed > FOLLOWED {
                return Err(Fault::Loops);
            }
            if target.is_absolute() {
                at.clear();
            } else {
                at.pop();
            }
            ahead.extend(parts(target).rev());
        }
        match at.split_first() {
            Some((first, below)) if *first == APP => Ok(joined(below)),
            _ => Err(Fault::Leaves),
        }
    }

    fn target_at(&self, at: &[&[u8]]) -> Option<&Path> {
        let (first, below) = at.split_first()?;
        if *first != APP {
            return None;
        }
        self.target(&joined(below))
    }
}

fn joined(parts: &[&[u8]]) -> PathBuf {
    PathBuf::from(OsString::from_vec(parts.join(&b'/')))
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.as_os_str()
        .as_bytes()
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && part != b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(links: &[(&str, &str)]) -> Vec<Option<Fault>> {
        let all = Links(
            links
                .iter()
                .map(|(link, target)| (link.into(), target.into()))
                .collect(),
        );
        links
            .iter()
            .map(|(link, _)| all.fault(Path::new(link)))
            .collect()
    }

    #[test]
    fn links_inside_are_fine() {
        assert_eq!(
            faults(&[
                ("a", "b"),
                ("bin/x", "../lib/x.js"),
                ("c", "/app/lib"),
                ("self", "."),
                ("round", "../app/lib")
            ]),
            [None; 5]
        );
    }

    #[test]
    fn links_that_leave_are_found_also_through_other_links() {
        let leaves = Some(Fault::Leaves);
        assert_eq!(
            faults(&[
                ("etc", "/etc"),
                ("up", ".."),
                ("a/b", "../../x"),
                ("via", "etc/passwd"),
                ("app2", "/application")
            ]),
            [leaves; 5]
        );
        // Textually inside, but `deep` is two levels down.
        assert_eq!(
            faults(&[("deep", "x/y"), ("near", "deep/../../../z")]),
            [None, leaves]
        );
        assert_eq!(
            faults(&[("deep", "x/y"), ("near", "deep/../../z")]),
            [None, None]
        );
    }

    #[test]
    fn paths_are_resolved_through_links_of_the_tree_alone() {
        let links = [
            ("lib", "/app/src"),
            ("src/web", "../bin/./web"),
            ("etc", "/etc"),
        ];
        let all = Links(
            links
                .map(|(link, target)| (link.into(), target.into()))
                .into(),
        );
        let resolve = |path: &str| all.resolve(Path::new(path));
        assert_eq!(resolve("lib/web"), Ok("bin/web".into()));
        assert_eq!(resolve("absent"), Ok("absent".into()));
        assert_eq!(resolve("etc/passwd"), Err(Fault::Leaves));
    }

    #[test]
    fn loops_are_found() {
        let loops = Some(Fault::Loops);
        assert_eq!(
            faults(&[("a", "b"), ("b", "a"), ("c", "c"), ("d", "a/x"), ("e", "x")]),
            [loops, loops, loops, loops, None]
        );
    }

    #[test]
    fn a_link_that_grows_while_it_loops_ends() {
        assert_eq!(faults(&[("a", "a/b/c/d/e/f")]), [Some(Fault::Loops)]);
    }
}
