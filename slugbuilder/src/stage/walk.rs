//! The walk over the source.

use super::git::{DOT_GIT, LARGEST_FILE, Repository, Rules};
use super::outputs::Outputs;
use super::slug_ignore::{self, SlugIgnore};
use super::{LeftOut, OWN_FOLDER, Reason, StageError, Survey, SurveyOptions, Tally};
use crate::stop::Stopped;
use crate::tree::links::{Fault, Links};
use crate::tree::{Failure, Kind, Special, Stat, Tree, below, enumerate, show};
use nix::fcntl::AtFlags;
use nix::unistd::{AccessFlags, faccessat};
use slugbuilder_report::Warning;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

/// The folders that an outline does not look into.
pub(super) const PACKAGES: &str = "node_modules";

/// Special files that an error names.
const NAMED: usize = 5;

/// Something that enters the build.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the source's root.
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
}

/// A folder that enters the build, the root too.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
    /// What of it enters the build, as indices of [`Survey::staged_entries`].
    pub(super) children: Range<usize>,
}

/// A folder that is still to be looked at.
struct Pending {
    path: PathBuf,
    stat: Stat,
    rules: Option<Rc<Rules>>,
    /// Git ignores this folder, which is here for what is tracked in it.
    ignored: bool,
}

struct Walker<'a> {
    root: &'a Path,
    root_stat: Stat,
    tree: &'a Tree,
    options: &'a SurveyOptions,
    outputs: Outputs,
    slug_ignore: SlugIgnore,
    entries: Vec<Entry>,
    folders: Vec<Folder>,
    links: Links,
    left_out: Vec<LeftOut>,
    counts: BTreeMap<Reason, Tally>,
    staged: Tally,
    not_walked: Vec<PathBuf>,
    owners: BTreeSet<(u32, u32)>,
    one_device: bool,
    owner_may_use_all: bool,
    warnings: Vec<Warning>,
    special: Vec<(PathBuf, Special)>,
    special_total: usize,
    /// The first thing that could not be read; told only if there is nothing worse.
    failed: Option<StageError>,
}

pub(super) fn walk(
    source: &Path,
    root: PathBuf,
    tree: Tree,
    options: &SurveyOptions,
    began: SystemTime,
) -> Result<Survey, StageError> {
    let stat = tree
        .stat_root()
        .map_err(|error| StageError::of_root(source, error))?;
    let mut walker = Walker {
        root: &root,
        root_stat: stat,
        tree: &tree,
        options,
        outputs: Outputs::new(&root, &options.outputs),
        slug_ignore: SlugIgnore::default(),
        entries: Vec::new(),
        folders: Vec::new(),
        links: Links::default(),
        left_out: Vec::new(),
        counts: BTreeMap::new(),
        staged: Tally::default(),
        not_walked: Vec::new(),
        owners: BTreeSet::from([stat.owner]),
        one_device: true,
        owner_may_use_all: stat.owner_may_use(),
        warnings: Vec::new(),
        special: Vec::new(),
        special_total: 0,
        failed: None,
    };
    let repository = Repository::around(&root, &mut walker.warnings);
    let git = repository
        .as_ref()
        .and_then(|repository| repository.head(&mut walker.warnings));
    let (rules, ignored) = repository
        .and_then(|repository| repository.rules(&mut walker.warnings))
        .map_or((None, false), |(rules, ignored)| (Some(rules), ignored));

    let mut pending = vec![Pending {
        path: PathBuf::new(),
        stat,
        rules,
        ignored,
    }];
    while let Some(directory) = pending.pop() {
        options.stop.check()?;
        walker.enter(&directory, &mut pending)?;
    }

    if walker.special_total > 0 {
        return Err(StageError::SpecialFile {
            files: walker.special,
            total: walker.special_total,
        });
    }
    if let Some(error) = walker.failed {
        return Err(error);
    }
    if walker.entries.is_empty() {
        return Err(StageError::Empty {
            path: source.to_owned(),
            left_out: walker.left_out.len(),
        });
    }
    walker.judge_links();
    let Walker {
        outputs,
        entries,
        folders,
        links,
        left_out,
        counts,
        staged,
        not_walked,
        owners,
        one_device,
        owner_may_use_all,
        warnings,
        ..
    } = walker;
    Ok(Survey {
        git,
        left_out,
        counts,
        staged,
        not_walked,
        entries: entries.len() as u64,
        owners,
        one_device,
        owner_may_use_all,
        warnings,
        began,
        staged_entries: entries,
        staged_folders: folders,
        links,
        root,
        tree,
        outputs,
        stop: options.stop.clone(),
    })
}

impl Walker<'_> {
    fn enter(&mut self, directory: &Pending, pending: &mut Vec<Pending>) -> Result<(), StageError> {
        let at_root = directory.path.as_os_str().is_empty();
        let listing = match self.tree.list(&directory.path, &directory.stat) {
            Ok(listing) => listing,
            Err(failure) => {
                let path = if at_root { self.root } else { &directory.path };
                self.failed
                    .get_or_insert(StageError::of_entry(path, failure));
                return Ok(());
            }
        };
        let named = |name: &str| {
            listing
                .iter()
                .find(|(entry, _)| entry == name)
                .map(|(_, stat)| *stat)
        };
        if at_root {
            if named(OWN_FOLDER).is_some() {
                return Err(StageError::OwnFolder);
            }
            if let Some(content) = named(slug_ignore::FILE_NAME)
                .and_then(|stat| self.read_rules(Path::new(slug_ignore::FILE_NAME), &stat))
            {
                let (slug_ignore, warnings) = SlugIgnore::parse(&content);
                self.slug_ignore = slug_ignore;
                self.warnings.extend(warnings);
            }
            self.tell_earlier_slugs(&listing);
        }
        let (rules, ignored) =
            self.rules_in(directory, named(DOT_GIT).is_some(), named(".gitignore"));

        let first_child = pending.len();
        let first_entry = self.entries.len();
        for (name, stat) in listing {
            self.options.stop.check()?;
            let path = below(&directory.path, &name);
            match self.reason_to_leave_out(directory, &name, &path, &stat) {
                Some(reason) => self.leave_out(path, &stat, reason)?,
                None => match rules.as_ref().filter(|_| !self.options.all_files) {
                    None => self.stage(path, stat, rules.as_ref(), false, pending),
                    Some(rules) => {
                        let is_directory = stat.kind == Kind::Directory;
                        let ignored = ignored || rules.ignores(&path, is_directory);
                        if ignored && !rules.tracks(&path, is_directory) {
                            self.leave_out(path, &stat, Reason::GitIgnored)?;
                        } else {
                            self.stage(path, stat, Some(rules), ignored, pending);
                        }
                    }
                },
            }
        }
        // The last one pushed is looked at first.
        pending[first_child..].reverse();
        self.folders.push(Folder {
            path: directory.path.clone(),
            stat: directory.stat,
            children: first_entry..self.entries.len(),
        });
        Ok(())
    }

    fn tell_earlier_slugs(&mut self, listing: &[(OsString, Stat)]) {
        let slugs = self.outputs.add_earlier(self.tree, listing);
        if !slugs.is_empty() {
            let named = enumerate(slugs.iter().take(NAMED).map(Path::new), slugs.len());
            let message = format!("slugs of earlier builds are left out of the app: {named}");
            self.warnings.push(
                Warning::new("earlier-slug", message).hint(
                    "Write slugs outside of the source, or remove what is not needed any more.",
                ),
            );
        }
    }

    /// The git rules for what is in `directory`: those from above with its own `.gitignore`, or those of its own
    /// repository.
    fn rules_in(
        &mut self,
        directory: &Pending,
        work_tree: bool,
        gitignore: Option<Stat>,
    ) -> (Option<Rc<Rules>>, bool) {
        let mut rules = directory.rules.clone();
        let mut ignored = directory.ignored;
        if work_tree && !directory.path.as_os_str().is_empty() {
            // The folder is staged, so its own repository decides from here on.
            rules = Repository::inside(self.root, &directory.path, &mut self.warnings)
                .and_then(|repository| repository.rules(&mut self.warnings))
                .map(|(rules, _)| rules);
            ignored = false;
        }
        if let (Some(above), Some(stat), false) = (&rules, gitignore, self.options.all_files) {
            let path = below(&directory.path, OsStr::new(".gitignore"));
            if let Some(content) = self.read_rules(&path, &stat) {
                rules = Some(above.and(&directory.path, &content));
            }
        }
        (rules, ignored)
    }

    /// Reads an ignore file. Like git, it reads no links.
    fn read_rules(&mut self, path: &Path, stat: &Stat) -> Option<Vec<u8>> {
        let refused = match stat.kind {
            Kind::File if stat.size <= LARGEST_FILE => {
                let read = self.tree.open_file(path, stat).and_then(|mut file| {
                    let mut content = Vec::new();
                    file.read_to_end(&mut content).map_err(Failure::Io)?;
                    Ok(content)
                });
                match read {
                    Ok(content) => return Some(content),
                    Err(failure) => {
                        self.failed
                            .get_or_insert(StageError::of_entry(path, failure));
                        return None;
                    }
                }
            }
            Kind::File => "it is too large",
            Kind::Link => "it is a symbolic link",
            Kind::Directory | Kind::Special(_) => "it is no file",
        };
        let message = format!("`{}` is not followed: {refused}", show(path));
        self.warnings
            .push(Warning::new("ignore-file-not-read", message).hint("Make it a plain file."));
        None
    }

    fn reason_to_leave_out(
        &self,
        directory: &Pending,
        name: &OsStr,
        path: &Path,
        stat: &Stat,
    ) -> Option<Reason> {
        let bytes = name.as_bytes();
        let metadata = bytes == b".DS_Store" || bytes.starts_with(b"._");
        if bytes == DOT_GIT.as_bytes() {
            Some(Reason::Git)
        } else if self.outputs.contain(&directory.path, name) {
            Some(Reason::Output)
        } else if metadata && stat.kind == Kind::File {
            Some(Reason::FinderMetadata)
        } else if self.slug_ignore.selects(path, stat.kind == Kind::Directory) {
            Some(Reason::SlugIgnore)
        } else {
            None
        }
    }

    fn stage(
        &mut self,
        path: PathBuf,
        stat: Stat,
        rules: Option<&Rc<Rules>>,
        ignored: bool,
        pending: &mut Vec<Pending>,
    ) {
        match stat.kind {
            // Of one that git ignores only what is tracked in it is staged.
            Kind::Directory
                if self.tree.tells_kinds_only() && !ignored && path.ends_with(PACKAGES) =>
            {
                self.not_walked.push(path.clone());
            }
            Kind::Directory => pending.push(Pending {
                path: path.clone(),
                stat,
                rules: rules.cloned(),
                ignored,
            }),
            Kind::File => self.check_readable(&path, &stat),
            Kind::Link => match self.tree.read_link(&path) {
                Ok(target) => self.links.insert(path.clone(), target),
                Err(failure) => {
                    self.failed
                        .get_or_insert(StageError::of_entry(&path, failure));
                }
            },
            Kind::Special(what) => {
                self.special_total += 1;
                if self.special.len() < NAMED {
                    self.special.push((path.clone(), what));
                }
            }
        }
        self.staged.add(&stat);
        self.owners.insert(stat.owner);
        self.one_device &= stat.same_device(&self.root_stat);
        self.owner_may_use_all &= stat.owner_may_use();
        self.entries.push(Entry { path, stat });
    }

    /// Asks the kernel only where the permission bits do not let everyone read.
    fn check_readable(&mut self, path: &Path, stat: &Stat) {
        if stat.mode & 0o444 == 0o444 {
            return;
        }
        let access = self.tree.at(path, |directory, rest| {
            faccessat(directory, rest, AccessFlags::R_OK, AtFlags::AT_EACCESS)
        });
        if let Err(errno) = access {
            self.failed
                .get_or_insert(StageError::of_entry(path, Failure::of_listed(errno)));
        }
    }

    fn leave_out(&mut self, path: PathBuf, stat: &Stat, reason: Reason) -> Result<(), Stopped> {
        let tally = self.counts.entry(reason).or_default();
        if reason != Reason::Git {
            tally.add(stat);
            let mut folders = Vec::new();
            if stat.kind == Kind::Directory && !self.tree.tells_kinds_only() {
                folders.push((path.clone(), *stat));
            }
            while let Some((folder, stat)) = folders.pop() {
                self.options.stop.check()?;
                // What cannot be read cannot be counted, which harms nothing: it is left out.
                for (name, stat) in self.tree.list(&folder, &stat).unwrap_or_default() {
                    tally.add(&stat);
                    if stat.kind == Kind::Directory {
                        folders.push((below(&folder, &name), stat));
                    }
                }
            }
        }
        self.left_out.push(LeftOut { path, reason });
        Ok(())
    }

    fn judge_links(&mut self) {
        for (fault, code, what, hint) in [
            (
                Fault::Leaves,
                "link-leaves-source",
                "lead out of the source",
                "They are kept as they are; at run time only what is in the slug and on the stack is there.",
            ),
            (
                Fault::Loops,
                "link-loops",
                "lead back to themselves",
                "They are kept as they are and can never be opened.",
            ),
        ] {
            let links = self.links.with(fault);
            if !links.is_empty() {
                let named = enumerate(links.iter().map(|(link, _)| *link), links.len());
                self.warnings
                    .push(Warning::new(code, format!("symbolic links {what}: {named}")).hint(hint));
            }
        }
    }
}
