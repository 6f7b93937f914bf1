//! What git knows of the source, read without running git.
//!
//! Git's configuration can execute code (`core.fsmonitor`, `core.sshCommand`, filters), and a source may bring its own.
//! So we read the few files that matter ourselves: the index for what is tracked, `.gitignore` files and `info/exclude`
//! for what is ignored, HEAD and its commit. No configuration of the user or the machine is read, `core.excludesFile`
//! neither: the same source gives the same slug everywhere. Names are compared byte by byte (`core.ignoreCase` is not
//! read). Of the repository's own configuration only the `[extensions]` count, which say whether we can read it at all.
//!
//! A submodule, or another repository inside the source, has its own index and its own rules, as in git. Where a
//! repository cannot be read there is a warning, and nothing is left out by git's rules.

mod commit;
mod ignore;

pub use commit::Commit;
pub(super) use ignore::Rules;

use crate::tree::{below, show};
use gix_glob::wildmatch;
use slugbuilder_report::Warning;
use std::ffi::OsStr;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Name of the folder or file that makes a folder a work tree.
pub(super) const DOT_GIT: &str = ".git";

/// Largest file of a repository, or ignore file, that is read whole; git's own limit for ignore files.
pub(super) const LARGEST_FILE: u64 = 100 << 20;

/// Wildcards of ignore files stop at slashes.
const WILDCARDS: wildmatch::Mode = wildmatch::Mode::NO_MATCH_SLASH_LITERAL;

/// Why a repository cannot be used, as the end of a sentence.
#[derive(Debug)]
struct Unusable(String);

impl Unusable {
    fn new(what: &str, error: impl Display) -> Self {
        // Some of gix's messages have several lines.
        let error = error.to_string();
        Self(format!(
            "{what}: {}",
            error.lines().next().unwrap_or_default()
        ))
    }
}

/// A repository with the place of its work tree relative to the source.
#[derive(Debug)]
pub(super) struct Repository {
    /// `.git`, or where `.git` as a file points: HEAD and the index are here.
    directory: PathBuf,
    /// Where objects, branches and `info` are; another folder in linked work trees only.
    common: PathBuf,
    /// The folder that holds `.git`.
    work_tree: PathBuf,
    place: Place,
    tracked: gix_index::State,
}

/// How paths of the source become paths of the work tree.
#[derive(Debug)]
enum Place {
    /// The source is this folder of the work tree; empty if it is the work tree.
    Around(PathBuf),
    /// The work tree is this folder of the source.
    Inside(PathBuf),
}

impl Repository {
    /// The repository whose work tree holds the source at `root`, which is canonical. Nothing if there is none.
    pub(super) fn around(root: &Path, warnings: &mut Vec<Warning>) -> Option<Self> {
        let work_tree = root
            .ancestors()
            .find(|folder| folder.join(DOT_GIT).symlink_metadata().is_ok())?;
        let inner = root
            .strip_prefix(work_tree)
            .unwrap_or(Path::new(""))
            .to_owned();
        Self::open(work_tree, Place::Around(inner), warnings)
    }

    /// The repository whose work tree is the folder `inner` of the source at `root`.
    pub(super) fn inside(root: &Path, inner: &Path, warnings: &mut Vec<Warning>) -> Option<Self> {
        Self::open(&root.join(inner), Place::Inside(inner.to_owned()), warnings)
    }

    fn open(work_tree: &Path, place: Place, warnings: &mut Vec<Warning>) -> Option<Self> {
        match Self::try_open(work_tree, place) {
            Ok(repository) => Some(repository),
            Err(Unusable(why)) => {
                let at = show(&work_tree.join(DOT_GIT));
                let warning = Warning::new(
                    "git-repository-unusable",
                    format!("the git repository `{at}` is not used: {why}"),
                );
                warnings.push(
                    warning.hint("What git ignores is staged; use `.slugignore` to leave it out."),
                );
                None
            }
        }
    }

    fn try_open(work_tree: &Path, place: Place) -> Result<Self, Unusable> {
        let directory = git_directory(&work_tree.join(DOT_GIT))?;
        let common = match read_small(&directory.join("commondir"))? {
            None => directory.clone(),
            Some(text) => directory.join(OsStr::from_bytes(text.trim_ascii_end())),
        };
        if !is_file(&directory.join("HEAD")) || !common.join("objects").is_dir() {
            return Err(Unusable("it is no repository".into()));
        }
        check_extensions(&read_small(&common.join("config"))?.unwrap_or_default())?;
        let tracked = read_index(&directory.join("index"))?;
        Ok(Self {
            directory,
            common,
            work_tree: work_tree.to_owned(),
            place,
            tracked,
        })
    }

    /// The commit that is checked out, if there is one that can be read.
    pub(super) fn head(&self, warnings: &mut Vec<Warning>) -> Option<Commit> {
        commit::head(&self.directory, &self.common).unwrap_or_else(|Unusable(why)| {
            let warning = Warning::new(
                "git-commit-unknown",
                format!("the commit of the source is not known: {why}"),
            );
            warnings.push(warning.hint("The slug's dates and description do without it."));
            None
        })
    }

    /// The path in the work tree of the entry at `path` of the source.
    fn path_in_work_tree(&self, path: &Path) -> PathBuf {
        match &self.place {
            Place::Around(inner) if inner.as_os_str().is_empty() => path.to_owned(),
            Place::Around(inner) if path.as_os_str().is_empty() => inner.clone(),
            Place::Around(inner) => below(inner, path.as_os_str()),
            Place::Inside(inner) => path.strip_prefix(inner).unwrap_or(path).to_owned(),
        }
    }

    /// Whether the index has the entry at `path` (of the work tree), or anything below it.
    fn tracks(&self, path: &Path, directory: bool) -> bool {
        let path = path.as_os_str().as_bytes();
        // A submodule is an entry of the index and a folder of the work tree.
        self.tracked.entry_range(path.into()).is_some()
            || directory && {
                let prefix = [path, b"/"].concat();
                self.tracked
                    .prefixed_entries_range(prefix.as_slice().into())
                    .is_some()
            }
    }
}

/// Where the repository of a work tree is: `.git` itself, or where it points as a file (`gitrepository-layout(5)`).
fn git_directory(dot_git: &Path) -> Result<PathBuf, Unusable> {
    if dot_git.is_dir() {
        return Ok(dot_git.to_owned());
    }
    let text = read_small(dot_git)?.ok_or_else(|| Unusable("it points nowhere".into()))?;
    let target = text
        .strip_prefix(b"gitdir: ")
        .ok_or_else(|| Unusable("it is no `gitdir: ` file".into()))?;
    let target = dot_git
        .with_file_name("")
        .join(OsStr::from_bytes(target.trim_ascii_end()));
    if target.is_dir() {
        Ok(target)
    } else {
        Err(Unusable(format!(
            "`{}`, where it points, is not there",
            show(&target)
        )))
    }
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// Reads a file of a repository, nothing if there is none. What is no regular file could block and counts as an error.
fn read_small(path: &Path) -> Result<Option<Vec<u8>>, Unusable> {
    let unreadable = |error| Unusable::new(&format!("cannot read `{}`", show(path)), error);
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
        Ok(metadata) if metadata.is_file() && metadata.len() <= LARGEST_FILE => {
            std::fs::read(path).map(Some).map_err(unreadable)
        }
        Ok(_) => Err(Unusable(format!(
            "`{}` is no file of a usual size",
            show(path)
        ))),
    }
}

fn read_index(path: &Path) -> Result<gix_index::State, Unusable> {
    const HASH: gix_hash::Kind = gix_hash::Kind::Sha1;
    if path.symlink_metadata().is_err() {
        // `git init` writes none.
        return Ok(gix_index::State::new(HASH));
    }
    if !is_file(path) {
        return Err(Unusable("its index is no file".into()));
    }
    let options = gix_index::decode::Options {
        thread_limit: Some(1),
        alloc_limit_bytes: usize::try_from(LARGEST_FILE).ok(),
        ..Default::default()
    };
    match gix_index::File::at(path, HASH, false, options) {
        Ok(file) => Ok(file.into_parts().0),
        Err(error) => Err(Unusable::new("its index cannot be read", error)),
    }
}

/// Fails where the repository's configuration names a format that we cannot read.
fn check_extensions(config: &[u8]) -> Result<(), Unusable> {
    let mut in_extensions = false;
    for line in config.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line).trim().to_ascii_lowercase();
        if let Some(section) = line.strip_prefix('[') {
            in_extensions = section.starts_with("extensions");
        } else if in_extensions && let Some((key, value)) = line.split_once('=') {
            match (key.trim(), value.trim().trim_matches('"')) {
                ("objectformat", "sha1") | ("refstorage", "files") => {}
                ("objectformat", format) => {
                    return Err(Unusable(format!("its objects are named by {format}")));
                }
                ("refstorage", format) => {
                    return Err(Unusable(format!("its branches are stored as {format}")));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

impl Repository {
    /// The rules that hold at the source's root, or at the root of the nested work tree.
    pub(super) fn rules(self, warnings: &mut Vec<Warning>) -> Option<(Rc<Rules>, bool)> {
        let exclude = self.common.join("info").join("exclude");
        let exclude = match read_small(&exclude) {
            Ok(content) => content.unwrap_or_default(),
            Err(Unusable(why)) => {
                warnings.push(Warning::new("gitignore-unreadable", why));
                Vec::new()
            }
        };
        let above = match &self.place {
            Place::Around(inner) => inner.clone(),
            Place::Inside(_) => PathBuf::new(),
        };
        let work_tree = self.work_tree.clone();
        let mut rules = Rc::new(Rules::new(Rc::new(self), &exclude));
        let mut ignored = false;
        // `.gitignore` files above the source; the walk reads those in it.
        let mut folder = PathBuf::new();
        for part in &above {
            let path = work_tree.join(&folder).join(ignore::FILE_NAME);
            match read_small(&path) {
                Ok(Some(content)) => rules = rules.and_in_work_tree(&folder, &content),
                Ok(None) => {}
                Err(Unusable(why)) => warnings.push(Warning::new("gitignore-unreadable", why)),
            }
            folder.push(part);
            ignored = ignored || rules.ignores_in_work_tree(&folder, true);
        }
        if ignored && !rules.tracks_in_work_tree(&above) {
            let message = "git ignores the source as a whole, so its rules are not applied in it";
            warnings.push(Warning::new("git-ignores-source", message));
            return None;
        }
        Some((rules, ignored))
    }
}
