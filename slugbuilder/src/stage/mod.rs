//! What of the source enters the build.
//!
//! [`survey`] walks the source once, without changing it and without running git, and says what stays outside and why.
//! The build then gets the rest by one of three roads: [`Survey::whiteouts`] for an overlay over the source,
//! [`Survey::copy_to`] where no overlay can be had, [`Survey::shadow`] where nothing is built and looking is enough.
//!
//! Outside stay, in this order of precedence:
//!
//! 1. `.git`, at the root and at any depth, be it a folder, a file (submodules, linked work trees) or a link. A bare
//!    repository under another name is data and stays.
//! 2. Our own output, where it lies in the source ([`SurveyOptions::outputs`]), and that of earlier runs: what they left
//!    half-written, and slugs with their `slug.json` in the source's root.
//! 3. Files named `.DS_Store` and `._*` (`AppleDouble`), which macOS leaves behind.
//! 4. What the root's `.slugignore` selects, tracked or not; the rules are in [`slug_ignore`].
//! 5. In a git work tree: what git ignores and does not track ([`git`]), unless [`SurveyOptions::all_files`] is set.
//!
//! A source that holds sockets, FIFOs or devices, or a `.slugbuilder` of its own, is refused. Symbolic links are never
//! followed; one that leaves the source or loops is reported and stays as it is.

mod copy;
mod error;
pub mod git;
mod kept;
mod outputs;
mod read;
mod shadow;
pub mod slug_ignore;
mod walk;

pub use crate::tree::Special;
pub use error::StageError;
pub use git::Commit;
pub(crate) use kept::bytes_of_copy;
pub use read::ReadError;

use crate::contents::Contents;
use crate::stop::Stop;
use crate::tree::links::{Fault, Links};
use crate::tree::{Listing, Tree};
use slugbuilder_report::Warning;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How old a survey may be to tell what is in the source. A program that writes into it all the time, such as a server
/// that logs, must not be able to fail every build that takes longer.
const FRESH: Duration = Duration::from_secs(1);

/// The folder of the app that belongs to slugbuilder (contract "where things live" of the design).
pub const OWN_FOLDER: &str = ".slugbuilder";

/// What [`survey`] goes by besides the source.
#[derive(Debug, Clone, Default)]
pub struct SurveyOptions {
    /// Keep files that git ignores.
    pub all_files: bool,
    /// Files or folders that slugbuilder writes. They, their `.oversize` variants and the temporary files beside them are
    /// not staged where they lie in the source. One that is the source itself or above it is disregarded.
    pub outputs: Vec<PathBuf>,
    /// Ends the walk, and everything that is done with its result.
    pub stop: Stop,
}

/// Why something stays outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It is a `.git`.
    Git,
    /// It is slugbuilder's own output.
    Output,
    /// It is a `.DS_Store` or an `AppleDouble` file.
    FinderMetadata,
    /// The root's `.slugignore` selects it.
    SlugIgnore,
    /// Git ignores it and does not track it.
    GitIgnored,
}

impl std::fmt::Display for Reason {
    /// For people, as the end of a sentence: `which git ignores`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Git => "git's own",
            Self::Output => "slugbuilder's own output",
            Self::FinderMetadata => "metadata of the macOS Finder",
            Self::SlugIgnore => "matching .slugignore",
            Self::GitIgnored => "which git ignores",
        })
    }
}

/// A file or folder that stays outside, with everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Path relative to the source's root.
    pub path: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// How much of something there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files and symbolic links.
    pub files: u64,
    /// Sum of the files' sizes in bytes.
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, stat: &crate::tree::Stat) {
        use crate::tree::Kind;
        match stat.kind {
            Kind::Directory => {}
            Kind::File => {
                self.files += 1;
                self.bytes += stat.size;
            }
            Kind::Link | Kind::Special(_) => self.files += 1,
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// What a source holds and what of it enters the build.
#[derive(Debug)]
pub struct Survey {
    /// The source's canonical path.
    pub root: PathBuf,
    /// The commit that is checked out, where the source is in a git work tree that has one.
    pub git: Option<Commit>,
    /// What stays outside: topmost paths only, in the order of the walk (parents first, names by their bytes).
    pub left_out: Vec<LeftOut>,
    /// How much stays outside, by reason; an [`outline`] does not count what is in folders. A `.git` is not looked into and counts as nothing. Folders that cannot be read
    /// count as far as they can.
    pub counts: BTreeMap<Reason, Tally>,
    /// How much enters the build.
    pub staged: Tally,
    /// Folders that enter the build and were not looked into; only an [`outline`] has such.
    pub not_walked: Vec<PathBuf>,
    /// Files, folders and links that enter the build, without the root.
    pub entries: u64,
    /// User and group ids of everything that enters the build, the root too. An overlay can serve only mapped ones.
    pub owners: BTreeSet<(u32, u32)>,
    /// Whether all of that is on the root's file system. An overlay does not show what is mounted below.
    pub one_device: bool,
    /// Whether the owners have the right to read every file and to use every folder of it.
    pub owner_may_use_all: bool,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    tree: Tree,
    /// When the walk began.
    began: SystemTime,
    staged_entries: Vec<walk::Entry>,
    staged_folders: Vec<walk::Folder>,
    links: Links,
    outputs: outputs::Outputs,
    stop: Stop,
}

/// Walks `source` and decides what of it enters the build.
///
/// Reads names and metadata, the ignore files, and the repository's index and head commit; the content of the app's files
/// is not read. The source is not changed, and the result does not depend on the user's or the machine's git
/// configuration.
pub fn survey(source: &Path, options: &SurveyOptions) -> Result<Survey, StageError> {
    let began = SystemTime::now();
    let root = std::fs::canonicalize(source).map_err(|error| StageError::of_root(source, error))?;
    let tree = Tree::open(&root).map_err(|error| StageError::of_root(source, error))?;
    walk_ahead(source, root, tree, options, began)
}

/// The same for [`Survey::shadow`], many times as fast: of files it tells how many there are, and neither how large they
/// are nor whose, nor whether they can be read. It looks neither into what stays outside nor into folders called
/// `node_modules` ([`Survey::not_walked`]), which hold most of the files of many sources and nothing that decides.
pub fn outline(source: &Path, options: &SurveyOptions) -> Result<Survey, StageError> {
    let began = SystemTime::now();
    let root = std::fs::canonicalize(source).map_err(|error| StageError::of_root(source, error))?;
    let tree = Tree::open(&root).map_err(|error| StageError::of_root(source, error))?;
    walk_ahead(source, root, tree.kinds_only(), options, began)
}

fn walk_ahead(
    source: &Path,
    root: PathBuf,
    tree: Tree,
    options: &SurveyOptions,
    began: SystemTime,
) -> Result<Survey, StageError> {
    let passes_by = tree.tells_kinds_only();
    // Nothing looks into a `.git`.
    let enters = |path: &Path| {
        !(path.ends_with(git::DOT_GIT) || passes_by && path.ends_with(walk::PACKAGES))
    };
    tree.read_ahead(enters, &options.stop);
    walk::walk(source, root, tree, options, began)
}

impl Survey {
    /// Whether `path` (relative to the root) is slugbuilder's own output or a temporary file of it, also where it came to
    /// be after the survey: a slug that is written into its source must not hold itself.
    #[must_use]
    pub fn is_output(&self, path: &Path) -> bool {
        match (path.parent(), path.file_name()) {
            (Some(directory), Some(name)) => self.outputs.contain(directory, name),
            _ => false,
        }
    }

    /// Everything that is staged, by path.
    pub(crate) fn staged_files(&self) -> HashMap<&Path, &crate::tree::Stat> {
        let entries = self.staged_entries.iter();
        entries
            .map(|entry| (entry.path.as_path(), &entry.stat))
            .collect()
    }

    /// What an overlay over the source shows whose upper folder is `upper`. What is left out is not there, whether or not
    /// that has a whiteout of it: the folder may be older than what it would have to hide.
    pub(crate) fn overlaid(&self, upper: &Path) -> std::io::Result<Tree> {
        let tree = Tree::overlaid(&self.root, upper, self.whiteouts())?;
        if self.began.elapsed().is_ok_and(|age| age < FRESH) {
            tree.know(self.listings(), self.began);
        }
        Ok(tree)
    }

    /// What is staged, as it was surveyed; nothing of it has been read.
    pub(crate) fn contents(&self) -> Contents {
        let mut contents = Contents::default();
        for entry in &self.staged_entries {
            let target = self.links.target(&entry.path).unwrap_or(Path::new(""));
            contents.add(
                entry.path.clone(),
                entry.stat,
                target.to_owned(),
                self.began,
            );
        }
        contents
    }

    /// The source itself, whatever of it is staged.
    pub(crate) fn source(&self) -> &Tree {
        &self.tree
    }

    /// Whether a folder is staged at `path` (relative to the root).
    #[must_use]
    pub fn stages_folder(&self, path: &Path) -> bool {
        let mut staged = self.staged_entries.iter();
        staged.any(|entry| entry.path == path && entry.stat.kind == crate::tree::Kind::Directory)
    }

    /// Where the staged link at `path` leads.
    pub(crate) fn link_target(&self, path: &Path) -> Option<&Path> {
        self.links.target(path)
    }

    /// Every staged folder as it was surveyed, with what is staged of it.
    fn listings(&self) -> impl Iterator<Item = (PathBuf, Listing)> {
        self.staged_folders.iter().map(|folder| {
            let entries = self.staged_entries[folder.children.clone()].iter();
            let named = entries.map(|entry| {
                let name = entry.path.file_name().unwrap_or_default();
                (name.to_owned(), entry.stat)
            });
            (
                folder.path.clone(),
                Listing {
                    folder: folder.stat,
                    entries: named.collect(),
                },
            )
        })
    }

    /// Paths that an overlay has to hide, relative to the source's root; what is below them goes with them.
    pub fn whiteouts(&self) -> impl Iterator<Item = &Path> {
        self.left_out.iter().map(|left_out| left_out.path.as_path())
    }

    /// The symbolic links that [`Survey::warnings`] tell of, relative to the source's root.
    #[must_use]
    pub fn faulty_links(&self) -> BTreeSet<PathBuf> {
        [Fault::Leaves, Fault::Loops]
            .into_iter()
            .flat_map(|fault| self.links.with(fault))
            .map(|(link, _)| link.to_owned())
            .collect()
    }
}
